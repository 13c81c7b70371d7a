"""Exact inference in hidden Markov models: pure functions over log-likelihoods.

`filter`, `smooth`, `fixed_lag`, `viterbi` and `log_probability` take `log_pi (..., K)`,
`log_A (..., K, K)` with a row for the state that is left, `log_lik (..., B, T, K)` and a boolean
mask `(B, T)`; none of them depends on an emission. The leading axes are those of models computed
together, such as the restarts of Baum-Welch. Start and transition probabilities need not sum to 1:
with potentials in their place these are the functions of a linear-chain CRF.

There are two kinds of steps without an observation. A masked step does not exist: no transition
leads to it, and its output repeats the one before. A missing observation takes time: its `log_lik`
is 0 for every state. A step that no state can explain makes the log-probability -inf; the
posteriors treat its observation as missing, so they are never NaN.

Source: Rabiner 1989, A Tutorial on Hidden Markov Models; Murphy 2012, Machine Learning, chapter 17.
"""

from __future__ import annotations

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
from rnnkit.deprecation import renamed_names
from rnnkit.hmm.inference.decoding import Path, viterbi, viterbi_each
from rnnkit.hmm.inference.filtering import Filtered, filter, filter_each, filter_step
from rnnkit.hmm.inference.smoothing import (
    Smoothed,
    fixed_lag,
    log_probability,
    smooth,
    smooth_each,
)
from rnnkit.hmm.inference.steps import LOG_ZERO, MIN_TRANSITION, Numerics, select_numerics
from rnnkit.hmm.inference.sums import partial_sums, sum_over_time

__all__ = [
    "LOG_ZERO",
    "MIN_TRANSITION",
    "Filtered",
    "Numerics",
    "Path",
    "Smoothed",
    "filter",
    "filter_each",
    "filter_step",
    "fixed_lag",
    "log_probability",
    "partial_sums",
    "select_numerics",
    "smooth",
    "smooth_each",
    "sum_over_time",
    "viterbi",
    "viterbi_each",
]

__getattr__ = renamed_names(
    __name__,
    {"SMALLEST": "MIN_TRANSITION", "Way": "Numerics"}
    | {"step": "filter_step", "way": "select_numerics"},
)
