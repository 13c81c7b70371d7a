"""Files with a word on each line and its annotations in columns, as shared tasks publish them."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from rnnkit.data.tables import decode, split_lines
from rnnkit.errors import InputError, quote

Tagged = tuple[list[list[str]], list[list[str]]]  # the words and the tags of each sentence

BLANK = " \t"  # what separates columns; a no-break space is part of a word
_KEY = re.compile(r"# [\w. ]+=|# ?newdoc id|#(?:begin|end) document\b")  # is never a word
_REMARK = re.compile(r"#+(?:[ \t]|$)|#[\w. ]+=|#newdoc|#newpar")  # is one if it fits as such
_WORD_NAMES = {"word", "words", "token", "tokens", "form", "text"}  # in a line of names of columns
_TAG_NAMES = {"tag", "tags", "label", "labels", "ner", "ner_tag", "ner_tags", "pos", "upos", "iob"}


class _Line(NamedTuple):
    """A line in columns: its number, its text, and its cells."""

    number: int
    text: str
    cells: list[str]


def parse_conll(
    data: bytes | str, source: str, *, tag_column: int = -1, word_column: int = 0
) -> Tagged:
    r"""Read words and tags from columns; an empty line, or one of white space, ends a sentence.

    Columns are separated by tabs where half of the lines have one, else by spaces; other white
    space, such as a no-break space, is part of a word. Negative numbers count the columns from the
    end; empty columns at the end of a line do not count.

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
    return words_and_tags(_without_header(sentences), source)


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


def words_and_tags(sentences: list[list[tuple[str, str]]], source: str) -> Tagged:
    """Return the words and the tags of sentences that are not empty, or refuse a file of none."""
    found = [sentence for sentence in sentences if sentence]
    if not found:
        raise InputError(f"{source} has no sentence: expected a word and its tag on each line.")
    return [[word for word, _ in row] for row in found], [[tag for _, tag in row] for row in found]
