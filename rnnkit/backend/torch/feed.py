"""What Keras is to be given on this backend: batches, gradients, arrays."""

from __future__ import annotations

from typing import Any

import keras


def dense(gradient: Any) -> Any:
    """Return a gradient as one tensor; here it is one already."""
    return gradient


def feed(batches: Any) -> Any:
    """Return what `fit` is to be given for a `keras.utils.PyDataset`; here that itself."""
    return batches


def tensors(tree: Any) -> Any:
    """Return arrays as tensors; see `backend.jax`."""
    return keras.tree.map_structure(keras.ops.convert_to_tensor, tree)
