"""What all classifiers share: one of several classes comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.errors import InputError
from rnnkit.monitor.metrics import of_classes
from rnnkit.tasks.answers import Answers, answer_classes
from rnnkit.tasks.base import Task
from rnnkit.tasks.labels import Label, learn_classes, named, one_for_each, to_numbers
from rnnkit.tasks.losses import binary_crossentropy


class Classifier(Task):
    """A task that gives the probability of an example's class. Abstract: what comes in is open.

    Two classes: one sigmoid unit, the probability of the second. More: a softmax over all.
    Classes and network come into being in the first `fit`. A subclass gives, beside `encode`,
    `_check` (refuse what is no example) and `_learn` (build the network, encode).

    Args:
        build_network: makes the network; its outputs are 1 or the number of classes.
        classes: names of the classes, in the order of the labels 0, 1, ...; learned from the labels
            when left out.
        **options: see `rnnkit.tasks.base.Task`.

    Raises:
        InputError: fewer than two classes.
    """

    noun = ("example", "examples")  # what messages call them

    def __init__(
        self, build_network: Any = None, *, classes: Sequence[Label] | None = None, **options: Any
    ) -> None:
        super().__init__(build_network, **options)
        self._classes = named(classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the outputs; empty before they are known."""
        return tuple(map(str, self._classes or ()))

    # What a subclass gives.

    def _check(self, x: Any) -> list[Any]:
        """Return the examples as a list, or say which of them is none."""
        raise NotImplementedError

    def _learn(
        self, examples: list[Any], outputs: int, unlabelled: Sequence[Any] = ()
    ) -> list[np.ndarray]:
        """Build the network, and return the encoded examples."""
        raise NotImplementedError

    # Keras's three verbs, on raw examples.

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
        """Train on examples and their labels.

        Args:
            x: the examples: texts, or series.
            y: one label for each: names, or numbers.
            validation_data: `(x, y)` that the model is measured on after each epoch.
            unlabelled: more examples, for what the first `fit` learns without labels: the word
                vectors of texts, the hidden Markov model of series.
            epochs: how often to go through the examples; the task's own number when left out.
            batch_size: examples of a batch.
            callbacks: Keras callbacks, such as `rnnkit.monitor.TensorBoard`.
            patience: stop after this many epochs without a better validation loss.
            keep_best: end with the weights of the epoch of the best validation loss.
            class_weight: weight of each label in the loss.
            sample_weight: weight of each example in the loss.
            shuffle: draw a new order for every epoch.
            initial_epoch: the number of the first epoch, when training goes on.
            verbose: as in Keras.

        Returns:
            Keras's history.

        Raises:
            InputError: examples or labels that cannot be used; nothing was learned.
            NonFiniteLoss: the loss became NaN or infinite.
        """
        examples, labels = self._examples(x, y, "The training set")
        classes = self._classes or learn_classes(labels)
        targets = to_numbers(labels, classes, "training")
        if len(np.unique(targets)) < 2:
            raise InputError(
                f"All {len(examples)} training labels are {classes[int(targets[0])]!r}: a "
                f"classifier needs {self.noun[1]} of at least two classes."
            )
        held_out = None
        if validation_data is not None:
            held_out, held_labels = self._examples(*validation_data, "The validation set")
            held_targets = to_numbers(held_labels, classes, "validation")

        if self.network is None:
            outputs = 1 if len(classes) == 2 else len(classes)
            rows = self._learn(examples, outputs, self._check(unlabelled))
        else:
            rows = self.encode(examples)
        self._classes = list(classes)
        return self._train(
            self._batches(rows, self._shaped(targets), sample_weight, batch_size, shuffle),
            None
            if held_out is None
            else self._batches(self.encode(held_out), self._shaped(held_targets)),
            epochs=epochs,
            patience=patience,
            keep_best=keep_best,
            callbacks=callbacks,
            class_weight=class_weight,
            initial_epoch=initial_epoch,
            verbose=verbose,
        )

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
        """Measure loss, accuracy, precision, recall and F1 on examples and their labels.

        With two classes precision, recall and F1 are those of the second; with more, means over
        the classes.

        Raises:
            InputError: examples or labels that cannot be used, or the model is not trained yet.
        """
        options = {"verbose": verbose, "return_dict": return_dict, **kwargs}
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            return super().evaluate(x, y, **options)
        examples, labels = self._examples(x, y, "The test set")
        rows = self.encode(examples)
        targets = self._shaped(to_numbers(labels, self._classes or [], "test"))
        return self._measure(self._batches(rows, targets, sample_weight, batch_size), **options)

    def predict_labels(self, x: Any, batch_size: int | None = None) -> list[str]:
        """Return the name of the most probable class of each example.

        Example:
            >>> model.predict_labels(["A wonderful little production."])  # doctest: +SKIP
            ['pos']
        """
        outputs = self.predict(x, batch_size=batch_size, verbose=0)
        best = outputs.argmax(-1) if outputs.shape[-1] > 1 else (outputs[:, 0] > 0.5).astype(int)
        return [self.classes[i] for i in best]

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return label, probability and text of each input."""
        return answer_classes(self, inputs, names)

    def _examples(self, x: Any, labels: Any, name: str) -> tuple[list[Any], np.ndarray]:
        """Check that there is one label for each example, and at least one example."""
        checked = self._check(x)
        one, many = self.noun
        if not checked:
            raise InputError(f"{name} holds no {one}. Give at least one {one} with its label.")
        return checked, one_for_each(labels, len(checked), name, many)

    # What depends on the number of classes.

    def _compile(self) -> None:
        count = len(self._classes or ())
        self.compile(
            optimizer=self._make_optimizer(),
            loss=binary_crossentropy if count == 2 else "sparse_categorical_crossentropy",
            metrics=[
                keras.metrics.BinaryAccuracy(name="accuracy")
                if count == 2
                else keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
                *of_classes(count),
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
