"""The texts that `predict` is asked about, and its answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnkit.errors import InputError

if TYPE_CHECKING:
    from rnnkit.tasks.classifier import Classifier

NOTHING = (
    'No text to predict; give one or more, "-" for stdin, or --file PATH. (Of a model of series, '
    "give CSV files.)"
)


def gather(texts: list[str], file: str | None) -> list[str]:
    """Collect the texts given as arguments, on stdin (``-``) and in a file, in this order.

    Raises:
        InputError: there is none, or a line is not UTF-8.

    Example:
        >>> gather(["A fine film."], None)
        ['A fine film.']
    """
    found: list[str] = []
    for text in texts:
        found += _lines(sys.stdin.buffer.read(), "stdin") if text == "-" else [text]
    if file is not None:
        found += _lines(Path(file).read_bytes(), file)
    if not found:
        raise InputError(NOTHING)
    return found


def print_classes(model: Classifier, texts: list[str]) -> None:
    """Print label, probability and text of each."""
    print_answers(*label_all(model, texts), texts, "text")


def print_answers(labels: list[str], shares: list[float], asked: list[str], heading: str) -> None:
    """Print label and probability of each: a table in a terminal, tab-separated lines elsewhere.

    Args:
        labels: the likeliest classes.
        shares: their probabilities.
        asked: what was asked about: texts, or names of files.
        heading: of that column.
    """
    from rnnkit.cli import show

    answers = list(zip(labels, shares, asked, strict=True))
    if show.console.is_terminal:
        lines = [[label, f"{share:.4f}", text] for label, share, text in answers]
        show.rows(["label", "probability", heading], lines)
        return
    for label, share, text in answers:
        print(label, f"{share:.4f}", " ".join(text.split()), sep="\t")


def label_all(model: Classifier, x: list[Any]) -> tuple[list[str], list[float]]:
    """Return the likeliest class of each example and its probability."""
    probabilities = model.predict(x, verbose=0)
    if probabilities.shape[1] == 1:  # binary: the column is the probability of class 1
        second = probabilities[:, 0]
        indices = (second >= 0.5).astype(int)
        shares = [float(p if i else 1 - p) for p, i in zip(second, indices, strict=True)]
    else:
        indices = probabilities.argmax(axis=1)
        shares = [float(p) for p in probabilities.max(axis=1)]
    return [model.classes[i] for i in indices], shares


def _lines(raw: bytes, where: str) -> list[str]:
    """Split into lines; an empty one is a text too, so that answers stand beside their lines."""
    lines = raw.removesuffix(b"\n").split(b"\n") if raw else []
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(line.decode("utf-8").removesuffix("\r"))
        except UnicodeDecodeError as error:
            raise InputError(f"Line {number} of {where} is not UTF-8: {error}.") from error
    return found
