"""Classifier of whole series of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from rnnkit.data.batching import BucketedBatches
from rnnkit.data.frames import InputForm
from rnnkit.data.series import Series
from rnnkit.data.wave_batches import WaveBatches
from rnnkit.errors import InputError, require_fitted
from rnnkit.tasks.answers import Answers, answer_series_classes
from rnnkit.tasks.classifier import Classifier
from rnnkit.tasks.task import Task


class SeriesParts(NamedTuple):
    """The named layers of a series classifier: the log-mel features of waveforms, if any."""

    log_mel: keras.layers.Layer | None = None


@keras.saving.register_keras_serializable(package="rnnkit")
class SequenceClassifier(Classifier):
    """Series classifier: a Keras model from series `(T, D)` of unequal length to their class.

    Two classes: one sigmoid unit, the probability of the second. More: a softmax over all.
    Classes and network are learned in the first `fit`, which takes series and one label (a name or
    a number) for each.

    Args:
        build_network: `(series, outputs) -> functional model` from `(values, mask)`, `(B, T, D)`
            and boolean `(B, T)`; series are those of the first `fit`, outputs 1 or the number of
            classes.

    Example:
        >>> from rnnkit.recipes import sequence_classifier
        >>> model = sequence_classifier(units=4, epochs=1)
        >>> x, y = [np.ones((3, 2)), np.zeros((5, 2))] * 8, ["on", "off"] * 8
        >>> history = model.fit(x, y, verbose=0)
        >>> model.predict(np.ones((4, 2)), verbose=0).shape
        (1, 1)
    """

    form: ClassVar[InputForm] = InputForm("series", "label", 2, 0)
    noun = ("series", "series")
    network_parts = SeriesParts
    reads_series = True

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return float32 arrays `(T, D)`, not truncated; refuse another number of features."""
        return series_for(self, x)

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return label, probability and name of each series."""
        return answer_series_classes(self, inputs, names)

    def batch_type(self) -> type[BucketedBatches]:
        """Return `WaveBatches` for waveforms."""
        return WaveBatches if self.parts().log_mel is not None else BucketedBatches

    def check_examples(self, x: Any) -> list[np.ndarray]:
        """Return the series as a list of arrays, or refuse what is none."""
        return check_series(x)

    def fit_network(
        self, examples: list[np.ndarray], outputs: int, unlabelled: Sequence[np.ndarray] = ()
    ) -> list[np.ndarray]:
        """Build the network, which learns scale and hidden states from the series."""
        self._set_network(self._new_network([*examples, *unlabelled], outputs))
        return self.encode(examples)


def check_series(x: Any) -> list[np.ndarray]:
    """Return series as a list of float32 arrays `(T, D)`, or refuse them.

    Args:
        x: one series, or a list, tuple or array of series; each an array `(T, D)`, or `(T,)` of
            one feature, or a `rnnkit.data.series.Series`.

    Raises:
        InputError: one is no array of finite numbers, has no step or another number of features.

    Example:
        >>> [row.shape for row in check_series([[1, 2, 3], np.zeros((2, 1))])]
        [(3, 1), (2, 1)]
    """
    if isinstance(x, Series) or (isinstance(x, np.ndarray) and x.ndim == 2):
        x = [x]
    if not isinstance(x, (list, tuple, np.ndarray)):
        raise InputError(f"The series are {type(x).__name__}: expected arrays (T, D), one or many.")
    rows = [_series(row, f"series[{i}]") for i, row in enumerate(x)]
    for i, row in enumerate(rows):
        if row.shape[1] != rows[0].shape[1]:
            raise InputError(
                f"series[{i}] has {row.shape[1]} features, series[0] has {rows[0].shape[1]}: "
                "expected as many in all."
            )
    return rows


def series_for(task: Task, x: Any) -> list[np.ndarray]:
    """Return series as `check_series` does; refuse other features than those of the network.

    Raises:
        InputError: no series, no network yet, or another number of features than it learned from.
    """
    network = require_fitted(task.network, task, "network")
    rows = check_series(x)
    features = network.input_shape[0][-1]
    if rows and rows[0].shape[1] != features:  # all have as many
        raise InputError(
            f"series[0] has {rows[0].shape[1]} features; the model learned from series of "
            f"{features}."
        )
    return rows


def _series(row: Any, name: str) -> np.ndarray:
    try:
        row = np.asarray(row.values if isinstance(row, Series) else row)
        values = row.astype("float32")
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no array of numbers: {error}.") from error
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or 0 in values.shape or row.dtype.kind not in "biuf":
        raise InputError(
            f"{name} is {row.dtype} of shape {row.shape}: expected numbers (T, D), the steps "
            "first, at least one step and one feature."
        )
    if not np.isfinite(values).all():
        step, feature = np.argwhere(~np.isfinite(values))[0]
        raise InputError(
            f"{name} holds {values[step, feature]} at step {step}, feature {feature}: expected "
            "finite numbers. Fill it, or leave the step out."
        )
    return values
