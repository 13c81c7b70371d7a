"""What JAX and TensorFlow have in common: their compilers make plain operations fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops


def move_averages(averages: list[Any], weights: list[Any], rate: Any) -> None:
    """Add `rate (weight - average)` to each average.

    Args:
        averages: variables.
        weights: variables of the same shapes.
        rate: a scalar tensor.
    """
    for average, weight in zip(averages, weights, strict=True):
        average.assign_add(rate * (weight.value - average.value))


def run_network(network: Any, inputs: Any, training: bool = False) -> Any:
    """Return `network(inputs, training=training)`; only PyTorch has a faster way to call it."""
    return network(inputs, training=training)


def segment_sum(values: Any, segments: Any, count: int) -> Any:
    """Return the sums of `values (N, ...)` of each of `count` segments, `(count, ...)`."""
    return ops.segment_sum(values, segments, num_segments=count)


def global_norm(gradients: Sequence[Any]) -> Any:
    """Return `sqrt(Σ_w ‖g_w‖²)`; see `rnnkit.backend.gradient.global_norm`."""
    flat = [ops.reshape(gradient, (-1,)) for gradient in gradients]
    squares = [ops.vdot(part, part) for part in flat]
    return ops.sqrt(sum(squares[1:], squares[0]))
