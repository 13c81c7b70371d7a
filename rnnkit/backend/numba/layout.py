"""The layout of the arrays that the loops over hidden states read and write.

The K states stand in C groups of eight, `(C, 8)`, filled up by states that nothing reaches: a
processor computes eight numbers at once, where it knows that they are eight. Probabilities of the
filling are 0, logarithms `LOG_ZERO`. All numbers are float64.

A batch has R rows, B for each of M models. `mask (B, T)` is true at real steps, and `begins (B,)`
is the first of them. Masked steps repeat what the step before holds, so that the step before a real
one is always at `t - 1`.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray
WIDTH = 8
LOG_ZERO = -1e30  # the logarithm of probability 0; see `rnnkit.hmm.inference.steps`
IMPOSSIBLE = LOG_ZERO / 2  # logarithms below it are sums with one of probability 0
TINY = 1e-280  # a sum of products below it may have lost terms to underflow

# Sequences side by side: what the loops of the estimators read and write (`group_*.py`).
#
# A group has L sequences, the longest first: `counts (T,)` of them, the first ones, have a step t.
# Arrays of a group are `(T, K, L)`, float64, with the sequences last: a processor computes several
# neighbours at once, and none waits for the step before it. K is filled up to a multiple of four
# by states that nothing reaches, whose numbers are 0, so that a sum over states takes four terms at
# a time. Arrays of all sequences have a row for each step, `(N, ...)`, and `starts (L,)` is the row
# of each sequence's first step.
LANES = 32  # sequences of a group: a few hundred steps of it stay in a core's cache
TERMS = 4
