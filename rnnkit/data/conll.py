"""Sentences with a tag a word, from files in columns: CoNLL and CoNLL-U."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rnnkit.data.splits import Dataset, Split, stratified_split
from rnnkit.data.tables import decode, split_lines
from rnnkit.errors import InputError, suggest, suggest_sibling

Tagged = tuple[list[list[str]], list[list[str]]]  # the words and the tags of each sentence

# The columns of CoNLL-U that hold something to learn; people name them.
CONLLU = {"form": 1, "lemma": 2, "upos": 3, "xpos": 4, "deprel": 7}
_SKIPPED_ID = re.compile(r"\d+[-.]\d+")  # words written as one, and words that are not written
_COMMENT = re.compile(r"# ?(?:[\w. ]+=|newdoc|newpar)")
_SUFFIXES = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".txt", ".tsv", ".annotated")
_PARTS = {"train": ("train",), "valid": ("valid", "dev", "testa"), "test": ("test", "testb")}


def from_path(
    path: str | Path,
    *,
    tag_column: int | str | None = None,
    word_column: int | str = 0,
    seed: int = 0,
) -> Dataset:
    r"""Read tagged sentences from a file in columns, or from a folder of such files.

    A line holds a word and what is known of it, in columns between tabs (or, in a file without
    tabs, between spaces); an empty line ends a sentence. A file that ends in ``.conllu`` is read as
    CoNLL-U. In a folder the names of the files say what they are for: train, valid or dev, test.
    What there is no file for is dealt out of train, a tenth each.

    Args:
        path: the file or folder.
        tag_column: which column holds the tags: 0 is the first, -1 the last; of CoNLL-U also a
            name: "upos", "xpos", "deprel" or "lemma". None = the last, and of CoNLL-U "upos".
        word_column: which column holds the words; of CoNLL-U it is always the form.
        seed: which sentences are dealt out.

    Raises:
        InputError: no such file, two files for one purpose, a line that cannot be read (with the
            name of the file and the number of the line).

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
    read = {
        part: _read(file, tag_column=tag_column, word_column=word_column)
        for part, file in files.items()
    }
    shares = [0.0 if part in read else 0.1 for part in ("valid", "test")]
    whole = Split(*read["train"])
    piles = stratified_split(np.zeros(len(whole), int), shares, np.random.default_rng(seed))
    # What is not dealt out keeps the order of its file.
    valid, test, train = (whole.take(np.sort(pile)) for pile in piles)
    return dataset(
        path.stem,
        train,
        Split(*read["valid"]) if "valid" in read else valid,
        Split(*read["test"]) if "test" in read else test,
        about=f"Read from {path}.",
    )


def dataset(name: str, train: Split, valid: Split, test: Split, about: str) -> Dataset:
    """Put splits of tagged sentences together; the classes are the tags of all, sorted.

    Example:
        >>> part = Split([["Ellen", "is"]], [["PROPN", "AUX"]])
        >>> dataset("mine", part, part, part, "").classes
        ('AUX', 'PROPN')
    """
    tags = {tag for split in (train, valid, test) for row in split.y for tag in row}
    return Dataset(name, train, valid, test, classes=tuple(sorted(tags)), about=about)


def parse_conll(data: bytes, source: str, *, tag_column: int = -1, word_column: int = 0) -> Tagged:
    r"""Read words and tags from columns; an empty line, or one of white space, ends a sentence.

    Lines ``# key = value`` and sentences of ``-DOCSTART-`` are left out.

    Args:
        data: the contents.
        source: what messages call it.
        tag_column: which column holds the tags; counted from the end when negative.
        word_column: which column holds the words.

    Raises:
        InputError: a line that cannot be read, with its number; no sentence.

    Example:
        >>> parse_conll(b"John\tB-PER\nran\tO\n\t\nStop\tO\n", "tiny.conll")
        ([['John', 'ran'], ['Stop']], [['B-PER', 'O'], ['O']])
    """
    tabs = b"\t" in data
    sentences: list[list[tuple[str, str]]] = [[]]
    width = 0
    for number, line in _lines(data, source):
        if not line.strip():
            sentences.append([])
            continue
        cells = line.split("\t") if tabs else line.split()
        if _COMMENT.match(line) and (len(cells) == 1 or not tabs):
            continue
        if cells[0] == "-DOCSTART-":
            continue
        width = width or len(cells)
        # From the end, a column is another one in a line of another width.
        enough = len(cells) == width if min(tag_column, word_column) < 0 else True
        try:
            word, tag = cells[word_column].strip(), cells[tag_column].strip()
        except IndexError:
            word = tag = ""
        if not word or not tag or not enough or len(cells) < 2:
            raise InputError(
                f"{source}, line {number} cannot be read: {_shown(line)} has {len(cells)} columns; "
                f"expected {width if width > 1 else 'two or more'}, of which number {word_column} "
                f"is a word and number {tag_column} its tag, or an empty line between sentences."
            )
        sentences[-1].append((word, tag))
    return _unzipped(sentences, source)


def parse_conllu(data: bytes, source: str, *, tag_column: int | str = "upos") -> Tagged:
    r"""Read words and one column of CoNLL-U, ten columns between tabs.

    Ids such as ``8-9`` (two words written as one) and ``8.1`` (a word that is not written) are left
    out, so each word stands once, as the treebank analyses it.

    Args:
        data: the contents.
        source: what messages call it.
        tag_column: which column holds the tags: its number from 0, or "upos", "xpos", "deprel",
            "lemma".

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
    for number, line in _lines(data, source):
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
                f"{source}, line {number} cannot be read: {_shown(line)} has {len(cells)} columns; "
                "expected the ten of CoNLL-U between tabs, the first of them the word's number."
            )
        sentences[-1].append((cells[CONLLU["form"]], cells[column]))
    return _unzipped(sentences, source)


def _read(path: Path, *, tag_column: int | str | None, word_column: int | str) -> Tagged:
    data = path.read_bytes()
    if path.suffix == ".conllu":
        return parse_conllu(
            data, str(path), tag_column="upos" if tag_column is None else tag_column
        )
    columns = {"tag_column": -1 if tag_column is None else tag_column, "word_column": word_column}
    for name, column in columns.items():
        if not isinstance(column, int):
            raise InputError(
                f"{name} is {column!r}: {path} is no .conllu file, so its columns have no names. "
                "Give a number; 0 is the first column, -1 the last."
            )
    return parse_conll(data, str(path), **columns)  # type: ignore[arg-type]


def _files(folder: Path) -> dict[str, Path]:
    """Return which file of a folder is for what."""
    files = sorted(file for file in folder.iterdir() if file.suffix in _SUFFIXES)
    found: dict[str, Path] = {}
    for part, words in _PARTS.items():
        fitting = [file for file in files if _says(file.name, words)]
        if len(fitting) > 1:
            raise InputError(
                f"{folder} holds {' and '.join(file.name for file in fitting)}: which is for "
                f"{part}? Leave one of them."
            )
        found |= dict.fromkeys([part] * len(fitting), *fitting)
    if "train" not in found:
        names = ", ".join(file.name for file in files) or "none"
        raise InputError(
            f"{folder} holds no file to learn from: expected one with 'train' in its name, which "
            f"ends in one of {', '.join(_SUFFIXES)}; there are: {names}."
        )
    return found


def _says(name: str, words: Sequence[str]) -> bool:
    """Say whether a file's name holds one of the words: beside no other letter, or at an end."""
    parts = re.split(r"[^a-z]+", name.lower())
    return any(part == word or word == "train" in part for part in parts for word in words)


def _lines(data: bytes, source: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(split_lines(decode(data, source)), start=1)


def _unzipped(sentences: list[list[tuple[str, str]]], source: str) -> Tagged:
    found = [sentence for sentence in sentences if sentence]
    if not found:
        raise InputError(f"{source} holds no sentence: expected a word and its tag on each line.")
    return [[word for word, _ in row] for row in found], [[tag for _, tag in row] for row in found]


def _shown(line: str) -> str:
    return repr(line if len(line) <= 40 else line[:37] + "...")
