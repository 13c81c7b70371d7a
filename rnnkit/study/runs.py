"""The folder of a run: what was asked, on what it ran, how it went, and the model that came out.

settings.json     recipe, settings, data, seed, epochs
environment.json  Python, libraries, backend, devices
metrics.csv       one row an epoch, written as it runs
events/           TensorBoard
model.keras       the weights of the best epoch by validation; of word vectors, the last ones
results.json      measured on the test split (or on questions about words); there = complete
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnkit import recipes
from rnnkit.errors import InputError
from rnnkit.study.sources import Source, refuse_unsuitable

if TYPE_CHECKING:
    from rnnkit.embeddings.measures.evaluation import Table


class RunFolder:
    """The files of one run, by name.

    Args:
        path: the folder; `create` makes it, `open_run` reads it.

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
        """Make a new folder: ``out``, or ``runs/<name>-<YYYYmmdd-HHMMSS>``.

        Args:
            name: what the run is called, usually its recipe.
            out: the folder asked for; it must not exist or be empty.

        Raises:
            InputError: ``out`` holds something, is a file, or cannot be written.

        Example:
            >>> RunFolder.create("lstm_sentiment").path  # doctest: +SKIP
            PosixPath('runs/lstm_sentiment-20250131-101500')
        """
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
        while path.exists():  # two runs begun within one second
            number += 1
            path = stamped.with_name(f"{stamped.name}-{number}")
        return path

    @property
    def complete(self) -> bool:
        """Whether the run went through to its end."""
        return self.results.is_file()

    def add_epoch(self, row: Mapping[str, float]) -> None:
        """Append one epoch to metrics.csv; the first row names the columns."""
        begin = not self.metrics.exists()
        with self.metrics.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if begin:
                writer.writerow(row)
            writer.writerow(row.values())

    def epochs(self) -> list[dict[str, float]]:
        """Return the rows of metrics.csv."""
        if not self.metrics.exists():
            return []
        with self.metrics.open(newline="", encoding="utf-8") as file:
            return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


class Run:
    """One complete run: its records, and the model on request.

    Example:
        >>> open_run("runs/mine").results["test"]["accuracy"]  # doctest: +SKIP
        0.894
    """

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
        """The trained model, loaded when first asked for."""
        from rnnkit import tasks

        return tasks.load(self.folder.model)


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open the folder of a complete run.

    Args:
        path: a folder that `train` or `compare` wrote.

    Raises:
        InputError: there is no such folder, it is no run, or the run did not finish.

    Example:
        >>> open_run("runs/mine").settings["recipe"]  # doctest: +SKIP
        'lstm_sentiment'
    """
    folder = RunFolder(path)
    if not folder.path.is_dir():
        what = "is a file" if folder.path.exists() else "does not exist"
        raise InputError(f"{folder.path} {what}; expected the folder of a run, such as runs/NAME.")
    if not folder.settings.is_file():
        inside = sorted(p.parent.name for p in folder.path.glob("*/settings.json"))
        hint = f" It holds the runs {', '.join(inside)}: give one of these." if inside else ""
        raise InputError(f"{folder.path} is no run: it has no settings.json.{hint}")
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
    """Measure a run's model on the test split of a data set.

    Args:
        run: the run.
        **data: which, as in `load_data`, the name as ``name``; by default what it was trained on.

    Raises:
        InputError: the data cannot be used, do not suit the recipe, or have classes that the model
            does not know; or data at all for word vectors, which are measured on sets of their own.

    Example:
        >>> evaluate(open_run("runs/mine"))["f1"]  # doctest: +SKIP
        0.894
    """
    recipe = run.settings["recipe"]
    source = Source(**(data or run.settings["data"]))
    if recipes.kind_of(recipe) == "corpus":
        return ask(run, **data).scores()
    refuse_unsuitable(recipe, recipes.kind_of(recipe), source.name)
    dataset = source.load(recipes.kind_of(recipe))
    x, y = dataset.test.x, _labels_of_model(run, source.name, dataset)
    return dict(run.model.evaluate(x, y, return_dict=True, verbose=0))


def ask(run: Run, **data: Any) -> Table:
    """Ask a run's word vectors for analogies and for how alike words are.

    Args:
        run: a run of word vectors.
        **data: none, or what the run was trained on: the questions are always the same.

    Returns:
        Scores, and how many of the questions have words that are known; see
        `rnnkit.embeddings.measures.evaluation.evaluate`.

    Raises:
        InputError: other data.

    Example:
        >>> ask(open_run("runs/words")).scores()["analogies"]  # doctest: +SKIP
        0.36
    """
    from rnnkit.embeddings.measures import evaluation

    if data and Source(**data) != Source(**run.settings["data"]):
        raise InputError(
            "Word vectors are measured on sets of analogies and of pairs of words, whatever texts "
            "they come from: leave the data out."
        )
    return evaluation.evaluate(run.model.keyed_vectors())


def _labels_of_model(run: Run, name: str, dataset: Any) -> Any:
    """Return what is to be learned of the test split; class numbers as the model numbers them."""
    import numpy as np

    y = dataset.test.y
    numbered = isinstance(y, np.ndarray) or (isinstance(y, list) and isinstance(y[0], np.ndarray))
    if not numbered:
        return y
    classes = list(run.model.classes)
    strange = [label for label in dataset.classes if label not in classes]
    if strange:
        raise InputError(
            f"{name} has the classes {', '.join(map(repr, strange))}, which the model in "
            f"{run.path} was not trained on. It knows {', '.join(map(repr, classes))}."
        )
    # The same names may stand in another order, or not all be there.
    places = np.array([classes.index(label) for label in dataset.classes])
    return [places[labels] for labels in y] if isinstance(y, list) else places[y]


def new_folder(path: Path) -> Path:
    """Make a folder that nothing is in yet.

    Raises:
        InputError: it holds something, is a file, or cannot be made or written.

    Example:
        >>> new_folder(Path("runs/mine"))  # doctest: +SKIP
        PosixPath('runs/mine')
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
    """Remove what an interrupted run left, so that it can begin again.

    Raises:
        InputError: the folder holds something that is no run, or a complete one.
    """
    if not path.exists():
        return
    folder = RunFolder(path)
    if folder.complete or not folder.settings.is_file():
        new_folder(path)  # empty, or refused
        return
    shutil.rmtree(path)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all: to a temporary name, then renamed."""
    temporary = path.with_name(path.name + ".part")
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a run.

    Raises:
        InputError: the file is damaged.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}. Train the run again.") from error
