"""Inputs of the loops over time: time axis first, without -inf; the choice of numerics."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar, cast

from keras import ops

from rnnkit import backend
from rnnkit.deprecation import renamed_options

Tensor = Any
Numerics = Literal["scaled", "log"]
Function = TypeVar("Function", bound=Callable[..., Any])
NUMERICS: tuple[Numerics, ...] = ("scaled", "log")

# The logarithm of probability 0. Sums of it stay finite in float32, so neither a value nor a
# gradient becomes NaN; its exponential is 0.
LOG_ZERO = -1e30
# The smallest transition probability that scaled messages allow: the product of two messages, and
# its inverse, stay far inside the range of the dtype.
MIN_TRANSITION = {"float32": 1e-12, "float64": 1e-100}


def select_numerics(smallest_transition: float | None, dtype: str = "float32") -> Numerics:
    """Select scaled or logarithmic messages for the forward-backward algorithm.

    | smallest transition probability | numerics |
    |---|---|
    | 1e-12 or more (float32), 1e-100 or more (float64) | "scaled": each step divided by its sum |
    | less, zero, or not known | "log": logarithms throughout |

    If every transition has at least the probability a, no entry of a message is smaller than a
    times the largest: scaling loses nothing that matters, and `exp` and `log` stay out of the loop.
    With a zero among the transitions, the only state that an observation leaves possible may have
    underflowed; logarithms keep it.

    Args:
        smallest_transition: the smallest entry of the transition matrix, or None.
        dtype: "float32" or "float64".

    Example:
        >>> select_numerics(0.1), select_numerics(0.0), select_numerics(None)
        ('scaled', 'log', 'log')
    """
    if smallest_transition is None or dtype not in MIN_TRANSITION:
        return "log"
    return "scaled" if smallest_transition >= MIN_TRANSITION[dtype] else "log"


class Steps(NamedTuple):
    """Inputs of a loop over time; the start and transitions broadcast over the batch."""

    log_pi: Tensor  # (..., 1, K)
    log_A: Tensor  # (..., 1, K, K)
    log_lik: Tensor  # (T, ..., B, K)
    real: Tensor  # boolean (T, ..., B, 1), false at masked steps; the same for all models
    first: Tensor  # boolean, same shape: the first real step, which no transition leads to
    seen_real_step: Tensor  # boolean, same shape: this step or an earlier one is real
    masked: bool  # some steps may be masked

    def where_real(self, real: Tensor, value: Tensor, otherwise: Tensor) -> Tensor:
        """Return a value at real steps, another one at masked steps."""
        return ops.where(real, value, otherwise) if self.masked else value


def prepare_steps(log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None) -> Steps:
    """Arrange the arguments of the public functions for a loop over time.

    `log_lik` is `(..., B, T, K)`, or `(B, T, K)` for all models.
    """
    models = ops.zeros_like(log_pi[..., 0]) + ops.zeros_like(log_A[..., 0, 0])
    if len(models.shape) > len(log_lik.shape) - 3:  # several models, one batch
        log_lik = log_lik + models[..., None, None, None]
    log_lik = floor_log(ops.moveaxis(log_lik, -2, 0))
    if mask is None:
        real = ops.ones_like(log_lik[..., :1], dtype="bool")
    else:
        real = ops.transpose(ops.cast(mask, "bool"))[..., None]
        for _ in log_lik.shape[1:-2]:
            real = ops.expand_dims(real, 1)
    # Not a running count: a cumulative sum over time is slow on XLA's CPU.
    times = ops.arange(ops.shape(real)[0], dtype="int32")
    times = ops.reshape(times, (-1, *[1] * (len(real.shape) - 1)))
    if mask is None:  # XLA would search a constant for its first true value
        first, seen = ops.logical_and(real, times == 0), real
    else:
        begin = ops.argmax(ops.cast(real, "int32"), axis=0)
        begin = ops.expand_dims(ops.cast(begin, "int32"), 0)
        first = ops.logical_and(real, times == begin)
        seen = ops.logical_and(ops.any(real, axis=0, keepdims=True), times >= begin)
    chain = floor_log(log_pi)[..., None, :], floor_log(log_A)[..., None, :, :]
    # Chunks, on PyTorch, are filled up with masked steps.
    masked = mask is not None or backend.name == "torch"
    return Steps(*chain, log_lik, real, first, seen, masked)


def floor_log(logarithm: Tensor) -> Tensor:
    """Replace -inf by `LOG_ZERO`."""
    # Not ops.maximum: beside a Python number it makes float32 of float64 on torch (Keras 3.15).
    return ops.where(logarithm < LOG_ZERO, LOG_ZERO, logarithm)


def batch_first(x: Tensor) -> Tensor:
    """Return `(T, ..., B, K)` as `(..., B, T, K)`."""
    return ops.moveaxis(x, 0, -2)


def previous(x: Tensor, start: Tensor) -> Tensor:
    """Shift `x (T, ..., B, K)` by one step: `x[t - 1]`, and `start` at the first step."""
    return ops.concatenate([ops.broadcast_to(start, ops.shape(x[:1])), x[:-1]], axis=0)


def accepts_way(function: Function) -> Function:
    """Let a function take `numerics` by its old name, `way`."""
    rename = renamed_options(f"rnnkit.hmm.inference.{function.__name__}", {"way": "numerics"})

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        return function(*args, **rename(options))

    return cast(Function, call)
