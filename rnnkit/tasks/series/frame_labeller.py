"""Frame labeller: a class for each step of series of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from rnnkit.data.batches import Batches
from rnnkit.data.batching import Batch, BucketedBatches
from rnnkit.data.frames import InputForm
from rnnkit.data.series import Series
from rnnkit.errors import InputError, check_count, quote, require_fitted
from rnnkit.explain.question import Question
from rnnkit.hmm.layers.crf import CRFDecoder
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.figures import confusion_matrix_png
from rnnkit.monitor.metrics import StepAccuracy, classification_metrics
from rnnkit.progress import track
from rnnkit.tasks.answer_tables import AnswerTable, frame_table
from rnnkit.tasks.answers import Answers, answer_frames
from rnnkit.tasks.classifier import ClassTask
from rnnkit.tasks.inference import predict_batch
from rnnkit.tasks.labels import Label, join_labels, learn_classes, one_for_each, to_numbers
from rnnkit.tasks.series.series_inputs import SeriesInputs, check_series
from rnnkit.tasks.task import Examples


class FrameParts(NamedTuple):
    """The named layers of a frame labeller with a CRF: it, and the scores before it."""

    crf: Any = None
    potentials: Any = None


@keras.saving.register_keras_serializable(package="rnnkit")
class FrameLabeller(SeriesInputs, ClassTask):
    """Frame labeller: a Keras model from series `(T, D)` of any length to a class for each step.

    The first `fit` learns classes and network from series and one label (a name or a number) for
    each of their steps. It trains on windows of the series that overlap by half, so that every step
    is seen once with context on both sides; it labels a series as a whole.

    Args:
        build_network: `(series, classes) -> functional model` from `(values, mask)`, `(B, T, D)`
            and boolean `(B, T)`, and where it has a layer "crf" the labels, to `(B, T, C)`.
        window: steps per window in training; None = train on whole series.
        **options: see `rnnkit.tasks.Task`.

    Raises:
        InputError: fewer than two classes, a window of no step.

    Example:
        >>> from rnnkit.recipes.frames import frame_labeller
        >>> model = frame_labeller(units=4, epochs=1)
        >>> history = model.fit(np.zeros((20, 2)), ["on", "off"] * 10, verbose=0)
        >>> model.predict(np.ones((7, 2)), verbose=0).shape
        (7, 2)
    """

    renamed_attributes: ClassVar = {"show": "write_examples"}
    form: ClassVar[InputForm] = InputForm("series", "label", 2, 1)
    noun = ("series", "series")
    config_keys = ("window",)
    network_parts = FrameParts
    reads_series = True
    splits_batches = False
    embeds = False

    def __init__(
        self, build_network: Any = None, *, window: int | None = 200, **options: Any
    ) -> None:
        super().__init__(build_network, **options)
        if window is not None:
            check_count("window", window)
        self.window = window
        self._decoder: list[keras.Model] = []  # in a list: Keras would save it as a part

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the series as float32 arrays `(T, D)`; refuse another number of features."""
        return self.series_for(x)

    # The steps of fit and evaluate.

    def check(self, x: Any, y: Any, name: str) -> Examples:
        """Return series and the labels of their steps, or refuse them."""
        series = check_series(x)
        if not series:
            raise InputError(f"{name} holds no series. Give at least one, with its labels.")
        if y is None:
            raise InputError(f"{name}: labels are missing. Give one for each step of each series.")
        rows = [y] if _is_one(x) else list(y)
        if len(rows) != len(series):
            raise InputError(f"{name} has labels for {len(rows)} of {len(series)} series.")
        labels = [
            one_for_each(row, len(one), f"{name}, series[{i}]", "steps")
            for i, (row, one) in enumerate(zip(rows, series, strict=True))
        ]
        return Examples(series, labels)

    def fit_targets(self, train: Examples) -> list[Label]:
        """Return the classes; refuse labels that are all the same."""
        known = self._classes or list(self._class_order or ())
        classes = known or learn_classes(join_labels(train.y))
        if len(classes) < 2:
            raise InputError(f"All training labels are {quote(classes[0])}: expected two classes.")
        return classes

    def encode_targets(self, examples: Examples, spec: list[Label], name: str) -> list[np.ndarray]:
        """Return the class number of each step."""
        return [to_numbers(row, spec, name) for row in examples.y]

    def learn(
        self, train: Examples, targets: Any, spec: list[Label], unlabelled: Sequence[Any]
    ) -> None:
        """Build the network, which learns the scale of the features from the series."""
        rows = self.learn_series([*train.x, *check_series(unlabelled)])
        self._set_network(self._new_network(rows, len(spec)))

    def batch_type(self) -> type[BucketedBatches]:
        """Return batches with the labels among the inputs for a CRF."""
        return BucketedBatches if self.parts().crf is None else LabelledBatches

    def make_batches(
        self, rows: list[Any], targets: Any = None, sample_weight: Any = None, **options: Any
    ) -> Batches:
        """Return batches of series; to train on, of windows of them."""
        if options.get("training"):
            rows, targets = windows_of(rows, targets, self.window)
        return super().make_batches(rows, targets, sample_weight, **options)

    def compile_options(self) -> dict[str, Any]:
        """Return cross-entropy (a CRF has its own loss), accuracy, precision, recall and F1.

        All are over steps. With two classes precision, recall and F1 are those of the second; with
        more, means over the classes.
        """
        loss = None
        if self.parts().crf is None:
            loss = keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")
        metrics = [StepAccuracy(), *classification_metrics(len(self._classes or ()))]
        return {"loss": loss, "weighted_metrics": metrics}

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        callbacks: Any = None,
        *,
        text_column: Any = None,
    ) -> Any:
        """Return the probability of each class at each step.

        Args:
            x: one series `(T, D)`, or a list of them.
            batch_size: series per batch.
            verbose: accepted as in Keras; nothing is shown.
            callbacks: accepted as in Keras; none is called.
            text_column: the column of the examples, where x is a table or has columns.

        Returns:
            `(T, C)`; for a list of series a list of them. With a CRF, the posteriors.

        Example:
            >>> model.predict(np.zeros((300, 19))).shape  # doctest: +SKIP
            (300, 5)
        """
        del verbose, callbacks
        x = self.read(x, name="x", targets=False, text_column=text_column).x
        found = self._step_outputs(self, x, batch_size)
        return found[0] if _is_one(x) else found

    def predict_labels(
        self, x: Any, batch_size: int | None = None, *, text_column: Any = None
    ) -> Any:
        """Return the most probable class of each step; with a CRF, the most likely sequence.

        Args:
            x: one series `(T, D)`, or a list of them.
            batch_size: series per batch.
            text_column: the column of the examples, where x is a table or has columns.

        Returns:
            A list of T names; for a list of series a list of them.

        Example:
            >>> model.predict_labels(np.zeros((3, 19)))  # doctest: +SKIP
            ['Rest', 'Rest', 'Rest']
        """
        require_fitted(self.network, self, "network")
        x = self.read(x, name="x", targets=False, text_column=text_column).x
        if self.parts().crf is not None:
            rows = self._step_outputs(self._decoding(), x, batch_size)
        else:
            rows = [row.argmax(axis=-1) for row in self._step_outputs(self, x, batch_size)]
        found = [[self.classes[i] for i in row] for row in rows]
        return found[0] if _is_one(x) else found

    def answers_by_example(
        self, test: Examples, batch_size: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return of each series how many steps it has, and how many are right, also by class."""
        truth = self.encode_targets(test, self.target_spec(), "test")
        guess = [row.argmax(-1) for row in self._step_outputs(self, test.x, batch_size)]
        of = np.arange(len(self.classes))
        pairs = [(a[:, None] == of, b[:, None] == of) for a, b in zip(truth, guess, strict=True)]
        right = np.array([(a & b).sum(0) for a, b in pairs])
        found = {"steps": np.array([len(row) for row in truth]), "steps_right": right.sum(1)}
        found |= {"class_steps": np.array([a.sum(0) for a, _ in pairs]), "class_right": right}
        return found | {"class_found": np.array([b.sum(0) for _, b in pairs])}

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return label and probability of each step of each series."""
        return answer_frames(self, inputs, names)

    def answer_table(self, inputs: Sequence[Any]) -> AnswerTable:
        """Return the label of each step of each series, and the probability of each class."""
        return frame_table(self, inputs)

    def question(self, x: Any, target: Any, at: int | None) -> Question:
        """Return what is explained of one series: the log-odds of the class of a step."""
        from rnnkit.tasks.explaining.series import question_of_frame

        return question_of_frame(self, x, target, at)

    def write_examples(self, writer: EventWriter, x: Any, y: Any, step: int) -> None:
        """Write the confusion matrix of the steps of validation series to TensorBoard."""
        series, labels = self.check(x, y, "The examples")
        truth = np.concatenate([to_numbers(row, self._classes or [], "shown") for row in labels])
        guess = np.concatenate([row.argmax(-1) for row in self._step_outputs(self, series, None)])
        counts = np.zeros((len(self.classes),) * 2, int)
        np.add.at(counts, (truth, guess), 1)
        title = f"epoch {step}: {(truth == guess).mean():.1%} of {len(truth):,} steps right"
        picture = confusion_matrix_png(counts, list(self.classes), title)
        writer.image("examples/confusion_matrix", picture, step)

    def _step_outputs(self, model: keras.Model, x: Any, batch_size: int | None) -> list[np.ndarray]:
        """Return the outputs of a model for each step of each series, without the padding."""
        rows = self.encode(x)
        batches = self.make_batches(rows, batch_size=batch_size)
        found: list[Any] = []
        for index in track(range(len(batches)), "Labelling"):
            found += list(predict_batch(model, batches[index][0]))
        answers: list[Any] = [None] * len(rows)
        for place, answer in zip(batches.order, found, strict=True):
            answers[place] = answer[: len(rows[place])]
        return answers

    def serving_network(self) -> keras.Model:
        """Return the network; that of a CRF without the labels, which only its loss needs."""
        network = super().serving_network()
        crf, potentials = self.parts()
        if crf is None:
            return network
        values, mask, *_ = network.inputs
        return keras.Model([values, mask], crf(potentials.output, mask=mask))

    def serving_calls(
        self, models: dict[str, keras.Model], x: list[Any]
    ) -> list[tuple[str, list[np.ndarray]]]:
        """Return signatures and inputs of calls; see `rnnkit.tasks.hooks`."""
        return [(name, inputs[:2]) for name, inputs in super().serving_calls(models, x)]

    def _decoding(self) -> keras.Model:
        """Return the network with the most likely labels as its output; made once."""
        if not self._decoder:
            network = require_fitted(self.network, self, "network")
            crf, potentials = self.parts()
            labels = CRFDecoder(crf)(potentials.output, mask=network.inputs[1])
            self._decoder.append(keras.Model(network.inputs, labels))
        return self._decoder[0]


class LabelledBatches(BucketedBatches):
    """`BucketedBatches` with the labels among the inputs, for the loss of a CRF; -1 = no label.

    Example:
        >>> batches = LabelledBatches([np.zeros((2, 1))], [np.array([3, 4])], batch_size=1)
        >>> (values, mask, labels), *_ = batches[0]
        >>> labels[0, :4].tolist()
        [3, 4, -1, -1]
    """

    def __getitem__(self, index: int) -> Batch:
        """Return one batch."""
        (values, mask), labels, weights = super().__getitem__(index)
        known = np.full(mask.shape, -1) if labels is None else np.where(mask, labels, -1)
        return (values, mask, known.astype("int32")), labels, weights  # type: ignore[return-value]


def windows_of(
    rows: list[np.ndarray], targets: list[np.ndarray], window: int | None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Cut series and the labels of their steps into windows that overlap by half.

    Args:
        rows: arrays `(T, D)`.
        targets: arrays `(T,)`.
        window: steps of a window; the last one ends with its series. None = no cut.

    Example:
        >>> windows_of([np.arange(7)], [np.arange(7)], 4)[1]
        [array([0, 1, 2, 3]), array([2, 3, 4, 5]), array([3, 4, 5, 6])]
    """
    if window is None:
        return rows, targets
    found = []
    for row, target in zip(rows, targets, strict=True):
        last = max(0, len(row) - window)
        starts = [*range(0, last, max(1, window // 2)), last]
        found += [(row[start : start + window], target[start : start + window]) for start in starts]
    return [row for row, _ in found], [target for _, target in found]


def _is_one(x: Any) -> bool:
    return isinstance(x, Series) or (isinstance(x, np.ndarray) and x.ndim == 2)
