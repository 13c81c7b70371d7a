"""Loops over time or words in machine code, on NumPy arrays, where a framework has no fast loop.

Numba compiles them at their first use, and keeps the result on disk. On a CPU, PyTorch runs layers
of hidden Markov models and linear recurrences in them, and every backend word2vec and, in groups
of sequences (`groups.py`), the estimators of hidden Markov models. `available.py` says whether they
run, `jit.py` how they are compiled, `threads.py` how they share the processor; every other module
holds loops. Numba is imported with the first loop that runs.
"""
