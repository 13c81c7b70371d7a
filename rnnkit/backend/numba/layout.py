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
