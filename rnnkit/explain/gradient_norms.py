"""Connectivity: the norm of the gradient of each output of a network by each step of its input.

`C_ot = ‖∂ y_o / ∂ x_t‖₂`. Read along a row, it shows how far back an output looks: which steps
would change it most if they changed a little.

Source: Madsen 2019, Visualizing memorization in RNNs, Distill, doi:10.23915/distill.00016.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import numpy as np
from keras import ops

from rnnkit.backend.gradient import gradient
from rnnkit.explain.integration import ROWS

Tensor = Any


def connectivity(
    outputs: Callable[..., Tensor], inputs: Sequence[Any], count: int, sequences: int = 1
) -> np.ndarray:
    """Return the norm of the gradient of each output by each step, `(O, T)`.

    Args:
        outputs: takes one tensor `(N, ...)` for each input and rows `(N, O)`, 1 at an output and 0
            elsewhere; returns that output for each row, `(N,)`. A row depends on its own row of the
            inputs only.
        inputs: arrays; the first ones are sequences `(T, D)`.
        count: O.
        sequences: how many of the inputs are sequences; the squared norms of their gradients are
            added.

    Example:
        >>> def running_sums(x, chosen):
        ...     return ops.sum(ops.cumsum(x[:, :, 0], axis=1) * chosen, axis=1)
        >>> connectivity(running_sums, [np.ones((2, 1))], 2)
        array([[1., 0.],
               [1., 1.]])
    """
    slopes = gradient(lambda *given: ops.sum(outputs(*given)))
    arrays = [np.asarray(one, "float32") for one in inputs]
    points = [ops.convert_to_tensor(np.stack([one] * ROWS)) for one in arrays]
    found = []
    for first in range(0, count, ROWS):
        chosen = np.zeros((ROWS, count), "float32")
        places = np.arange(first, min(first + ROWS, count))
        chosen[places - first, places] = 1
        grads = slopes(*points, ops.convert_to_tensor(chosen))[:sequences]
        squares = [np.square(np.asarray(ops.convert_to_numpy(g), "float64")).sum(-1) for g in grads]
        found.append(np.sqrt(np.sum(squares, axis=0))[: len(places)])
    return np.concatenate(found)
