"""Distillation in a run: the runs that teach, and the unlabelled texts that they are asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit.data.table_files import HUB, read_texts
from rnnkit.errors import InputError, suggest_sibling

Paths = str | os.PathLike[str]


class Teaching(NamedTuple):
    """The teachers of a run.

    Attributes:
        teacher: folders of runs, or `.keras` files; none = the run has no teacher.
        unlabelled: whether it learns their predictions for the unlabelled texts of its data set,
            too; or a file with such texts.

    Example:
        >>> Teaching().as_record(), Teaching(("/runs/mine",), True).as_record()
        ({}, {'teacher': ['/runs/mine'], 'unlabelled': True})
    """

    teacher: tuple[str, ...] = ()
    unlabelled: bool | str = False

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON values; nothing where nothing was given."""
        return self._replace(teacher=list(self.teacher))._asdict() if any(self) else {}  # type: ignore[arg-type]


def make_teaching(
    recipe: str,
    settings: Any,
    teacher: Paths | Sequence[Paths] | None,
    unlabelled: bool | Paths | None,
    *,
    virtual: bool = False,
) -> Teaching:
    """Return the teachers of a run, or refuse them before anything is loaded.

    Args:
        recipe: the recipe's name, for messages.
        settings: the names of its settings.
        teacher: one or more folders of runs or `.keras` files.
        unlabelled: as in `Teaching`; None = no.
        virtual: whether the recipe learns from unlabelled texts without a teacher: by virtual
            adversarial training.

    Raises:
        InputError: a recipe that learns from no teacher, a path that holds no trained model, or
            unlabelled texts without a teacher.

    Example:
        >>> make_teaching("lstm_sentiment", {"label_weight"}, None, None)
        Teaching(teacher=(), unlabelled=False)
    """
    alone = isinstance(teacher, str | os.PathLike)
    given: list[Any] = [teacher] if alone else list(teacher or ())  # type: ignore[arg-type]
    if given and "label_weight" not in settings:
        raise InputError(
            f"teacher is {os.fspath(given[0])!r}, and {recipe} learns from none: only classifiers "
            "do. Leave teacher out."
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
    return Teaching(tuple(map(_teacher_path, given)), unlabelled or False)


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
        found |= {"teacher": list(teaching.teacher)}
    virtual = bool(getattr(model, "virtual_adversarial", 0.0))
    if teaching.teacher or (virtual and not getattr(model, "trains_teacher", False)):
        found |= {"distil_unlabelled": bool(teaching.unlabelled)}
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
