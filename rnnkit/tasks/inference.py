"""Forward passes of trained models, without what Keras's `predict` does around each of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.backend import native
from rnnkit.data.batches import Batches
from rnnkit.progress import asked_for
from rnnkit.training.reporting import reporting

_MADE = "_inference"  # the attribute of a model


def run_batch(model: keras.Model, inputs: Any) -> Any:
    """Return a model's outputs for a batch as tensors, which may be computed still.

    Args:
        model: built.
        inputs: arrays, batch first.
    """
    model.make_predict_function()  # Keras drops it where `compile` or `quantize` change the model
    made = vars(model).get(_MADE)
    if made is None or made[0] is not model.predict_function:
        made = vars(model)[_MADE] = model.predict_function, native.inference(model)
    return made[1](inputs)


def predict_batch(model: keras.Model, inputs: Any) -> Any:
    """Return a model's outputs for a batch as NumPy arrays, as `predict_on_batch` does.

    Args:
        model: built.
        inputs: arrays, batch first.

    Example:
        >>> ids = keras.Input((None,), dtype="int32")
        >>> network = keras.Model(ids, keras.layers.Embedding(9, 2)(ids))
        >>> predict_batch(network, np.array([[3, 5, 7]])).shape
        (1, 3, 2)
    """
    return keras.tree.map_structure(keras.ops.convert_to_numpy, run_batch(model, inputs))


def predict_batches(
    model: keras.Model, batches: Batches, verbose: Any, callbacks: Sequence[Any] = ()
) -> np.ndarray:
    """Return a model's outputs for the rows of batches, in the order of the rows.

    Args:
        model: built.
        batches: at least one.
        verbose: as `each_batch` takes it.
        callbacks: of Keras.
    """
    order, first, outputs = batches.order, 0, np.zeros(0)
    for found in each_batch(model, batches, verbose, callbacks):
        if not first:
            outputs = np.empty((len(order), *found.shape[1:]), found.dtype)
        outputs[order[first : first + len(found)]] = found
        first += len(found)
    return outputs


def each_batch(
    model: keras.Model,
    batches: Batches,
    verbose: Any,
    callbacks: Sequence[Any] = (),
    what: str = "Predicting",
) -> Iterator[np.ndarray]:
    """Yield a model's outputs for each batch; the next batch is padded while one is computed.

    Args:
        model: built.
        batches: at least one.
        verbose: as in Keras; nothing is shown of a single batch with "auto".
        callbacks: of Keras.
        what: is done, for the progress.
    """
    pending = None
    with _calls(model, len(batches), verbose, callbacks, what) as calls:
        calls.on_predict_begin()
        for index in range(len(batches)):
            calls.on_predict_batch_begin(index)
            tensor = run_batch(model, batches[index][0])
            if pending is not None:
                yield keras.ops.convert_to_numpy(pending)
            pending = tensor
            calls.on_predict_batch_end(index, {"outputs": tensor})
        yield keras.ops.convert_to_numpy(pending)
        calls.on_predict_end()


@contextlib.contextmanager
def _calls(
    model: keras.Model, steps: int, verbose: Any, callbacks: Sequence[Any], what: str
) -> Iterator[Any]:
    """Give what is called before and after each batch: nothing, where nothing is shown."""
    if verbose == 0 and not callbacks and not (asked_for() and steps > 1):
        yield _Nothing()
        return
    bar = verbose != 0 and not (verbose == "auto" and steps == 1)
    params = {"verbose": verbose, "epochs": 1, "steps": steps}
    with reporting(verbose, what, steps) as report:
        every = [*callbacks, report]
        yield keras.callbacks.CallbackList(every, add_progbar=bar, model=model, **params)


class _Nothing(keras.callbacks.Callback):
    """Callback that does nothing."""
