"""Runs whose kept answers are to the same examples, which can be compared one by one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rnnkit.errors import InputError
from rnnkit.study.kept_answers import GIVEN, Answers, Measure, measures, read_answers
from rnnkit.study.runs import Run
from rnnkit.study.statistics import DRAWS, mean_over_seeds, resample


class Kept(NamedTuple):
    """A run, what it kept, and the measures that this tells, by name."""

    run: Run
    answers: Answers
    measures: dict[str, Measure]


def by_recipe(runs: Mapping[str, Run], notes: list[str]) -> dict[str, list[Kept]]:
    """Return the runs of each recipe that answered the same examples, the largest group of them.

    Args:
        runs: complete runs, by name.
        notes: gets a sentence for each run that is left out, which says why.

    Example:
        >>> {recipe: len(kept) for recipe, kept in by_recipe(study.runs, []).items()}
        ... # doctest: +SKIP
        {'lstm_sentiment': 3, 'gru_sentiment': 3}
    """
    found = [one for run in runs.values() if (one := _kept(run, notes))]
    recipes: dict[str, list[Kept]] = {}
    for one in _comparable(found, notes):
        recipes.setdefault(one.run.settings["recipe"], []).append(one)
    return recipes


def draws_of_recipes(
    measured: Mapping[str, Sequence[Measure]], draws: int = DRAWS
) -> dict[str, tuple[float, np.ndarray]]:
    """Return of each recipe the mean of a measure, and its draws over other examples and seeds.

    Args:
        measured: recipe -> the same measure of each of its runs, on the same examples.
        draws: of the bootstrap.

    Example:
        >>> from rnnkit.study.kept_answers import ratio
        >>> right = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
        >>> mean, drawn = draws_of_recipes({"lstm": [Measure(right, ratio)]}, draws=50)["lstm"]
        >>> mean, drawn.shape
        (0.75, (50,))
    """
    every = [measure for each in measured.values() for measure in each]
    of_runs = resample([measure.table for measure in every], every[0].of_sums, draws)
    found: dict[str, tuple[float, np.ndarray]] = {}
    place = 0
    for number, (recipe, each) in enumerate(measured.items()):
        columns = of_runs[:, place : place + len(each)]
        place += len(each)
        values = np.array([measure.value for measure in each])
        found[recipe] = float(values.mean()), mean_over_seeds(values, columns, seed=number + 1)
    return found


def _kept(run: Run, notes: list[str]) -> Kept | None:
    """Return what a run kept, or note why it cannot be tested."""
    try:
        answers = read_answers(run.folder.answers)
        found = measures(answers)
        if not found:
            raise InputError(f"{run.folder.answers} holds nothing that a measure is made of.")
        for name, measure in found.items():
            _check_value(run, name, measure.value)
    except (ValueError, IndexError) as error:
        notes.append(f"{run.path.name} is not tested: {run.folder.answers} is damaged: {error}.")
        return None
    except InputError as error:
        notes.append(f"{run.path.name} is not tested: {error}")
        return None
    return Kept(run, answers, found)


def _check_value(run: Run, name: str, value: float) -> None:
    """Refuse answers that are not those of the results, such as of another model."""
    recorded = run.results["test"].get(name)
    tolerance = 0.01 if name.startswith(("bleu", "rouge")) else 1e-4  # those are rounded
    if recorded is None or not math.isclose(value, recorded, rel_tol=1e-3, abs_tol=tolerance):
        raise InputError(
            f"its answers give {name} {value:.6g}, and results.json says {recorded}: they "
            "are of another model."
        )


def _comparable(kept: list[Kept], notes: list[str]) -> list[Kept]:
    """Return the largest group of runs that were measured on the same examples."""
    groups: dict[str, list[Kept]] = {}
    for one in kept:
        digest = hashlib.sha256(repr(sorted(one.measures)).encode())
        for name in sorted(one.answers.keys() & set(GIVEN)):
            given = one.answers[name]
            given = given if given.dtype.kind == "U" else given.astype("float64")
            digest.update(f"{name} {given.dtype} {given.shape}".encode() + given.tobytes())
        digest.update(str(len(next(iter(one.measures.values())).table)).encode())
        groups.setdefault(digest.hexdigest(), []).append(one)
    largest = max(groups.values(), key=len, default=[])
    for group in groups.values():
        for one in group if group is not largest else ():
            notes.append(
                f"{one.run.path.name} is not tested: it was not measured on the same examples (or "
                f"steps, or tokens) as {largest[0].run.path.name}."
            )
    return largest
