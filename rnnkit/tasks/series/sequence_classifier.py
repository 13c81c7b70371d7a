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
from rnnkit.explain.question import Question
from rnnkit.tasks.answers import Answers, answer_series_classes
from rnnkit.tasks.classifier import Classifier
from rnnkit.tasks.series.series_inputs import SeriesInputs, check_series


class SeriesParts(NamedTuple):
    """The named layers of a series classifier: the log-mel features of waveforms, if any."""

    log_mel: keras.layers.Layer | None = None


@keras.saving.register_keras_serializable(package="rnnkit")
class SequenceClassifier(SeriesInputs, Classifier):
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
    embeds = False

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return float32 arrays `(T, D)`, not truncated; refuse another number of features."""
        return self.series_for(x)

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return label, probability and name of each series."""
        return answer_series_classes(self, inputs, names)

    def class_question(self, x: Any, target: Any) -> Question:
        """Return what is explained of the class of one series."""
        from rnnkit.tasks.explaining.series import question_of_series

        return question_of_series(self, x, target)

    def batch_type(self) -> type[BucketedBatches]:
        """Return `WaveBatches` for waveforms."""
        return WaveBatches if self.parts().log_mel is not None else BucketedBatches

    def check_examples(self, x: Any) -> list[Series]:
        """Return the series as a list, or refuse what is none."""
        return check_series(x)

    def fit_network(
        self, examples: list[Series], outputs: int, unlabelled: Sequence[Series] = ()
    ) -> list[np.ndarray]:
        """Build the network, which learns scale and hidden states from the series."""
        waveforms = self.settings.get("features") == "log-mel"
        rows = self.learn_series([*examples, *unlabelled], waveforms)
        self._set_network(self._new_network(rows, outputs))
        return rows[: len(examples)]
