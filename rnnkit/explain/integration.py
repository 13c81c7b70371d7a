"""Integrated gradients of a function of arrays.

With inputs x, a baseline x' and a function F the attribution of the component i is
`(x_i - x'_i) ∫_0^1 ∂F/∂x_i (x' + a (x - x')) da`. Attributions are complete: they add up to
`F(x) - F(x')`. The integral is computed by Gauss-Legendre quadrature, with more nodes until the sum
is right.

Source: Sundararajan, Taly and Yan 2017, Axiomatic attribution for deep networks, arXiv:1703.01365.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import numpy as np
from keras import ops

from rnnkit.backend.gradient import gradient
from rnnkit.errors import check_count

Tensor = Any
Function = Callable[..., Tensor]  # tensors (N, ...) -> numbers (N,)
FEWEST, MOST = 16, 256  # nodes
ROWS = 16  # points whose gradients are computed side by side
TOLERANCE = 0.005  # of the sum, in units of the summed absolute attributions of rows


class Attribution(NamedTuple):
    """Integrated gradients, and what they add up to.

    Attributes:
        parts: for each input an array of its shape, float64.
        value: F at the inputs.
        baseline_value: F at the baselines.
        steps: nodes of the quadrature.
    """

    parts: list[np.ndarray]
    value: float
    baseline_value: float
    steps: int

    @property
    def error(self) -> float:
        """Difference between the sum of the attributions and `F(x) - F(x')`."""
        return float(sum(part.sum() for part in self.parts)) - (self.value - self.baseline_value)

    @property
    def complete(self) -> bool:
        """Whether the error is within 0.5 % of the summed absolute attributions of rows.

        A row, such as a word, has the sum of its components.
        """
        rows = (part.sum(-1) if part.ndim > 1 else part for part in self.parts)
        size = sum(float(np.abs(row).sum()) for row in rows)
        rounding = 1e-5 * max(1.0, abs(self.value), abs(self.baseline_value))  # of float32
        return abs(self.error) <= TOLERANCE * size + rounding


def integrated_gradients(
    function: Function,
    inputs: Sequence[Any],
    baselines: Sequence[Any] | None = None,
    *,
    steps: int | None = None,
) -> Attribution:
    """Return the integrated gradients of a function from baselines to inputs.

    Args:
        function: takes one tensor `(N, ...)` for each input and returns N numbers, each of which
            depends on its own row only.
        inputs: arrays.
        baselines: arrays of the same shapes; None = zeros.
        steps: nodes of the quadrature; None = 16, doubled up to 256 until the sum is right.

    Raises:
        InputError: fewer than one step.

    Example:
        >>> found = integrated_gradients(lambda x: ops.prod(x, axis=1), [np.array([3.0, 2.0])])
        >>> found.parts[0].round(4).tolist(), round(found.value, 4), found.baseline_value
        ([3.0, 3.0], 6.0, 0.0)
    """
    ends = [np.asarray(one, "float32") for one in inputs]
    starts = [np.zeros_like(one) for one in ends]
    if baselines is not None:
        starts = [np.asarray(one, "float32") for one in baselines]
    paths = [end.astype("float64") - start for end, start in zip(ends, starts, strict=True)]
    value, baseline_value = values_at(function, [ends, starts])
    slopes = gradient(lambda *points: ops.sum(function(*points)))
    count = FEWEST if steps is None else check_count("steps", steps)
    while True:
        means = _mean_gradients(slopes, starts, paths, count)
        parts = [path * mean for path, mean in zip(paths, means, strict=True)]
        found = Attribution(parts, float(value), float(baseline_value), count)
        if steps is not None or found.complete or count >= MOST:
            return found
        count *= 2


def values_at(function: Function, points: Iterable[Sequence[np.ndarray]]) -> np.ndarray:
    """Return a function at several points, in batches of `ROWS`.

    Args:
        function: as `integrated_gradients` takes it.
        points: of each, the inputs.

    Example:
        >>> values_at(lambda x: ops.sum(x, axis=1), [[np.ones(2)], [np.zeros(2)]]).tolist()
        [2.0, 0.0]
    """
    found: list[np.ndarray] = []
    rest = iter(points)
    while batch := list(itertools.islice(rest, ROWS)):
        full = [*batch, *[batch[-1]] * (ROWS - len(batch))]  # one shape: compiled once
        tensors = [_tensor(np.stack(rows)) for rows in zip(*full, strict=True)]
        found.append(ops.convert_to_numpy(function(*tensors))[: len(batch)])
    return np.concatenate([np.zeros(0), *found]).astype("float64")


def _mean_gradients(
    slopes: Callable[..., tuple],
    starts: Sequence[np.ndarray],
    paths: Sequence[np.ndarray],
    count: int,
) -> list[np.ndarray]:
    """Return the mean gradient along the path, by Gauss-Legendre quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    nodes, weights = (nodes + 1) / 2, weights / 2
    means = [np.zeros_like(path) for path in paths]
    for first in range(0, count, ROWS):
        share, weight = np.zeros(ROWS), np.zeros(ROWS)
        known = len(nodes[first : first + ROWS])
        share[:known], weight[:known] = nodes[first : first + ROWS], weights[first : first + ROWS]
        points = [
            _tensor(start + share.reshape(-1, *[1] * path.ndim) * path)
            for start, path in zip(starts, paths, strict=True)
        ]
        for mean, grad in zip(means, slopes(*points), strict=True):
            rows = np.asarray(ops.convert_to_numpy(grad), "float64")
            mean += np.tensordot(weight, rows, axes=1)
    return means


def _tensor(array: np.ndarray) -> Tensor:
    return ops.convert_to_tensor(array.astype("float32"))
