"""Text pairs from files: two columns, tables, or two parallel files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rnnkit.data.splits import Dataset, Split, draw_missing
from rnnkit.data.table_files import TABLES, Records, holds_tables, known_splits, read_tables
from rnnkit.data.tables import cell, read_text, split_lines
from rnnkit.data.text import check_text
from rnnkit.errors import InputError, suggest_sibling

_PARTS = {"train": ("train",), "valid": ("valid", "val", "dev"), "test": ("test",)}
_ENDINGS = (*TABLES, ".src")

Pairs = tuple[list[str], list[Any]]


def from_path(
    path: str | Path,
    target: str | Path | None = None,
    *,
    source_column: str = "source",
    target_column: str = "target",
    seed: int = 0,
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> Dataset:
    r"""Read text pairs from files.

    - ``pairs.tsv``: a source, a tab and a target in each line. A first line that holds the names
      of the two columns is a header.
    - ``pairs.jsonl``, ``.csv``, ``.parquet`` or another of `rnnkit.data.table_files`: a table with
      columns of these names. A source may be a list of sentences, a target a list of references,
      the first of which is trained on.
    - ``pairs.src`` and ``pairs.tgt``, or any two files: line i of one belongs to line i of the
      other.
    - a folder of these, with a file for each split: train, valid (val, dev), test.

    A split without a file is drawn from train, a tenth of it.

    Args:
        path: the file or folder; of two files, the one with the sources.
        target: the file with the targets, unless it has the name of the sources with ``.tgt``.
        source_column: the name of the column, or JSON key, of the sources.
        target_column: the name of the column, or JSON key, of the targets.
        seed: which pairs are drawn for valid and test.
        encoding: of text files.
        delimiter: between the columns of CSV files; None = a comma.

    Raises:
        InputError: a missing file, an empty side, damaged JSON, or files with different numbers of
            lines; the message names file and line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mine.tsv"
        >>> _ = path.write_text("ein Hund\ta dog\neine Katze\ta cat\n" * 10)
        >>> data = from_path(path)
        >>> len(data.train), len(data.valid), len(data.test), data.test.y[0]
        (16, 2, 2, 'a dog')
    """
    columns = (source_column, target_column)
    name, path = str(path), Path(path).expanduser()
    files = _files(path) if path.is_dir() else {}
    if holds_tables(name) and not files and path.suffix.lower() not in _ENDINGS:
        found, notes = known_splits(read_tables(name, encoding=encoding, delimiter=delimiter))
        tables = {split: Split(*_pairs(one, columns, name)) for split, one in found.items()}
        about = f"Read from {name}."
        return Dataset(path.stem, *draw_missing(tables, seed), about=about, notes=notes)

    def read(file: Path, other: Path | None = None) -> Split:
        if other is None and file.suffix == ".src":
            other = file.with_suffix(".tgt")
        for wanted in (file, other):
            if wanted is not None and not wanted.is_file():
                raise InputError(f"There is no file {str(wanted)!r}.{suggest_sibling(wanted)}")
        if other is not None:
            return Split(*_parallel_files(file, other, encoding))
        if file.suffix.lower() not in TABLES:
            raise InputError(
                f"{file} ends in {file.suffix!r}: expected .tsv, .jsonl or .src (with a .tgt "
                f"beside it), another table ({', '.join(TABLES)}), or two files."
            )
        if file.suffix.lower() == ".tsv" and delimiter is None:
            return Split(*_tsv(file, columns, encoding))
        table = read_tables(file, encoding=encoding, delimiter=delimiter)["train"]
        return Split(*_pairs(table, columns, str(file)))

    if path.is_dir():
        if "train" not in files:
            raise InputError(f"{path} has no train.tsv, train.jsonl or train.src with train.tgt.")
        parts = {part: read(file) for part, file in files.items()}
    else:
        parts = {"train": read(path, None if target is None else Path(target).expanduser())}
    return Dataset(path.stem, *draw_missing(parts, seed), about=f"Read from {path}.")


def _files(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for part, names in _PARTS.items():
        files = [folder / (name + end) for name in names for end in _ENDINGS]
        files = [file for file in files if file.is_file()]
        if len(files) > 1:
            raise InputError(f"{folder} has {files[0].name} and {files[1].name}: keep one.")
        if files:
            found[part] = files[0]
    return found


def _lines(path: Path, encoding: str) -> list[str]:
    return split_lines(read_text(path, encoding).removesuffix("\n"))


def _tsv(path: Path, columns: tuple[str, str], encoding: str) -> Pairs:
    x, y = [], []
    for number, line in enumerate(_lines(path, encoding), start=1):
        cells = line.split("\t")
        if number == 1 and tuple(cell.strip() for cell in cells) == columns:
            continue
        where = f"{path}, line {number}"
        if len(cells) != 2:
            raise InputError(
                f"{where} has {len(cells)} columns between tabs; expected 2, a source and a target."
            )
        x.append(_nonempty(cells[0], f"{where}: the source"))
        y.append(_nonempty(cells[1], f"{where}: the target"))
    return _check_pairs(x, y, path)


def _pairs(table: Records, columns: tuple[str, str], path: str) -> Pairs:
    x, y = [], []
    for where, record in table.rows:
        sides = []
        for column in columns:
            value = cell(record, column, where, "source_column or target_column")
            parts = value if isinstance(value, list) and value else [value]
            sides.append([_nonempty(part, f"{where}: {column}") for part in parts])
        x.append(" ".join(sides[0]))
        y.append(sides[1] if isinstance(record[columns[1]], list) else sides[1][0])
    return _check_pairs(x, y, path)


def _parallel_files(source: Path, target: Path, encoding: str) -> Pairs:
    sides = [_lines(path, encoding) for path in (source, target)]
    if len(sides[0]) != len(sides[1]):
        raise InputError(
            f"{source} has {len(sides[0]):,} lines and {target} {len(sides[1]):,}: expected the "
            "same number; line i of one belongs to line i of the other."
        )
    for path, lines in zip((source, target), sides, strict=True):
        for number, line in enumerate(lines, start=1):
            _nonempty(line, f"{path}, line {number}")
    x, y = ([line.strip() for line in lines] for lines in sides)
    return _check_pairs(x, y, source)


def _nonempty(value: Any, where: str) -> str:
    text = check_text(value, where).strip()
    if not text:
        raise InputError(f"{where} is empty: drop the pair, or fill it in.")
    return text


def _check_pairs(x: list[str], y: list[Any], path: Any) -> Pairs:
    if not x:
        raise InputError(f"{path} has no pair of texts.")
    return x, y
