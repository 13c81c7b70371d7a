"""Many runs under the same terms: recipes by seeds, one folder, one report."""

from __future__ import annotations

import inspect
import math
import os
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit import recipes as known_recipes
from rnnkit.errors import InputError, NonFiniteLoss, suggest
from rnnkit.study.plan import Plan, make_plan
from rnnkit.study.runs import (
    Run,
    RunFolder,
    discard_partial,
    new_folder,
    open_run,
    read_json,
    write_json,
)
from rnnkit.study.training import carry_out

COSTS = ("seconds", "tokens_per_second", "parameters")


class Row(NamedTuple):
    """One line of the table: a recipe (or the yardstick) over its runs."""

    name: str
    runs: int
    values: dict[str, tuple[float, float | None]]  # measure -> mean, sample standard deviation


@dataclass(frozen=True)
class Comparison:
    """What came of a study.

    Attributes:
        path: the folder that holds the runs and report.md.
        rows: one for each recipe that has a complete run, then the yardsticks.
        runs: every complete run, by folder name.
        failures: folder name -> why the run was stopped (its loss became NaN or infinite).

    Example:
        >>> compare(["lstm_sentiment"], seeds=1).rows[0].name  # doctest: +SKIP
        'lstm_sentiment'
    """

    path: Path
    rows: list[Row]
    runs: dict[str, Run]
    failures: dict[str, str]

    @property
    def report(self) -> Path:
        """The report, in Markdown."""
        return self.path / "report.md"


def compare(
    recipes: Sequence[str],
    data: str | os.PathLike[str] | None = None,
    *,
    seeds: int | Sequence[int] = 3,
    settings: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    yardstick: bool = True,
    verbose: int | str = "auto",
    announce: Callable[[str], None] = lambda line: None,
    **terms: Any,
) -> Comparison:
    """Train each recipe with each seed on the same data and settings, and report mean ± sd.

    An interrupted study goes on where it stopped when it is called again with the same ``out``:
    complete runs are not repeated. More recipes or seeds can be added to it in the same way.

    Args:
        recipes: names from `rnnkit.recipes.names`.
        data: the name of a data set, or the path of a table or folder of texts; None = the
            generated data set of the recipes' kind.
        seeds: how many (0, 1, ...), or which.
        settings: given to every recipe that has them; one that no recipe has is refused.
        out: the study's folder; None makes ``runs/compare-<time>``.
        yardstick: add the simple models of `rnnkit.study.yardstick`, on the same splits: of texts,
            TF-IDF with logistic regression; of word vectors, what gensim makes of the corpus.
        verbose: as in `keras.Model.fit`.
        announce: called with one line before each run.
        **terms: ``text_column``, ``label_column``, ``epochs``, ``batch_size``, ``patience``,
            ``limit``, as in `rnnkit.study.train`.

    Raises:
        InputError: something that cannot be used, or an ``out`` that holds other things, or runs
            under other terms.
        NonFiniteLoss: the loss of every run became NaN or infinite. When only some did, the
            report counts them and the study goes on.

    Example:
        >>> study = compare(["rnn_sentiment", "lstm_sentiment"], seeds=2)  # doctest: +SKIP
        >>> [row.name for row in study.rows][:2]  # doctest: +SKIP
        ['rnn_sentiment', 'lstm_sentiment']
    """
    plans = plan_runs(recipes, data, seeds=seeds, settings=settings, **terms)
    path = RunFolder.free_path("compare") if out is None else Path(out)
    _refuse_other_terms(path, plans)
    dataset = next(iter(plans.values())).data.load(known_recipes.kind_of(recipes[0]))
    begun = (path / "study.json").is_file()
    if not begun:
        new_folder(path)
    _note_plans(path / "study.json", plans)
    runs: dict[str, Run] = {}
    failures: dict[str, str] = {}
    for number, (name, plan) in enumerate(plans.items(), start=1):
        place = f"[{number}/{len(plans)}] {name}"
        if RunFolder(path / name).complete:
            announce(f"{place}: complete already")
            runs[name] = open_run(path / name)
            continue
        announce(place)
        discard_partial(path / name)
        try:
            runs[name] = carry_out(plan, dataset, path / name, verbose)
        except InputError:
            if not begun and not runs:  # refused at the first run: nothing to keep
                shutil.rmtree(path)
            raise
        except NonFiniteLoss as error:
            announce(f"{name} stopped: {error}")
            failures[name] = str(error)
    if not runs:
        raise NonFiniteLoss(f"No run of the study in {path} went through.\n{failures[name]}")
    rows = [row for recipe in dict.fromkeys(recipes) if (row := _row(recipe, runs))]
    if yardstick:
        rows += _yardsticks(path, dataset, next(iter(runs.values())), announce)
    study = Comparison(path, rows, runs, failures)
    from rnnkit.study.report import write_report  # brings Matplotlib in

    write_report(study)
    return study


def plan_runs(
    recipes: Sequence[str],
    data: str | os.PathLike[str] | None = None,
    *,
    seeds: int | Sequence[int] = 3,
    settings: Mapping[str, Any] | None = None,
    **terms: Any,
) -> dict[str, Plan]:
    """Return the plan of every run of a study, by the name of its folder.

    Example:
        >>> list(plan_runs(["lstm_sentiment"], seeds=2))
        ['lstm_sentiment-seed0', 'lstm_sentiment-seed1']
    """
    if not recipes:
        raise InputError("No recipe to compare; give one or more names, such as lstm_sentiment.")
    settings = settings or {}
    kinds = {name: known_recipes.kind_of(name) for name in recipes}
    for name, kind in kinds.items():
        if kind != kinds[recipes[0]]:
            raise InputError(
                f"{recipes[0]} learns from {kinds[recipes[0]]} and {name} from {kind}: they cannot "
                "be compared on the same data."
            )
    wanted = range(seeds) if isinstance(seeds, int) else list(seeds)
    if not wanted:
        raise InputError(f"seeds is {seeds}; expected how many (1 or more), or which.")
    has = {name: inspect.signature(known_recipes.find(name)).parameters for name in recipes}
    every = {name for parameters in has.values() for name in parameters}
    for name in settings:
        if name not in every:
            raise InputError(f"None of the recipes has a setting {name!r}.{suggest(name, every)}")
    return {
        f"{recipe}-seed{seed}": make_plan(
            recipe,
            data,
            settings={name: value for name, value in settings.items() if name in has[recipe]},
            seed=seed,
            **terms,
        )
        for recipe in recipes
        for seed in wanted
    }


def _note_plans(path: Path, plans: Mapping[str, Plan]) -> None:
    """Write down what the study holds; what an earlier call asked for stays."""
    earlier = read_json(path) if path.is_file() else {}
    write_json(path, earlier | {name: plan.as_record() for name, plan in plans.items()})


def _refuse_other_terms(path: Path, plans: Mapping[str, Plan]) -> None:
    """Refuse to mix runs made under other terms into one table."""
    for name, plan in plans.items():
        folder = RunFolder(path / name)
        if not folder.complete:
            continue
        there, asked = read_json(folder.settings), plan.as_record()
        for key, value in asked.items():
            if there.get(key) != value:
                raise InputError(
                    f"{folder.path} was trained with {key} {there.get(key)}, now {value} is "
                    "asked. Give another folder for a new study."
                )


def _row(recipe: str, runs: Mapping[str, Run]) -> Row | None:
    results = [run.results for run in runs.values() if run.settings["recipe"] == recipe]
    return summarise(recipe, results) if results else None


def summarise(name: str, results: Sequence[Mapping[str, Any]]) -> Row:
    """Return mean and sample standard deviation of every measure; of a single run, no deviation.

    Example:
        >>> one = {"test": {"accuracy": 0.8}, "seconds": 2.0}
        >>> two = {"test": {"accuracy": 0.9}, "seconds": 4.0}
        >>> summarise("lstm", [one, two]).values["seconds"]
        (3.0, 1.4142135623730951)
    """
    flat = [{**result["test"], **result} for result in results]
    values: dict[str, tuple[float, float | None]] = {}
    measures = dict.fromkeys(measure for result in results for measure in result["test"])
    for measure in (*measures, *COSTS):
        column = [float(row[measure]) for row in flat if row.get(measure) is not None]
        if column:
            spread = statistics.stdev(column) if len(column) > 1 else None
            values[measure] = (math.fsum(column) / len(column), spread)
    return Row(name, len(flat), values)


def _yardsticks(
    path: Path, dataset: Any, beside: Run, announce: Callable[[str], None]
) -> list[Row]:
    """Measure the baselines once a study: they have no seed."""
    from rnnkit.study.yardstick import DEPENDS, YARDSTICKS  # brings scikit-learn in

    kept = path / "yardstick.json"
    settings = beside.settings["settings"]
    terms = {"data": beside.settings["data"]}
    kind = known_recipes.kind_of(beside.settings["recipe"])
    terms |= {name: settings[name] for name in DEPENDS.get(kind, ()) if name in settings}
    found = read_json(kept) if kept.is_file() else {}
    results = found.pop("results", {})
    if found != terms:
        results = {}
        for name, measure in YARDSTICKS[kind].items():
            announce(name)
            results[name] = measure(dataset, settings)
        write_json(kept, {**terms, "results": results})
    return [summarise(name, [result]) for name, result in results.items()]
