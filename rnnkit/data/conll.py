"""Readers of tagged sentences in CoNLL and CoNLL-U files, and in tables with columns of lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnkit.data.column_files import BLANK, Tagged, parse_conll, words_and_tags
from rnnkit.data.splits import Dataset, Split, draw_missing
from rnnkit.data.table_files import BINARY, Records, holds_tables, known_splits, read_tables
from rnnkit.data.tables import cell, decode, read_text, split_lines
from rnnkit.data.tag_schemes import check_scheme, detect_scheme, extract_spans, to_iob2
from rnnkit.errors import InputError, quote, suggest, suggest_sibling

__all__ = ["CONLLU", "Tagged", "dataset", "from_path", "parse_conll", "parse_conllu"]


# The columns of CoNLL-U that can be tags or words.
CONLLU = {"form": 1, "lemma": 2, "upos": 3, "xpos": 4, "deprel": 7}
_SKIPPED_ID = re.compile(r"\d+[-.]\d+")  # multiword tokens and empty nodes
_SUFFIXES = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".txt", ".tsv", ".annotated")
_PARTS = {"train": ("train",), "valid": ("valid", "dev", "testa"), "test": ("test", "testb")}
_PART_SUFFIXES = tuple(f".{word}" for words in _PARTS.values() for word in words)  # eng.testa


def from_path(
    path: str | Path,
    *,
    tag_column: int | str | None = None,
    word_column: int | str | None = None,
    tag_scheme: str | None = None,
    encoding: str = "utf-8",
    seed: int = 0,
) -> Dataset:
    r"""Read tagged sentences from a file in columns, or from a folder of such files.

    A line has a word and its annotations, in columns separated by tabs (or by spaces in a file
    without tabs); an empty line ends a sentence. A file that ends in ``.conllu`` is read as
    CoNLL-U. In a folder there is a file for each split, with train, valid, dev or testa, and test
    or testb in their names (``eng.train``, ``eng.testa``, ``eng.testb``). In JSON lines, Parquet
    and what else `rnnkit.data.table_files` reads a row is a sentence: a list of words and a list of
    tags. A split without a file is drawn from train, a tenth of it.

    Tags that mark spans in another scheme become IOB2; `notes` say so.

    Args:
        path: the file or folder.
        tag_column: the column of the tags: 0 is the first, -1 the last; in CoNLL-U also a name:
            "upos", "xpos", "deprel" or "lemma"; in a table its name. None = the last, in CoNLL-U
            "upos", in a table "tags".
        word_column: the column of the words; None = the first, in CoNLL-U it is always the form, in
            a table "tokens".
        tag_scheme: how tags mark spans: "iob1", "iob2", "bioes", "bilou", "bmes" or "ioe"; None =
            found from the tags; "plain" = they mark none, and stay as they are.
        encoding: of text files.
        seed: which sentences are drawn for valid and test.

    Raises:
        InputError: a missing file, two files for one split, or a line that cannot be read; the
            message names file and line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mine.conll"
        >>> _ = path.write_text("Ellen\tB-PER\nis\tO\n\nshe\tO\n" * 10)
        >>> data = from_path(path)
        >>> len(data.train), len(data.valid), len(data.test), data.classes
        (9, 1, 1, ('B-PER', 'O'))
    """
    name, path = str(path), Path(path).expanduser()
    notes: list[str] = []
    if _holds_lists(name):
        tables, notes = known_splits(read_tables(name, encoding=encoding))
        columns = (word_column or "tokens", tag_column or "tags")
        given = {split: _listed(one, columns, name) for split, one in tables.items()}
        sources = {split: f"{name}, {split}" for split in tables}
    else:
        if not path.exists():
            raise InputError(f"There is no file or folder {str(path)!r}.{suggest_sibling(path)}")
        files = _files(path) if path.is_dir() else {"train": path}
        given = {
            split: _read(file, tag_column, word_column or 0, encoding)
            for split, file in files.items()
        }
        sources = {split: str(file) for split, file in files.items()}
    for split, (_, tags) in given.items():
        check_scheme(tags, tag_scheme, sources[split])
    found = [row for _, tags in given.values() for row in tags]
    scheme = tag_scheme or detect_scheme(found)
    if scheme not in (None, "plain"):
        given = {split: (words, [*map(to_iob2, tags)]) for split, (words, tags) in given.items()}
    splits = draw_missing({split: Split(*read) for split, read in given.items()}, seed)
    whole = dataset(path.stem, *splits, about=f"Read from {name}.")
    return replace(whole, notes=[*notes, *_conversion(found, scheme)])


def _conversion(rows: list[list[str]], scheme: str | None) -> list[str]:
    """Return a note on the conversion of tags to IOB2, where there is something to convert."""
    if scheme in ("iob1", "iob2"):
        begun = sum(row[span.start][0] == "I" for row in rows for span in extract_spans(row))
        if not begun:
            return []
        return [f"{begun:,} spans that begin with I- (IOB1) begin with B- here (IOB2)."]
    if scheme in (None, "plain"):
        return []
    return [f"Tags in {scheme.upper()} were converted to IOB2."]


def dataset(name: str, train: Split, valid: Split, test: Split, about: str) -> Dataset:
    """Return a data set of tagged sentences; its classes are the tags of all splits, sorted.

    Example:
        >>> part = Split([["Ellen", "is"]], [["PROPN", "AUX"]])
        >>> dataset("mine", part, part, part, "").classes
        ('AUX', 'PROPN')
    """
    tags = {tag for split in (train, valid, test) for row in split.y for tag in row}
    return Dataset(name, train, valid, test, classes=tuple(sorted(tags)), about=about)


def parse_conllu(data: bytes | str, source: str, *, tag_column: int | str = "upos") -> Tagged:
    r"""Read words and one column of CoNLL-U, which has ten columns separated by tabs.

    Multiword tokens (ids such as ``8-9``) and empty nodes (``8.1``) are left out: only syntactic
    words are returned. `tag_column` is the number of the column of tags, from 0, or "upos", "xpos",
    "deprel" or "lemma".

    Raises:
        InputError: a line that cannot be read, with its number; no sentence; no such column.

    Source: universaldependencies.org/format.html.

    Example:
        >>> text = b"1\tDogs\tdog\tNOUN" + b"\t_" * 6 + b"\n2\tbark\tbark\tVERB" + b"\t_" * 6
        >>> parse_conllu(text, "tiny.conllu")
        ([['Dogs', 'bark']], [['NOUN', 'VERB']])
    """
    column = CONLLU.get(tag_column, -1) if isinstance(tag_column, str) else tag_column
    if not 0 <= column < 10:
        raise InputError(
            f"tag_column is {quote(tag_column)}; expected 0 to 9, or one of {list(CONLLU)}."
            f"{suggest(str(tag_column), CONLLU)}"
        )
    sentences: list[list[tuple[str, str]]] = [[]]
    text = decode(data, source) if isinstance(data, bytes) else data
    for number, line in enumerate(split_lines(text), start=1):
        if not line.strip(BLANK):
            sentences.append([])
            continue
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) == 10 and _SKIPPED_ID.fullmatch(cells[0]):
            continue
        if len(cells) != 10 or not cells[0].isdecimal() or not cells[1] or not cells[column]:
            raise InputError(
                f"{source}, line {number} cannot be read: {quote(line, 40)} has {len(cells)} "
                "columns; expected the ten of CoNLL-U between tabs, the first of which is the "
                "word's number."
            )
        sentences[-1].append((cells[CONLLU["form"]], cells[column]))
    return words_and_tags(sentences, source)


def _holds_lists(name: str) -> bool:
    """Return whether a path is a table that can have columns of lists; others are CoNLL files."""
    path = Path(name)
    if path.is_dir():
        plain = any(file.suffix in (*_SUFFIXES, ".csv") for file in path.iterdir())
        return holds_tables(name) and not plain
    return name.startswith("hf:") or path.suffix.lower() in (".jsonl", *BINARY)


def _listed(table: Records, columns: tuple[Any, Any], path: str) -> Tagged:
    """Return the words and tags of rows, each a list of texts."""
    found: tuple[list[Any], list[Any]] = ([], [])
    for where, record in table.rows:
        for column, side in zip(columns, found, strict=True):
            value = cell(record, column, where, "text_column or label_column")
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise InputError(
                    f"{where}: {column} is {quote(str(value))}: expected a list of texts, one for "
                    "each word. Numbers have no names here: write the tags themselves."
                )
            side.append(value)
        if len(found[0][-1]) != len(found[1][-1]):
            raise InputError(
                f"{where} has {len(found[0][-1])} words and {len(found[1][-1])} tags: expected a "
                "tag for each word."
            )
    if not any(found[0]):
        raise InputError(f"{path} has no sentence: expected a list of words in each row.")
    kept = [(words, tags) for words, tags in zip(*found, strict=True) if words]
    return [words for words, _ in kept], [tags for _, tags in kept]


def _read(
    path: Path, tag_column: int | str | None, word_column: int | str, encoding: str
) -> Tagged:
    data = read_text(path, encoding)
    if path.suffix == ".conllu":
        column = "upos" if tag_column is None else tag_column
        return parse_conllu(data, str(path), tag_column=column)
    columns = {"tag_column": -1 if tag_column is None else tag_column, "word_column": word_column}
    for name, column in columns.items():
        if not isinstance(column, int):
            raise InputError(
                f"{name} is {quote(column)}: {path} is not a .conllu file, so columns have no "
                "names. Give a number; 0 is the first column, -1 the last."
            )
    return parse_conll(data, str(path), **columns)  # type: ignore[arg-type]


def _files(folder: Path) -> dict[str, Path]:
    files = sorted(file for file in folder.iterdir() if _is_columns(file))
    found: dict[str, Path] = {}
    for part, words in _PARTS.items():
        fitting = [file for file in files if _name_has(file.name, words)]
        if len(fitting) > 1:
            raise InputError(
                f"{folder} has {' and '.join(file.name for file in fitting)}: which is for "
                f"{part}? Keep one of them."
            )
        found |= dict.fromkeys([part] * len(fitting), *fitting)
    if "train" not in found:
        names = ", ".join(file.name for file in files) or "none"
        raise InputError(
            f"{folder} has no training file: expected one with 'train' in its name that ends in "
            f"one of {', '.join(_SUFFIXES)}, or in .train; there are: {names}."
        )
    return found


def _is_columns(file: Path) -> bool:
    """Whether a file's name is one of a file in columns; hidden files are none."""
    known = file.suffix.lower() in (*_SUFFIXES, *_PART_SUFFIXES)
    bare = not file.suffix and any(_name_has(file.name, words) for words in _PARTS.values())
    return not file.name.startswith(".") and (known or bare) and file.is_file()


def _name_has(name: str, words: Sequence[str]) -> bool:
    parts = re.split(r"[^a-z]+", name.lower())
    return any(part == word or word == "train" in part for part in parts for word in words)
