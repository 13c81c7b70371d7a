"""Conversions at the Keras/JAX boundary: gradients, batches, arrays."""

from __future__ import annotations

from typing import Any

import jax


def dense(gradient: Any) -> Any:
    """Return a gradient as a dense tensor; here it is one already."""
    return gradient


def feed(batches: Any) -> Any:
    """Return the input of `fit` for a `keras.utils.PyDataset`; here the dataset itself."""
    return batches


def tensors(tree: Any) -> Any:
    """Convert a tree of arrays to tensors, in one transfer."""
    return jax.device_put(tree)
