"""Jacobians of one step of a recurrent layer: spectral radius and largest singular value."""

from __future__ import annotations

from typing import Any, NamedTuple

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import numpy as np
from keras import ops

from rnnkit.backend.gradient import gradient
from rnnkit.monitor.recurrent_passes import Pass, one_step, states_before

_MAX_WORK = 2**31  # approximate number of operations that eigenvalues may take for all steps
_MAX_ELEMENTS = 2**24  # approximate number of floats stored for one backward pass


class StepJacobians(NamedTuple):
    """Properties of `∂s_t/∂s_{t-1}` at some visited states, each `(N,)`; s is h, or h and c.

    Attributes:
        spectral_radius: the largest modulus of an eigenvalue: the factor per step in the long run,
            if the step stayed the same.
        largest_singular_value: the largest factor by which one step can stretch a perturbation.
    """

    spectral_radius: np.ndarray
    largest_singular_value: np.ndarray


def step_jacobians(
    one: Pass, before: list[np.ndarray] | None = None, *, steps: int = 16, seed: int = 0
) -> StepJacobians:
    """Return spectral radius and norm of the Jacobian of the step at some real steps of a pass.

    Args:
        one: the pass.
        before: the states that enter each step, where they are known already; None = computed.
        steps: how many, at most; fewer for wide layers (4 for states of 800 numbers).
        seed: of their choice.

    Example:
        >>> from rnnkit.layers import MinGRU
        >>> from rnnkit.monitor.recurrent_passes import record_passes
        >>> one, = record_passes(MinGRU(4), np.zeros((2, 5, 3)))
        >>> step_jacobians(one).spectral_radius[0]  # z = 1/2
        np.float64(0.5)
    """
    places = np.argwhere(one.real)
    size = sum(one.layer.state_size)
    count = min(steps, len(places), max(_MAX_WORK // size**3, 1))
    if not count:
        return StepJacobians(np.zeros(0), np.zeros(0))
    chosen = np.random.default_rng(seed).choice(len(places), count, replace=False)
    rows, times = places[np.sort(chosen)].T
    before = states_before(one) if before is None else before
    jacobians = _jacobians(one.layer, one.x[rows, times], [s[rows, times] for s in before])
    jacobians = jacobians.astype("float64")
    finite = np.isfinite(jacobians).all((1, 2))
    known = np.where(finite[:, None, None], jacobians, 0.0)
    radius = np.abs(np.linalg.eigvals(known)).max(-1)
    norm = np.linalg.norm(known, 2, (1, 2))
    return StepJacobians(np.where(finite, radius, np.inf), np.where(finite, norm, np.inf))


def kernel_spectral_radius(layer: Any) -> float | None:
    """Return the spectral radius of the recurrent kernel of a SimpleRNN; None of other layers.

    Below 1 the gradient of a tanh network vanishes; above 1 it can explode.

    Source: Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063.

    Example:
        >>> from rnnkit.layers import SimpleRNN
        >>> layer = SimpleRNN(4, recurrent_initializer="orthogonal")
        >>> layer.build((None, None, 3))
        >>> round(kernel_spectral_radius(layer), 5)
        1.0
    """
    if getattr(layer, "cell_type", None) != "simple_rnn":
        return None
    kernel = ops.convert_to_numpy(ops.cast(layer.recurrent_kernel, "float32"))
    return float(np.abs(np.linalg.eigvals(kernel.astype("float64"))).max())


def _jacobians(layer: Any, x: np.ndarray, states: list[np.ndarray]) -> np.ndarray:
    """Return `∂s'/∂s` of a step, `(N, S, S)`: a row for each number of all states after it."""
    dtype, parts = layer.compute_dtype, len(states)
    size = sum(layer.state_size)
    at_once = min(len(x), max(_MAX_ELEMENTS // (size * 8 * size), 1))

    def weighted(*arguments: Any) -> Any:
        now, (x, wanted) = arguments[:parts], arguments[parts:]
        return ops.sum(ops.concatenate(one_step(layer, x, now), axis=-1) * wanted)

    gradients, found = gradient(weighted), []
    wanted = ops.convert_to_tensor(np.tile(np.eye(size), (at_once, 1)), dtype=dtype)
    for start in range(0, len(x), at_once):
        some = np.resize(np.arange(start, min(start + at_once, len(x))), at_once)
        copies = np.repeat(some, size)  # the last chunk is padded to the common shape
        given = [ops.convert_to_tensor(part[copies], dtype=dtype) for part in (*states, x)]
        by_state = gradients(*given, wanted)[:parts]
        rows = np.concatenate([ops.convert_to_numpy(ops.cast(s, "float32")) for s in by_state], -1)
        found.append(rows.reshape(at_once, size, size)[: min(at_once, len(x) - start)])
    return np.concatenate(found)
