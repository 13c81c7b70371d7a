"""What JAX and TensorFlow have in common: their compilers make plain operations fast."""

from __future__ import annotations

from typing import Any


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
