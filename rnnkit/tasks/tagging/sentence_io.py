"""Sentences and tags: checks of what users give, and tables for TensorBoard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.text import check_text
from rnnkit.data.treebank import Word, split_words
from rnnkit.errors import InputError, quote, quote_all, suggest
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.figures import confusion_matrix_png, escape_markdown, markdown_table
from rnnkit.monitor.spans import extract_spans, is_iob2

SHOWN = 12  # sentences of a table
MOST_TAGS = 30  # in a picture


class TextSpan(NamedTuple):
    """A span of a text: its type and character offsets."""

    text: str
    type: str
    start: int
    end: int


def raw_texts(x: Any) -> list[str]:
    """Return raw texts as a list, or say which of them is none.

    Example:
        >>> raw_texts("Ask John.")
        ['Ask John.']
    """
    rows = [x] if isinstance(x, str | bytes) else _listed(x, "texts")
    return [check_text(row, f"texts[{i}]") for i, row in enumerate(rows)]


def sentences(x: Any, name: str = "sentences") -> list[list[Word]]:
    """Return the words of each sentence, with the characters they span where it is a raw text.

    `x` is one raw sentence, or a list whose items are raw sentences or lists of words.

    Example:
        >>> [[word.text for word in row] for row in sentences(["Ask John.", ["Ask", "John."]])]
        [['Ask', 'John', '.'], ['Ask', 'John.']]
    """
    rows = [x] if isinstance(x, str | bytes) else _listed(x, name)
    found = []
    for i, row in enumerate(rows):
        if isinstance(row, str | bytes):
            found.append(split_words(check_text(row, f"{name}[{i}]")))
        else:
            found.append([Word(word, 0, 0) for word in _strings(row, f"{name}[{i}]", "words")])
    return found


def pairs(x: Any, y: Any, name: str) -> tuple[list[list[str]], list[list[str]]]:
    """Return words and tags of each sentence.

    Raises:
        InputError: no sentence; one that is no list of words; other than one tag for each word.

    Example:
        >>> pairs([["Ask", "John"]], [["O", "B-PER"]], "The test set")
        ([['Ask', 'John']], [['O', 'B-PER']])
    """
    if y is None:
        raise InputError(f"{name}: tags are missing. Give a list of tags for each sentence.")
    rows, tags = _listed(x, f"{name}: x"), _listed(y, f"{name}: y")
    if not rows or len(rows) != len(tags):
        raise InputError(
            f"{name} holds {len(rows)} sentences and tags for {len(tags)}; expected one sentence "
            "or more, and as many lists of tags."
        )
    rows = [_strings(row, f"{name}: x[{i}]", "words") for i, row in enumerate(rows)]
    tags = [_strings(row, f"{name}: y[{i}]", "tags") for i, row in enumerate(tags)]
    for i, (words, these) in enumerate(zip(rows, tags, strict=True)):
        if len(words) != len(these):
            raise InputError(
                f"{name}: sentence {i} has {len(words)} words and {len(these)} tags: "
                f"{quote(' '.join(words))}. Give one tag for each word."
            )
    if not any(rows):
        raise InputError(f"{name} holds no word: its sentences are empty.")
    return rows, tags


def numbers(tags: list[list[str]], classes: Sequence[str], name: str) -> list[np.ndarray]:
    """Return the number of each tag; refuse one that is none of the classes.

    Example:
        >>> numbers([["O", "B-PER"]], ["B-PER", "O"], "test")
        [array([1, 0], dtype=int32)]
    """
    known = {tag: i for i, tag in enumerate(classes)}
    for i, row in enumerate(tags):
        for tag in row:
            if tag not in known:
                raise InputError(
                    f"The {name} tags of sentence {i} hold {quote(tag)}; the model knows "
                    f"{quote_all(classes)}.{suggest(tag, classes)} Tags that stand in no training "
                    "sentence are made known with classes=."
                )
    return [np.array([known[tag] for tag in row], np.int32) for row in tags]


def marked(words: Sequence[str], tags: Sequence[str]) -> str:
    """Return a sentence for a Markdown table, with its spans in bold, or a tag behind each word.

    Example:
        >>> marked(["Ask", "John", "Doe"], ["O", "B-PER", "I-PER"])
        'Ask **John Doe** (PER)'
    """
    safe = [escape_markdown(word) for word in words]
    if not is_iob2({"O", *tags}) and set(tags) != {"O"}:
        tagged = zip(safe, map(escape_markdown, tags), strict=True)
        return " ".join(f"{word} *{tag}*" for word, tag in tagged)
    pieces, done = [], 0
    for span in extract_spans(tags):
        inside = " ".join(safe[span.start : span.end])
        pieces += [*safe[done : span.start], f"**{inside}** ({escape_markdown(span.type)})"]
        done = span.end
    return " ".join([*pieces, *safe[done:]])


def write(
    writer: EventWriter,
    rows: list[list[str]],
    tags: list[list[str]],
    answers: list[list[str]],
    classes: Sequence[str],
    step: int,
) -> None:
    """Write true and predicted sentences, and the confusion matrix of tags."""
    wrong = [i for i in range(len(rows)) if tags[i] != answers[i]]
    for tag, chosen in (("predictions", range(len(rows))), ("mistakes", wrong)):
        table = [[marked(rows[i], tags[i]), marked(rows[i], answers[i])] for i in chosen[:SHOWN]]
        text = markdown_table(["true", "predicted"], table) if table else "There are none."
        writer.text(f"examples/{tag}", text, step)
    place = {tag: i for i, tag in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), int)
    for these, those in zip(tags, answers, strict=True):
        for true, found in zip(these, those, strict=True):
            if true in place:
                counts[place[true], place[found]] += 1
    most = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:MOST_TAGS])
    right = np.trace(counts) / max(counts.sum(), 1)
    title = f"epoch {step}: {right:.1%} of {counts.sum():,} tags right"
    picture = confusion_matrix_png(counts[np.ix_(most, most)], [classes[i] for i in most], title)
    writer.image("examples/confusion_matrix", picture, step)


def _listed(x: Any, name: str) -> list[Any]:
    if isinstance(x, np.ndarray):
        x = x.tolist()
    if not isinstance(x, list | tuple):
        raise InputError(f"{name} is {type(x).__name__}: expected a list of sentences.")
    return list(x)


def _strings(row: Any, name: str, what: str) -> list[str]:
    """Return a list of texts none of which is empty."""
    row = row.tolist() if isinstance(row, np.ndarray) else row
    if not isinstance(row, list | tuple):
        shown = repr(row)[:40]
        raise InputError(f"{name} is {type(row).__name__} ({shown}): expected a list of {what}.")
    found = [check_text(item, f"{name}[{i}]") for i, item in enumerate(row)]
    if not all(found):
        place = found.index("")
        raise InputError(f"{name}[{place}] is an empty text: expected {what}; leave it out.")
    return found
