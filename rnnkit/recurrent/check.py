"""Locate the first NaN or infinity in a recurrent pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from rnnkit.errors import InputError
from rnnkit.recurrent.sequence import SequenceLayer

Tensor = Any


def check_finite(
    layer: SequenceLayer,
    sequences: Tensor,
    *,
    mask: Tensor | None = None,
    initial_state: Any = None,
) -> None:
    """Run a recurrent layer once and raise for the first NaN or infinity, with its position.

    Checked in this order: the inputs at real steps, the initial state, the weights, and the output
    of every step. A NaN at a masked step is ignored.

    Args:
        layer: a recurrent layer; one inside a Bidirectional or a Stack, not the wrapper itself.
        sequences: `(B, T, D)`.
        mask: boolean `(B, T)`, true = real step.
        initial_state: the states before the first step.

    Raises:
        InputError: a value is not finite (the message has row and step), or another layer.

    Example:
        >>> from rnnkit.layers import LSTM
        >>> x = np.zeros((2, 5, 3), "float32")
        >>> x[1, 3, 0] = np.nan
        >>> check_finite(LSTM(4), x)
        Traceback (most recent call last):
        ...
        rnnkit.errors.InputError: check_finite: sequences hold nan at row 1, step 3, feature 0...
    """
    if not isinstance(layer, SequenceLayer):
        raise InputError(
            f"check_finite: got {layer!r}; expected a recurrent layer such as rnnkit.layers.LSTM. "
            "For a wrapper, check the layers inside, one by one."
        )
    x = ops.convert_to_numpy(sequences)
    real = np.ones(x.shape[:2], bool) if mask is None else ops.convert_to_numpy(mask).astype(bool)
    _refuse("sequences hold", np.where(real[..., None], x, 0), ("row", "step", "feature"))
    states = initial_state if isinstance(initial_state, (list, tuple)) else [initial_state]
    for place, state in enumerate(state for state in states if state is not None):
        _refuse(f"initial_state[{place}] holds", ops.convert_to_numpy(state), ("row", "unit"))
    clean = ops.convert_to_tensor(np.where(real[..., None], x, 0))
    if not layer.built:
        layer.build(clean.shape)
    for weight in layer.weights:
        axes = tuple(f"axis {i}" for i in range(len(weight.shape)))
        _refuse(f"the weight {weight.path} holds", ops.convert_to_numpy(weight.value), axes)
    config = layer.get_config() | {"return_sequences": True, "return_state": False}
    config |= {"stateful": False, "name": f"{layer.name}_checked"}
    twin = type(layer).from_config(config)
    twin.build(clean.shape)
    own = [weight.value for weight in layer.weights][: len(twin.weights)]
    twin.set_weights([ops.convert_to_numpy(value) for value in own])
    found = twin(clean, mask=mask, initial_state=initial_state)
    outputs = ops.convert_to_numpy(ops.stop_gradient(found))
    if layer.go_backwards:
        outputs = outputs[:, ::-1]
    _refuse("the output is", outputs, ("row", "step", "unit"))


def _refuse(what: str, values: np.ndarray, axes: tuple[str, ...]) -> None:
    """Raise for the first value that is not finite, with its position."""
    bad = np.argwhere(~np.isfinite(values.astype("float64")))
    if not len(bad):
        return
    if "step" in axes:  # the earliest step, not the first row
        bad = bad[np.argsort(bad[:, axes.index("step")], kind="stable")]
    place = ", ".join(f"{axis} {index}" for axis, index in zip(axes, bad[0], strict=True))
    more = f" and at {len(bad) - 1} more places" if len(bad) > 1 else ""
    raise InputError(
        f"check_finite: {what} {values[tuple(bad[0])]} at {place}{more}; expected finite numbers. "
        "Clean the data or mask these steps; if it is the output, lower the learning rate or clip "
        "the gradients."
    )
