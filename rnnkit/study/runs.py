"""The folder of a run: settings, environment, metrics of the epochs, results and the model.

settings.json     recipe, settings, data, seed, epochs
environment.json  Python, libraries, backend, devices
metrics.csv       one row per epoch, written during training
events/           TensorBoard
model.keras       the weights of the best epoch by validation; of word vectors, of the last epoch
results.json      measures on the test split (of word vectors, on analogies); written last
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnkit import recipes
from rnnkit.atomic import replacing
from rnnkit.data.series_tables import split_names
from rnnkit.errors import InputError
from rnnkit.study.sources import Source, refuse_unsuitable

if TYPE_CHECKING:
    from rnnkit.embeddings.measures.evaluation import Table


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
        self.events = self.path / "events"

    @classmethod
    def create(cls, name: str, out: str | os.PathLike[str] | None = None) -> RunFolder:
        """Make the folder ``out``, which must not exist or be empty, or `free_path` of a name."""
        return cls(new_folder(cls.free_path(name) if out is None else Path(out)))

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
        """Append one epoch to metrics.csv; the first row names the columns."""
        is_new = not self.metrics.exists()
        with self.metrics.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(row)
            writer.writerow(row.values())

    def epochs(self) -> list[dict[str, float]]:
        """Return the rows of metrics.csv."""
        if not self.metrics.exists():
            return []
        with self.metrics.open(newline="", encoding="utf-8") as file:
            return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


class Run:
    """A complete run: its records and its model; see `open_run`."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = read_json(folder.settings)
        self.results: dict[str, Any] = read_json(folder.results)

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.folder.path

    @cached_property
    def model(self) -> Any:
        """The trained model, loaded on first access."""
        from rnnkit import tasks

        return tasks.load(self.folder.model)


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open the folder of a complete run, which `train` or `compare` wrote.

    Raises:
        InputError: there is no such folder, it is not a run, or the run did not finish.

    Example:
        >>> open_run("runs/mine").results["test"]["accuracy"]  # doctest: +SKIP
        0.894
    """
    folder = RunFolder(path)
    if not folder.path.is_dir():
        what = "is a file" if folder.path.exists() else "does not exist"
        raise InputError(f"{folder.path} {what}; expected the folder of a run, such as runs/NAME.")
    if not folder.settings.is_file():
        inside = sorted(p.parent.name for p in folder.path.glob("*/settings.json"))
        hint = f" It holds the runs {', '.join(inside)}: give one of these." if inside else ""
        raise InputError(f"{folder.path} is not a run: it has no settings.json.{hint}")
    if not folder.complete:
        raise InputError(
            f"{folder.path} is a run that did not finish (it has no results.json); train it again."
        )
    return Run(folder)


def open_model(path: str | os.PathLike[str]) -> Any:
    """Load the model of a run folder, or of a single saved file.

    Raises:
        InputError: the path is neither a complete run nor a saved rnnkit model.

    Example:
        >>> open_model("runs/mine").predict_labels(["A fine film."])  # doctest: +SKIP
        ['pos']
    """
    if Path(path).is_file():
        from rnnkit import tasks

        return tasks.load(path)
    return open_run(path).model


def evaluate(run: Run, **data: Any) -> dict[str, float]:
    """Evaluate a run's model on the test split of a data set.

    Args:
        run: the run.
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
    recipe = run.settings["recipe"]
    family = recipes.family_of(recipe)
    if not family.has_test_split:
        _refuse_other_data(run, data)
        return dict(run.model.evaluate(return_dict=True, verbose=0))
    source = _source_for(run, data)
    refuse_unsuitable(recipe, family.kind.name, source.name)
    dataset = source.load(family.kind.name)
    x, y = dataset.test.x, _labels_of_model(run, source.name, dataset)
    return dict(run.model.evaluate(x, y, return_dict=True, verbose=0))


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


def series_reader(
    path: str | os.PathLike[str], **reading: Any
) -> Callable[[str], tuple[list[Any], list[str]]]:
    """Return a function that reads series from a file, as the run's own data were read.

    It returns the series and a name for each. For a saved model, or a run on a data set by name,
    the columns are read in their order; see `rnnkit.data.series_files.read_series`.

    Args:
        path: the run, or a saved model.
        **reading: `delimiter` and `encoding`, as `rnnkit.data.table_files.read_tables` takes them;
            without them CSV files are read like that of the run.

    Example:
        >>> series, names = series_reader("runs/mine")("today.csv")  # doctest: +SKIP
    """
    from rnnkit.data.series_files import read_series
    from rnnkit.data.series_tables import read_columns

    settings = {} if Path(path).is_file() else open_run(path).settings
    if "columns" not in settings:
        return lambda file: ([read_series(file, **reading)], [str(file)])
    options = settings["data"].get("options") or {}
    how: dict[str, Any] = {name: options.get(name) for name in ("time", "group")}
    how["decimal"] = options.get("decimal") or "."
    cut = recipes.family_of(settings["recipe"]).kind.model_columns is not None

    def read(file: str) -> tuple[list[Any], list[str]]:
        like = {**_reading(options, file), **reading}
        return read_columns(file, settings["columns"], cut=cut, **how, **like)

    return read


def _reading(options: Mapping[str, Any], file: str) -> dict[str, Any]:
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
    reading = _reading(options, source.name)
    options = {k: v for k, v in options.items() if k not in ("delimiter", "encoding")} | reading
    label = source.label_column or recorded.get("label_column")
    text = source.text_column or recorded.get("text_column")
    if "columns" not in run.settings:
        options |= source.options or {}
        return source._replace(options=options or None, label_column=label, text_column=text)
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


def _labels_of_model(run: Run, name: str, dataset: Any) -> Any:
    """Return the targets of the test split, class numbers in the order of the model's classes."""
    import numpy as np

    y = dataset.test.y
    numbered = isinstance(y, np.ndarray) or (isinstance(y, list) and isinstance(y[0], np.ndarray))
    if not numbered or not dataset.classes:
        return y
    classes = list(run.model.classes)
    unknown = [label for label in dataset.classes if label not in classes]
    if unknown:
        raise InputError(
            f"{name} has the classes {', '.join(map(repr, unknown))}, which the model in "
            f"{run.path} was not trained on. It knows {', '.join(map(repr, classes))}."
        )
    # The data may have the classes in another order, or only some of them.
    numbers = np.array([classes.index(label) for label in dataset.classes])
    return [numbers[labels] for labels in y] if isinstance(y, list) else numbers[y]


def new_folder(path: Path) -> Path:
    """Create a folder, or take an empty one.

    Raises:
        InputError: it holds something, is a file, or cannot be made or written.
    """
    try:
        if path.is_dir() and any(path.iterdir()):
            raise InputError(
                f"{path} exists and is not empty; runs are never overwritten. Give another folder."
            )
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"Cannot write a run to {path} ({error.strerror or error}); "
            "give another folder with --out."
        ) from error
    return path


def discard_partial(path: Path) -> None:
    """Remove the folder of an interrupted run; refuse one with other files, or a complete run."""
    folder = RunFolder(path)
    if folder.settings.is_file() and not folder.complete:
        shutil.rmtree(path)
    elif path.exists():
        new_folder(path)  # empty, or refused


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file atomically."""
    # A file name may hold bytes that are no UTF-8: half characters, which JSON writes as escapes.
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a run; refuse a damaged one."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}. Train the run again.") from error
