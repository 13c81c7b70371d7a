"""Masked pooling over time: from the outputs of every step to one vector."""

from __future__ import annotations

from typing import Any, ClassVar

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
from keras import ops

from rnnkit.backend import native
from rnnkit.backend.masking import check_flags, clean_steps
from rnnkit.config import SavedArguments
from rnnkit.errors import check_choice
from rnnkit.options import expand_signature

Tensor = Any
POOLINGS = ("last", "mean", "max", "mean+max")


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class MaskedPooling(SavedArguments, keras.layers.Layer):
    """Mean, max or last-step pooling of `(B, T, U)` over the real steps.

    `mean = Σ_t m_t h_t / Σ_t m_t`, `max = max_{t: m_t} h_t`.

    The result of a row without a real step is zero, also where T is 0.

    Args:
        pooling: "last" (the last real step), "mean", "max", or "mean+max" (both, concatenated).
        **kwargs: the arguments of every Keras layer.

    Call arguments:
        sequences: `(B, T, U)`.
        mask: boolean `(B, T)`, any pattern; None = all steps are real.

    Returns:
        `(B, U)`, or `(B, 2U)` with "mean+max".

    Raises:
        InputError: an unknown pooling, a mask of another shape.

    Example:
        >>> MaskedPooling("mean")(keras.ops.ones((2, 5, 3))).shape
        (2, 3)
    """

    config_keys: ClassVar = ("pooling",)

    def __init__(self, pooling: str = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pooling = check_choice("MaskedPooling: pooling", pooling, POOLINGS)
        self.supports_masking = True

    def call(self, sequences: Tensor, mask: Tensor | None = None) -> Tensor:
        """Pool over time."""
        batch, steps, width = sequences.shape
        if mask is not None:
            mask = check_flags("MaskedPooling", "the mask", mask, sequences)
        if 0 in (batch, steps):
            return ops.zeros(self.compute_output_shape((batch, steps, width)), self.compute_dtype)
        if self.pooling == "mean+max":
            both = native.mean_and_max(ops.cast(sequences, self.compute_dtype), mask)
            if both is not None:
                return ops.concatenate(both, axis=-1)
        sequences = clean_steps(sequences, mask, self.compute_dtype)
        real = None if mask is None else ops.expand_dims(mask, -1)
        parts = {"mean": _mean, "max": _max, "last": _last}
        pooled = [parts[name](sequences, real) for name in self.pooling.split("+")]
        return pooled[0] if len(pooled) == 1 else ops.concatenate(pooled, axis=-1)

    def compute_mask(self, sequences: Tensor, mask: Tensor | None = None) -> None:
        """Return no mask: the output has no time axis."""

    def compute_output_shape(self, sequences_shape: tuple) -> tuple:
        """Return `(B, U)` or `(B, 2U)`."""
        batch, _, width = sequences_shape
        return (batch, width * len(self.pooling.split("+")))


def _mean(sequences: Tensor, real: Tensor | None) -> Tensor:
    """Return the mean of cleaned sequences, summed in float32: float16 overflows."""
    wide = ops.cast(sequences, "float32")
    if real is None:
        return ops.cast(ops.mean(wide, axis=1), sequences.dtype)
    count = ops.sum(ops.cast(real, "float32"), axis=1)
    return ops.cast(ops.sum(wide, axis=1) / ops.maximum(count, 1.0), sequences.dtype)


def _max(sequences: Tensor, real: Tensor | None) -> Tensor:
    """Return the maximum; a sum has a gradient that costs nothing, a choice between two has not."""
    if real is None:
        return ops.max(sequences, axis=1)
    zero, low = (ops.cast(value, sequences.dtype) for value in (0.0, -float("inf")))
    best = ops.max(sequences + ops.where(real, zero, low), axis=1)
    return ops.where(ops.any(real, axis=1), best, ops.zeros_like(best))


def _last(sequences: Tensor, real: Tensor | None) -> Tensor:
    if real is None:
        return sequences[:, -1]
    real = ops.cast(real, sequences.dtype)
    after = ops.flip(ops.cumsum(ops.flip(real, axis=1), axis=1), axis=1)
    return ops.sum(sequences * real * ops.cast(after == 1, sequences.dtype), axis=1)
