"""Texts of tables in batches: Parquet and Arrow files, data sets of Hugging Face `datasets`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rnnkit.data.columns import class_names
from rnnkit.errors import InputError, suggest

ROWS = 1024  # of a batch


def texts_of_table(source: Any, column: str | None) -> Iterator[str] | None:
    """Return the texts of a table, a batch of rows at a time; None where the source is no table.

    Args:
        source: the path of a Parquet or Arrow file, or a `datasets.Dataset`.
        column: of the texts; None = the only one with texts.

    Raises:
        InputError: pyarrow is not installed, no such column, a cell without a text.

    Example:
        >>> texts_of_table("mine.txt", None) is None
        True
    """
    if isinstance(source, str | Path) and Path(source).suffix.lower() == ".parquet":
        return _parquet(Path(source), column)
    if isinstance(source, str | Path) and Path(source).suffix.lower() in (".arrow", ".feather"):
        return _arrow(Path(source), column)
    if {"datasets.Dataset", "datasets.IterableDataset"} & {*class_names(source)}:
        return _hub(source, column)
    return None


def _parquet(path: Path, column: str | None) -> Iterator[str]:
    file = _pyarrow("pyarrow.parquet", path).ParquetFile(path)
    chosen = _column(file.schema_arrow, column, path)
    batches = file.iter_batches(batch_size=ROWS, columns=[chosen])
    return _checked((batch.column(0).to_pylist() for batch in batches), chosen, path)


def _arrow(path: Path, column: str | None) -> Iterator[str]:
    pyarrow = _pyarrow("pyarrow", path)
    mapped = pyarrow.memory_map(str(path))
    try:
        reader = pyarrow.ipc.open_file(mapped)
        batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
    except pyarrow.ArrowInvalid:  # as Hugging Face writes it
        reader = batches = pyarrow.ipc.open_stream(mapped)
    chosen = _column(reader.schema, column, path)
    return _checked((batch.column(chosen).to_pylist() for batch in batches), chosen, path)


def _hub(source: Any, column: str | None) -> Iterator[str]:
    features = source.features or {}
    texts = [name for name, kind in features.items() if getattr(kind, "dtype", "") == "string"]
    chosen = _choose(list(features), texts, column, type(source).__name__)
    batches = source.select_columns([chosen]).iter(batch_size=ROWS)
    return _checked((batch[chosen] for batch in batches), chosen, type(source).__name__)


def _pyarrow(name: str, path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"There is no file {str(path)!r}.")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"{path} needs pyarrow: pip install pyarrow.") from error


def _column(schema: Any, column: str | None, path: Path) -> str:
    texts = [field.name for field in schema if "string" in str(field.type)]
    return _choose(list(schema.names), texts, column, str(path))


def _choose(names: list[str], texts: list[str], column: str | None, source: str) -> str:
    """Return the column of the texts."""
    if column is None:
        if len(texts) == 1:
            return texts[0]
        raise InputError(
            f"{source} has {len(texts)} columns of texts ({', '.join(texts) or 'none'}): name one "
            "as text_column."
        )
    if column not in names:
        raise InputError(
            f"{source} has no column {column!r}.{suggest(column, names)} Columns: "
            f"{', '.join(names)}."
        )
    return column


def _checked(batches: Iterator[Sequence[Any]], column: str, source: Any) -> Iterator[str]:
    row = 0
    for batch in batches:
        for text in batch:
            if not isinstance(text, str):
                raise InputError(
                    f"{source}, row {row}: {column} is {text!r:.40}, not a text. Drop the row."
                )
            row += 1
            yield text
