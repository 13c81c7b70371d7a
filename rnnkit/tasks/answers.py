"""Answers of trained models as text: what `rnnkit predict` prints.

Each function takes a model, its inputs (texts or series) and names for them in the rows; without
names texts are shown or numbered from 1, series are numbered from 0. `Task.answer` calls it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.series import Series
from rnnkit.data.series_files import step_label


class Answers(NamedTuple):
    r"""Answers as a table for a terminal, and as lines for a file or a pipe.

    Attributes:
        heading: the names of the columns.
        rows: the cells of the table.
        lines: for a file or a pipe; None = the rows, their cells joined by tabs.
        notes: what is said about the answers, and is none of them.

    Example:
        >>> Answers(("label", "text"), [("pos", "Fine.")]).plain
        ['pos\tFine.']
    """

    heading: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    lines: Sequence[str] | None = None
    notes: Sequence[str] = ()

    @property
    def plain(self) -> list[str]:
        """The lines for a file or a pipe."""
        return ["\t".join(row) for row in self.rows] if self.lines is None else [*self.lines]


def answer_classes(
    model: Any,
    inputs: Sequence[Any],
    names: Sequence[str] | None = None,
    column: str = "text",
    *,
    outputs: Any = None,
    notes: Sequence[str] | None = None,
) -> Answers:
    r"""Return the most probable class of each example, and its probability.

    The classifier's `predict` returns `(N, classes)` probabilities, or `(N, 1)` of the second of
    two classes; `classes` are their names. `column` is the heading of the examples' names. What
    `predict` and `unknown_words` return is asked for where it is not given.

    Example:
        >>> answer_classes(model, ["A fine film."]).plain  # doctest: +SKIP
        ['pos\t0.9712\tA fine film.']
    """
    probabilities = model.predict(inputs, verbose=0) if outputs is None else outputs
    best = best_classes(probabilities)
    if probabilities.shape[1] == 1:  # binary: the column is the probability of class 1
        second = probabilities[:, 0]
        confidence = [float(p if i else 1 - p) for p, i in zip(second, best, strict=True)]
    else:
        confidence = [float(p) for p in probabilities.max(axis=1)]
    rows = [
        (model.classes[i], f"{p:.4f}", _on_one_line(name))
        for i, p, name in zip(best, confidence, inputs if names is None else names, strict=True)
    ]
    notes = unknown_words(model, inputs) if notes is None else notes
    return Answers(("label", "probability", column), rows, notes=notes)


def best_classes(outputs: np.ndarray) -> np.ndarray:
    """Return the number of the most probable class of each example; of equal ones, the first.

    Args:
        outputs: `(N, classes)`, or `(N, 1)`, the probability of the second of two classes.

    Example:
        >>> best_classes(np.array([[0.9], [0.5]])), best_classes(np.array([[0.2, 0.3, 0.5]]))
        (array([1, 0]), array([2]))
    """
    return outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0.5).astype(int)


def name_unknown(words: Sequence[str]) -> str:
    """Return a line about words that a model does not know.

    Example:
        >>> name_unknown(["flabbergasting"])
        "not in the vocabulary: 'flabbergasting'"
    """
    return f"not in the vocabulary: {', '.join(map(repr, words))}"


def unknown_words(
    model: Any, texts: Sequence[Any], most: int = 10, where: Sequence[int] | None = None
) -> list[str]:
    """Return a line for each text with words that a model does not know; at most this many.

    Args:
        model: the model.
        texts: that it was asked about, or their words.
        most: the number of lines, without the one that counts the rest.
        where: the indices of the texts with such words, where they are known: so that only those
            with a line are split into words.

    Example:
        >>> unknown_words(model, ["A flabbergasting film."])  # doctest: +SKIP
        ["not in the vocabulary: 'flabbergasting'"]
    """
    if not hasattr(model, "unknown_words"):
        return []
    asked = range(len(texts)) if where is None else where[:most]
    rows = model.unknown_words(texts if where is None else [texts[i] for i in asked])
    found = [
        (f"text {i + 1}, " if len(texts) > 1 else "") + name_unknown(words)
        for i, words in zip(asked, rows, strict=True)
        if words
    ]
    rest = (len(found) if where is None else len(where)) - most
    return found if rest <= 0 else [*found[:most], f"and {rest:,} more texts with unknown words"]


def answer_series_classes(
    model: Any, inputs: Sequence[Series], names: Sequence[str] | None = None
) -> Answers:
    """Return the most probable class of each series, and its probability."""
    return answer_classes(model, inputs, _numbered(inputs, names), "series")


def answer_spans(model: Any, texts: Sequence[str], names: Sequence[str] | None = None) -> Answers:
    r"""Return the spans that a tagger's `predict_spans` finds; dashes for a text without any.

    Example:
        >>> answer_spans(model, ["Why don't you ask John?"]).plain  # doctest: +SKIP
        ['1\tJohn\tPER\t18\t22']
    """
    rows: list[tuple[str, ...]] = []
    for name, spans in zip(_numbered(texts, names, 1), model.predict_spans(texts), strict=True):
        found = [(_on_one_line(s.text), s.type, str(s.start), str(s.end)) for s in spans]
        rows += [(name, *row) for row in found or [("-", "-", "-", "-")]]
    without = [row[0] for row in rows if row[1:] == ("-", "-", "-", "-")]
    notes = [f"Nothing was found in {_texts(without)}."] if without else []
    notes += unknown_words(model, texts)
    return Answers(("text", "name", "type", "from", "to"), rows, notes=notes)


def answer_tags(model: Any, texts: Sequence[str], names: Sequence[str] | None = None) -> Answers:
    r"""Return the words of each text with their tags; the lines are in CoNLL format.

    Example:
        >>> answer_tags(model, ["Ask John"]).plain  # doctest: +SKIP
        ['Ask\tVERB', 'John\tPROPN', '']
    """
    from rnnkit.data.treebank import split_words

    sentences = [[word.text for word in split_words(text)] for text in texts]
    rows: list[tuple[str, ...]] = []
    lines: list[str] = []
    tagged = zip(sentences, model.predict(sentences), strict=True)
    for name, (words, tags) in zip(_numbered(texts, names, 1), tagged, strict=True):
        pairs = list(zip(words, tags, strict=True))
        rows.append((name, " ".join(f"{word}/{tag}" for word, tag in pairs)))
        lines += [*(f"{word}\t{tag}" for word, tag in pairs), ""]
    return Answers(("text", "words and tags"), rows, lines, unknown_words(model, sentences))


def answer_texts(model: Any, texts: Sequence[str], names: Sequence[str] | None = None) -> Answers:
    """Return the text that is generated for each text; the lines hold the generated texts alone."""
    outputs = model.predict(texts)
    rows = list(zip(outputs, texts if names is None else names, strict=True))
    empty = [str(number) for number, output in enumerate(outputs, 1) if not output.strip()]
    notes = [f"The model generated nothing for {_texts(empty)}."] if empty else ()
    return Answers(("output", "text"), rows, [_on_one_line(output) for output in outputs], notes)


def _texts(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"text{'s' * (len(names) > 1)} {shown}"


def answer_frames(
    model: Any, inputs: Sequence[Series], names: Sequence[str] | None = None
) -> Answers:
    r"""Return time or number (from 0), label and its probability of each step of series.

    Example:
        >>> answer_frames(model, [walk], ["walk.csv"]).plain[0]  # doctest: +SKIP
        '0\tclockwise\t0.9312\twalk.csv'
    """
    rows: list[tuple[str, ...]] = []
    found = model.predict_labels(inputs), model.predict(inputs, verbose=0)
    names = _numbered(inputs, names)
    for name, series, of_steps, table in zip(names, inputs, *found, strict=True):
        for step, (label, row) in enumerate(zip(of_steps, table, strict=True)):
            probability = row[model.classes.index(label)]
            rows.append((step_label(series, step), label, f"{probability:.4f}", name))
    return Answers(("when", "label", "probability", "series"), rows)


def answer_forecasts(
    model: Any, inputs: Sequence[Series], names: Sequence[str] | None = None
) -> Answers:
    """Return the forecasts from each step of series, with time or number of the step predicted."""
    rows: list[tuple[str, ...]] = []
    if hasattr(getattr(model, "encoder", None), "horizons"):
        return _answer_outputs(model, inputs, names)
    for name, series in zip(_numbered(inputs, names), inputs, strict=True):
        forecasts = model.predict(series, verbose=0)
        # Forecast i is made at step context - 1 + i, of the step `horizon` later.
        first = len(series) - len(forecasts) + model.horizon
        rows += [
            (step_label(series, step), rounded(forecast, model.encoder.unit_of(series)), name)
            for step, forecast in enumerate(forecasts, start=first)
        ]
    return Answers(("when", "forecast", "series"), rows)


def _answer_outputs(model: Any, inputs: Sequence[Series], names: Sequence[str] | None) -> Answers:
    """Return a row for each step and output; quantiles side by side."""
    rows: list[tuple[str, ...]] = []
    encoder, quantiles = model.encoder, model.quantiles or ()
    for name, series in zip(_numbered(inputs, names), inputs, strict=True):
        forecasts = model.predict(series, verbose=0)
        flat = forecasts.reshape(len(forecasts), len(encoder.parts), len(quantiles) or 1)
        for step, outputs in enumerate(flat, start=len(series) - len(flat)):
            for part, label, values in zip(encoder.parts, encoder.labels, outputs, strict=True):
                when = step_label(series, step + part.horizon)
                numbers = (rounded(value, part.unit_of(series)) for value in values)
                rows.append((when, label, *numbers, name))
    heading = [f"quantile {q:g}" for q in quantiles] or ["forecast"]
    return Answers(("when", "output", *heading, "series"), rows)


def rounded(value: float, unit: float) -> str:
    """Return a number with six significant digits, more where it is large beside its spread.

    Args:
        value: the number.
        unit: the spread of numbers of its kind.

    Example:
        >>> rounded(51.23456789, 10.0), rounded(120_000_001.23456789, 1.0)
        ('51.2346', '120000001.235')
    """
    more = math.floor(math.log10(abs(value) / unit)) - 2 if value else 0
    return f"{value:.{min(17, 6 + max(0, more))}g}"


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _numbered(inputs: Sequence[Any], names: Sequence[str] | None, first: int = 0) -> Sequence[str]:
    return [str(first + i) for i in range(len(inputs))] if names is None else names
