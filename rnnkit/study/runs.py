"""Runs: their records and models, opened from their folders; see `rnnkit.study.run_folder`."""

from __future__ import annotations

import os
import shlex
import sys
import zipfile
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from rnnkit import recipes
from rnnkit.deprecation import renamed_names
from rnnkit.errors import InputError
from rnnkit.records.states import RunState, read_state
from rnnkit.study.records import read_results, read_settings
from rnnkit.study.run_folder import RunFolder

__getattr__ = renamed_names(
    __name__,
    {name: f"rnnkit.study.evaluation:{name}" for name in ("ask", "evaluate")}
    | {
        name: f"rnnkit.study.run_folder:{name}"
        for name in (
            "discard_partial",
            "new_default_folder",
            "new_folder",
            "remove_folder",
            "write_json",
        )
    },
)


class Run:
    """A run: its records and its model; see `open_run`.

    Attributes:
        folder: its files.
        settings: of settings.json.
        state: how far it came when it was opened; `state.name` is "complete" where it finished.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = read_settings(folder.settings)
        self._results = read_results(folder.results) if folder.complete else None
        self.state: RunState = read_state(folder.path)

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.folder.path

    @property
    def results(self) -> dict[str, Any]:
        """The measures on the test split, and what the run cost.

        Raises:
            InputError: the run is not complete, so it has none; `best` tells how good it is so far.
        """
        if self._results is None:
            raise InputError(
                f"{self.path} has no results: it is not complete, but {self.state.name} "
                f"{self.state.place}. Its `best` holds the measures on the validation split so "
                "far, and study.evaluate(run) measures the model as it is. "
                f"{go_on(self.path, self.state)}"
            )
        return self._results

    @property
    def best(self) -> dict[str, float]:
        """The row of metrics.csv of the epoch whose weights the model has.

        That is the best on the validation split, so far where the run is not complete; of word
        vectors, the last one that ended. Empty before the first epoch ended.
        """
        return dict(self.state.best)

    @cached_property
    def model(self) -> Any:
        """The trained model, loaded on first access.

        Of a run that is not complete it has the weights of the best epoch so far; a line on
        standard error says so.

        Raises:
            InputError: it is damaged, or of another recipe than the settings say.
        """
        file = self.folder.model if self.folder.complete else self.folder.checkpoints
        model = self._load()
        made_by, recorded = model.settings.get("recipe"), self.settings["recipe"]
        if made_by is not None and recipes.find(made_by) is not recipes.find(recorded):
            raise InputError(
                f"{self.folder.settings} says {recorded}, and {file} is a {made_by}: "
                "the files are of two runs. Train the run again."
            )
        return model

    def _load(self) -> Any:
        from rnnkit import tasks

        if self.folder.complete:
            return tasks.load(self.folder.model)
        from rnnkit.tasks.training.best_weights import load_best

        found = load_best(self.folder.checkpoints)
        values = found.checkpoint.values
        state = replace(self.state, epochs=values["epoch"], step=values["step"])
        weights = f"of epoch {found.epoch}"
        if found.step:
            weights = f"after step {found.step} of epoch {found.epoch}, not measured yet"
        elif found.value is not None:
            weights += f", {found.monitor or 'best'} {found.value:.4g}"
        print(
            f"rnnkit: {self.path} is not complete: {state.name} {state.place}; these are the "
            f"weights {weights}. {go_on(self.path, state)}",
            file=sys.stderr,
        )
        return found.model


def go_on(path: Path, state: RunState) -> str:
    """Return what to do with a run that is not complete, as a sentence.

    Example:
        >>> go_on(Path("runs/mine"), RunState("interrupted"))
        'To go on: rnnkit train --resume runs/mine'
    """
    if state.name == "running":
        return f"It is being trained by {state.reason}."
    if state.name == "failed":
        return f"{state.reason} Train it again with other settings, such as a lower learning_rate."
    return f"To go on: rnnkit train --resume {shlex.quote(str(path))}"


def find_run(path: str | os.PathLike[str]) -> RunFolder:
    """Return the folder of a run, complete or not.

    Raises:
        InputError: there is no such folder, or it is not a run.

    Example:
        >>> find_run("runs/mine").complete  # doctest: +SKIP
        True
    """
    folder = RunFolder(path)
    if not folder.path.is_dir():
        what = "is a file" if folder.path.exists() else "does not exist"
        raise InputError(f"{folder.path} {what}; expected the folder of a run, such as runs/NAME.")
    if not folder.settings.is_file():
        inside = sorted(p.parent.name for p in folder.path.glob("*/settings.json"))
        hint = f" It holds the runs {', '.join(inside)}: give one of these." if inside else ""
        raise InputError(f"{folder.path} is not a run: it has no settings.json.{hint}")
    return folder


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open the folder of a run, which `train` or `compare` wrote.

    A run that is not complete is opened where it has a checkpoint: its `state` says how far it
    came, its `model` has the weights of the best epoch so far, and it has no `results`.

    Raises:
        InputError: there is no such folder, it is not a run, or it is not complete and nothing was
            learned yet.

    Example:
        >>> open_run("runs/mine").results["test"]["accuracy"]  # doctest: +SKIP
        0.894
    """
    folder = find_run(path)
    if not folder.complete and not (state := read_state(folder.path)).learned:
        if state.name == "damaged":
            raise InputError(state.reason)
        raise InputError(
            f"{folder.path} is a run that did not finish (it has no results.json), and it has no "
            f"checkpoint with anything learned. {go_on(folder.path, state)}"
        )
    return Run(folder)


def open_model(path: str | os.PathLike[str]) -> Any:
    """Load the model of a run folder, or of a single saved file.

    Raises:
        InputError: the path is neither a run with a model nor a saved rnnkit model.

    Example:
        >>> open_model("runs/mine").predict_labels(["A fine film."])  # doctest: +SKIP
        ['pos']
    """
    if Path(path).is_file():
        if not zipfile.is_zipfile(path):  # before Keras is imported
            raise InputError(
                f"{path} is no rnnkit model: expected a .keras file that model.save wrote (it is "
                "not a zip file)."
            )
        from rnnkit import tasks

        return tasks.load(path)
    return open_run(path).model
