"""Reading of series for a trained model: its columns, by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnkit import recipes
from rnnkit.data.series_files import has_header, read_series
from rnnkit.data.series_tables import NO_COLUMN, find_group, read_columns
from rnnkit.study.evaluation import text_file_options
from rnnkit.study.runs import open_model, open_run

Reader = Callable[[str], tuple[list[Any], list[str]]]


def series_reader(
    path: str | os.PathLike[str],
    model: Any = None,
    *,
    time: str | None = None,
    group: str | None = None,
    **reading: Any,
) -> Reader:
    """Return a function that reads series from a file, as the model's own data were read.

    It returns the series and a name for each. Columns are found by the names that the run or the
    model has kept. A model without names, or a file without a header, is read in the order of its
    columns; see `rnnkit.data.series_files.read_series`.

    Args:
        path: a run folder, or a saved model.
        model: the model, if it is open already.
        time: the column of times; None = that of the run, or the only one that holds times.
        group: the column of groups; None = that of the run, or the one that holds the model's.
        **reading: `delimiter` and `encoding`, as `rnnkit.data.table_files.read_tables` takes them;
            without them CSV files are read like that of the run.

    Example:
        >>> series, names = series_reader("runs/mine")("today.csv")  # doctest: +SKIP
    """
    settings = {} if Path(path).is_file() else open_run(path).settings
    if "columns" in settings:
        options = settings["data"].get("options") or {}
        how: dict[str, Any] = {
            "time": time or options.get("time"),
            "group": group or options.get("group"),
        }
        how["decimal"] = options.get("decimal") or "."
        cut = recipes.family_of(settings["recipe"]).kind.model_columns is not None

        def read(file: str) -> tuple[list[Any], list[str]]:
            like = {**text_file_options(options, file), **reading}
            return read_columns(file, settings["columns"], cut=cut, **how, **like)

        return read
    return _reader_of_model(open_model(path) if model is None else model, time, group, reading)


def _reader_of_model(
    model: Any, time: str | None, group: str | None, reading: dict[str, Any]
) -> Reader:
    """Return the reader of a model that is not of a run on a table."""
    encoder = getattr(model, "encoder", None)
    columns = list(getattr(model, "column_names", ()))
    groups = set(getattr(encoder, "groups", ()))
    if encoder is not None and not encoder.timed and time is None:
        time = NO_COLUMN

    def read(file: str) -> tuple[list[Any], list[str]]:
        if not columns or not has_header(file, **reading):
            return [read_series(file, named=True, **reading)], [str(file)]
        by = group or (find_group(file, groups, columns, **reading) if groups else None)
        return read_columns(file, columns, time=time, group=by, cut=encoder is not None, **reading)

    return read
