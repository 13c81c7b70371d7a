"""Base classes of tasks whose targets are classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Unpack

import keras
import numpy as np

from rnnkit.data.frames import InputForm
from rnnkit.errors import InputError, clip, quote
from rnnkit.explain.question import Question
from rnnkit.monitor.metrics import ClassAccuracy, classification_metrics
from rnnkit.options import separate, settings_of
from rnnkit.settings.distillation import DistillationOptions
from rnnkit.tasks.answer_tables import AnswerTable, class_table
from rnnkit.tasks.answers import Answers, answer_classes, best_classes
from rnnkit.tasks.ensemble import Ensemble
from rnnkit.tasks.estimator import ClassifierEstimator
from rnnkit.tasks.labels import (
    Label,
    check_classes,
    learn_classes,
    one_for_each,
    soft_for_each,
    to_numbers,
)
from rnnkit.tasks.task import Examples, Task
from rnnkit.tasks.training import full_batches
from rnnkit.tasks.training.distillation import Taught, as_targets, ask_teacher, soft_targets
from rnnkit.tasks.training.losses import class_crossentropy
from rnnkit.tasks.training.weights import weight_by_class
from rnnkit.training.checkpoints import Checkpoints


class ClassTask(Task):
    """A task whose targets are classes, which it learns from the labels. Abstract.

    Args:
        build_network: builds the network.
        classes: names of the classes, in the order of the labels 0, 1, ...; learned from the labels
            when left out.
        **options: see `rnnkit.tasks.Task`.

    Raises:
        InputError: fewer than two classes.
    """

    uses_unlabelled = True
    splits_batches = True

    def __init__(
        self, build_network: Any = None, *, classes: Sequence[Label] | None = None, **options: Any
    ) -> None:
        super().__init__(build_network, **options)
        self._classes = check_classes(classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the outputs; empty before they are known."""
        return tuple(map(str, self._classes or ()))

    def target_spec(self) -> list[Label]:
        """Return the classes."""
        return self._classes or []

    def set_targets(self, spec: list[Label]) -> None:
        """Keep the classes."""
        self._classes = list(spec)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments and the network."""
        return {**super().get_config(), "classes": self._classes}


class Classifier(ClassifierEstimator, ClassTask):
    """A task that predicts the probability of each example's class. Abstract.

    Two classes: one sigmoid unit, the probability of the second. More: a softmax over all.
    Classes and network are learned in the first `fit`. A subclass defines `check_examples`,
    `encode` and `fit_network`.

    A label is a name or a whole number; or soft: a row with the probability of each class, or of
    two classes the probability of the second. The loss is the cross-entropy with these
    probabilities; accuracy, precision, recall and F1 are those of the most probable class. Of a
    `teacher` the probabilities are learned in this way, beside the labels.
    """

    form: ClassVar[InputForm] = InputForm(label_depth=0, soft=True)
    uses_sample_weight = True
    uses_class_weight = True
    uses_teacher = True
    predicts_classes = True
    config_keys: ClassVar[tuple[str, ...]] = ("temperature", "label_weight")

    def __init__(self, build_network: Any = None, **options: Unpack[DistillationOptions]) -> None:
        own, rest = separate(options, settings_of(DistillationOptions), type(self).__name__)
        super().__init__(build_network, **rest)
        self.temperature, self.label_weight = own["temperature"], own["label_weight"]

    def check_examples(self, x: Any) -> list[Any]:
        """Return the examples as a list, or refuse an invalid one."""
        raise NotImplementedError

    def fit_network(
        self, examples: list[Any], outputs: int, unlabelled: Sequence[Any] = ()
    ) -> list[np.ndarray]:
        """Build the network, and return the encoded examples."""
        raise NotImplementedError

    # The steps of fit and evaluate.

    def check(self, x: Any, y: Any, name: str) -> Examples:
        """Return examples and labels; refuse an empty set, or other than one label for each."""
        examples = self.check_examples(x)
        one, many = self.noun
        if not examples:
            raise InputError(f"{name} holds no {one}. Give at least one {one} with its label.")
        labels = soft_for_each(y, len(examples), name, many)
        if labels is None:
            labels = one_for_each(y, len(examples), name, many)
        return Examples(examples, labels)

    def fit_targets(self, train: Examples) -> list[Label]:
        """Return the classes; refuse labels that are all the same."""
        classes = self._classes or list(self._class_order or ())
        if train.y.ndim == 2:
            classes = classes or list(range(train.y.shape[1]))
            if len(classes) > 2:
                self._check_loss("Labels are probabilities")
            return _check_columns(train.y, classes, "training")
        classes = classes or learn_classes(train.y)
        numbers = to_numbers(train.y, classes, "training")
        if len(np.unique(numbers)) < 2:
            raise InputError(
                f"All {len(train.x)} training labels are {classes[int(numbers[0])]!r}: a "
                f"classifier needs {self.noun[1]} of at least two classes."
            )
        return classes

    def encode_targets(self, examples: Examples, spec: list[Label], name: str) -> np.ndarray:
        """Return targets as the loss wants them: `(N, 1)` floats, or `(N,)` class numbers.

        Soft labels of more than two classes are `(N, C)`.
        """
        if examples.y.ndim == 2:
            _check_columns(examples.y, spec, name)
            return as_targets(examples.y)
        numbers = to_numbers(examples.y, spec, name)
        return numbers.astype("float32")[:, None] if len(spec) == 2 else numbers.astype("int32")

    def class_weights(self, class_weight: Any, train: Examples, spec: list[Label]) -> np.ndarray:
        """Return the weight of each example by its class."""
        if train.y.ndim == 2:
            raise InputError(
                "class_weight was given, and the labels are probabilities of all classes. Give "
                "sample_weight, or leave it out."
            )
        numbers = to_numbers(train.y, spec, "training")

        def index(label: Any) -> int:
            return int(to_numbers(np.array([label], object), spec, "class_weight")[0])

        return weight_by_class(class_weight, numbers, spec, index)

    def learn(
        self, train: Examples, targets: Any, spec: list[Label], unlabelled: Sequence[Any]
    ) -> list[np.ndarray]:
        """Build the network, and return the encoded examples."""
        outputs = 1 if len(spec) == 2 else len(spec)
        return self.fit_network(train.x, outputs, self.check_examples(unlabelled))

    def compile_options(self) -> dict[str, Any]:
        """Return binary or categorical cross-entropy, accuracy, precision, recall and F1.

        With two classes precision, recall and F1 are those of the second; with more, means over
        the classes.
        """
        count = len(self._classes or ())
        metrics = [ClassAccuracy(), *classification_metrics(count)]
        return {"loss": class_crossentropy, "metrics": metrics}

    def loss_divisor(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """Return the number of examples, whatever their weights."""
        if sample_weight is not None and full_batches.is_watched(self._loss_tracker):
            return full_batches.without_filling(sample_weight)[1]
        return keras.ops.shape(y_pred)[0]

    def teach(
        self,
        teacher: Any,
        train: Examples,
        targets: np.ndarray,
        weights: np.ndarray | None,
        spec: list[Label],
        unlabelled: Sequence[Any],
        checkpoints: Checkpoints | None,
        resumed: bool,
    ) -> Taught:
        """Return examples with what a teacher predicts for them."""
        self._check_loss("A teacher was given")
        texts = [*train.x, *self.check_examples(unlabelled)]
        known = train.y
        if known.ndim == 1:
            known = np.eye(len(spec))[to_numbers(known, spec, "training")]
        rows = ask_teacher(Ensemble.of(teacher), texts, spec, checkpoints, resumed)
        if weights is not None:
            weights = np.concatenate([weights, np.ones(len(texts) - len(known), "float32")])
        new = soft_targets(known, rows, self.temperature, self.label_weight)
        return Taught(Examples(texts, rows), new, weights)

    def _check_loss(self, reason: str) -> None:
        """Refuse soft labels where the loss is the user's, or that of an earlier version."""
        loss = getattr(self._compile_loss, "_user_loss", None) if self.compiled else None
        if loss not in (None, class_crossentropy):
            raise InputError(
                f"{reason}, and the model is compiled with the loss {quote(loss)}: probabilities "
                "are learned with the task's own. Leave compile out, or train a new model."
            )

    def answers_by_example(
        self, test: Examples, batch_size: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return the probabilities of each example, its class and length, and the classes."""
        classes = self.target_spec()
        soft = test.y.ndim == 2
        truth = test.y.argmax(axis=1) if soft else to_numbers(test.y, classes, "test")
        rows = self.encode_checked(test.x)
        outputs = self.outputs_of(rows, batch_size)
        found = {"probabilities": outputs.astype("float32"), "truth": truth.astype("int32")}
        found["lengths"] = np.array([self.length_of(row) for row in rows], "int32")
        return {**found, "classes": np.array(self.classes)}

    def length_of(self, row: Any) -> int:
        """Return the steps of an encoded example, before truncation."""
        return len(row)

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return label, probability and text of each input."""
        return answer_classes(self, inputs, names)

    def answer_table(self, inputs: Sequence[Any]) -> AnswerTable:
        """Return the most probable class of each input, and the probability of each class."""
        return class_table(self, inputs)

    def question(self, x: Any, target: Any, at: int | None) -> Question:
        """Return what is explained of one example: the log-odds of a class."""
        if at is not None:
            raise InputError(
                f"at is {quote(at)}, and {type(self).__name__} has one answer for the whole "
                f"{self.noun[0]}: leave it out."
            )
        return self.class_question(x, target)

    def class_question(self, x: Any, target: Any) -> Question:
        """Return what is explained of the class of one example; None = the most probable one."""
        return super().question(x, target, None)

    def predict_labels(
        self, x: Any, batch_size: int | None = None, *, text_column: Any = None
    ) -> list[str]:
        """Return the name of the most probable class of each example.

        Args:
            x: one example or many.
            batch_size: examples per batch; the task's own number when left out.
            text_column: the column of the examples, where x is a table or has columns.

        Example:
            >>> model.predict_labels(["A wonderful little production."])  # doctest: +SKIP
            ['pos']
        """
        outputs = self.predict(x, batch_size=batch_size, verbose=0, text_column=text_column)
        return [self.classes[i] for i in best_classes(outputs)]


def _check_columns(rows: np.ndarray, classes: list[Label], name: str) -> list[Label]:
    """Return the classes, or refuse soft labels with another number of them."""
    if rows.shape[1] != len(classes):
        raise InputError(
            f"The {name} labels are probabilities of {rows.shape[1]} classes; expected one for "
            f"each of the {len(classes)} classes {clip(str(classes))}."
        )
    return classes
