"""The folder of a run: settings, environment, metrics of the epochs, results and the model.

settings.json     recipe, settings, data, seed, epochs
environment.json  Python, libraries, backend, devices
metrics.csv       one row per epoch, written during training
train/, validation/, test/   the event files of TensorBoard; of earlier versions in events/
checkpoints/      see `rnnkit.training.checkpoints`: to go on after an interruption
model.keras       the weights of the best epoch by validation; of word vectors, of the last epoch
results.json      measures on the test split (of word vectors, on analogies); written last
.lock             while a process trains: who it is
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shlex
import shutil
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnkit import locks, recipes
from rnnkit.atomic import append, is_temporary, replacing
from rnnkit.data.series_tables import split_names
from rnnkit.data.table_files import column_names
from rnnkit.errors import InputError
from rnnkit.locks import is_lock
from rnnkit.records.states import RunState, read_state
from rnnkit.study.data_fingerprint import warn_of_other_data
from rnnkit.study.records import read_epochs, read_json, read_results, read_settings
from rnnkit.study.sources import Source, refuse_unsuitable

if TYPE_CHECKING:
    from rnnkit.embeddings.measures.evaluation import Table


EVENT_FOLDERS = ("train", "validation", "test")  # TensorBoard names a run by its folder
_PROBE = ".probe"  # written to see whether a folder can be


class RunFolder:
    """The files of one run, by name; `create` makes the folder, `open_run` reads it.

    Example:
        >>> RunFolder("runs/mine").model.name
        'model.keras'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.settings = self.path / "settings.json"
        self.environment = self.path / "environment.json"
        self.metrics = self.path / "metrics.csv"
        self.results = self.path / "results.json"
        self.model = self.path / "model.keras"
        earlier = self.path / "events"  # earlier versions put the three folders there
        self.events = earlier if earlier.is_dir() else self.path
        self.checkpoints = self.path / "checkpoints"
        self.training_began = False  # whether this process did a step
        self.lock = self.path / ".lock"

    @classmethod
    def create(cls, name: str, out: str | os.PathLike[str] | None = None) -> RunFolder:
        """Make the folder ``out``, which must not exist or be empty, or `free_path` of a name."""
        return cls(new_default_folder(name) if out is None else new_folder(Path(out)))

    @classmethod
    @contextlib.contextmanager
    def claim(cls, name: str, out: str | os.PathLike[str] | None = None) -> Iterator[RunFolder]:
        """Make a folder as `create` does, and hold its lock while a run is trained into it.

        Raises:
            InUseError: another process trains into the folder.
        """
        folder = cls(new_default_folder(name) if out is None else Path(out))
        if not folder.in_use:
            new_folder(folder.path)
        with folder.locked():
            new_folder(folder.path)  # another process may have trained a run in the meantime
            yield folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the run; an empty folder is removed if the body fails.

        Raises:
            InUseError: another process trains this run.
        """
        advice = "Give another folder with --out, or wait until it has finished."
        try:
            with locks.locked(self.lock, f"The run {self.path}", wait=False, advice=advice):
                yield
        except BaseException:
            with contextlib.suppress(OSError):  # not empty
                self.path.rmdir()
            raise

    @property
    def in_use(self) -> str | None:
        """The process that trains this run, in words; None if there is none."""
        return locks.holder(self.lock)

    @staticmethod
    def free_path(name: str) -> Path:
        """Return ``runs/<name>-<YYYYmmdd-HHMMSS>``, with a number where that exists already.

        Example:
            >>> RunFolder.free_path("lstm_sentiment")  # doctest: +SKIP
            PosixPath('runs/lstm_sentiment-20250131-101500')
        """
        stamped = Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        path, number = stamped, 1
        while path.exists():  # two runs started within one second
            number += 1
            path = stamped.with_name(f"{stamped.name}-{number}")
        return path

    @property
    def complete(self) -> bool:
        """Whether the run finished."""
        return self.results.is_file()

    def add_epoch(self, row: Mapping[str, float]) -> None:
        """Append one epoch to metrics.csv; the first row names the columns.

        Raises:
            DiskError: it cannot be written; the file is as before.
        """
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        if not self.metrics.exists():
            writer.writerow(row)
        writer.writerow(row.values())
        append(self.metrics, text.getvalue().encode(), "the metrics of the epoch")

    def discard_epochs(self) -> None:
        """Remove what the epochs left: metrics, events, the model."""
        for part in EVENT_FOLDERS:
            shutil.rmtree(self.events / part, ignore_errors=True)
        for file in (self.metrics, self.model):
            file.unlink(missing_ok=True)

    def rows(self) -> str:
        """Return the text of metrics.csv; empty before the first epoch ended."""
        return self.metrics.read_bytes().decode() if self.metrics.exists() else ""

    def replace_rows(self, text: str) -> None:
        """Write the text of metrics.csv anew."""
        if not text:
            self.metrics.unlink(missing_ok=True)
            return
        with replacing(self.metrics) as temporary:
            temporary.write_bytes(text.encode())

    def epochs(self) -> list[dict[str, float]]:
        """Return the rows of metrics.csv.

        Raises:
            InputError: it is damaged.
        """
        if not self.metrics.exists():
            return []
        return read_epochs(self.metrics)


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


def evaluate(run: Run, **data: Any) -> dict[str, float]:
    """Evaluate a run's model on the test split of a data set.

    Args:
        run: the run; one that is not complete is measured as it is so far, see `Run.model`.
        **data: ``name``, ``text_column``, ``label_column``, ``limit`` and ``options`` of other
            data, as in `load_data`; by default those that it was trained on. Columns that are not
            named are those of the run.

    Raises:
        InputError: data of another kind, or with classes that the model does not know; or other
            data for word vectors, which need no test split.

    Example:
        >>> evaluate(open_run("runs/mine"))["f1"]  # doctest: +SKIP
        0.894
    """
    if not recipes.family_of(run.settings["recipe"]).has_test_split:
        _refuse_other_data(run, data)
        return dict(run.model.evaluate(return_dict=True, verbose=0))
    x, y = test_split_for(run, **data)
    return dict(run.model.evaluate(x, y, return_dict=True, verbose=0))


def test_split_for(run: Run, **data: Any) -> tuple[Any, Any]:
    """Return examples and targets of a test split, class numbers in the order of a run's model.

    Args:
        run: the run; its family has a test split.
        **data: as in `evaluate`.

    Raises:
        InputError: as in `evaluate`.

    Example:
        >>> x, y = test_split_for(open_run("runs/mine"), name="imdb")  # doctest: +SKIP
    """
    (test,) = splits_for(run, ["test"], **data)
    return test


def splits_for(run: Run, splits: Iterable[str], **data: Any) -> list[tuple[Any, Any]]:
    """Return examples and targets as `test_split_for` does, of several splits.

    Args:
        run: the run; its family has these splits.
        splits: their names: "train", "valid", "test".
        **data: as in `evaluate`.

    Raises:
        InputError: as in `evaluate`.

    Example:
        >>> valid, test = splits_for(open_run("runs/mine"), ["valid", "test"])  # doctest: +SKIP
    """
    recipe = run.settings["recipe"]
    family = recipes.family_of(recipe)
    source = _source_for(run, data)
    refuse_unsuitable(recipe, family.kind.name, source.name)
    dataset = source.load(family.kind.name)
    if source == Source(**run.settings["data"]):
        warn_of_other_data(run.path, run.settings, dataset)
    found = [getattr(dataset, name) for name in splits]
    return [(one.x, _labels_of_model(run, source.name, one.y, dataset.classes)) for one in found]


def ask(run: Run, **data: Any) -> Table:
    """Evaluate a run's word vectors on analogies and word similarity, section by section.

    Args:
        run: a run whose family has an intrinsic evaluation, such as word vectors.
        **data: none, or those that the run was trained on: the questions are always the same.

    Returns:
        The scores, and how many questions consist of known words.

    Raises:
        InputError: other data, or a run that is evaluated on a test split.

    Example:
        >>> ask(open_run("runs/words")).scores()["analogies"]  # doctest: +SKIP
        0.36
    """
    _refuse_other_data(run, data)
    recipe = run.settings["recipe"]
    intrinsic = recipes.family_of(recipe).intrinsic
    if intrinsic is None:
        raise InputError(f"{run.path} is a run of {recipe}: evaluate measures it on a test split.")
    return intrinsic.table(run.model)


def text_file_options(options: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Return how text files of a run were read, if another file is one, too."""
    text = Path(file).suffix.lower() in (".csv", ".tsv")
    return {k: options[k] for k in ("delimiter", "encoding") if text and k in options}


def _source_for(run: Run, data: Mapping[str, Any]) -> Source:
    """Return the source of data to evaluate on; a file is read like the file of the run."""
    recorded = run.settings["data"]
    source = Source(**(data or recorded))
    if not source.is_file or not Source(**recorded).is_file:
        return source
    options = dict(recorded.get("options") or {})
    reading = text_file_options(options, source.name)
    options = {k: v for k, v in options.items() if k not in ("delimiter", "encoding")} | reading
    if "columns" not in run.settings:
        options |= source.options or {}
        known = column_names(source.name, **text_file_options(options, source.name))
        if options.get("group_column") not in known:
            options.pop("group_column", None)  # groups are for the splits of the run's own file
        of_run = {
            name: recorded.get(name)
            for name in ("label_column", "text_column")
            if getattr(source, name) is None and recorded.get(name) in known
        }
        return source._replace(options=options or None, **of_run)
    label = source.label_column or recorded.get("label_column")
    columns: list[str] = list(run.settings["columns"])
    named = recipes.family_of(run.settings["recipe"]).kind.model_columns
    if named is not None:
        options.setdefault(named, columns[0])
        columns = [name for name in columns if name not in split_names(options[named])]
    options = {**options, "columns": columns, **(source.options or {})}
    return source._replace(options=options, label_column=label)


def _refuse_other_data(run: Run, data: Mapping[str, Any]) -> None:
    if data and Source(**data) != Source(**run.settings["data"]):
        recipe = run.settings["recipe"]
        raise InputError(
            f"Models of {recipe} are evaluated on {recipes.family_of(recipe).evaluated_on}, "
            "whatever data they come from: leave the data out."
        )


def _labels_of_model(run: Run, name: str, y: Any, known: Sequence[str] | None) -> Any:
    """Return the targets of a split, class numbers in the order of the model's classes."""
    import numpy as np

    numbered = isinstance(y, np.ndarray) or (isinstance(y, list) and isinstance(y[0], np.ndarray))
    if not numbered or not known:
        return y
    classes = list(run.model.classes)
    unknown = [label for label in known if label not in classes]
    if unknown:
        raise InputError(
            f"{name} has the classes {', '.join(map(repr, unknown))}, which the model in "
            f"{run.path} was not trained on. It knows {', '.join(map(repr, classes))}."
        )
    # The data may have the classes in another order, or only some of them.
    numbers = np.array([classes.index(label) for label in known])
    return [numbers[labels] for labels in y] if isinstance(y, list) else numbers[y]


def new_default_folder(name: str) -> Path:
    """Create `RunFolder.free_path` of a name, which no other process gets."""
    while True:
        path = RunFolder.free_path(name)
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not path.exists():  # a file is where its folder should be
                return new_folder(path)
        except OSError:
            return new_folder(path)  # says what is wrong
        else:
            return path


def new_folder(path: Path) -> Path:
    """Create a folder, or take an empty one; locks and temporary files of processes do not count.

    Raises:
        InputError: it holds something, is a file, or cannot be made or written.
    """
    try:
        refuse_taken(path)
        path.mkdir(parents=True, exist_ok=True)
        probe = path / _PROBE
        probe.touch()
        probe.unlink(missing_ok=True)  # another process may try the same folder
    except OSError as error:
        raise InputError(
            f"Cannot write a run to {path} ({error.strerror or error}); "
            "give another folder with --out."
        ) from error
    return path


def refuse_taken(path: Path) -> None:
    """Refuse a folder that holds something, without making or writing one.

    Raises:
        InputError: it holds more than locks and temporary files of processes.
    """
    if path.is_dir() and any(map(_is_content, path.iterdir())):
        raise InputError(
            f"{path} exists and is not empty; runs are never overwritten. Give another folder."
        )


def _is_content(path: Path) -> bool:
    return not (path.name == _PROBE or is_lock(path.name) or is_temporary(path.name))


def remove_folder(path: Path) -> None:
    """Remove a folder and what is in it, locks last: whoever holds one stays alone until then.

    A lock that is held stays, and its folder with it: it goes when the lock is released.
    """
    for entry in list(path.iterdir()):
        if is_lock(entry.name):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # a lock is in it
        path.rmdir()


def discard_partial(path: Path) -> None:
    """Remove the folder of an interrupted run; refuse one with other files, or a complete run."""
    folder = RunFolder(path)
    if folder.settings.is_file() and not folder.complete:
        remove_folder(path)
    elif path.exists():
        new_folder(path)  # empty, or refused


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file atomically."""
    # A file name may hold bytes that are no UTF-8: half characters, which JSON writes as escapes.
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    data = text.encode(errors="backslashreplace")
    with replacing(path, need=len(data)) as temporary:
        temporary.write_bytes(data)


__all__ = [
    "Run",
    "RunFolder",
    "ask",
    "discard_partial",
    "evaluate",
    "new_default_folder",
    "new_folder",
    "open_model",
    "open_run",
    "read_json",
    "remove_folder",
    "write_json",
]
