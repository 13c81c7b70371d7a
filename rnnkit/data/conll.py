"""Readers of tagged sentences in CoNLL and CoNLL-U files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rnnkit.data.splits import Dataset, Split, draw_missing
from rnnkit.data.tables import decode, read_text, split_lines
from rnnkit.data.tag_schemes import check_scheme, detect_scheme, extract_spans, to_iob2
from rnnkit.errors import InputError, quote, suggest, suggest_sibling

Tagged = tuple[list[list[str]], list[list[str]]]  # the words and the tags of each sentence

# The columns of CoNLL-U that can be tags or words.
CONLLU = {"form": 1, "lemma": 2, "upos": 3, "xpos": 4, "deprel": 7}
BLANK = " \t"  # what separates columns; a no-break space is part of a word
_SKIPPED_ID = re.compile(r"\d+[-.]\d+")  # multiword tokens and empty nodes
_KEY = re.compile(r"# [\w. ]+=|# ?newdoc id|#(?:begin|end) document\b")  # is never a word
_REMARK = re.compile(r"#+(?:[ \t]|$)|#[\w. ]+=|#newdoc|#newpar")  # is one if it fits as such
_WORD_NAMES = {"word", "words", "token", "tokens", "form", "text"}  # in a line of names of columns
_TAG_NAMES = {"tag", "tags", "label", "labels", "ner", "ner_tag", "ner_tags", "pos", "upos", "iob"}
_SUFFIXES = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".txt", ".tsv", ".annotated")
_PARTS = {"train": ("train",), "valid": ("valid", "dev", "testa"), "test": ("test", "testb")}
_PART_SUFFIXES = tuple(f".{word}" for words in _PARTS.values() for word in words)  # eng.testa


def from_path(
    path: str | Path,
    *,
    tag_column: int | str | None = None,
    word_column: int | str = 0,
    tag_scheme: str | None = None,
    encoding: str = "utf-8",
    seed: int = 0,
) -> Dataset:
    r"""Read tagged sentences from a file in columns, or from a folder of such files.

    A line has a word and its annotations, in columns separated by tabs (or by spaces in a file
    without tabs); an empty line ends a sentence. A file that ends in ``.conllu`` is read as
    CoNLL-U. In a folder there is a file for each split, with train, valid, dev or testa, and test
    or testb in their names (``eng.train``, ``eng.testa``, ``eng.testb``). A split without a file is
    drawn from train, a tenth of it.

    Tags that mark spans in another scheme become IOB2; `notes` say so.

    Args:
        path: the file or folder.
        tag_column: the column of the tags: 0 is the first, -1 the last; in CoNLL-U also a name:
            "upos", "xpos", "deprel" or "lemma". None = the last, in CoNLL-U "upos".
        word_column: the column of the words; in CoNLL-U it is always the form.
        tag_scheme: how tags mark spans: "iob1", "iob2", "bioes", "bilou", "bmes" or "ioe"; None =
            found from the tags; "plain" = they mark none, and stay as they are.
        encoding: of the files.
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
    path = Path(path).expanduser()
    if not path.exists():
        raise InputError(f"There is no file or folder {str(path)!r}.{suggest_sibling(path)}")
    files = _files(path) if path.is_dir() else {"train": path}
    given = {part: _read(file, tag_column, word_column, encoding) for part, file in files.items()}
    for part, (_, tags) in given.items():
        check_scheme(tags, tag_scheme, str(files[part]))
    found = [row for _, tags in given.values() for row in tags]
    scheme = tag_scheme or detect_scheme(found)
    notes = _conversion(found, scheme)
    if scheme not in (None, "plain"):
        given = {part: (words, [*map(to_iob2, tags)]) for part, (words, tags) in given.items()}
    splits = draw_missing({part: Split(*read) for part, read in given.items()}, seed)
    return replace(dataset(path.stem, *splits, about=f"Read from {path}."), notes=notes)


def _conversion(rows: list[list[str]], scheme: str | None) -> list[str]:
    """Return a note on the conversion of tags to IOB2, where there is something to convert."""
    if scheme in ("iob1", "iob2"):
        begun = sum(row[span.start][0] == "I" for row in rows for span in extract_spans(row))
        if not begun:
            return []
        return [f"{begun:,} spans that begin with I- (IOB1) begin with B- here (IOB2)."]
    return (
        [] if scheme in (None, "plain") else [f"Tags in {scheme.upper()} were converted to IOB2."]
    )


def dataset(name: str, train: Split, valid: Split, test: Split, about: str) -> Dataset:
    """Return a data set of tagged sentences; its classes are the tags of all splits, sorted.

    Example:
        >>> part = Split([["Ellen", "is"]], [["PROPN", "AUX"]])
        >>> dataset("mine", part, part, part, "").classes
        ('AUX', 'PROPN')
    """
    tags = {tag for split in (train, valid, test) for row in split.y for tag in row}
    return Dataset(name, train, valid, test, classes=tuple(sorted(tags)), about=about)


class _Line(NamedTuple):
    """A line in columns: its number, its text, and its cells."""

    number: int
    text: str
    cells: list[str]


def parse_conll(
    data: bytes | str, source: str, *, tag_column: int = -1, word_column: int = 0
) -> Tagged:
    r"""Read words and tags from columns; an empty line, or one of white space, ends a sentence.

    Columns are separated by tabs or, in a file without tabs, by spaces; other white space, such as
    a no-break space, is part of a word. Negative numbers count the columns from the end; empty
    columns at the end of a line do not count.

    Comments, a first line with names of columns and ``-DOCSTART-`` are left out. Comments are
    lines ``# key = value`` and ``#begin document``, and others that begin with a separate ``#`` and
    are no word with a tag: they have more or fewer columns, or stand before a sentence and would
    have a tag that no other line has.

    Raises:
        InputError: a line that cannot be read, with its number; no sentence.

    Example:
        >>> parse_conll(b"John\tB-PER\nran\tO\n\t\nStop\tO\n", "tiny.conll")
        ([['John', 'ran'], ['Stop']], [['B-PER', 'O'], ['O']])
    """
    text = decode(data, source) if isinstance(data, bytes) else data
    blocks = _blocks(split_lines(text))
    every = [line for block in blocks for line in block]
    lines = [line for line in every if not line.text.startswith("#")] or every
    width = Counter(len(line.cells) for line in lines).most_common(1)[0][0] if lines else 0
    # Columns counted from the end need lines of one width.
    fixed = min(tag_column, word_column) < 0

    def fits(line: _Line) -> bool:
        count = len(line.cells)
        enough = max(tag_column, word_column) < count >= max(2, -tag_column, -word_column)
        return enough and (count == width or not fixed)

    def parse(line: _Line) -> tuple[str, str]:
        word = tag = ""
        if fits(line):
            word, tag = line.cells[word_column], line.cells[tag_column]
        if not word or not tag:
            raise InputError(
                f"{source}, line {line.number} cannot be read: {quote(line.text, 40)} has "
                f"{len(line.cells)} columns; expected {width if width > 1 else 'two or more'}, of "
                f"which number {word_column} is a word and number {tag_column} its tag, or an "
                "empty line between sentences. Other columns are chosen by their numbers, from 0: "
                "word_column and tag_column (--text-column and --label-column)."
            )
        return word, tag

    seen = {line.cells[tag_column] for line in lines if fits(line)}
    sentences: list[list[tuple[str, str]]] = []
    for block in blocks:
        sentence: list[tuple[str, str]] = []
        for line in block:
            unusual = not fits(line) or (not sentence and line.cells[tag_column] not in seen)
            if _REMARK.match(line.text) and unusual:
                continue
            sentence.append(parse(line))
        sentences.append(sentence)
    return _words_and_tags(_without_header(sentences), source)


def _blocks(lines: list[str]) -> list[list[_Line]]:
    """Return the lines of each sentence, without comments that can be nothing else."""
    given = [line for line in (line.strip(BLANK) for line in lines) if line]
    given = [line for line in given if not line.startswith("#")] or given
    tabs = 2 * sum("\t" in line for line in given) >= len(given)  # a single one is a blank
    blocks: list[list[_Line]] = [[]]
    for number, line in enumerate(lines, start=1):
        text = line.strip(" ") if tabs else line.strip(BLANK)
        text = text.rstrip(BLANK)
        if not text or "-DOCSTART-" in re.split("[ \t]+", text, maxsplit=2)[:2]:
            blocks.append([])
            continue
        cells = [cell.strip(" ") for cell in text.split("\t")] if tabs else re.split("[ \t]+", text)
        if not _KEY.match(text):
            blocks[-1].append(_Line(number, text, cells))
    return blocks


def _without_header(sentences: list[list[tuple[str, str]]]) -> list[list[tuple[str, str]]]:
    """Leave out a first line that names the columns: no other line has such a tag."""
    sentences = [sentence for sentence in sentences if sentence]
    (word, tag), *others = [pair for sentence in sentences for pair in sentence] or [("", "")]
    names = word.lower() in _WORD_NAMES and tag.lower() in _TAG_NAMES
    if names and others and all(tag != other for _, other in others):
        return [sentences[0][1:], *sentences[1:]]
    return sentences


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
    return _words_and_tags(sentences, source)


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


def _words_and_tags(sentences: list[list[tuple[str, str]]], source: str) -> Tagged:
    found = [sentence for sentence in sentences if sentence]
    if not found:
        raise InputError(f"{source} has no sentence: expected a word and its tag on each line.")
    return [[word for word, _ in row] for row in found], [[tag for _, tag in row] for row in found]
