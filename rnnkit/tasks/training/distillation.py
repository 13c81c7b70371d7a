"""Knowledge distillation: a classifier learns the predictions of a teacher.

The teacher is asked once for each example, labelled or not; what it answers is kept beside the
checkpoints, so that a training that goes on does not ask it again.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit.errors import InputError
from rnnkit.progress import showing, track
from rnnkit.tasks.ensemble import Ensemble
from rnnkit.tasks.training.examples import Examples
from rnnkit.training.checkpoints import (
    Checkpoint,
    Checkpoints,
    read_checkpoint,
    write_checkpoint,
)
from rnnkit.training.fingerprint import digest

FILE = "teacher.npz"
CHUNK = 1024  # examples that the teacher is asked for at a time


class Taught(NamedTuple):
    """What a classifier is trained on with a teacher.

    Attributes:
        train: labelled examples, then unlabelled ones.
        targets: encoded, one row for each.
        weights: of the examples, or None.
    """

    train: Examples
    targets: np.ndarray
    weights: np.ndarray | None


def soften(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return `p^(1/T)`, scaled to the sum 1, of rows `(N, C)`; higher temperatures are more even.

    Example:
        >>> soften(np.array([[0.9, 0.1]]), 2.0).round(3)
        array([[0.75, 0.25]])
    """
    if temperature == 1:
        return probabilities
    logs = np.log(np.clip(probabilities, 1e-7, 1)) / temperature
    p = np.exp(logs - logs.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


def soft_targets(
    labels: np.ndarray, teacher: np.ndarray, temperature: float, label_weight: float
) -> np.ndarray:
    """Return the targets of labelled examples and, after them, of unlabelled ones.

    Args:
        labels: the probability of each class of the n labelled examples, `(n, C)`.
        teacher: what the teacher predicts for all N examples, `(N, C)`.
        temperature: T.
        label_weight: of the labels; the rest is the teacher's, of unlabelled examples all.

    Returns:
        Float32, as `rnnkit.tasks.training.losses.class_crossentropy` takes them: the mean of labels
        and predictions at T = 1, `(N, 1)` or `(N, C)`; otherwise both and T, `(N, 2 C + 1)`.

    Example:
        >>> teacher = np.array([[0.2, 0.8], [0.9, 0.1]])
        >>> soft_targets(np.array([[0.0, 1.0]]), teacher, 1.0, 0.5).tolist()
        [[0.8999999761581421], [0.10000000149011612]]
    """
    share = np.zeros((len(teacher), 1))
    share[: len(labels)] = label_weight
    true = np.zeros_like(teacher)
    true[: len(labels)] = label_weight * labels
    taught = (1 - share) * soften(teacher, temperature)
    if temperature == 1:
        return as_targets(true + taught)
    column = np.full((len(teacher), 1), temperature)
    return np.concatenate([true, taught, column], axis=-1).astype("float32")


def as_targets(rows: np.ndarray) -> np.ndarray:
    """Return class probabilities `(N, C)` as float32 targets: of two classes that of the second.

    Example:
        >>> as_targets(np.array([[0.25, 0.75]])).tolist()
        [[0.75]]
    """
    return (rows[:, 1:] if rows.shape[1] == 2 else rows).astype("float32")


def ask_teacher(
    teacher: Ensemble,
    examples: Sequence[Any],
    classes: Sequence[Any],
    checkpoints: Checkpoints | None = None,
    resumed: bool = False,
) -> np.ndarray:
    """Return the probabilities `(N, C)` that a teacher predicts, and keep them.

    Args:
        teacher: the models.
        examples: checked ones, which are asked for in pieces of `CHUNK`.
        classes: the order of the columns.
        checkpoints: where they are kept; None = they are not.
        resumed: whether a training goes on, so that another teacher is refused.

    Raises:
        InputError: a teacher with other classes, or another one than before.
    """
    known = np.zeros((0, len(classes)))
    about: dict[str, Any] = {}
    if checkpoints is not None:
        about = {"examples": digest(list(examples)), "classes": list(map(str, classes))}
        found = _read(checkpoints.folder / FILE, about, teacher, len(examples), resumed)
        if found is not None:
            known = found
    if len(known) == len(examples):
        return known
    teacher.check_classes(classes)
    if about:
        about["teacher"] = teacher.fingerprints()
    parts, written = [known], time.monotonic()
    for start in track(range(len(known), len(examples), CHUNK), "Asking the teacher"):
        with showing(False, again=True):
            parts.append(teacher.predict_proba(examples[start : start + CHUNK], classes))
        if checkpoints is not None and time.monotonic() - written > 60 * checkpoints.minutes:
            _write(checkpoints.folder / FILE, np.concatenate(parts), about)
            written = time.monotonic()
    rows = np.concatenate(parts)
    if checkpoints is not None:
        _write(checkpoints.folder / FILE, rows, about)
    return rows


def _read(
    path: Path, about: dict[str, Any], teacher: Ensemble, count: int, resumed: bool
) -> np.ndarray | None:
    """Return what the teacher answered before, where the examples and the teacher are the same."""
    if not path.is_file():
        return None
    try:
        found = read_checkpoint(path)
    except InputError as error:
        warnings.warn(f"rnnkit: {error} The teacher is asked again.", stacklevel=2)
        return None
    rows = found.arrays["rows"]
    if any(found.values[name] != value for name, value in about.items()) or len(rows) > count:
        return None  # other data: a training that goes on is refused for that
    same = _same_teacher(found.values["teacher"], teacher, resumed, complete=len(rows) == count)
    if not same and resumed:
        raise InputError(
            f"{path.parent} holds a training with another teacher. Give the same one to go on with "
            "it, or another folder to start anew."
        )
    return rows if same else None


def _same_teacher(then: list[Any], teacher: Ensemble, resumed: bool, complete: bool) -> bool:
    """Return whether a teacher is the one of before; one that is gone is not asked again."""
    try:
        now = teacher.fingerprints()
    except (InputError, OSError):
        return resumed and complete
    if len(now) != len(then):
        return False
    unknown = None in now or None in then
    same = all(a == b or None in (a, b) for a, b in zip(now, then, strict=True))
    return same and (resumed or not unknown)


def _write(path: Path, rows: np.ndarray, about: dict[str, Any]) -> None:
    """Write what the teacher answered so far, as checkpoints are written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_checkpoint(path, Checkpoint(about, {"rows": rows}))
