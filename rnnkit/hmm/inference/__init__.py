"""What the observations say about the hidden states: pure functions over log-likelihoods.

None of them sees an emission. All take `log_pi (..., K)`, `log_A (..., K, K)` with a row for the
state that is left, `log_lik (..., B, T, K)` and a boolean mask `(B, T)`. The leading axes are those
of models that are computed together, such as the restarts of Baum-Welch. Start and transitions need
not sum to 1: with potentials in their place these are the functions of a linear-chain CRF.

Two kinds of steps have no observation. A masked step is not there: no transition leads to it, and
its place repeats what was known before. A missing observation takes time; it is a step whose
`log_lik` is 0 for every state. A step that no state can explain makes the log-probability -inf; the
posteriors go on as if its observation were missing, so they are never NaN.

Source: Rabiner 1989, A Tutorial on Hidden Markov Models; Murphy 2012, Machine Learning, chapter 17.
"""

from __future__ import annotations

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
from rnnkit.hmm.inference.lagged import fixed_lag
from rnnkit.hmm.inference.likelihood import log_probability
from rnnkit.hmm.inference.live import step
from rnnkit.hmm.inference.paths import Path, viterbi
from rnnkit.hmm.inference.posteriors import Filtered, Smoothed, filter, smooth
from rnnkit.hmm.inference.steps import LOG_ZERO
from rnnkit.hmm.inference.ways import SMALLEST, Way, way

__all__ = [
    "LOG_ZERO",
    "SMALLEST",
    "Filtered",
    "Path",
    "Smoothed",
    "Way",
    "filter",
    "fixed_lag",
    "log_probability",
    "smooth",
    "step",
    "viterbi",
    "way",
]
