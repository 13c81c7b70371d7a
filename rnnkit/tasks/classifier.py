"""Text in, one of several classes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.backend import native
from rnnkit.data.text import check_texts
from rnnkit.errors import InputError
from rnnkit.monitor.callbacks import StopOnNonFinite
from rnnkit.monitor.metrics import F1, Precision, Recall
from rnnkit.tasks import gradient_norm
from rnnkit.tasks.base import (
    BuildNetwork,
    EpochOrder,
    Feed,
    TextTask,
    enough_epochs,
    texts_and_labels,
)
from rnnkit.tasks.losses import binary_crossentropy
from rnnkit.tasks.schedule import ScheduledLearningRate

Label = str | int


@keras.saving.register_keras_serializable(package="rnnkit")
class TextClassifier(TextTask):
    """A Keras model that takes texts and gives the probability of their class.

    Two classes: one sigmoid unit, the probability of the second. More: a softmax over all.
    Vocabulary, classes and network come into being in the first `fit`.

    Args:
        build_network: `(vocabulary size, outputs) -> functional model`, outputs being 1 or the
            number of classes.
        classes: names of the classes, in the order of the labels 0, 1, ...; learned from the labels
            when left out.
        **options: see `TextTask`.

    Raises:
        InputError: fewer than two classes.

    Example:
        >>> from rnnkit.recipes import lstm_sentiment
        >>> model = lstm_sentiment(units=8)
        >>> history = model.fit(["good", "bad"] * 8, [1, 0] * 8, verbose=0)
        >>> model.predict(["good"], verbose=0).shape
        (1, 1)
    """

    def __init__(
        self,
        build_network: BuildNetwork | None = None,
        *,
        classes: Sequence[Label] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(build_network, **options)
        self._classes: list[Label] | None = None
        if classes is not None:
            self._set_classes(list(classes))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the outputs; empty before they are known."""
        return tuple(map(str, self._classes or ()))

    # Keras's three verbs, on texts.

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
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        shuffle: bool = True,
        initial_epoch: int = 0,
        verbose: str | int = "auto",
    ) -> keras.callbacks.History:
        """Train on texts and their labels.

        Args:
            x: the texts.
            y: one label for each: names, or numbers.
            validation_data: `(texts, labels)` that the model is measured on after each epoch.
            unlabelled: more texts for the word vectors to learn from, in the first `fit`, where
                the embedding is not random.
            epochs: how often to go through the texts; the task's own number when left out.
            batch_size: texts of a batch.
            callbacks: Keras callbacks, such as `rnnkit.monitor.TensorBoard`.
            patience: stop after this many epochs without a better validation loss.
            keep_best: end with the weights of the epoch of the best validation loss.
            class_weight: weight of each label in the loss.
            sample_weight: weight of each text in the loss.
            shuffle: draw a new order for every epoch.
            initial_epoch: the number of the first epoch, when training goes on.
            verbose: as in Keras.

        Returns:
            Keras's history.

        Raises:
            InputError: texts or labels that cannot be used; nothing was learned.
            NonFiniteLoss: the loss became NaN or infinite.
        """
        texts, labels = texts_and_labels(x, y, "The training set")
        classes = self._classes or _learn_classes(labels)
        targets = _targets(labels, classes, "training")
        if len(np.unique(targets)) < 2:
            only = classes[int(targets[0])]
            raise InputError(
                f"All {len(texts)} training labels are {only!r}: a classifier needs texts of at "
                "least two classes."
            )
        held_out = None
        if validation_data is not None:
            held_out = texts_and_labels(*validation_data, "The validation set")
            held_out_targets = _targets(held_out[1], classes, "validation")

        if self.vocabulary is None:
            outputs = 1 if len(classes) == 2 else len(classes)
            ids = self._learn(texts, outputs, check_texts(unlabelled))
        else:
            ids = self.encode(texts)
        self._classes = list(classes)
        if not self.compiled:
            self._compile_for_classes()
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        gradient_norm.watch(self.optimizer)

        batches = self._batches(ids, self._shaped(targets), sample_weight, batch_size, shuffle)
        self.tokens_per_epoch = batches.tokens
        epochs = epochs or self.epochs or enough_epochs(len(batches))
        extra: list[keras.callbacks.Callback] = [EpochOrder(batches), StopOnNonFinite()]
        scheduled = None
        if self.learning_rate_schedule != "constant":
            scheduled = ScheduledLearningRate(
                self, self.learning_rate_schedule, epochs, len(batches)
            )
            extra.append(scheduled)
        validation = None
        if held_out is not None:
            validation = native.feed(
                Feed(self._batches(self.encode(held_out[0]), self._shaped(held_out_targets)))
            )
            if keep_best or patience is not None:
                extra.append(
                    keras.callbacks.EarlyStopping(
                        monitor="val_loss",
                        patience=epochs if patience is None else patience,
                        restore_best_weights=keep_best,
                    )
                )
        try:
            return keras.Model.fit(
                self,
                native.feed(Feed(batches)),
                validation_data=validation,
                epochs=epochs,
                initial_epoch=initial_epoch,
                callbacks=[*extra, *callbacks],
                class_weight=class_weight,
                shuffle=False,  # the batches draw their own order
                verbose=verbose,
            )
        finally:
            if scheduled is not None:
                scheduled.restore()

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Measure loss, accuracy, precision, recall and F1 on texts and their labels.

        With two classes precision, recall and F1 are those of the second; with more, means over
        the classes.

        Raises:
            InputError: texts or labels that cannot be used, or the model is not trained yet.
        """
        options = {"verbose": verbose, "return_dict": return_dict, **kwargs}
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            return super().evaluate(x, y, **options)
        texts, labels = texts_and_labels(x, y, "The test set")
        ids = self.encode(texts)
        targets = self._shaped(_targets(labels, self._classes or [], "test"))
        batches = self._batches(ids, targets, sample_weight, batch_size)
        return super().evaluate(native.feed(Feed(batches)), **options)

    def predict_labels(self, texts: Any, batch_size: int | None = None) -> list[str]:
        """Return the name of the most probable class of each text.

        Example:
            >>> model.predict_labels(["A wonderful little production."])  # doctest: +SKIP
            ['pos']
        """
        outputs = self.predict(texts, batch_size=batch_size, verbose=0)
        best = outputs.argmax(-1) if outputs.shape[-1] > 1 else (outputs[:, 0] > 0.5).astype(int)
        return [self.classes[i] for i in best]

    # What depends on the number of classes.

    def _set_classes(self, classes: list[Label]) -> None:
        if len(classes) < 2 or len(set(classes)) < len(classes):
            raise InputError(f"classes is {classes!r}; expected two or more different names.")
        self._classes = classes

    def _compile_for_classes(self) -> None:
        binary = len(self._classes or ()) == 2
        self.compile(
            optimizer=self._make_optimizer(),
            loss=binary_crossentropy if binary else "sparse_categorical_crossentropy",
            metrics=[
                keras.metrics.BinaryAccuracy(name="accuracy")
                if binary
                else keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
                *(
                    metric(num_classes=len(self._classes or ()), name=name)
                    for metric, name in ((Precision, "precision"), (Recall, "recall"), (F1, "f1"))
                ),
            ],
        )

    def _shaped(self, targets: np.ndarray) -> np.ndarray:
        """Return targets as the loss wants them: `(N, 1)` floats, or `(N,)` class numbers."""
        if len(self._classes or ()) == 2:
            return targets.astype("float32")[:, None]
        return targets.astype("int32")

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again."""
        return {**super().get_config(), "classes": self._classes}


def _learn_classes(labels: np.ndarray) -> list[Label]:
    """Return the different labels in order; refuse what is no label."""
    if labels.dtype.kind == "f" and np.all(labels == np.round(labels)):
        labels = labels.astype(int)
    if labels.dtype.kind not in "biuUO":
        raise InputError(f"Labels are {labels.dtype}; expected names or whole numbers.")
    values = {label.item() if isinstance(label, np.generic) else label for label in labels}
    if (
        not all(isinstance(value, (str, int)) for value in values)
        or len({isinstance(value, str) for value in values}) != 1
    ):
        kinds = sorted({type(value).__name__ for value in values})
        raise InputError(
            f"Labels hold {', '.join(kinds)}; expected all names or all whole numbers."
        )
    classes = sorted(int(value) if isinstance(value, bool) else value for value in values)
    if len(classes) < 2:
        raise InputError(
            f"All {len(labels)} training labels are {classes[0]!r}: a classifier needs texts of at "
            "least two classes."
        )
    return classes


def _targets(labels: np.ndarray, classes: list[Label], name: str) -> np.ndarray:
    """Return the number of each label's class; a number is one where classes are names."""
    numbers: dict[Any, int] = {label: i for i, label in enumerate(classes)}
    if classes and isinstance(classes[0], str):
        numbers |= {i: i for i in range(len(classes))}
    try:
        return np.array([numbers[getattr(label, "item", lambda v=label: v)()] for label in labels])
    except KeyError as error:
        raise InputError(
            f"The {name} labels hold {error.args[0]!r}; expected one of {classes}."
        ) from error
