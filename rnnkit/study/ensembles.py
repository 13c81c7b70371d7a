"""Ensembles of runs: weights chosen on the validation split, measured on the test split."""

from __future__ import annotations

import os
from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnkit import recipes
from rnnkit.errors import InputError, quote
from rnnkit.study.evaluation import splits_for
from rnnkit.study.runs import Run, go_on, open_run
from rnnkit.study.sources import Source
from rnnkit.study.teaching import is_classifier

if TYPE_CHECKING:
    from rnnkit.tasks.ensemble import Ensemble


class MeasuredEnsemble(NamedTuple):
    """An ensemble of runs, and how good it is.

    Attributes:
        ensemble: the runs with their weights.
        test: "accuracy" and "loss" on the test split.
    """

    ensemble: Ensemble
    test: dict[str, float]


def evaluate_ensemble(
    runs: Sequence[Run | str | os.PathLike[str]], **data: Any
) -> MeasuredEnsemble:
    """Choose the weights of runs on the validation split, and measure their ensemble on test.

    Args:
        runs: complete runs of classifiers of the same classes, two or more, or their folders.
        **data: other data, as `rnnkit.study.evaluate` takes them; without a name, those of the
            runs.

    Raises:
        InputError: runs that do not go together: no classifiers, of other classes or data.

    Example:
        >>> found = evaluate_ensemble(["runs/one", "runs/other"])  # doctest: +SKIP
        >>> found.test["accuracy"], found.ensemble.weights  # doctest: +SKIP
        (0.921, array([0.31, 0.69]))
    """
    opened = [run if isinstance(run, Run) else open_run(run) for run in runs]
    if len(opened) < 2:
        raise InputError(f"An ensemble needs two runs or more, and got {len(opened)}.")
    for run in opened:
        recipe = run.settings["recipe"]
        if not is_classifier(signature(recipes.find(recipe)).parameters):
            raise InputError(
                f"{run.path} is a run of {recipe}: an ensemble consists of classifiers, which "
                "answer with a probability for each class."
            )
        if not run.folder.complete:
            raise InputError(
                f"{run.path} is not complete: an ensemble consists of complete runs. "
                f"{go_on(run.path, run.state)}"
            )
    if "name" not in data:
        _refuse_various_data(opened)
        data = {**opened[0].settings["data"], **data}
    from rnnkit.tasks.ensemble import Ensemble  # this brings Keras in

    ensemble = Ensemble([run.path for run in opened])
    ensemble.check_classes(ensemble.classes)
    valid, test = splits_for(opened[0], ["valid", "test"], **data)
    return MeasuredEnsemble(ensemble.fit_weights(*valid), ensemble.evaluate(*test))


def _refuse_various_data(runs: Sequence[Run]) -> None:
    """Refuse runs on other data: the validation examples of one may have trained the other."""
    first, *others = ((run, Source(**run.settings["data"])) for run in runs)
    for run, source in others:
        if source._replace(limit=None) != first[1]._replace(limit=None):
            raise InputError(
                f"{run.path} was trained on {quote(source.name)} and {first[0].path} on "
                f"{quote(first[1].name)}, or with other options of the data: the validation "
                "examples of one may have trained the other. Name the data to measure on, such as "
                f"--data {first[1].name}, if they did not."
            )
