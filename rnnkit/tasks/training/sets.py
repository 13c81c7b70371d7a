"""Examples of a training: read from what `fit` was given, and checked, before anything is learned.

The functions take the task as their first argument: its `read` and `check` do the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.frames import is_table
from rnnkit.data.inputs import holds_targets
from rnnkit.errors import InputError, check_count
from rnnkit.options import settings_of
from rnnkit.settings.distillation import DistillationOptions
from rnnkit.tasks.training.examples import Examples, split_last
from rnnkit.tasks.training.weights import check_sample_weight, multiply_weights

Weighted = tuple[Examples, np.ndarray | None]


class ValidationOptions(NamedTuple):
    """What `fit` was given to measure on after each epoch.

    Attributes:
        data: `validation_data`.
        share: `validation_split`.
        steps: `validation_steps`.
        weight_column: the column of the weights, where tables have one.
        columns: the columns of examples and targets.
        patience: epochs without a better one; needs something to measure on.
    """

    data: Any
    share: float
    steps: int | None
    weight_column: str | None
    columns: dict[str, Any]
    patience: int | None


class EncodedSet(NamedTuple):
    """Examples with what their targets are for the network.

    Attributes:
        examples: as they were given, checked.
        targets: encoded.
        weights: of each example in the loss; None = all the same.
    """

    examples: Examples
    targets: Any
    weights: np.ndarray | None = None


class EncodedSets(NamedTuple):
    """The sets of a training, with their targets as the training set says they are.

    Attributes:
        spec: what targets there are, from the training set.
        train: to train on.
        valid: to measure on after each epoch; None = none.
        test: for a later `evaluate`; None = none was given.
    """

    spec: Any
    train: EncodedSet
    valid: EncodedSet | None
    test: EncodedSet | None


def check_counts(**counts: Any) -> None:
    """Refuse numbers of `fit` that are out of range; None = left out."""
    for name, value in counts.items():
        if value is not None:
            check_count(name, value, least=1 if name.endswith("batch_size") else 0)


def refuse_unused(task: Any, **given: Any) -> None:
    """Refuse what the task would not use."""
    for name, value in given.items():
        if not getattr(task, f"uses_{name}") and value is not None and np.size(value):
            raise InputError(
                f"{name} was given, and {type(task).__name__} does not use it. Leave it out."
            )


def refuse_teacher(task: Any, teacher: Any) -> None:
    """Refuse a teacher where the task learns from none, and its settings where there is none."""
    if teacher is not None and not task.uses_teacher:
        raise InputError(
            f"teacher was given, and {type(task).__name__} does not use it: only classifiers learn "
            "from one. Leave it out."
        )
    if teacher is not None or not task.uses_teacher or task.trains_teacher:
        return
    for name, setting in settings_of(DistillationOptions).items():
        if (value := getattr(task, name)) != setting.default:
            raise InputError(
                f"{name} is {value!r}, and there is no teacher to learn from. Give fit a teacher, "
                f"or leave {name} out."
            )


def read_unlabelled(task: Any, unlabelled: Any, text_column: Any) -> Any:
    """Return the examples without targets, where the task uses any."""
    if not task.uses_unlabelled:
        return unlabelled
    return task.read(
        () if unlabelled is None else unlabelled,
        name="The unlabelled set",
        targets=False,
        text_column=text_column if is_table(unlabelled) else None,
    ).x


def check_weighted(task: Any, x: Any, y: Any, sample_weight: Any, name: str) -> Weighted:
    """Return the examples of a set and their weights, or refuse them."""
    examples = task.check(x, y, name)
    return examples, check_sample_weight(sample_weight, len(examples.x), name)


def split_validation(
    task: Any, train: Weighted, options: ValidationOptions
) -> tuple[Weighted, Weighted | None]:
    """Return the examples to train on, and those to measure on, where there are any."""
    if options.share:
        _check_split(task, options.share, options.data)
        first, last, weights, valid_weights = split_last(*train, options.share)
        return (first, weights), (last, valid_weights)
    if options.data is not None:
        name = "The validation set"
        x, y, weights = _read_validation(task, name, options)
        valid = task.check(x, y, name)
        refuse_unused(task, sample_weight=weights)
        return train, (valid, check_sample_weight(weights, len(valid.x), name))
    if options.patience is not None:
        raise InputError(
            f"patience is {options.patience}, and there are no examples to measure on: give "
            "validation_data or validation_split, or leave patience out."
        )
    return train, None


def check_test(task: Any, x: Any, y: Any = None) -> Examples:
    """Return the examples of a test set, or refuse them as `evaluate` does."""
    x, y = task.read(x, y, name="The test set")[:2]
    return task.check(x, y, "The test set")


def encode_sets(
    task: Any,
    train: Weighted,
    valid: Weighted | None,
    test: Examples | None,
    class_weight: Mapping[Any, float] | str | None,
) -> EncodedSets:
    """Return the sets of a training with their targets encoded, or refuse their targets.

    The weights of the classes are multiplied into those of the training examples.
    """
    examples, weights = train
    spec = task.fit_targets(examples)
    targets = task.encode_targets(examples, spec, "training")
    measured, held_out = None, None
    if valid is not None:
        measured = EncodedSet(valid[0], task.encode_targets(valid[0], spec, "validation"), valid[1])
    if test is not None:
        held_out = EncodedSet(test, task.encode_targets(test, spec, "test"))
    if class_weight is not None:
        weights = multiply_weights(weights, task.class_weights(class_weight, examples, spec))
    return EncodedSets(spec, EncodedSet(examples, targets, weights), measured, held_out)


def _check_split(task: Any, share: float, validation_data: Any) -> None:
    """Refuse `validation_split` where there is `validation_data`, or no way to split."""
    if validation_data is not None:
        raise InputError("validation_split and validation_data were given: give one.")
    if task.self_supervised:
        raise InputError(
            f"validation_split is {share!r}: {type(task).__name__} does not split "
            f"{task.noun[1]}. Give others as validation_data."
        )


def _read_validation(task: Any, name: str, options: ValidationOptions) -> tuple[Any, Any, Any]:
    """Return validation data as `(x, y, sample_weight)`."""
    data, columns = options.data, options.columns
    given = isinstance(data, tuple) and len(data) in (2, 3)
    if task.self_supervised or holds_targets(data):
        x, y, weight = (*data, None)[:3] if given else (data, None, None)
        weight = options.weight_column if weight is None and holds_targets(x) else weight
        stream = {"steps": options.steps, "option": "validation_steps", **columns}
        return task.read(x, y, weight, name=name, **stream)[:3]
    if given:
        of_table = columns if holds_targets(data[0]) and data[1] is None else {}
        weight = [options.weight_column] if of_table and len(data) == 2 else data[2:]
        return task.read(*data[:2], *weight, name=name, **of_table)[:3]
    of = f" of {len(data)}" if isinstance(data, tuple) else ""
    raise InputError(
        f"validation_data is {type(data).__name__}{of}; expected (x, y) or (x, y, sample_weight)."
    )
