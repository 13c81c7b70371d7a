"""What an adapter says of loops in machine code where XLA makes them: JAX and TensorFlow."""

from __future__ import annotations

import os
from typing import Any

from rnnkit.backend.kernels import Implementation

LOOPS: tuple[Implementation, ...] = ()


def loop_threads() -> int:
    """Return the number of threads for loops on NumPy arrays: the processors that we may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def hidden_markov_chains(log_pi: Any, log_A: Any, log_lik: Any, mask: Any) -> Any:
    """Return None: the loops of `rnnkit.hmm.inference` are compiled as they stand."""
    del log_pi, log_A, log_lik, mask


def diagonal_density(x: Any, means: Any, covars: Any) -> Any:
    """Return None: the operations of the emission are compiled as they stand."""
    del x, means, covars


def diagonal_scatter(x: Any, means: Any, weights: Any) -> Any:
    """Return None: the operations of the emission are compiled as they stand."""
    del x, means, weights
