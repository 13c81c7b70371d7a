"""Loops over time in compiled machine code, on NumPy arrays, where a framework has no fast loop.

Numba compiles them at their first use, and keeps the result on disk. Only PyTorch on a CPU needs
them: XLA compiles loops by itself. `choice.py` says where they run, `jit.py` how they are compiled,
`threads.py` how they share the processor; every other module holds one loop. Numba is imported with
the first loop that runs.
"""
