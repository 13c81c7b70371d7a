"""Gradient flow: norms of the Jacobian of the last state by every earlier state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from rnnkit import backend  # (picks the backend before Keras loads)

# isort: split
import numpy as np
from keras import ops

from rnnkit.backend.gradient import gradient
from rnnkit.errors import InputError, check_choice
from rnnkit.monitor.dynamics_figures import flow_figure
from rnnkit.monitor.recurrent_passes import Pass, one_step

Norm = Literal["spectral", "frobenius"]

_MAX_ELEMENTS = 2**25  # approximate number of floats stored for one backward pass


def gradient_flow(
    layer: Any,
    inputs: Any,
    *,
    mask: Any = None,
    resets: Any = None,
    initial_state: Any = None,
    norm: Norm = "spectral",
) -> dict[str, np.ndarray]:
    """Gradient flow: return the norm of the Jacobian `‖∂h_T/∂h_t‖` for every step t.

    `∂h_T/∂h_t = Π_{j=t+1..T} ∂h_j/∂h_{j-1}` is exact: a zero is added to the state of every step,
    each row is repeated for each unit of `h_T`, and one backward pass gives the derivatives of all
    units by all zeros. A norm that decays to 0 is a vanishing gradient, one that grows an exploding
    gradient. Dropout is off; zoneout uses its mean.

    A masked step keeps the state, so that its norm is that of the step before; a reset blocks the
    flow. At the last step the Jacobian is the identity.

    Args:
        layer: a recurrent layer of rnnkit; inside a `Bidirectional` or `Stack`, an inner layer.
        inputs: `(B, T, D)`, the inputs of the layer.
        mask: boolean `(B, T)`, true = real step.
        resets: boolean `(B, T)`, true = the state is reset before this step.
        initial_state: the states before the first step, each `(B, S)`; None = zeros.
        norm: "spectral", the largest singular value (1 for the identity), or "frobenius", the root
            of the sum of squares (√S for the identity), which is cheaper.

    Returns:
        name of the state -> `(B, T)`: "h" for `‖∂h_T/∂h_t‖`, and "c" of a cell state for
        `‖∂h_T/∂c_t‖`, each with the other one fixed; in the order of the inputs, also with
        `go_backwards`, where T is the first step.

    Raises:
        InputError: no recurrent layer, inputs of another shape or not finite, or an unknown norm.

    Source: Pascanu, Mikolov and Bengio 2013, On the Difficulty of Training Recurrent Neural
        Networks, arXiv:1211.5063; Hochreiter 1991.

    Example:
        >>> from rnnkit.layers import LSTM
        >>> flow = gradient_flow(LSTM(4), np.ones((1, 5, 3)))
        >>> flow["h"].shape, flow["h"][0, -1], flow["c"][0, -1]
        ((1, 5), np.float64(1.0), np.float64(0.0))
    """
    check_choice("norm", norm, get_args(Norm))
    x = _check_inputs(layer, inputs)
    batch, sizes = len(x), list(layer.state_size)
    flags = [_flags(label, flag, x) for label, flag in (("mask", mask), ("resets", resets))]
    initial_state = layer.get_initial_state(batch) if initial_state is None else initial_state
    if not isinstance(initial_state, (list, tuple)):
        initial_state = [initial_state]
    first = [ops.convert_to_numpy(state) for state in initial_state]
    shapes, expected = [state.shape for state in first], [(batch, size) for size in sizes]
    if shapes != expected:
        raise InputError(
            f"gradient_flow: initial_state has the shapes {shapes}; expected {expected}."
        )

    every = np.broadcast_to(np.eye(sizes[0]), (batch, sizes[0], sizes[0]))
    found = last_state_gradients(Pass(layer.name, layer, x, first, *flags), every)
    names = ("h", "c") if len(sizes) <= 2 else tuple(f"state {i}" for i in range(len(sizes)))
    return {name: _norms(part, norm) for name, part in zip(names, found, strict=False)}


def last_state_gradients(one: Pass, directions: np.ndarray) -> list[np.ndarray]:
    """Return `vᵀ ∂h_T/∂s_t` of a pass for some directions v, every step t and each state s.

    Args:
        one: the pass.
        directions: `(B, N, S)`, N directions of the last h for each row.

    Returns:
        For each state `(B, N, T, S)`; what float32 cannot hold is inf or NaN.
    """
    batch, steps, width = one.x.shape
    number, sizes = directions.shape[1], list(one.layer.state_size)
    flags = (one.mask, one.resets)
    # One copy of a row for each direction; as many copies at a time as memory allows.
    rows, vectors = np.repeat(np.arange(batch), number), directions.reshape(batch * number, -1)
    at_once = min(max(_MAX_ELEMENTS // (steps * (width + 8 * sum(sizes))), 1), len(rows))
    derivatives = _jacobian_rows(one.layer, [flag is not None for flag in flags])
    gradients: list[list[np.ndarray]] = [[] for _ in sizes]
    for start in range(0, len(rows), at_once):
        some = np.resize(np.arange(start, min(start + at_once, len(rows))), at_once)
        real = min(at_once, len(rows) - start)  # the last chunk is padded to the common shape
        which = rows[some]
        given = [one.x[which], *(flag[which] for flag in flags if flag is not None)]
        found = derivatives(given, [state[which] for state in one.states], vectors[some])
        for into, by_state in zip(gradients, found, strict=True):
            into.append(by_state[:real])
    return [np.concatenate(parts).reshape(batch, number, steps, -1) for parts in gradients]


def gradient_flow_png(flows: Mapping[str, Any], title: str = "") -> bytes:
    """Return a PNG plot of gradient flow over time, on a logarithmic scale.

    A line is the median over the rows, the area the range; straight = a constant factor per step.

    Args:
        flows: label of the line -> result of `gradient_flow`, `(B, T)` or `(T,)`; at least one.
        title: of the plot.

    Example:
        >>> gradient_flow_png({"factor 0.9 per step": 0.9 ** np.arange(20)[::-1]})[1:4]
        b'PNG'
    """
    if not flows:
        raise InputError("gradient_flow_png: there is no flow to plot; give at least one.")
    figure = flow_figure({name: np.asarray(flow)[..., ::-1] for name, flow in flows.items()}, title)
    (axes,) = figure.axes
    axes.invert_xaxis()  # time runs from left to right
    axes.set_xlabel("steps before the last, T - t")
    axes.set_ylabel("norm of the derivative of the last state")
    return figure.png()


def _jacobian_rows(layer: Any, given: list[bool]) -> Any:
    """Return a function: the derivatives of a sum over the last h of each row by all states."""
    dtype, count, flagged = layer.compute_dtype, len(layer.state_size), sum(given)

    def last(*arguments: Any) -> Any:
        zeros, (wanted, x, *rest) = arguments[:count], arguments[count:]

        def step(carry: tuple, now: tuple) -> tuple[tuple, None]:
            flags = iter(now[1 : 1 + flagged])
            mask, resets = (next(flags) if there else None for there in given)
            new = one_step(layer, now[0], carry, mask, resets)
            return tuple(map(ops.add, new, now[1 + flagged :])), None

        xs = tuple(ops.swapaxes(part, 0, 1) for part in (x, *rest[:flagged], *zeros))
        states, _ = backend.native.scan(step, tuple(rest[flagged:]), xs, reverse=layer.go_backwards)
        return ops.sum(states[0] * wanted)

    gradients = gradient(last)

    def derivatives(given: list, states: list, wanted: np.ndarray) -> list[np.ndarray]:
        copies, steps = given[0].shape[:2]
        zeros = [ops.zeros((copies, steps, size), dtype=dtype) for size in layer.state_size]
        rest = [ops.convert_to_tensor(part, dtype=dtype) for part in (wanted, *given, *states)]
        found = gradients(*zeros, *rest)[:count]
        return [ops.convert_to_numpy(ops.cast(part, "float32")) for part in found]

    return derivatives


def _norms(jacobian: np.ndarray, norm: str) -> np.ndarray:
    """Return the norms `(B, T)` of `(B, U, T, S)`; inf where float32 has overflowed."""
    jacobian = jacobian.transpose(0, 2, 1, 3).astype("float64")
    finite = np.isfinite(jacobian).all((-2, -1))
    jacobian = np.where(finite[..., None, None], jacobian, 0.0)
    if norm == "frobenius":
        found = np.sqrt((jacobian**2).sum((-2, -1)))
    else:  # the largest singular value, from the eigenvalues of J Jᵀ, which is smaller
        squares = np.linalg.eigvalsh(jacobian @ jacobian.swapaxes(-1, -2))[..., -1]
        found = np.sqrt(np.maximum(squares, 0.0))
    return np.where(finite, found, np.inf)


def _check_inputs(layer: Any, inputs: Any) -> np.ndarray:
    """Return the inputs as an array; build the layer if necessary."""
    if not all(hasattr(layer, name) for name in ("run", "state_size", "get_initial_state")):
        raise InputError(
            f"gradient_flow: expected a recurrent layer of rnnkit such as rnnkit.layers.LSTM; got "
            f"{layer!r}. For a Bidirectional or Stack pass the inner layers."
        )
    x = ops.convert_to_numpy(ops.convert_to_tensor(inputs, dtype="float32"))
    if x.ndim != 3 or 0 in x.shape:
        what = f"gradient_flow: inputs have the shape {x.shape}"
        raise InputError(f"{what}; expected (B, T, D), none of them 0.")
    if not np.isfinite(x).all():
        row, step, _ = np.argwhere(~np.isfinite(x))[0]
        raise InputError(
            f"gradient_flow: inputs[{row}, {step}] is not finite; the first such step. Remove it, "
            "or mask it and put zeros there."
        )
    if not layer.built:
        layer.build(x.shape)
        layer.built = True
    return x


def _flags(label: str, flags: Any, x: np.ndarray) -> np.ndarray | None:
    """Return a mask or resets as an array of zeros and ones."""
    if flags is None:
        return None
    flags = np.asarray(ops.convert_to_numpy(flags)).astype(bool)
    if flags.shape != x.shape[:2]:
        what = f"gradient_flow: {label} has the shape {flags.shape}"
        raise InputError(f"{what}; expected {x.shape[:2]}.")
    return flags
