"""Tables in files and folders: CSV, TSV, JSON lines, Parquet, Arrow, Hugging Face `datasets`."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit.data import tables
from rnnkit.data.columns import is_missing
from rnnkit.data.frames import Table
from rnnkit.data.text import check_text
from rnnkit.errors import InputError, quote, suggest_sibling

BINARY = (".parquet", ".arrow", ".feather")
TABLES = (*tables.TABLES, *BINARY)  # the endings that `read_tables` reads
HUB = "hf:"  # begins the name of a data set of the Hugging Face Hub
SPLIT_NAMES = {
    "train": ("train", "training"),
    "valid": ("valid", "validation", "val", "dev"),
    "test": ("test", "testing"),
    "unlabelled": ("unlabelled", "unlabeled", "unsupervised", "unsup"),
}
_FOLDERS = ("dataset_dict.json", "state.json")  # what `save_to_disk` writes: splits, or one table


class Records(NamedTuple):
    """The rows of one table.

    Attributes:
        rows: the place of each row, for messages, and its values by column.
        class_order: column -> the names of its classes in the order of their numbers, for columns
            of Hugging Face's `ClassLabel`.
    """

    rows: list[tuple[str, dict[str, Any]]]
    class_order: dict[str, tuple[str, ...]]


def holds_tables(path: str | os.PathLike[str]) -> bool:
    """Return whether `read_tables` can read a path: by its ending, or the files in a folder.

    Example:
        >>> holds_tables("my.parquet"), holds_tables("hf:imdb"), holds_tables("my.txt")
        (True, True, False)
    """
    name = os.fspath(path)
    path = Path(name)
    if name.startswith(HUB) or path.suffix.lower() in TABLES:
        return True
    return path.is_dir() and (_is_saved(path) or bool(_split_files(path)))


def read_tables(
    path: str | os.PathLike[str],
    *,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    training: bool = True,
) -> dict[str, Records]:
    r"""Read a table, or the tables of several splits.

    - a file: ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet``, ``.arrow``, ``.feather``;
    - a folder with a file for each split, such as ``train.csv`` and ``test.csv``; a split may have
      several files that a number tells apart;
    - a folder that `save_to_disk` of Hugging Face's `Dataset` or `DatasetDict` wrote;
    - ``hf:name`` or ``hf:name:configuration``: a data set of the Hugging Face Hub, from its cache
      or the network.

    Args:
        path: the file, the folder or the name.
        encoding: of text files.
        delimiter: between the columns of CSV files; None = a comma, in ``.tsv`` a tab.
        training: whether there has to be a split to train on.

    Returns:
        The records of each split: "train", which is also a single table, "valid", "test",
        "unlabelled"; splits with other names keep them.

    Raises:
        InputError: a path that is missing or cannot be read, or a library that is not installed.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "train.csv").write_text("text;label\nfine;pos\n")
        >>> _ = (folder / "dev.csv").write_text("text;label\ndull;neg\n")
        >>> {split: len(found.rows) for split, found in read_tables(folder, delimiter=";").items()}
        {'train': 1, 'valid': 1}
    """
    name = os.fspath(path)
    path = Path(name)
    if name.startswith(HUB) or (path.is_dir() and _is_saved(path)):
        _refuse_delimiter(name, delimiter)
        found = _load_hub(name) if name.startswith(HUB) else _load_saved(path)
        read = {one: _table_records(table, where) for one, table, where in found}
        return _named(name, read, training)
    if path.is_dir():
        files = _split_files(path)
        if not files:
            raise InputError(
                f"The folder {path} has no table: expected train{TABLES[0]}, or another of "
                f"{', '.join(TABLES)}, and files for valid and test."
            )
        parts = {
            split: [_file_records(one, encoding, delimiter) for one in found]
            for split, found in files.items()
        }
        whole = {
            split: Records([row for one in found for row in one.rows], found[0].class_order)
            for split, found in parts.items()
        }
        return _named(name, whole, training)
    return {"train": _file_records(path, encoding, delimiter)}


def column_names(path: str | os.PathLike[str], **reading: Any) -> list[str]:
    r"""Return the names of the columns of a table; none of what is no table.

    Args:
        path: see `read_tables`.
        **reading: `encoding` and `delimiter`, see `read_tables`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "films.csv"
        >>> _ = path.write_text("review,stars\nfine,4\n")
        >>> column_names(path)
        ['review', 'stars']
    """
    if not holds_tables(path):
        return []
    for table in read_tables(path, training=False, **reading).values():
        for _, record in table.rows:
            return list(record)
    return []


def read_texts(
    path: str | os.PathLike[str],
    default: str = "text",
    *,
    text_column: str | None = None,
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> list[str]:
    r"""Read texts to be predicted: a column of a table, or the lines of a text file.

    Of several splits "test" is read. A list of words is joined by spaces.

    Args:
        path: a table, see `read_tables`, or a text file.
        default: the column of the texts, unless the table has another single one.
        text_column: the column of the texts.
        encoding: see `read_tables`.
        delimiter: see `read_tables`.

    Raises:
        InputError: there is no such file or column, or a row without a text.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mine.csv"
        >>> _ = path.write_text("id,text\n7,A fine film.\n")
        >>> read_texts(path)
        ['A fine film.']
    """
    options: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter}
    return [one.text for one in read_text_rows(path, default, text_column=text_column, **options)]


class TextRow(NamedTuple):
    """A text to be predicted, and the row that it stands in: its values by column."""

    text: str
    record: dict[str, Any]


def read_text_rows(
    path: str | os.PathLike[str],
    default: str = "text",
    *,
    text_column: str | None = None,
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> list[TextRow]:
    r"""Read texts as `read_texts` does, each with its row; that of a line is `{"text": line}`.

    Args:
        path: see `read_texts`, like all others.
        default: see above.
        text_column: see above.
        encoding: see above.
        delimiter: see above.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mine.csv"
        >>> _ = path.write_text("id,text\n7,A fine film.\n")
        >>> read_text_rows(path)
        [TextRow(text='A fine film.', record={'id': '7', 'text': 'A fine film.'})]
    """
    if not holds_tables(path):
        for name, value in (("text_column", text_column), ("delimiter", delimiter)):
            if value is not None:
                raise InputError(f"{name} is {quote(value)}, and {path} is no table: leave it out.")
        lines = tables.split_lines(tables.read_text(Path(path), encoding).removesuffix("\n"))
        return [TextRow(line, {"text": line}) for line in lines] if lines != [""] else []
    parts = read_tables(path, encoding=encoding, delimiter=delimiter, training=False)
    if len(parts) > 1 and "test" not in parts:
        raise InputError(f"{path} has the splits {', '.join(parts)} and no test: give one file.")
    rows = (parts.get("test") or next(iter(parts.values()))).rows
    return [TextRow(text_in(record, where, default, text_column), record) for where, record in rows]


def text_in(
    record: dict[str, Any], where: str, default: str = "text", text_column: str | None = None
) -> str:
    """Return the text of a row; a list of words is joined by spaces.

    Args:
        record: the row: its values by column.
        where: its place, for messages.
        default: the column of the text, unless the row has another single one.
        text_column: the column of the text.

    Raises:
        InputError: there is no such column, or no text in it.

    Example:
        >>> text_in({"review": "A fine film."}, "my.csv, line 2")
        'A fine film.'
    """
    only = next(iter(record)) if len(record) == 1 else default
    column = text_column or (default if default in record else only)
    value = tables.cell(record, column, where, "text_column")
    value = " ".join(map(str, value)) if isinstance(value, list) else value
    return check_text(value, f"{where}: {column}")


def known_splits(
    parts: dict[str, Records], known: tuple[str, ...] = ("train", "valid", "test")
) -> tuple[dict[str, Records], list[str]]:
    """Return the splits that a kind of data has, and a note of those that are left out.

    Example:
        >>> nothing = Records([], {})
        >>> known_splits({"train": nothing, "extra": nothing})[1]
        ['Splits left out: extra.']
    """
    extra = [split for split in parts if split not in known]
    notes = [f"Splits left out: {', '.join(extra)}."] if extra else []
    return {split: parts[split] for split in known if split in parts}, notes


def _file_records(path: Path, encoding: str, delimiter: str | None) -> Records:
    if path.suffix.lower() not in BINARY:
        return Records(list(tables.records(path, encoding, delimiter)), {})
    _refuse_delimiter(str(path), delimiter)
    if not path.is_file():
        raise InputError(f"There is no file {str(path)!r}.{suggest_sibling(path)}")
    pyarrow = _library("pyarrow", path)
    try:
        table = _read_binary(path)
    except (pyarrow.ArrowException, OSError) as error:
        line = str(error).partition("\n")[0]
        raise InputError(f"{path} cannot be read as {path.suffix[1:]}: {line}") from error
    if b"huggingface" in (table.schema.metadata or {}):  # its class numbers have names
        table = _library("datasets", path).Dataset(table)
    return _table_records(table, str(path))


def _read_binary(path: Path) -> Any:
    """Return a pyarrow table; an index of pandas that is no column of times is left out."""
    pyarrow = importlib.import_module("pyarrow")
    if path.suffix.lower() == ".parquet":
        table = importlib.import_module("pyarrow.parquet").read_table(path)
    elif path.read_bytes()[:4] in (b"ARRO", b"FEA1"):
        table = importlib.import_module("pyarrow.feather").read_table(path)
    else:  # a stream, as Hugging Face writes it
        with pyarrow.OSFile(str(path)) as file, pyarrow.ipc.open_stream(file) as stream:
            table = stream.read_all()
    index = [
        field.name
        for field in table.schema
        if field.name.startswith("__index_level_") and not pyarrow.types.is_temporal(field.type)
    ]
    return table.drop_columns(index)


def _table_records(source: Any, where: str) -> Records:
    """Return the records of a table in memory; missing values are None."""
    table = Table(source)
    values = [table.values(name) for name in table.columns]
    rows = [
        (
            f"{where}, row {number}",
            {
                name: None if is_missing(value) else value
                for name, value in zip(table.columns, row, strict=True)
            },
        )
        for number, row in enumerate(zip(*values, strict=True))
    ]
    order = {name: table.class_order(name) for name in table.columns}
    return Records(rows, {name: found for name, found in order.items() if found})


def _is_saved(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _FOLDERS)


def _load_saved(folder: Path) -> Iterator[tuple[str, Any, str]]:
    datasets = _library("datasets", folder)
    try:
        found = datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder} cannot be read by datasets: {error}") from error
    yield from _each_split(found, str(folder))


def _load_hub(name: str) -> Iterator[tuple[str, Any, str]]:
    datasets = _library("datasets", name)
    title, _, configuration = name.removeprefix(HUB).partition(":")
    try:
        found = datasets.load_dataset(title, configuration or None)
    except (OSError, ValueError, RuntimeError) as error:
        line = str(error).partition("\n")[0].rstrip(".")
        raise InputError(
            f"{name} cannot be loaded: {line}. Is the name right? It takes a network, or the data "
            "set in the cache of datasets (HF_HOME). Data sets without a network: rnnkit's own "
            "names, files, and folders of save_to_disk."
        ) from error
    yield from _each_split(found, name)


def _each_split(found: Any, where: str) -> Iterator[tuple[str, Any, str]]:
    if hasattr(found, "column_names") and not isinstance(found, dict):
        yield "train", found, where
        return
    for split, table in found.items():
        yield split, table, f"{where}, {split}"


def _split_of(name: str) -> str | None:
    """Return the split that a name stands for: 'train-00000-of-00002' is train."""
    word = re.sub(r"[-_.]?\d[-_.\d]*(of[-_.]\d+)?$", "", name.lower())
    return next((split for split, names in SPLIT_NAMES.items() if word in names), None)


def _split_files(folder: Path) -> dict[str, list[Path]]:
    """Return the tables in a folder that the name of a split begins, by the name of the split."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        split = _split_of(path.stem)
        if split and path.suffix.lower() in TABLES and path.is_file():
            found.setdefault(split, []).append(path)
    for files in found.values():
        kinds = {(re.sub(r"\d+", "", one.stem), one.suffix) for one in files}
        if len(kinds) > 1:
            raise InputError(f"{folder} has {files[0].name} and {files[1].name}: keep one of them.")
    return {split: found[split] for split in SPLIT_NAMES if split in found}


def _named(path: str, parts: dict[str, Records], training: bool) -> dict[str, Records]:
    """Return splits by our names of them; refuse two of one name, and none to train on."""
    found: dict[str, Records] = {}
    for name, records in parts.items():
        split = _split_of(name) or name
        if split in found:
            raise InputError(f"{path} has two splits for {split}, the second is {quote(name)}.")
        found[split] = records
    if training and "train" not in found:
        raise InputError(f"{path} has no split to train on: it has {', '.join(parts)}.")
    return found


def _refuse_delimiter(path: str, delimiter: str | None) -> None:
    if delimiter is not None:
        raise InputError(
            f"delimiter is {quote(delimiter)}, and {path} is no .csv or .tsv file: leave it out."
        )


def _library(name: str, path: Any) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"{path} is read by {name}, which is not installed: pip install 'rnnkit[data]'."
        ) from error
