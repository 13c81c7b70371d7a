"""Batches of one size: the smaller batch of an epoch is filled with rows that do not count.

XLA compiles every step for each shape, so that a smaller batch costs a program for training, one
for validation and one for the test. Rows of zeros are added to it, without a real step, and their
weights are NaN, the mark of a row that is not there: `without_filling` gives them weight 0 and
takes them out of the number of rows that a loss is divided by. Whatever forgot that would be NaN,
not a little wrong.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit import backend
from rnnkit.backend.masking import row_mask, set_row_mask
from rnnkit.data.batches import Batches
from rnnkit.data.batching import PROGRAM_CELLS, EpochBatches

LEAST_CELLS = 10_000
LSTM_WEIGHTS = 42_000  # of an LSTM of 64 units that reads word vectors of size 100
KNOWN = ("keras.src.layers.", "keras.src.models.", "rnnkit.")  # their layers read rows apart,
NOT_FILLED = (  # except for these:
    keras.layers.BatchNormalization,
    keras.layers.GlobalAveragePooling1D,  # NaN for a row without a real step, and in its gradient
    keras.layers.Lambda,
)
OPERATIONS = ("Concatenate", "GetItem", "NotEqual")  # between the layers of rnnkit's networks


def full_size(task: Any, batches: Batches, own_loss: bool) -> int | None:
    """Return the number of rows that every batch is filled up to, or None to leave them.

    On JAX alone, where a shape costs seconds; the numbers are the same without. Networks keep
    their smaller batch where a layer reads several rows at once (batch normalization, a penalty on
    outputs), has no number for a row without a real step, or is unknown, like an operation between
    layers; and where loss and metrics are the user's.

    Args:
        task: its network is built.
        batches: of an epoch.
        own_loss: whether loss and metrics are those of the task's own `compile_options`.
    """
    if backend.name != "jax" or not isinstance(batches, EpochBatches) or len(batches) < 2:
        return None
    layers = [task, *task.network._flatten_layers()]
    return batches.batch_size if own_loss and all(map(takes_filling, layers)) else None


def rows_of(batches: Any) -> int:
    """Return the number of rows of a batch; the last one of an epoch may have fewer."""
    size = batches.batch_size if isinstance(batches, EpochBatches) else batches.rows
    return int(size)


def takes_filling(layer: keras.layers.Layer) -> bool:
    """Return whether rows of zeros change nothing that a layer or network says of other rows."""
    if isinstance(layer, NOT_FILLED) or layer.activity_regularizer is not None:
        return False
    operations = getattr(layer, "operations", ())  # of a functional network
    return type(layer).__module__.startswith(KNOWN) and all(
        isinstance(one, keras.layers.Layer) or type(one).__name__ in OPERATIONS
        for one in operations
    )


def program_cells(network: keras.Model) -> int:
    """Return how many padded steps of an epoch cost what a program for one more width does.

    `rnnkit.data.batching.PROGRAM_CELLS` is the number for an LSTM of 64 units; the steps of a
    larger network are dearer, and so are worth more widths; up to a bound, for a larger program
    takes longer to compile, too.
    """
    layers = [layer for layer in network.layers if not isinstance(layer, keras.layers.Embedding)]
    weights = sum(int(np.prod(weight.shape)) for layer in layers for weight in layer.weights)
    cells = PROGRAM_CELLS * LSTM_WEIGHTS // max(1, weights)
    return min(PROGRAM_CELLS, max(LEAST_CELLS, cells))


def filled(batch: tuple, rows: int) -> tuple:
    """Return a batch `(inputs, targets, weights)` of this number of rows, with weights.

    Example:
        >>> ids, _, weights = filled((np.array([[5, 6]]), np.array([1]), None), rows=2)
        >>> ids.tolist(), weights.tolist()
        ([[5, 6], [0, 0]], [1.0, nan])
    """
    inputs, targets, weights = batch
    count = len(keras.tree.flatten(inputs)[0])
    weights = np.ones(count, "float32") if weights is None else np.asarray(weights)
    missing = rows - count
    if not missing:
        return inputs, targets, weights
    marks = np.full((missing, *weights.shape[1:]), np.nan)
    weights = np.concatenate([weights, marks.astype(weights.dtype)])

    def with_zeros(array: np.ndarray) -> np.ndarray:
        return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])

    inputs, targets = keras.tree.map_structure(with_zeros, (inputs, targets))
    return inputs, targets, weights


def without_filling(weights: Any, outputs: Any = None) -> tuple[Any, Any]:
    """Return weights with 0 at the rows that fill a batch, and how many rows are not filling.

    Args:
        weights: `(B,)` or `(B, T)`, as `filled` returns them, or as the user gave them.
        outputs: of the network. Those with one weight for each row get the mask of these rows, by
            which Keras's losses and metrics leave rows out.
    """
    weights = ops.convert_to_tensor(weights)
    if not keras.backend.is_float_dtype(weights.dtype):
        return weights, ops.shape(weights)[0]
    there = ops.logical_not(ops.isnan(weights))
    weights = ops.where(there, weights, ops.zeros_like(weights))
    one_each = len(there.shape) == 1
    rows = there if one_each else ops.any(there, axis=tuple(range(1, len(there.shape))))
    if one_each and outputs is not None and len(outputs.shape) <= 2 and row_mask(outputs) is None:
        set_row_mask(outputs, there)
    return weights, ops.sum(ops.cast(rows, "float32"))


class _Remembered:
    """`update_state` of the mean loss that remembers the loss of the last batch."""

    def __init__(self, update: Any) -> None:
        self.update = update
        self.last: tuple[Any, Any] | None = None

    def __call__(self, values: Any, sample_weight: Any = None) -> None:
        """Add the loss of a batch with its number of rows."""
        self.last = values, sample_weight
        self.update(values, sample_weight=sample_weight)


def watch(tracker: Any) -> None:
    """Make the mean loss of an epoch ready for `count_rows`."""
    if tracker is not None and not is_watched(tracker):
        tracker.update_state = _Remembered(tracker.update_state)


def is_watched(tracker: Any) -> bool:
    """Return whether batches may hold filling: whether `watch` was called."""
    return isinstance(getattr(tracker, "update_state", None), _Remembered)


def count_rows(tracker: Any, rows: Any) -> None:
    """Count only so many rows of the last batch in the mean loss of an epoch."""
    remembered = tracker.update_state
    if remembered.last is not None:
        (loss, counted), remembered.last = remembered.last, None
        remembered.update(loss, sample_weight=rows - ops.cast(counted, "float32"))
