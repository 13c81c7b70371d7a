"""Searches for the settings of a recipe, on Optuna: many runs, judged on the validation split.

`space` holds what is searched, `storage` where trials are recorded, `trials` runs them, `results`
says what came of them. Optuna is imported once a search begins.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from rnnkit import recipes
from rnnkit.data.datasets import refuse_missing
from rnnkit.errors import InputError, check_choice, check_count
from rnnkit.locks import locked
from rnnkit.progress import follows_verbose
from rnnkit.study.agreement import refuse_other_examples, refuse_other_versions, terms_of
from rnnkit.study.engines import EngineName, Job, check_engine, make_engine, run_jobs
from rnnkit.study.plan import Plan, make_plan
from rnnkit.study.run_folder import new_default_folder, new_folder, write_json
from rnnkit.study.training import pick_backend, prepare
from rnnkit.study.tuning.results import Tuning, results_of
from rnnkit.study.tuning.space import Given, Space, make_space
from rnnkit.study.tuning.storage import RECORD, Pruner, import_optuna
from rnnkit.study.tuning.trials import Place, Trials, settled, told

__all__ = ["Tuning", "tune"]

_MARK = "search.json"  # in the folder of a search
_LOOK = 1.0  # seconds between two looks at what workers did


@follows_verbose
def tune(
    recipe: str,
    data: str | os.PathLike[str] | None = None,
    *,
    search: Mapping[str, Given] | None = None,
    trials: int = 50,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    storage: str | None = None,
    study_name: str | None = None,
    pruner: Pruner = "median",
    engine: EngineName | None = None,
    workers: int | None = None,
    engine_options: Mapping[str, Any] | None = None,
    ray_address: str | None = None,
    verbose: int | str = "auto",
    announce: Callable[[str], None] = lambda line: None,
    **options: Any,
) -> Tuning:
    """Search for the settings with which a recipe is best on the validation split.

    Each trial is a run in a folder of its own, with settings that Optuna's sampler (TPE) chooses by
    the trials before. Trials that do badly are ended early (pruned). A search that is called again
    with the same ``out`` goes on; several processes may do so at once, and share the trials.

    Args:
        recipe: a name from `rnnkit.recipes.names`.
        data: as in `rnnkit.study.train`.
        search: setting -> its range or values, see `rnnkit.study.tuning.space.make_space`; None =
            learning rate, units, layers and dropout, as far as the recipe has them.
        trials: how many there are in the end, those of other processes and earlier calls included.
        settings: the same in every trial.
        seed: of the sampler, and of the weights and batches of every trial.
        out: the search's folder; None makes ``runs/tune-<time>``.
        storage: where Optuna records the trials: a URL, or the path of a journal file; None = a
            journal file in ``out``.
        study_name: the search's name in the storage; None = that of its folder.
        pruner: "median", "hyperband" or "none".
        engine: where workers are, as in `rnnkit.study.compare`; None = trials run in this process,
            or with `workers` in processes of this machine.
        workers: how many processes share the trials.
        engine_options: as in `rnnkit.study.compare`.
        ray_address: likewise.
        verbose: as in `keras.Model.fit`; of workers only the ends of trials are shown.
        announce: called with a line for each trial that begins or ends.
        **options: ``text_column``, ``label_column``, ``epochs``, ``batch_size``, ``patience``,
            ``limit``, ``data_options``, ``budget``, as in `rnnkit.study.train`.

    Raises:
        InputError: an invalid argument, a storage or cluster that cannot be used, other settings,
            versions or examples than those that the search began with, or Optuna is not installed.
        StudyError: no trial was completed, or a worker died time and again.

    Example:
        >>> found = tune("lstm_sentiment", search={"units": "16..64"}, trials=20)  # doctest: +SKIP
        >>> found.best.settings  # doctest: +SKIP
        {'units': 48}
    """
    check_count("trials", trials)
    check_choice("pruner", pruner, get_args(Pruner))
    check_engine(engine, workers, engine_options, ray_address)
    engine = "processes" if workers is not None and engine is None else engine
    if engine in ("ray", "slurm") and workers is None:
        raise InputError(f"workers is not given: how many tasks of {engine} share the trials?")
    plan = make_plan(recipe, data, settings=settings, seed=seed, **options)
    space = make_space(recipe, search, plan.overrides)
    _refuse_unfit(plan, space)
    import_optuna()
    refuse_missing(plan.data.name)
    if out is not None:
        _take_folder(Path(out))
    pick_backend()
    dataset = plan.data.load(recipes.kind_of(recipe))
    model, _ = prepare(plan, dataset)
    path = new_default_folder("tune") if out is None else Path(out)
    record: dict[str, Any] = {
        "plan": plan.as_record(),
        "space": {name: values.as_record() for name, values in space.items()},
        "terms": terms_of(dataset),
        "monitor": model.monitored_metric,
        "mode": model.monitor_mode,
        "pruner": pruner,
    }
    record = json.loads(json.dumps(record))
    place = Place(str(path.resolve()), storage, study_name or path.resolve().name)
    study, record = _begin(path, place, record, dataset)
    if engine is None:
        Trials(path, study, record, dataset, announce).work(trials, verbose)
    else:
        jobs = [
            Job(
                f"worker {number + 1}",
                "rnnkit.study.tuning.trials:work_on",
                {"place": list(place), "record": record, "total": trials, "verbose": 0},
            )
            for number in range(workers or 1)
        ]
        watch = _Watch(study, record["monitor"], trials, announce)
        where = make_engine(engine, path, engine_options, ray_address)
        run_jobs(jobs, where, announce, workers, watch=watch.look)
        watch.look(at_once=True)
    return results_of(path, study, record)


def _refuse_unfit(plan: Plan, space: Space) -> None:
    """Refuse a recipe that is not validated, and settings that a budget chooses."""
    if not recipes.family_of(plan.recipe).has_test_split:
        raise InputError(f"{plan.recipe} has no validation split by which trials could be judged.")
    if plan.teaching.teacher:
        raise InputError("teacher is given: a search trains without teachers. Leave it out.")
    budget = plan.budget
    chosen = {
        "units": budget is not None and budget.parameters is not None,
        "epochs": budget is not None and budget.ends_training,
    }
    for name in space:
        if chosen.get(name):
            raise InputError(
                f"search is {name!r}, and budget is {budget}, which chooses it. Leave one of them "
                "out."
            )


def _take_folder(path: Path) -> None:
    """Make the folder, unless a search is in it; refuse one with anything else."""
    if not (path / _MARK).is_file():
        new_folder(path)


def _begin(
    path: Path, place: Place, record: dict[str, Any], dataset: Any
) -> tuple[Any, dict[str, Any]]:
    """Open the study of a search; return it with its record, which is this one where it is new."""
    with locked(path / ".lock", f"the search {path}"):
        _take_folder(path)
        study = place.open(record)
        known = study.user_attrs.get(RECORD)
        if known is None:
            if study.get_trials(deepcopy=False):
                raise InputError(
                    f"storage has a study {place.name!r} that is no search of rnnkit. Give another "
                    "study_name."
                )
            study.set_user_attr(RECORD, record)
        else:
            _refuse_other_search(path, known, record, dataset)
            record = known
        write_json(path / _MARK, {"storage": place.storage, "study": place.name, **record})
    return study, record


def _refuse_other_search(
    path: Path, known: Mapping[str, Any], record: Mapping[str, Any], dataset: Any
) -> None:
    """Refuse to go on with a search on other terms than those that it began with."""
    begun_by = f"the search in {path}"
    refuse_other_versions(known["terms"], begun_by)
    refuse_other_examples(known["terms"], dataset, begun_by)
    before, now = ({**one["plan"], **one, "plan": None, "terms": None} for one in (known, record))
    if known["terms"]["fingerprint"]:  # the same examples may lie elsewhere on another machine
        before["data"], now["data"] = ({**one["data"], "name": ""} for one in (before, now))
    for key, value in before.items():
        if now.get(key) != value:
            raise InputError(
                f"{path} is a search with {_WORDS.get(key, key)} {value}, and now it is "
                f"{now.get(key)}. Give the same again, or another folder for a new search."
            )


_WORDS = {"given": "settings", "space": "search"}


class _Watch:
    """Tells of the trials that workers end."""

    def __init__(
        self, study: Any, monitor: str, total: int, announce: Callable[[str], None]
    ) -> None:
        self._study, self._monitor, self._total, self._announce = study, monitor, total, announce
        self._told = {one.number for one in settled(study.get_trials(deepcopy=False))}
        self._next = 0.0

    def look(self, at_once: bool = False) -> None:
        """Announce what ended since the last look."""
        if not at_once and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LOOK
        ended = settled(self._study.get_trials(deepcopy=False))
        for trial in ended:
            if trial.number not in self._told:
                self._told.add(trial.number)
                line = told(self._study, trial.number, self._monitor)
                self._announce(f"[{len(self._told)}/{self._total}] {line}")
