"""Loops over time or words in machine code, on NumPy arrays, where a framework has no fast loop.

Numba compiles them at their first use, and keeps the result on disk. On a CPU, PyTorch runs hidden
Markov models and linear recurrences in them, and every backend word2vec. `choice.py` says where
they run, `jit.py` how they are compiled, `threads.py` how they share the processor; every other
module holds one loop. Numba is imported with the first loop that runs.
"""
