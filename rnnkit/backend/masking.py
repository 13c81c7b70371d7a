"""Masked sequences: checks of masks, compaction of the real steps, gathering, forward fill."""

from __future__ import annotations

from typing import Any

from keras import ops
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask

from rnnkit.backend import native
from rnnkit.errors import InputError

Tensor = Any
Shape = tuple[int | None, ...]


def shapes_agree(shape: Shape, expected: Shape) -> bool:
    """Compare two shapes; an unknown size agrees with any.

    Example:
        >>> shapes_agree((2, None), (2, 5)), shapes_agree((2, 1), (2, 5))
        (True, False)
    """
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )


def row_mask(outputs: Tensor) -> Tensor | None:
    """Return the mask that Keras's losses and metrics find on outputs, if any."""
    return get_keras_mask(outputs)


def set_row_mask(outputs: Tensor, mask: Tensor) -> None:
    """Make Keras's losses and metrics leave out outputs where the mask is false."""
    set_keras_mask(outputs, mask)


def check_flags(layer: str, label: str, flags: Tensor, sequences: Tensor) -> Tensor:
    """Return a mask or resets as booleans `(B, T)`; refuse those that do not fit the sequences.

    No shape is broadcast. Sizes that are unknown while a graph is traced are compared when it runs.

    Args:
        layer: the name of the layer, for the message.
        label: what the flags are: "the mask", "resets".
        flags: booleans or numbers.
        sequences: `(B, T, ...)`.

    Raises:
        InputError: another shape.

    Example:
        >>> check_flags("LSTM", "the mask", ops.ones((2, 1)), ops.ones((2, 5, 3)))
        Traceback (most recent call last):
        rnnkit.errors.InputError: LSTM: the mask has the shape (2, 1); expected (2, 5), one ...
    """
    flags = ops.convert_to_tensor(flags, dtype="bool")
    shape, expected = tuple(flags.shape), tuple(sequences.shape[:2])
    wanted = "one boolean for each step of each row."
    if not shapes_agree(shape, expected):
        raise InputError(f"{layer}: {label} has the shape {shape}; expected {expected}, {wanted}")
    if None in (*shape, *expected):
        message = f"{layer}: {label} does not fit the sequences; expected {wanted}"
        return native.check_sizes(flags, sequences, 2, message)
    return flags


def clean_steps(sequences: Tensor, mask: Tensor | None, dtype: str) -> Tensor:
    """Return sequences in the dtype of a computation, zeros at masked steps.

    Whole numbers and booleans become floats, too. What stands at a masked step, a NaN for
    instance, reaches neither a result nor a gradient: times a gradient of 0 it would be NaN again.

    Args:
        sequences: `(B, T, ...)`.
        mask: boolean `(B, T)`, or None.
        dtype: the dtype of the computation.

    Example:
        >>> x = ops.convert_to_tensor([[float("nan"), 2.0]])
        >>> real = ops.convert_to_tensor([[False, True]])
        >>> ops.convert_to_numpy(clean_steps(x, real, "float32")).tolist()
        [[0.0, 2.0]]
    """
    sequences = ops.cast(sequences, dtype)
    if mask is None:
        return sequences
    real = ops.reshape(mask, (*ops.shape(mask), *[1] * (len(sequences.shape) - 2)))
    return ops.where(real, sequences, ops.zeros_like(sequences))


def compact_by_mask(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return the indices that move the real steps of each row to the left, and back.

    Args:
        mask: boolean `(B, T)`, true = real step.

    Returns:
        `indices (B, T)`: those of the real steps in their order, then those of the others;
        `count (B, T)`: the number of real steps up to and including each step.

    Example:
        >>> indices, count = compact_by_mask(ops.array([[False, True, False, True]]))
        >>> [int(index) for index in indices[0]], [int(n) for n in count[0]]
        ([1, 3, 0, 2], [0, 1, 1, 2])
    """
    steps = ops.shape(mask)[1]
    order = ops.arange(steps, dtype="int32")
    indices = ops.argsort(ops.where(mask, order, order + steps), axis=1)
    return ops.cast(indices, "int32"), ops.cumsum(ops.cast(mask, "int32"), axis=1)


def gather(x: Tensor, indices: Tensor) -> Tensor:
    """Return `x[b, indices[b, t]]` for `x` of shape `(B, T, D)` or `(B, T)`, `indices (B, S)`.

    Example:
        >>> gather(ops.zeros((2, 5, 3)), ops.zeros((2, 4), dtype="int32")).shape
        (2, 4, 3)
    """
    if len(x.shape) > 2:
        indices = ops.expand_dims(indices, -1)
    return ops.take_along_axis(x, indices, axis=1)


def forward_fill(
    outputs: Tensor, mask: Tensor, resets: Tensor | None = None, before: Tensor | None = None
) -> Tensor:
    """Replace the output of each masked step by that of the last real step before it.

    Args:
        outputs: `(B, T, U)`; the values at masked steps are ignored.
        mask: boolean `(B, T)`, true = real step, any pattern.
        resets: boolean `(B, T)`; from a reset on, masked steps are filled with zeros.
        before: the output before the first step, `(B, U)`; zeros when left out.

    Returns:
        `(B, T, U)`.

    Example:
        >>> import keras
        >>> outputs = keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1))
        >>> mask = keras.ops.convert_to_tensor([[False, True, False, True]])
        >>> keras.ops.convert_to_numpy(forward_fill(outputs, mask))[0, :, 0].tolist()
        [0.0, 1.0, 1.0, 3.0]
    """
    events = mask if resets is None else ops.logical_or(mask, resets)
    indices, count = compact_by_mask(events)
    latest = gather(indices, ops.maximum(count - 1, 0))
    real = ops.where(ops.expand_dims(mask, -1), outputs, ops.zeros_like(outputs))
    filled = gather(real, latest)
    start = ops.zeros_like(outputs[:, :1]) if before is None else ops.expand_dims(before, 1)
    return ops.where(ops.expand_dims(count > 0, -1), filled, start)
