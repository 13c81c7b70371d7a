"""Sharing of a study by several processes: who takes part, who trains which run.

Each process holds a lock of its own in the study's folder while it takes part, the lock of a run
while it trains it, and the lock of the study while it writes the study's own files.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnkit import locks
from rnnkit.errors import InputError, InUseError, NonFiniteLoss
from rnnkit.processes import machine
from rnnkit.study.data_fingerprint import refuse_other_data
from rnnkit.study.keeping import kept_files
from rnnkit.study.plan import Plan, updated_record
from rnnkit.study.records import read_json, read_settings
from rnnkit.study.run_folder import RunFolder, new_folder, remove_folder, write_json
from rnnkit.study.runs import Run, open_run
from rnnkit.study.training import continue_run, execute

POLL = 1.0  # seconds between two looks at the runs of others
_ADVICE = "Give another folder for a new study."


class SharedStudy:
    """One process's part in a study; `join` makes it.

    Attributes:
        path: the study's folder.
        begun: whether there was a study in it before.
        runs: the complete runs, by name.
        failures: why the others failed, by name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun = False
        self.runs: dict[str, Run] = {}
        self.failures: dict[str, str] = {}
        self._record = path / "study.json"
        self._failed = path / "failures.json"
        part = f"{machine()}-{os.getpid()}-{threading.get_ident()}"
        self._part = path / f".process-{part}.lock"

    @classmethod
    @contextlib.contextmanager
    def join(cls, path: Path) -> Iterator[SharedStudy]:
        """Take part in a study while the body runs; its folder is made where it is missing.

        Raises:
            InputError: the folder holds something else, or cannot be made.
        """
        study = cls(path)
        study._take_folder()
        try:
            with locks.locked(study._part, f"the part of process {os.getpid()} in {path}"):
                yield study
                study.others()  # removes the locks of those that were killed
        except BaseException:
            with contextlib.suppress(OSError):  # not empty
                path.rmdir()
            raise

    def begin(self, plans: Mapping[str, Plan]) -> None:
        """Add the plans of runs to the study's record.

        Raises:
            InputError: runs of these names have other plans, and are complete or those of another
                process that takes part.
        """
        with self.locked():
            self._take_folder()
            self.begun = self._record.is_file()
            record = read_json(self._record, _ADVICE) if self.begun else {}
            wanted = {name: plan.as_record() for name, plan in plans.items()}
            refuse_other_settings(self.path, plans)  # of what was completed since they were made
            if others := self.others():
                self._refuse_other_plans(record, wanted, others)
            else:  # what failed earlier is tried again
                self._failed.unlink(missing_ok=True)
            write_json(self._record, record | wanted)

    def train(
        self,
        plans: Mapping[str, Plan],
        dataset: Any,
        verbose: int | str,
        announce: Callable[[str], None],
    ) -> None:
        """Train each run that is not complete and that no other process trains; wait for the rest.

        The run of a process that ended before it was complete is taken over.
        """
        left = list(plans)
        waiting: list[str] = []
        while left:
            holders: dict[str, str] = {}
            for name in left:
                place = f"[{list(plans).index(name) + 1}/{len(plans)}] {name}"
                with contextlib.ExitStack() as stack:
                    folder = RunFolder(self.path / name)
                    try:
                        if not folder.complete:
                            stack.enter_context(folder.locked())
                    except InUseError as error:
                        holders[name] = error.holder
                        continue
                    self._train_one(plans[name], folder, dataset, verbose, place, announce)
            left = list(holders)
            if left and left != waiting:
                names = ", ".join(f"{name} ({who})" for name, who in holders.items())
                announce(f"waiting for what other processes train: {names}")
            waiting = left
            if left:
                time.sleep(POLL)

    def abandon(self) -> None:
        """Remove a study that was refused before anything was learned, unless others take part."""
        with self.locked():
            if not self.others():
                remove_folder(self.path)

    def locked(self) -> contextlib.AbstractContextManager[bool]:
        """Hold the lock of the study's own files: for moments."""
        return locks.locked(self.path / ".lock", f"the study {self.path}")

    def others(self) -> list[str]:
        """Return who else takes part, in words."""
        parts = [part for part in self.path.glob(".process-*.lock") if part != self._part]
        return [who for part in parts if (who := locks.holder(part))]

    def _train_one(
        self,
        plan: Plan,
        folder: RunFolder,
        dataset: Any,
        verbose: int | str,
        place: str,
        announce: Callable[[str], None],
    ) -> None:
        """Complete a run whose lock is held, or open it where it is complete."""
        name = folder.path.name
        if folder.complete:
            announce(f"{place}: complete already")
            self.runs[name] = open_run(folder.path)
        elif name in (failed := self._read_failures()):  # in another process
            self.failures[name] = failed[name]
        else:
            announce(place)
            try:
                if folder.settings.is_file():
                    self.runs[name] = continue_run(plan, dataset, folder, verbose)
                else:
                    self.runs[name] = execute(plan, dataset, folder.path, verbose)
            except NonFiniteLoss as error:
                announce(f"{name} stopped: {error}")
                self.failures[name] = str(error)
                with self.locked():
                    write_json(self._failed, self._read_failures() | {name: str(error)})

    def _read_failures(self) -> dict[str, Any]:
        return read_json(self._failed, "Remove it.") if self._failed.is_file() else {}

    def _take_folder(self) -> None:
        """Make the folder, unless a study is in it; refuse one with anything else."""
        if not self._record.is_file():
            try:
                new_folder(self.path)
            except InputError:
                if not self._record.is_file():  # another process has begun the study just now
                    raise

    def _refuse_other_plans(
        self, record: Mapping[str, Any], wanted: Mapping[str, Any], others: list[str]
    ) -> None:
        """Refuse plans that differ from those of processes that take part."""
        for name in wanted.keys() & record.keys():
            for key, value in wanted[name].items():
                planned = record[name].get(key)
                if planned != value:
                    raise InputError(
                        f"{self.path / name} is trained with {key} {planned} by {others[0]}, and "
                        f"now {key} is {value}. {_ADVICE}"
                    )


def refuse_other_settings(path: Path, plans: Mapping[str, Plan]) -> None:
    """Refuse to mix runs with other settings into one table."""
    for name, plan in plans.items():
        folder = RunFolder(path / name)
        if not folder.complete and not kept_files(folder):
            continue
        recorded = updated_record(read_settings(folder.settings))
        for key, value in plan.as_record().items():
            if key == "given" and not folder.complete and _only_longer(recorded[key], value):
                continue  # it goes on for more epochs than were planned
            if recorded.get(key) != value:
                raise InputError(
                    f"{folder.path} was trained with {key} {recorded.get(key)}, and now {key} is "
                    f"{value}. {_ADVICE}"
                )


def refuse_runs_on_other_data(path: Path, plans: Mapping[str, Plan], dataset: Any) -> None:
    """Refuse to mix complete runs on data that have changed since into one table."""
    for name in plans:
        folder = RunFolder(path / name)
        if folder.complete:
            refuse_other_data(folder.path, read_settings(folder.settings), dataset, _ADVICE)


def _only_longer(recorded: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Return whether settings differ in nothing but a larger number of epochs."""
    before, now = recorded.get("epochs"), given.get("epochs")
    longer = before is not None and now is not None and now >= before
    return longer and {**recorded, "epochs": None} == {**given, "epochs": None}
