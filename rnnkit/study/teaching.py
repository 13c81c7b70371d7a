"""Distillation in a run: the runs that teach, and the unlabelled texts that they are asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit.data.table_files import HUB, read_texts
from rnnkit.errors import InputError, quote, suggest_sibling

Paths = str | os.PathLike[str]


class Teaching(NamedTuple):
    """The teachers of a run.

    Attributes:
        teacher: folders of runs, or `.keras` files; none = the run has no teacher.
        unlabelled: whether it learns their predictions for the unlabelled texts of its data set,
            too; or a file with such texts.
        weights: of the teachers, as in `rnnkit.tasks.ensemble.Ensemble`; none = equal ones.

    Example:
        >>> Teaching().as_record(), Teaching(("/runs/mine",), True).as_record()
        ({}, {'teacher': ['/runs/mine'], 'unlabelled': True})
    """

    teacher: tuple[str, ...] = ()
    unlabelled: bool | str = False
    weights: tuple[float, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON values; nothing where nothing was given."""
        if not any(self):
            return {}
        found: dict[str, Any] = {"teacher": list(self.teacher), "unlabelled": self.unlabelled}
        return found | ({"teacher_weights": list(self.weights)} if self.weights else {})

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Teaching:
        """Return what `as_record` returned, of a run's settings.json."""
        return cls(
            tuple(record.get("teacher", ())),
            record.get("unlabelled", False),
            tuple(record.get("teacher_weights", ())),
        )


def make_teaching(
    recipe: str,
    settings: Any,
    teacher: Paths | Sequence[Paths] | None,
    unlabelled: bool | Paths | None,
    weights: Sequence[float] | None = None,
    *,
    virtual: bool = False,
) -> Teaching:
    """Return the teachers of a run, or refuse them before anything is loaded.

    Args:
        recipe: the recipe's name, for messages.
        settings: the names of its settings.
        teacher: one or more folders of runs or `.keras` files; or the file of an ensemble, which
            stands for its members and their weights.
        unlabelled: as in `Teaching`; None = no.
        weights: as in `Teaching`; None = equal ones, or those of the ensemble.
        virtual: whether the recipe learns from unlabelled texts without a teacher: by virtual
            adversarial training.

    Raises:
        InputError: a recipe that learns from no teacher, a path that holds no trained model,
            unlabelled texts or weights without a teacher, or weights that do not fit.

    Example:
        >>> make_teaching("lstm_sentiment", {"label_weight"}, None, None)
        Teaching(teacher=(), unlabelled=False, weights=())
    """
    alone = isinstance(teacher, str | os.PathLike)
    given: list[Any] = [teacher] if alone else list(teacher or ())  # type: ignore[arg-type]
    if given and not is_classifier(settings):
        raise InputError(
            f"teacher is {os.fspath(given[0])!r}, and {recipe} learns from none: only classifiers "
            "do. Leave teacher out."
        )
    if weights is not None and not given:
        raise InputError(
            "teacher_weights was given, and there is no teacher to ask for predictions. Give a "
            "teacher, the folder of a run, or leave teacher_weights out."
        )
    if unlabelled and not given and not virtual:
        raise InputError(
            "unlabelled was given, and there is no teacher to ask for predictions. Give a teacher, "
            "the folder of a run; or set virtual_adversarial, which needs none; or leave "
            "unlabelled out."
        )
    if isinstance(unlabelled, str | os.PathLike):
        unlabelled = os.fspath(unlabelled)
        if not unlabelled.startswith(HUB):
            unlabelled = str(Path(unlabelled).expanduser().resolve())
            if not Path(unlabelled).exists():
                raise InputError(
                    f"unlabelled is {unlabelled!r}, and there is no such file."
                    f"{suggest_sibling(Path(unlabelled))}"
                )
    if len(given) == 1 and Path(given[0]).suffix == ".json" and Path(given[0]).is_file():
        given, weights = _members(given[0], weights)
    paths = tuple(map(_teacher_path, given))
    return Teaching(paths, unlabelled or False, _check_weights(weights, len(paths)))


def is_classifier(settings: Iterable[str]) -> bool:
    """Return whether a recipe with these settings makes classifiers: they learn from teachers.

    Example:
        >>> is_classifier(["units", "label_weight"]), is_classifier(["units"])
        (True, False)
    """
    return "label_weight" in settings


def fit_options(teaching: Teaching, dataset: Any, model: Any) -> dict[str, Any]:
    """Return what `fit` is given of the teachers of a run, and of the unlabelled examples.

    Args:
        teaching: of the run.
        dataset: with its unlabelled texts.
        model: that is trained.

    Raises:
        InputError: there are no unlabelled texts.
    """
    texts = getattr(dataset, "unlabelled", None) or []
    if isinstance(teaching.unlabelled, str):
        texts = read_texts(teaching.unlabelled)
    if teaching.unlabelled and not texts:
        where = teaching.unlabelled if isinstance(teaching.unlabelled, str) else dataset.name
        raise InputError(
            f"unlabelled was given, and {where} has no unlabelled texts. Give a file with a text "
            "on each line, or leave unlabelled out."
        )
    found: dict[str, Any] = {"unlabelled": texts} if texts else {}
    if teaching.teacher:
        members: Any = list(teaching.teacher)
        if teaching.weights:
            from rnnkit.tasks.ensemble import Ensemble  # this brings Keras in

            members = Ensemble(members, teaching.weights)
        found |= {"teacher": members}
    virtual = bool(getattr(model, "virtual_adversarial", 0.0))
    if teaching.teacher or (virtual and not getattr(model, "trains_teacher", False)):
        found |= {"distil_unlabelled": bool(teaching.unlabelled)}
    return found


def _members(path: Paths, weights: Any) -> tuple[list[Any], Any]:
    """Return the members of an ensemble's file, and their weights."""
    from rnnkit.tasks.ensemble import Ensemble  # this brings Keras in

    if weights is not None:
        raise InputError(
            f"teacher_weights was given, and {os.fspath(path)} holds the weights of its members. "
            "Leave teacher_weights out, or give the runs in the place of the file."
        )
    found = Ensemble.load(path)
    return found.models, found.weights.tolist()


def _check_weights(weights: Any, count: int) -> tuple[float, ...]:
    """Return the weights of teachers; `Ensemble` scales them to the sum 1."""
    if weights is None:
        return ()
    try:
        found = tuple(map(float, weights))
    except (TypeError, ValueError):
        found = ()
    fits = len(found) == count and all(0 <= one < math.inf for one in found) and any(found)
    if not fits:
        raise InputError(
            f"teacher_weights is {quote(weights)}; expected {count} "
            f"{'number' if count == 1 else 'numbers'} of at least 0, one for each teacher, and "
            "one above 0."
        )
    return found


def _teacher_path(path: Paths) -> str:
    """Return the absolute path of a trained model: a file, or the folder of a run."""
    found = Path(path).expanduser().resolve()
    file = found / "model.keras" if found.is_dir() else found
    if not found.exists():
        raise InputError(
            f"teacher is {os.fspath(path)!r}, and there is no such run or file."
            f"{suggest_sibling(found)}"
        )
    if not file.is_file():
        raise InputError(
            f"teacher is {os.fspath(path)!r}, which holds no trained model. Give the folder of a "
            "complete run, or a .keras file."
        )
    return str(found)
