"""Readers of tagged sentences in CoNLL and CoNLL-U files, and in tables with columns of lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnkit.data.splits import Dataset, Split, draw_missing
from rnnkit.data.table_files import BINARY, Records, holds_tables, known_splits, read_tables
from rnnkit.data.tables import cell, decode, split_lines
from rnnkit.errors import InputError, suggest, suggest_sibling

Tagged = tuple[list[list[str]], list[list[str]]]  # the words and the tags of each sentence

# The columns of CoNLL-U that can be tags or words.
CONLLU = {"form": 1, "lemma": 2, "upos": 3, "xpos": 4, "deprel": 7}
_SKIPPED_ID = re.compile(r"\d+[-.]\d+")  # multiword tokens and empty nodes
_COMMENT = re.compile(r"# ?(?:[\w. ]+=|newdoc|newpar)")
_SUFFIXES = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".txt", ".tsv", ".annotated")
_PARTS = {"train": ("train",), "valid": ("valid", "dev", "testa"), "test": ("test", "testb")}


def from_path(
    path: str | Path,
    *,
    tag_column: int | str | None = None,
    word_column: int | str | None = None,
    seed: int = 0,
) -> Dataset:
    r"""Read tagged sentences from a file in columns, or from a folder of such files.

    A line has a word and its annotations, in columns separated by tabs (or by spaces in a file
    without tabs); an empty line ends a sentence. A file that ends in ``.conllu`` is read as
    CoNLL-U. In a folder there is a file for each split, with train, valid or dev, and test in their
    names. In JSON lines, Parquet and what else `rnnkit.data.table_files` reads a row is a sentence:
    a list of words and a list of tags. A split without a file is drawn from train, a tenth of it.

    Args:
        path: the file or folder.
        tag_column: the column of the tags: 0 is the first, -1 the last; in CoNLL-U also a name:
            "upos", "xpos", "deprel" or "lemma"; in a table its name. None = the last, in CoNLL-U
            "upos", in a table "tags".
        word_column: the column of the words; None = the first, in CoNLL-U it is always the form, in
            a table "tokens".
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
    if _holds_lists(name):
        found, notes = known_splits(read_tables(name))
        columns = (word_column or "tokens", tag_column or "tags")
        rows = {split: Split(*_listed(one, columns, name)) for split, one in found.items()}
        about = f"Read from {name}."
        return replace(dataset(path.stem, *draw_missing(rows, seed), about=about), notes=notes)
    if not path.exists():
        raise InputError(f"There is no file or folder {str(path)!r}.{suggest_sibling(path)}")
    word_column = 0 if word_column is None else word_column
    files = _files(path) if path.is_dir() else {"train": path}
    read = {part: Split(*_read(file, tag_column, word_column)) for part, file in files.items()}
    return dataset(path.stem, *draw_missing(read, seed), about=f"Read from {path}.")


def dataset(name: str, train: Split, valid: Split, test: Split, about: str) -> Dataset:
    """Return a data set of tagged sentences; its classes are the tags of all splits, sorted.

    Example:
        >>> part = Split([["Ellen", "is"]], [["PROPN", "AUX"]])
        >>> dataset("mine", part, part, part, "").classes
        ('AUX', 'PROPN')
    """
    tags = {tag for split in (train, valid, test) for row in split.y for tag in row}
    return Dataset(name, train, valid, test, classes=tuple(sorted(tags)), about=about)


def parse_conll(data: bytes, source: str, *, tag_column: int = -1, word_column: int = 0) -> Tagged:
    r"""Read words and tags from columns; an empty line, or one of white space, ends a sentence.

    Lines ``# key = value`` and sentences of ``-DOCSTART-`` are left out. Negative numbers count the
    columns from the end.

    Raises:
        InputError: a line that cannot be read, with its number; no sentence.

    Example:
        >>> parse_conll(b"John\tB-PER\nran\tO\n\t\nStop\tO\n", "tiny.conll")
        ([['John', 'ran'], ['Stop']], [['B-PER', 'O'], ['O']])
    """
    tabs = b"\t" in data
    sentences: list[list[tuple[str, str]]] = [[]]
    width = 0
    for number, line in enumerate(split_lines(decode(data, source)), start=1):
        if not line.strip():
            sentences.append([])
            continue
        cells = line.split("\t") if tabs else line.split()
        if _COMMENT.match(line) and (len(cells) == 1 or not tabs):
            continue
        if cells[0] == "-DOCSTART-":
            continue
        width = width or len(cells)
        # Columns counted from the end need lines of one width.
        enough = len(cells) == width if min(tag_column, word_column) < 0 else True
        try:
            word, tag = cells[word_column].strip(), cells[tag_column].strip()
        except IndexError:
            word = tag = ""
        if not word or not tag or not enough or len(cells) < 2:
            raise InputError(
                f"{source}, line {number} cannot be read: {_short(line)} has {len(cells)} columns; "
                f"expected {width if width > 1 else 'two or more'}, of which number {word_column} "
                f"is a word and number {tag_column} its tag, or an empty line between sentences."
            )
        sentences[-1].append((word, tag))
    return _words_and_tags(sentences, source)


def parse_conllu(data: bytes, source: str, *, tag_column: int | str = "upos") -> Tagged:
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
            f"tag_column is {tag_column!r}; expected 0 to 9, or one of {list(CONLLU)}."
            f"{suggest(str(tag_column), CONLLU)}"
        )
    sentences: list[list[tuple[str, str]]] = [[]]
    for number, line in enumerate(split_lines(decode(data, source)), start=1):
        if not line.strip():
            sentences.append([])
            continue
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) == 10 and _SKIPPED_ID.fullmatch(cells[0]):
            continue
        if len(cells) != 10 or not cells[0].isdecimal() or not cells[1] or not cells[column]:
            raise InputError(
                f"{source}, line {number} cannot be read: {_short(line)} has {len(cells)} columns; "
                "expected the ten of CoNLL-U between tabs, the first of which is the word's number."
            )
        sentences[-1].append((cells[CONLLU["form"]], cells[column]))
    return _words_and_tags(sentences, source)


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
                    f"{where}: {column} is {str(value)[:40]!r}: expected a list of texts, one for "
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


def _read(path: Path, tag_column: int | str | None, word_column: int | str) -> Tagged:
    data = path.read_bytes()
    if path.suffix == ".conllu":
        column = "upos" if tag_column is None else tag_column
        return parse_conllu(data, str(path), tag_column=column)
    columns = {"tag_column": -1 if tag_column is None else tag_column, "word_column": word_column}
    for name, column in columns.items():
        if not isinstance(column, int):
            raise InputError(
                f"{name} is {column!r}: {path} is not a .conllu file, so columns have no names. "
                "Give a number; 0 is the first column, -1 the last."
            )
    return parse_conll(data, str(path), **columns)  # type: ignore[arg-type]


def _files(folder: Path) -> dict[str, Path]:
    files = sorted(file for file in folder.iterdir() if file.suffix in _SUFFIXES)
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
            f"one of {', '.join(_SUFFIXES)}; there are: {names}."
        )
    return found


def _name_has(name: str, words: Sequence[str]) -> bool:
    parts = re.split(r"[^a-z]+", name.lower())
    return any(part == word or word == "train" in part for part in parts for word in words)


def _words_and_tags(sentences: list[list[tuple[str, str]]], source: str) -> Tagged:
    found = [sentence for sentence in sentences if sentence]
    if not found:
        raise InputError(f"{source} has no sentence: expected a word and its tag on each line.")
    return [[word for word, _ in row] for row in found], [[tag for _, tag in row] for row in found]


def _short(line: str) -> str:
    return repr(line if len(line) <= 40 else line[:37] + "...")
