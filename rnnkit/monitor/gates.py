"""Gates of recurrent layers: their values at visited states, and their saturation."""

from __future__ import annotations

from typing import Any

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import numpy as np
from keras import ops

from rnnkit.monitor.recurrent_passes import Pass, states_before
from rnnkit.recurrent.linear import LinearRecurrence

CLOSED, OPEN = 0.1, 0.9  # a gate below the one is left-saturated, above the other right-saturated


def gate_values(one: Pass, before: list[np.ndarray] | None = None) -> dict[str, np.ndarray]:
    """Return the values of the gates of a layer at the real steps of a pass.

    Args:
        one: the pass.
        before: the states that enter each step, where they are known already; None = computed.

    Returns:
        name of the gate -> `(N, U)`, row by row and in the order of the inputs: i, f, o of an LSTM,
        z and r of a GRU, those of their equations for other layers; empty for layers without gates.

    Example:
        >>> from rnnkit.layers import GRU
        >>> from rnnkit.monitor.recurrent_passes import record_passes
        >>> one, = record_passes(GRU(4), np.ones((2, 5, 3)))
        >>> {name: gate.shape for name, gate in gate_values(one).items()}
        {'z': (10, 4), 'r': (10, 4)}
    """
    layer = one.layer
    if not hasattr(layer, "gate_activations"):
        return {}
    x = ops.convert_to_tensor(one.x[one.real], dtype=layer.compute_dtype)
    if isinstance(layer, LinearRecurrence):
        found = {name: gate[0] for name, gate in layer.gate_activations(x[None]).items()}
    else:
        before = states_before(one) if before is None else before
        states = (ops.convert_to_tensor(s[one.real], dtype=layer.compute_dtype) for s in before)
        found = layer.gate_activations(x, tuple(states))
    return {name: _numbers(gate) for name, gate in found.items()}


def decay_factors(one: Pass) -> np.ndarray | None:
    """Return the factors a of a linear recurrence at the real steps of a pass, `(N, U)`.

    `1 / (1 - |a|)` is the effective memory length in steps: a state decays by 1/e in about as many.

    Returns:
        None for a layer whose step is not linear in its state.
    """
    if not isinstance(one.layer, LinearRecurrence):
        return None
    x = ops.convert_to_tensor(one.x[one.real][None], dtype=one.layer.compute_dtype)
    return _numbers(one.layer.factors(x)[0][0])


def saturation(gate: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return for each unit the share of steps at which a gate is below 0.1, and above 0.9.

    Args:
        gate: `(N, U)`.

    Source: Karpathy, Johnson and Fei-Fei 2015, Visualizing and Understanding Recurrent Networks,
        arXiv:1506.02078.

    Example:
        >>> [share.tolist() for share in saturation([[0.05, 0.5], [0.95, 0.5]])]
        [[0.5, 0.0], [0.5, 0.0]]
    """
    values = np.asarray(gate)
    return (values < CLOSED).mean(0), (values > OPEN).mean(0)


def _numbers(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")))
