"""The trials of a search: which one is next, and its run.

Several processes may take part, on this machine or on others. Each holds the lock of the run that
it trains; the next trial is chosen under a lock of the search. A trial that is recorded as running,
and whose run nobody trains, was killed: it is recorded as failed, and a new trial with the same
settings goes on with its run, a bounded number of times.
"""

from __future__ import annotations

import contextlib
import datetime
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit import locks, recipes
from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.processes import machine
from rnnkit.study.agreement import refuse_other_examples, refuse_other_versions
from rnnkit.study.plan import plan_of
from rnnkit.study.run_folder import RunFolder
from rnnkit.study.runs import Run, open_run
from rnnkit.study.training import continue_run, execute
from rnnkit.study.tuning.space import space_of
from rnnkit.study.tuning.storage import RECORD, import_optuna, open_study

POLL = 1.0  # seconds between two looks at the trials of others
RETRIES = 2  # of a trial whose process died
_UNSIGNED = 300.0  # seconds after which a trial that says not who runs it is taken for killed


class Place(NamedTuple):
    """Where a search is: what a process needs to take part.

    Attributes:
        folder: of the search.
        storage: see `rnnkit.study.tuning.storage.open_study`.
        name: of the study in it.
    """

    folder: str
    storage: str | None
    name: str

    def open(self, record: Mapping[str, Any]) -> Any:
        """Return Optuna's study of a search with this record."""
        direction = "maximize" if record["mode"] == "max" else "minimize"
        return open_study(
            Path(self.folder),
            self.storage,
            self.name,
            direction=direction,
            pruner=record["pruner"],
        )


class Trials:
    """One process's part in a search.

    Args:
        path: the search's folder.
        study: of Optuna.
        record: what its trials have in common.
        dataset: loaded.
        announce: called with a line for each trial that begins or ends.
    """

    def __init__(
        self,
        path: Path,
        study: Any,
        record: Mapping[str, Any],
        dataset: Any,
        announce: Callable[[str], None],
    ) -> None:
        self.path, self.study, self.dataset, self._announce = path, study, dataset, announce
        self._plan, self._space = plan_of(record["plan"]), space_of(record["space"])
        self._monitor = record["monitor"]
        self._optuna = import_optuna()

    def work(self, total: int, verbose: int | str) -> None:
        """Run trials until there are `total` of them, and wait for those of other processes."""
        waiting = ""
        while True:
            trial = None
            try:
                with contextlib.ExitStack() as stack:
                    trial, others = self._next(total, stack)
                    if trial is not None:
                        self._run(trial, total, verbose)
                        continue
            except BaseException as error:
                if trial is not None:  # after its lock was released
                    self._give_back(trial.number, died=not isinstance(error, KeyboardInterrupt))
                raise
            if not others:
                return
            if others != waiting:
                self._announce(f"waiting for what other processes train: {others}")
            waiting = others
            time.sleep(POLL)

    def _next(self, total: int, stack: contextlib.ExitStack) -> tuple[Any, str]:
        """Return the next trial, whose run's lock is held by `stack`; or None, and who has others.

        Where the file system has no locks, nobody can tell whether a trial was killed.
        """
        with self._locked() as held:
            if held:
                self._release_killed()
            trials = self.study.get_trials(deepcopy=False)
            running = [one for one in trials if not one.state.is_finished() and _begun(one)]
            if len(settled(trials)) + len(running) >= total:
                return None, ", ".join(f"trial {one.number}" for one in running)
            # Every process draws the same for a trial of this number: a search can be repeated.
            seed = (self._plan.seed * 1_000_003 + len(trials)) % 2**32
            self.study.sampler = self._optuna.samplers.TPESampler(seed=seed)
            trial = self.study.ask()
            run = trial.user_attrs.get("run", f"trial-{trial.number:04d}")
            trial.set_user_attr("run", run)
            trial.set_user_attr("machine", machine())
            for name, values in self._space.items():
                values.suggest(trial, name)
            stack.enter_context(RunFolder(self.path / run).locked())
            return trial, ""

    def _run(self, trial: Any, total: int, verbose: int | str) -> None:
        """Train the run of a trial, and tell Optuna what came of it."""
        name = f"trial {trial.number}"
        settings = ", ".join(f"{name} {_short(value)}" for name, value in trial.params.items())
        self._announce(f"[{len(settled(self.study.trials)) + 1}/{total}] {name}: {settings}")
        states = self._optuna.trial.TrialState
        try:
            value = self._value(self._train(trial, verbose))
        except self._optuna.TrialPruned:
            shutil.rmtree(self.path / trial.user_attrs["run"] / "checkpoints", ignore_errors=True)
            self.study.tell(trial, state=states.PRUNED)
        except (NonFiniteLoss, InputError) as error:
            # The sampler learns from pruned trials to keep away; of failed ones it knows nothing.
            kind = "diverged" if isinstance(error, NonFiniteLoss) else "refused"
            trial.set_user_attr("why", f"{kind}: {error}")
            self.study.tell(trial, state=states.PRUNED)
        else:
            self.study.tell(trial, value)
        self._announce(told(self.study, trial.number, self._monitor))

    def _train(self, trial: Any, verbose: int | str) -> Run:
        """Train the run of a trial; report each epoch to the pruner."""
        plan = replace(self._plan, overrides={**self._plan.overrides, **trial.params})
        folder = RunFolder(self.path / trial.user_attrs["run"])
        if folder.complete:  # killed in the moment after
            return open_run(folder.path)
        reported: set[int] = set()

        def report(row: Mapping[str, float]) -> None:
            if self._monitor not in row:
                raise InputError(f"it has no {self._monitor}, by which the others are judged.")
            if (epoch := int(row["epoch"])) not in reported:
                trial.report(row[self._monitor], epoch)
                reported.add(epoch)

        def after_epoch(row: Mapping[str, float]) -> None:
            report(row)
            if trial.should_prune():
                raise self._optuna.TrialPruned

        if not folder.settings.is_file():
            return execute(plan, self.dataset, folder.path, verbose, after_epoch=after_epoch)
        for row in folder.epochs():
            report(row)
        return continue_run(plan, self.dataset, folder, verbose, after_epoch=after_epoch)

    def _value(self, run: Run) -> float:
        """Return what a trial is judged by: the measure of its kept epoch on the validation split.

        The test split is measured once a run is complete, as always, and not looked at here.
        """
        if run.results["monitor"] != self._monitor:
            raise InputError(
                f"it is judged by {run.results['monitor']}, and the others by {self._monitor}."
            )
        return float(run.best[self._monitor])

    def _release_killed(self) -> None:
        """Give back the trials that are recorded as running, and that nobody runs."""
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state.is_finished() or not _begun(trial) or not self._is_killed(trial):
                continue
            self._give_back(trial.number, died=True)

    def _is_killed(self, trial: Any) -> bool:
        """Say whether a trial that is recorded as running is run by nobody.

        One of another machine that does not share the folder is left to that machine.
        """
        run = trial.user_attrs.get("run")
        if run is None:
            age = (datetime.datetime.now() - trial.datetime_start).total_seconds()
            return age > _UNSIGNED
        folder = RunFolder(self.path / run)
        if folder.path.is_dir():
            return folder.in_use is None
        return bool(trial.user_attrs.get("machine") == machine())

    def _give_back(self, number: int, died: bool) -> None:
        """Record that a trial failed, and queue its settings and its run again."""
        with self._locked():
            trial = self.study.get_trials(deepcopy=False)[number]
            if trial.state.is_finished():
                return
            self.study.tell(number, state=self._optuna.trial.TrialState.FAIL)
            attempt = trial.user_attrs.get("attempt", 0) + died
            if attempt <= RETRIES and trial.params:
                kept = {"run": trial.user_attrs.get("run"), "attempt": attempt}
                self.study.enqueue_trial(dict(trial.params), user_attrs=kept)

    def _locked(self) -> contextlib.AbstractContextManager[bool]:
        """Hold the lock of the search: for moments."""
        return locks.locked(self.path / ".trials.lock", f"the trials of {self.path}")


def settled(trials: list[Any]) -> list[Any]:
    """Return the trials that count: complete, pruned, or failed as often as one may."""
    return [
        one
        for one in trials
        if one.state.name in ("COMPLETE", "PRUNED")
        or (one.state.name == "FAIL" and one.user_attrs.get("attempt", 0) >= RETRIES)
    ]


def told(study: Any, number: int, monitor: str) -> str:
    """Return a line about a trial that ended."""
    trials = study.get_trials(deepcopy=False)
    trial = trials[number]
    if trial.state.name == "COMPLETE":
        best = study.best_trial
        record = "the best so far" if best.number == number else f"best {best.value:.4g}"
        return f"trial {number}: {monitor} {trial.value:.4g}, {record}"
    if trial.state.name == "PRUNED":
        after = f"pruned after epoch {trial.last_step}"
        return f"trial {number} {trial.user_attrs.get('why', after)}"
    return f"trial {number} ended before it was done"


def work_on(
    place: tuple[str, str | None, str], record: Mapping[str, Any], total: int, verbose: int | str
) -> None:
    """Take part in a search; what a worker's process does.

    Args:
        place: a `Place`.
        record: what the trials have in common, as the search's first process recorded it.
        total: how many trials the search has.
        verbose: as in Keras.

    Raises:
        InputError: versions or examples are others here.
    """
    where = Place(*place)
    begun_by = f"the search in {where.folder}"
    refuse_other_versions(record["terms"], begun_by)
    plan = plan_of(record["plan"])
    dataset = plan.data.load(recipes.kind_of(plan.recipe))
    refuse_other_examples(record["terms"], dataset, begun_by)
    study = where.open(record)
    if study.user_attrs.get(RECORD) != record:
        raise InputError(f"{where.storage or where.folder} does not hold {begun_by}.")
    Trials(Path(where.folder), study, record, dataset, lambda line: None).work(total, verbose)


def _begun(trial: Any) -> bool:
    return bool(trial.state.name == "RUNNING")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
