"""Evaluation of runs: on the test split of their data or of others, or on analogies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnkit import recipes
from rnnkit.data.series_tables import split_names
from rnnkit.data.table_files import column_names
from rnnkit.errors import InputError
from rnnkit.study.data_fingerprint import warn_of_other_data
from rnnkit.study.runs import Run
from rnnkit.study.sources import Source, refuse_unsuitable

if TYPE_CHECKING:
    from rnnkit.embeddings.measures.evaluation import Table


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
    return splits_of(run, dataset, splits, source.name)


def splits_of(
    run: Run, dataset: Any, splits: Iterable[str], name: str = ""
) -> list[tuple[Any, Any]]:
    """Return examples and targets of some splits of data that are loaded; see `splits_for`.

    Args:
        run: the run.
        dataset: what its source loads.
        splits: their names.
        name: of the data, for messages; "" = those of the run.

    Raises:
        InputError: classes that the run's model does not know.

    Example:
        >>> ((x, y),) = splits_of(run, load_data("sample"), ["test"])  # doctest: +SKIP
    """
    name = name or run.settings["data"]["name"]
    found = [getattr(dataset, split) for split in splits]
    return [(one.x, _labels_of_model(run, name, one.y, dataset)) for one in found]


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


def _labels_of_model(run: Run, name: str, y: Any, dataset: Any) -> Any:
    """Return the targets of a split, class numbers in the order of the model's classes."""
    import numpy as np

    numbered = isinstance(y, np.ndarray) or (isinstance(y, list) and isinstance(y[0], np.ndarray))
    if not numbered or not dataset.classes:  # series to forecast have none
        return y
    classes, known = list(run.model.classes), dataset.classes
    unknown = [label for label in known if label not in classes]
    if unknown:
        raise InputError(
            f"{name} has the classes {', '.join(map(repr, unknown))}, which the model in "
            f"{run.path} was not trained on. It knows {', '.join(map(repr, classes))}."
        )
    # The data may have the classes in another order, or only some of them.
    numbers = np.array([classes.index(label) for label in known])
    return [numbers[labels] for labels in y] if isinstance(y, list) else numbers[y]
