"""Gradients on whichever backend runs, for tests: one function, three frameworks."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops


def gradients(loss, arrays, variables=()):
    """Return `loss(*arrays)`'s gradients by the arrays and by the variables, as NumPy arrays.

    Where the loss does not depend on one of them, its gradient is zeros.
    """
    arrays = [ops.convert_to_tensor(np.asarray(a, "float32")) for a in arrays]
    found = {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}[keras.config.backend()](
        loss, arrays, list(variables)
    )
    wanted = [*arrays, *variables]
    found = [
        np.zeros(tuple(w.shape)) if g is None else ops.convert_to_numpy(g)
        for w, g in zip(wanted, found, strict=True)
    ]
    return found[: len(arrays)], found[len(arrays) :]


def _jax(loss, arrays, variables):
    import jax

    def pure(arrays, values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return loss(*arrays)

    by_arrays, by_values = jax.grad(pure, argnums=(0, 1))(arrays, [v.value for v in variables])
    return [*by_arrays, *by_values]


def _tensorflow(loss, arrays, variables):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(arrays)
        value = loss(*arrays)
    found = tape.gradient(value, [*arrays, *(v.value for v in variables)])
    return [None if g is None else tf.convert_to_tensor(g) for g in found]


def _torch(loss, arrays, variables):
    import torch

    arrays = [a.detach().clone().requires_grad_() for a in arrays]
    wanted = [*arrays, *(v.value for v in variables)]
    return torch.autograd.grad(loss(*arrays), wanted, allow_unused=True)
