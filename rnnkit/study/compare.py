"""Comparison of recipes: several seeds each on the same data, one folder, one report."""

from __future__ import annotations

import inspect
import math
import os
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit import recipes as known_recipes
from rnnkit.data.datasets import refuse_missing
from rnnkit.deprecation import renamed_options
from rnnkit.errors import InputError, NonFiniteLoss, check_count, quote, suggest
from rnnkit.locks import locked
from rnnkit.progress import follows_verbose
from rnnkit.study.dynamics import StudyDynamics, dynamics_of_recipes
from rnnkit.study.engines import EngineName, check_engine, make_engine
from rnnkit.study.keeping import keeping_study, kept_files
from rnnkit.study.plan import Plan, make_plan, updated_record
from rnnkit.study.records import RESULTS, check_record, read_json
from rnnkit.study.run_folder import RunFolder, new_default_folder, write_json
from rnnkit.study.runs import Run
from rnnkit.study.sharing import (
    SharedStudy,
    refuse_other_settings,
    refuse_runs_on_other_data,
)
from rnnkit.study.significance import PairTests, pair_tests
from rnnkit.study.training import pick_backend
from rnnkit.study.workers import train_apart

_renamed_options = renamed_options("rnnkit.study.compare", {"yardstick": "baselines"})
# Rows of studies of earlier versions -> their names today.
_OLD_ROWS = {
    "learned by heart": "most frequent tag",
    "the source as it is": "copy the source",
    "logistic regression on a step": "logistic regression of each step",
}
COSTS = (
    *("seconds", "processor_seconds", "compiling_seconds", "steps", "step_seconds"),
    "tokens_per_second",
    *("parameters", "network_parameters", "peak_memory_bytes", "peak_device_memory_bytes"),
)


class Row(NamedTuple):
    """One row of the table: a recipe over its runs, or a baseline."""

    name: str
    runs: int
    values: dict[str, tuple[float, float | None]]  # measure -> mean, sample standard deviation
    diverged: int = 0  # runs whose loss became NaN or infinite, which are not in the means


@dataclass(frozen=True)
class Comparison:
    """The results of a study.

    Attributes:
        path: the folder that holds the runs, report.md and report.html.
        rows: one for each recipe, then the baselines.
        runs: every complete run, by folder name.
        failures: folder name -> why the run was stopped (its loss became NaN or infinite).
        tests: which differences of recipes mean something.
        dynamics: gradient flow and gates of a run of each recipe.
    """

    path: Path
    rows: list[Row]
    runs: dict[str, Run]
    failures: dict[str, str]
    tests: PairTests | None = None
    dynamics: StudyDynamics | None = None

    @property
    def report(self) -> Path:
        """The report, in Markdown."""
        return self.path / "report.md"

    @property
    def html_report(self) -> Path:
        """The report as a page with figures, in one file."""
        return self.path / "report.html"


@follows_verbose
def compare(
    recipes: Sequence[str],
    data: str | os.PathLike[str] | None = None,
    *,
    seeds: int | Sequence[int] = 3,
    settings: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    baselines: bool = True,
    processes: int | None = None,
    engine: EngineName | None = None,
    workers: int | None = None,
    engine_options: Mapping[str, Any] | None = None,
    ray_address: str | None = None,
    verbose: int | str = "auto",
    announce: Callable[[str], None] = lambda line: None,
    **options: Any,
) -> Comparison:
    """Train recipes with several seeds on the same data and settings; report mean ± sd.

    An interrupted study resumes when it is called again with the same ``out``: complete runs are
    not repeated. More recipes or seeds can be added to it in the same way. Several processes may
    call it with the same ``out`` at once: they share the runs.

    Args:
        recipes: names from `rnnkit.recipes.names`.
        data: as in `rnnkit.study.train`, the same for all.
        seeds: how many (0, 1, ...), or which.
        settings: for every recipe that has them; a setting that no recipe has is refused.
        out: the study's folder; None makes ``runs/compare-<time>``.
        baselines: add the baselines of the recipes' family, on the same splits: for texts, TF-IDF
            with logistic regression; for word vectors, gensim; see `rnnkit.baselines`.
        processes: train each run in a process of its own, so many at a time: then its peak memory
            is recorded. None = one run after the other in this process. The runs of a budget of
            time should not compete for the same cores. Short for ``engine="processes"`` and
            `workers`.
        engine: where each run is a process: "processes" of this machine, tasks of a "ray" cluster,
            or jobs of "slurm"; see `rnnkit.study.engines`. A run whose process died is tried again
            twice, and goes on from its checkpoint. None = as `processes` says.
        workers: how many runs at a time, at most; None = one of this machine, all on a cluster.
        engine_options: of Ray or submitit, such as ``{"num_gpus": 1}`` for each run.
        ray_address: of the Ray cluster; None = the one of this machine, started where there is
            none.
        verbose: as in `keras.Model.fit`.
        announce: called with one line before each run.
        **options: ``text_column``, ``label_column``, ``epochs``, ``batch_size``, ``patience``,
            ``limit``, ``data_options``, ``teacher``, ``teacher_weights``, ``unlabelled``,
            ``budget``, as in `rnnkit.study.train`.

    Raises:
        InputError: an invalid argument; ``out`` holds other files, or runs with other settings.
        NonFiniteLoss: the loss of all runs became NaN or infinite; the report names single ones.
        StudyError: the process of a run died time and again.
        DiskError: a file could not be written; complete runs and what was trained are kept.

    Example:
        >>> study = compare(["rnn_sentiment", "lstm_sentiment"], seeds=2)  # doctest: +SKIP
        >>> [row.name for row in study.rows][:2]  # doctest: +SKIP
        ['rnn_sentiment', 'lstm_sentiment']
    """
    options = _renamed_options(options)
    baselines = options.pop("baselines", baselines)  # by its old name
    if processes is not None:
        check_count("processes", processes)
        if engine is not None or workers is not None:
            raise InputError(
                f"processes is {processes}, which is short for the engine processes and so many "
                "workers: give these, or processes, not both."
            )
        workers = processes
    engine = "processes" if workers is not None and engine is None else engine
    check_engine(engine, workers, engine_options, ray_address)
    plans = plan_runs(recipes, data, seeds=seeds, settings=settings, **options)
    if out is not None:
        refuse_other_settings(Path(out), plans)
    refuse_missing(next(iter(plans.values())).data.name)
    pick_backend()
    dataset = next(iter(plans.values())).data.load(known_recipes.kind_of(recipes[0]))
    path = new_default_folder("compare") if out is None else Path(out)
    refuse_runs_on_other_data(path, plans, dataset)
    with SharedStudy.join(path) as shared:
        shared.begin(plans)
        try:
            with keeping_study(path, shared.runs):
                if engine is not None:
                    where = make_engine(engine, path, engine_options, ray_address)
                    train_apart(shared, plans, dataset, where, workers, verbose, announce)
                shared.train(plans, dataset, verbose, announce if engine is None else _silent)
        except (InputError, OSError):
            # Runs that other processes trained are not in `shared.runs` yet.
            learned = any(kept_files(RunFolder(path / name)) for name in plans)
            if not (shared.begun or shared.runs or learned):
                shared.abandon()
            raise
        return _evaluate(shared, recipes, plans, dataset, baselines, announce)


def _silent(line: str) -> None:
    """Announce nothing: the processes of the runs are announced."""


def _evaluate(
    shared: SharedStudy,
    recipes: Sequence[str],
    plans: Mapping[str, Plan],
    dataset: Any,
    baselines: bool,
    announce: Callable[[str], None],
) -> Comparison:
    """Summarise the runs of a study, with the baselines, and write the report."""
    path = shared.path
    runs = {name: shared.runs[name] for name in plans if name in shared.runs}
    failures = shared.failures
    if not runs:
        raise NonFiniteLoss(f"No run of the study in {path} finished.\n{[*failures.values()][-1]}")
    results: dict[str, list[dict[str, Any]]] = {recipe: [] for recipe in recipes}
    for run in runs.values():
        results[run.settings["recipe"]].append(run.results)
    diverged = Counter(plans[name].recipe for name in failures)
    rows = [
        summarise(recipe, found)._replace(diverged=diverged[recipe])
        for recipe, found in results.items()
    ]
    if baselines:
        with keeping_study(path, runs), locked(path / ".baselines.lock", f"baselines of {path}"):
            rows += _baseline_rows(path, dataset, next(iter(runs.values())), announce)
    with keeping_study(path, runs), locked(path / ".dynamics.lock", f"gradient flow of {path}"):
        flows = dynamics_of_recipes(runs, dataset)
    study = Comparison(path, rows, runs, failures, pair_tests(runs), flows)
    from rnnkit.study.report import write_report  # brings Matplotlib in

    with keeping_study(path, runs), shared.locked():
        write_report(study, dataset)
    return study


def plan_runs(
    recipes: Sequence[str],
    data: str | os.PathLike[str] | None = None,
    *,
    seeds: int | Sequence[int] = 3,
    settings: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, Plan]:
    """Return the plan of every run of a study, by the name of its folder.

    Example:
        >>> list(plan_runs(["lstm_sentiment"], seeds=2))
        ['lstm_sentiment-seed0', 'lstm_sentiment-seed1']
    """
    if not recipes:
        raise InputError("No recipe to compare; give one or more names, such as lstm_sentiment.")
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
    has = {}
    for name in recipes:
        build = known_recipes.find(name)
        has[name] = {*inspect.signature(build).parameters, *getattr(build, "renamed", ())}
    every = {setting for names in has.values() for setting in names}
    settings = settings or {}
    for name in settings:
        if name not in every:
            raise InputError(
                f"None of the recipes has a setting {quote(name)}.{suggest(name, every)}"
            )
    return {
        f"{recipe}-seed{seed}": make_plan(
            recipe,
            data,
            settings={name: value for name, value in settings.items() if name in has[recipe]},
            seed=seed,
            **options,
        )
        for recipe in recipes
        for seed in wanted
    }


def summarise(name: str, results: Sequence[Mapping[str, Any]]) -> Row:
    """Return mean and sample standard deviation of each measure; a single run has no deviation.

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


def _baseline_rows(
    path: Path, dataset: Any, run: Run, announce: Callable[[str], None]
) -> list[Row]:
    """Evaluate the baselines once in a study: they have no seed."""
    family = known_recipes.family_of(run.settings["recipe"])
    record = updated_record(run.settings)
    settings = record["settings"]
    depends_on = {"data": record["data"]}
    depends_on |= {name: settings[name] for name in family.baseline_settings if name in settings}
    cache = path / "baselines.json"
    caches = (cache, path / "yardstick.json")  # the second by an earlier version
    found = (_cached_baselines(file, depends_on, announce) for file in caches)
    results = next(filter(None, found), {})
    new = family.baselines if not results or {*results} < {*family.baselines} else {}
    for name in [name for name in new if name not in results]:
        announce(name)
        try:
            results[name] = new[name](dataset, settings)
        except ImportError as error:  # a library that is optional
            announce(f"{name} is left out: {error}")
    write_json(cache, {**depends_on, "results": results})
    return [summarise(name, [result]) for name, result in results.items()]


def _cached_baselines(
    path: Path, depends_on: Mapping[str, Any], announce: Callable[[str], None]
) -> dict[str, Any] | None:
    """Return what an earlier call measured on the same data with the same settings, or None."""
    try:
        found = read_json(path) if path.is_file() else {}
        results = found.pop("results", {})
        if not isinstance(results, dict):
            raise InputError(f"{path} is damaged: its results are none.")
        for result in results.values():
            check_record(result if isinstance(result, dict) else {}, RESULTS, path, ("test",))
    except InputError as error:
        announce(f"{error} The baselines are measured anew.".replace("Train the run again. ", ""))
        return None
    if found != depends_on:
        return None
    return {str(_OLD_ROWS.get(name, name)): result for name, result in results.items()}
