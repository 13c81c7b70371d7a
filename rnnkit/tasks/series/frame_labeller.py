"""Series of numbers in, a class for each of their steps out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.data.batching import Batch, BucketedBatches
from rnnkit.data.series import Series
from rnnkit.errors import InputError
from rnnkit.hmm.layers.crf import CRFDecoder
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.figures import confusion_png
from rnnkit.monitor.metrics import of_classes
from rnnkit.tasks.answers import Answers, answer_frames
from rnnkit.tasks.base import Task
from rnnkit.tasks.labels import Label, learn_classes, named, one_for_each, to_numbers
from rnnkit.tasks.series.sequence_classifier import check_series, series_for


@keras.saving.register_keras_serializable(package="rnnkit")
class FrameLabeller(Task):
    """A Keras model that takes series `(T, D)` of any length and gives a class for each step.

    It learns from windows of the series, half of each in the next one too, so that every step is
    seen once with others on both sides; it labels a series as a whole.

    Args:
        build_network: `(series, classes) -> functional model` from `(values, mask)`, `(B, T, D)`
            and boolean `(B, T)`, and where it has a layer "crf" the labels, to `(B, T, C)`.
        classes: names of the classes, in the order of the labels 0, 1, ...; learned from the labels
            when left out.
        window: steps of a window in training; None = series are learned from as a whole.
        **options: see `rnnkit.tasks.base.Task`.

    Raises:
        InputError: fewer than two classes, a window of no step.

    Example:
        >>> from rnnkit.recipes.frames import frame_labeller
        >>> model = frame_labeller(units=4, epochs=1)
        >>> history = model.fit(np.zeros((20, 2)), ["on", "off"] * 10, verbose=0)
        >>> model.predict(np.ones((7, 2)), verbose=0).shape
        (7, 2)
    """

    reads_series = True

    def __init__(
        self,
        build_network: Any = None,
        *,
        classes: Sequence[Label] | None = None,
        window: int | None = 200,
        **options: Any,
    ) -> None:
        super().__init__(build_network, **options)
        if window is not None and window < 1:
            raise InputError(f"window is {window}; expected 1 step or more, or None.")
        self._classes = named(classes)
        self.window = window
        self._decoder: list[keras.Model] = []  # in a list: Keras would save it as a part

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the outputs; empty before they are known."""
        return tuple(map(str, self._classes or ()))

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the series as float32 arrays `(T, D)`.

        Raises:
            InputError: something among them is no series, or has another number of features than
                the series of the first fit.
        """
        return series_for(self, x)

    # Keras's three verbs, on raw series.

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        *,
        validation_data: tuple[Any, Any] | None = None,
        unlabelled: Any = (),
        epochs: int | None = None,
        batch_size: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        patience: int | None = None,
        keep_best: bool = True,
        shuffle: bool = True,
        initial_epoch: int = 0,
        verbose: str | int = "auto",
    ) -> keras.callbacks.History:
        """Train on series and the labels of their steps.

        Args:
            x: one series `(T, D)`, or a list of such.
            y: one label for each step: names or numbers, `(T,)`, or a list of such.
            validation_data: `(x, y)` that the model is measured on after each epoch.
            unlabelled: more series, to learn the scale of the features from.
            epochs: how often to go through the windows; the task's own number when left out.
            batch_size: windows of a batch.
            callbacks: Keras callbacks, such as `rnnkit.monitor.TensorBoard`.
            patience: stop after this many epochs without a better validation loss.
            keep_best: end with the weights of the epoch of the best validation loss.
            shuffle: draw a new order for every epoch.
            initial_epoch: the number of the first epoch, when training goes on.
            verbose: as in Keras.

        Returns:
            Keras's history.

        Raises:
            InputError: series or labels that cannot be used; nothing was learned.
            NonFiniteLoss: the loss became NaN or infinite.
        """
        series, labels = self._examples(x, y, "The training set")
        classes = self._classes or learn_classes(np.concatenate(labels))
        targets = [to_numbers(row, classes, "training") for row in labels]
        if len(classes) < 2:
            raise InputError(f"All training labels are {classes[0]!r}: expected two classes.")
        held_out = None
        if validation_data is not None:
            held_out, held_labels = self._examples(*validation_data, "The validation set")
            held_targets = [to_numbers(row, classes, "validation") for row in held_labels]
        if self.network is None:
            known = [*series, *check_series(unlabelled)]
            self._set_network(self._new_network(known, len(classes)))
        self._classes = list(classes)
        rows, targets = windows_of(self.encode(series), targets, self.window)
        return self._train(
            self._batches(rows, targets, None, batch_size, shuffle),
            None if held_out is None else self._batches(self.encode(held_out), held_targets),
            epochs=epochs,
            patience=patience,
            keep_best=keep_best,
            callbacks=callbacks,
            initial_epoch=initial_epoch,
            verbose=verbose,
        )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Measure loss, accuracy, precision, recall and F1 over all steps.

        With two classes precision, recall and F1 are those of the second; with more, means over
        the classes.

        Raises:
            InputError: series or labels that cannot be used, or the model is not trained yet.
        """
        options = {"verbose": verbose, "return_dict": return_dict, **kwargs}
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            return super().evaluate(x, y, **options)
        series, labels = self._examples(x, y, "The test set")
        rows = self.encode(series)
        targets = [to_numbers(row, self._classes or [], "test") for row in labels]
        return self._measure(self._batches(rows, targets, None, batch_size), **options)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        callbacks: Any = None,
    ) -> Any:
        """Return the probability of each class at each step.

        Args:
            x: one series `(T, D)`, or a list of such.
            batch_size: series of a batch.
            verbose: as in Keras; nothing is shown.
            callbacks: as in Keras; none is called.

        Returns:
            `(T, C)`, of a list of series a list of such. With a CRF, the posteriors.

        Raises:
            InputError: something among them is no series, or the model is not trained yet.

        Example:
            >>> model.predict(np.zeros((300, 19))).shape  # doctest: +SKIP
            (300, 5)
        """
        del verbose, callbacks
        found = self._answers(self, x, batch_size)
        return found[0] if _is_one(x) else found

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return label and probability of each step of each series."""
        return answer_frames(self, inputs, names)

    def predict_labels(self, x: Any, batch_size: int | None = None) -> Any:
        """Return the name of the class of each step; with a CRF, those most likely together.

        Args:
            x: one series `(T, D)`, or a list of such.
            batch_size: series of a batch.

        Returns:
            A list of T names, of a list of series a list of such.

        Example:
            >>> model.predict_labels(np.zeros((3, 19)))  # doctest: +SKIP
            ['Rest', 'Rest', 'Rest']
        """
        self.encode([])
        if self._has_crf:
            rows = self._answers(self._decoding(), x, batch_size)
        else:
            rows = [row.argmax(axis=-1) for row in self._answers(self, x, batch_size)]
        found = [[self.classes[i] for i in row] for row in rows]
        return found[0] if _is_one(x) else found

    def show(self, writer: EventWriter, x: Any, y: Any, step: int) -> None:
        """Write which classes are taken for which, at the steps of held-out series.

        Args:
            writer: of the run's events.
            x: series.
            y: the labels of their steps.
            step: the number of the epoch.
        """
        series, labels = self._examples(x, y, "The examples")
        truth = np.concatenate([to_numbers(row, self._classes or [], "shown") for row in labels])
        guess = np.concatenate([row.argmax(-1) for row in self._answers(self, series, None)])
        counts = np.zeros((len(self.classes),) * 2, int)
        np.add.at(counts, (truth, guess), 1)
        title = f"step {step}: {(truth == guess).mean():.1%} of {len(truth):,} steps right"
        writer.image("confusion_matrix", confusion_png(counts, list(self.classes), title), step)

    # Arrays -> batches -> Keras.

    @property
    def _has_crf(self) -> bool:
        return self.network is not None and len(self.network.inputs) == 3

    def _kind_of_batches(self) -> type[BucketedBatches]:
        return LabelledBatches if self._has_crf else BucketedBatches

    def _answers(self, model: keras.Model, x: Any, batch_size: int | None) -> list[np.ndarray]:
        """Return what a model gives for each step of each series, without the padding."""
        rows = self.encode(x)
        batches = self._batches(rows, batch_size=batch_size)
        found: list[Any] = []
        for index in range(len(batches)):
            found += list(np.asarray(model.predict_on_batch(batches[index][0])))
        answers: list[Any] = [None] * len(rows)
        for place, answer in zip(batches.order, found, strict=True):
            answers[place] = answer[: len(rows[place])]
        return answers

    def _decoding(self) -> keras.Model:
        """Return the network with the most likely labels as its output; made once."""
        if not self._decoder:
            network = self.network
            assert network is not None
            potentials = network.get_layer("potentials").output
            decoder = CRFDecoder(network.get_layer("crf"))
            labels = decoder(potentials, mask=network.inputs[1])
            self._decoder.append(keras.Model(network.inputs, labels))
        return self._decoder[0]

    def _examples(self, x: Any, y: Any, name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Check that there is one label for each step, and at least one series."""
        series = check_series(x)
        if not series:
            raise InputError(f"{name} holds no series. Give at least one, with its labels.")
        if y is None:
            raise InputError(f"{name}: labels are missing. Give one for each step of each series.")
        rows = [y] if _is_one(x) else list(y)
        if len(rows) != len(series):
            raise InputError(f"{name} has labels for {len(rows)} of {len(series)} series.")
        return series, [
            one_for_each(row, len(one), f"{name}, series[{i}]", "steps")
            for i, (row, one) in enumerate(zip(rows, series, strict=True))
        ]

    def _compile(self) -> None:
        count = len(self._classes or ())
        loss = None  # a CRF has its own
        if not self._has_crf:
            loss = keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")
        self.compile(
            optimizer=self._make_optimizer(),
            loss=loss,
            weighted_metrics=[
                keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
                *of_classes(count),
            ],
        )

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again."""
        return {**super().get_config(), "classes": self._classes, "window": self.window}


class LabelledBatches(BucketedBatches):
    """`BucketedBatches` whose labels are an input too, -1 where there is none: for a CRF's loss.

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
