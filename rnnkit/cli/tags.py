"""The tags of sentences, printed: the names in them, or the part of speech of each word."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnkit.tasks.tagging.tagger import SequenceTagger


def print_tags(model: SequenceTagger, texts: list[str]) -> None:
    """Print what a tagger finds in each text: spans where its tags mark spans, else all tags.

    Args:
        model: a trained tagger.
        texts: raw sentences.

    Example:
        >>> print_tags(model, ["Why don't you ask John?"])  # doctest: +SKIP
        1	John	PER	18	22
    """
    from rnnkit.monitor.spans import is_iob2

    if is_iob2(model.classes):
        _print_spans(model, texts)
    else:
        _print_words(model, texts)


def _print_spans(model: SequenceTagger, texts: list[str]) -> None:
    """Print a line a span, and one for a text without any, after the number of its text."""
    from rnnkit.cli import show

    lines = []
    for number, found in enumerate(model.predict_spans(texts), start=1):
        rows = [[" ".join(s.text.split()), s.type, str(s.start), str(s.end)] for s in found]
        lines += [[str(number), *row] for row in rows or [["-", "-", "-", "-"]]]
    if show.console.is_terminal:
        show.rows(["text", "name", "type", "from", "to"], lines)
        return
    for line in lines:
        print(*line, sep="\t")


def _print_words(model: SequenceTagger, texts: list[str]) -> None:
    """Print the words of each text with their tags; elsewhere than in a terminal as CoNLL."""
    from rnnkit.cli import show
    from rnnkit.data.treebank import split_words

    rows = [[word.text for word in split_words(text)] for text in texts]
    answers = model.predict(rows)
    if show.console.is_terminal:
        lines = [
            [str(number), " ".join(f"{w}/{t}" for w, t in zip(row, tags, strict=True))]
            for number, (row, tags) in enumerate(zip(rows, answers, strict=True), start=1)
        ]
        show.rows(["text", "words and tags"], lines)
        return
    for row, tags in zip(rows, answers, strict=True):
        for word, tag in zip(row, tags, strict=True):
            print(word, tag, sep="\t")
        print()
