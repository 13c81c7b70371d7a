"""Writer of tables: CSV, TSV, JSON lines and Parquet, whole or not at all."""

from __future__ import annotations

import importlib
import math
import numbers
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from rnnkit.atomic import replacing
from rnnkit.data.json_values import as_json, dump_json
from rnnkit.errors import InputError, check_choice, quote, suggest

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
_QUOTED = re.compile(r'["\r\n]|^\s|\s$')


class Column(NamedTuple):
    """A column of a table that is written.

    Attributes:
        name: of the column.
        kind: of its values, for Parquet: "text", "number", "integer", "texts" (a list), "spans" (a
            list of text, type, start and end); None = that of the values themselves.
    """

    name: str
    kind: str | None = None


Row = Mapping[str, Any]


def check_format(path: Path, name: str = "path") -> str:
    """Return the ending of a file's name, or refuse one that `write_table` does not write.

    Args:
        path: the file.
        name: of the argument, for messages.

    Raises:
        InputError: another ending, or a Parquet file without pyarrow.

    Example:
        >>> check_format(Path("answers.cvs"), "out")
        Traceback (most recent call last):
        rnnkit.errors.InputError: out is 'answers.cvs'; expected a name that ends in .csv, .tsv, \
.jsonl or .parquet. Did you mean '.csv'?
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        known = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise InputError(
            f"{name} is {quote(str(path))}; expected a name that ends in {known}."
            f"{suggest(suffix, FORMATS)}"
        )
    if suffix == ".parquet":
        _pyarrow(path)
    return suffix


def write_table(path: Path, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    r"""Write a table to a file; one that is there is replaced.

    CSV files are those of RFC 4180 in UTF-8, with line feeds: cells with the separator, quotes,
    line breaks or white space at their ends are quoted; lists are JSON, missing values and NaN are
    empty. In JSON lines a key that a row lacks is left out, and NaN is null.

    Args:
        path: of the file; its ending says the format.
        columns: in their order. In JSON lines, each row has an order of its own.
        rows: values by the columns' names; a column that a row lacks has no value.

    Raises:
        InputError: another ending; two columns of one name; values that the format cannot hold.
        DiskError: the file cannot be written. In either case, what was there is unchanged.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "answers.csv"
        >>> write_table(path, [Column("text"), Column("p")], [{"text": 'a "b", c', "p": 0.5}])
        >>> path.read_text()
        'text,p\n"a ""b"", c",0.5\n'
    """
    suffix = check_format(path)
    refuse_repeated(columns)
    with replacing(path, "the table") as temporary:
        if suffix == ".parquet":
            _write_parquet(temporary, columns, rows)
            return
        # JSON has an escape for half a character (a lone surrogate), and CSV has none.
        errors = "backslashreplace" if suffix == ".jsonl" else "strict"
        with temporary.open("w", encoding="utf-8", errors=errors, newline="") as file:
            if suffix == ".jsonl":
                for row in rows:
                    file.write(dump_json(row) + "\n")
            else:
                _write_csv(file, columns, rows, "\t" if suffix == ".tsv" else ",")


def refuse_repeated(columns: Sequence[Column]) -> None:
    """Refuse two columns of one name.

    Example:
        >>> refuse_repeated([Column("text"), Column("text")])
        Traceback (most recent call last):
        rnnkit.errors.InputError: Two columns have the name 'text': rename one of them.
    """
    names = [column.name for column in columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"Two columns have the name {quote(twice)}: rename one of them.")


def csv_cell(value: Any, delimiter: str = ",") -> str:
    r"""Return a value as a cell of a CSV file, quoted where it has to be.

    Example:
        >>> csv_cell("two\nlines"), csv_cell([1, 2]), csv_cell(float("nan")), csv_cell(True)
        ('"two\nlines"', '"[1, 2]"', '', 'true')
    """
    text = _cell_text(value)
    if delimiter in text or _QUOTED.search(text):
        text = '"' + text.replace('"', '""') + '"'
    return text


def _cell_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, numbers.Real) and math.isinf(value):  # which JSON has no number for
        return str(float(value))
    found = as_json(value)
    if found is None:
        return ""
    return found if isinstance(found, str) else dump_json(found)


def _write_csv(
    file: TextIO, columns: Sequence[Column], rows: Sequence[Row], delimiter: str
) -> None:
    names = [column.name for column in columns]
    file.write(delimiter.join(csv_cell(name, delimiter) for name in names) + "\n")
    for number, row in enumerate(rows, start=1):
        cells = [csv_cell(row.get(name), delimiter) for name in names]
        try:
            file.write(delimiter.join(cells) + "\n")
        except UnicodeEncodeError as error:
            name = next(name for name, cell in zip(names, cells, strict=True) if _is_odd(cell))
            raise InputError(
                f"Row {number}, column {quote(name)}: half a character "
                f"({quote(error.object[error.start])}) cannot be written in UTF-8: read the input "
                "again with its own encoding, or write .jsonl, which has an escape for it."
            ) from None


def _is_odd(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


# The types of columns in Parquet, by the kind of a `Column`.
_TYPES: dict[str, Callable[[Any], Any]] = {
    "text": lambda arrow: arrow.string(),
    "number": lambda arrow: arrow.float64(),
    "integer": lambda arrow: arrow.int64(),
    "texts": lambda arrow: arrow.list_(arrow.string()),
    "spans": lambda arrow: arrow.list_(
        arrow.struct(
            [
                ("text", arrow.string()),
                ("type", arrow.string()),
                ("start", arrow.int64()),
                ("end", arrow.int64()),
            ]
        )
    ),
}


def _write_parquet(path: Path, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    arrow = _pyarrow(path)
    arrays = []
    for column in columns:
        kind = None if column.kind is None else _TYPES[check_choice("kind", column.kind, _TYPES)]
        values = [row.get(column.name) for row in rows]
        try:
            arrays.append(arrow.array(values, kind(arrow) if kind else None, from_pandas=True))
        except (arrow.ArrowException, OverflowError, UnicodeError) as error:
            line = str(error).partition("\n")[0]
            raise InputError(
                f"Column {quote(column.name)} cannot be written as Parquet, whose columns hold "
                f"values of one type: {line}. Write .jsonl or .csv."
            ) from error
    table = arrow.Table.from_arrays(arrays, names=[column.name for column in columns])
    importlib.import_module("pyarrow.parquet").write_table(table, path)


def _pyarrow(path: Path) -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise InputError(
            f"{path} is written by pyarrow, which is not installed: pip install 'rnnkit[data]'. "
            "Files of .csv, .tsv and .jsonl need no other package."
        ) from error
