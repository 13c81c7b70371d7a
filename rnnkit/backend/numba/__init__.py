"""Kernels for CPUs, compiled by Numba, an optional dependency; each imports it when it runs."""
