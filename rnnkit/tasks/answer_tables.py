"""Answers of trained models as typed columns: what `rnnkit predict --out` and `--json` write.

Each function takes a model and its inputs (texts or series); `Task.answer_table` calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.series import Series
from rnnkit.data.series_files import step_label
from rnnkit.data.table_writing import Column
from rnnkit.tasks.answers import best_classes

LABEL = Column("prediction", "text")


class AnswerTable(NamedTuple):
    """Answers as a table.

    Attributes:
        columns: names and kinds of the columns.
        rows: for each input its rows: one, or one for each step of a series; the values of the
            columns in a tuple. None = there is no value, such as before the first forecast.
        by_step: whether each step of a series has a row.
    """

    columns: tuple[Column, ...]
    rows: list[list[tuple[Any, ...]]]
    by_step: bool = False


def class_table(model: Any, inputs: Sequence[Any]) -> AnswerTable:
    """Return the most probable class of each example, and the probability of each class.

    Example:
        >>> found = class_table(model, ["A fine film."])  # doctest: +SKIP
        >>> [column.name for column in found.columns]  # doctest: +SKIP
        ['prediction', 'probability_neg', 'probability_pos']
        >>> found.rows  # doctest: +SKIP
        [[('pos', 0.0288, 0.9712)]]
    """
    outputs = model.predict(inputs, verbose=0)
    rows = [[row] for row in _class_rows(model.classes, outputs)]
    return AnswerTable(_class_columns(model.classes), rows)


def span_table(model: Any, texts: Sequence[str]) -> AnswerTable:
    """Return the spans of each text, a list of text, type, start and end.

    Example:
        >>> span_table(model, ["Why don't you ask John?"]).rows  # doctest: +SKIP
        [[([{'text': 'John', 'type': 'PER', 'start': 18, 'end': 22}],)]]
    """
    found = [[([span._asdict() for span in spans],)] for spans in model.predict_spans(texts)]
    return AnswerTable((Column("spans", "spans"),), found)


def tag_table(model: Any, texts: Sequence[str]) -> AnswerTable:
    """Return the words of each text, and their tags.

    Example:
        >>> tag_table(model, ["Ask John"]).rows  # doctest: +SKIP
        [[(['Ask', 'John'], ['VERB', 'PROPN'])]]
    """
    from rnnkit.data.treebank import split_words

    sentences = [[word.text for word in split_words(text)] for text in texts]
    rows = [[pair] for pair in zip(sentences, model.predict(sentences), strict=True)]
    return AnswerTable((Column("words", "texts"), Column("tags", "texts")), list(rows))


def text_table(model: Any, texts: Sequence[str]) -> AnswerTable:
    """Return the text that is generated for each text."""
    return AnswerTable((Column("output", "text"),), [[(text,)] for text in model.predict(texts)])


def frame_table(model: Any, inputs: Sequence[Series]) -> AnswerTable:
    """Return the label of each step of each series, and the probability of each class.

    With a CRF the labels are those of the most likely sequence, the probabilities posteriors.
    """
    labels = model.predict_labels(inputs)
    outputs = model.predict(inputs, verbose=0)
    rows = [
        [(label, *map(float, row)) for label, row in zip(of_steps, table, strict=True)]
        for of_steps, table in zip(labels, outputs, strict=True)
    ]
    return AnswerTable(_class_columns(model.classes), rows, by_step=True)


def forecast_table(model: Any, inputs: Sequence[Series]) -> AnswerTable:
    """Return what is forecast at each step of each series; None before the first forecast.

    `forecast_time` is the time, or the number, of the step that is forecast. With quantiles
    `forecast` is the median, and each quantile has a column, such as `quantile_0.1`. With
    several targets or horizons, column names end in both, such as `forecast_load_h6`.
    """
    encoder, quantiles = model.encoder, tuple(model.quantiles or ())
    parts = getattr(encoder, "parts", [encoder])
    labels = getattr(encoder, "labels", [""])
    horizons = list(dict.fromkeys(part.horizon for part in parts))
    several = len(horizons) > 1
    names = [f"forecast_time_h{horizon}" if several else "forecast_time" for horizon in horizons]
    columns = [Column(name, "text") for name in names]
    for label in labels:
        end = f"_{label}" if label else ""
        columns.append(Column(f"forecast{end}", "number"))
        columns += [Column(f"quantile_{q:g}{end}", "number") for q in quantiles]
    rows = []
    for series, forecasts in zip(inputs, model.predict(list(inputs), verbose=0), strict=True):
        flat = np.asarray(forecasts).reshape(len(forecasts), len(parts), len(quantiles) or 1)
        before: tuple[Any, ...] = (None,) * len(columns)
        rows.append([before] * (len(series) - len(flat)))
        for step, outputs in enumerate(flat, start=len(series) - len(flat)):
            row: list[Any] = [step_label(series, step + horizon) for horizon in horizons]
            for output in outputs.tolist():
                median = output[quantiles.index(0.5)] if quantiles else output[0]
                row += [median, *(output if quantiles else ())]
            rows[-1].append(tuple(row))
    return AnswerTable(tuple(columns), rows, by_step=True)


def _class_columns(classes: Sequence[str]) -> tuple[Column, ...]:
    return (LABEL, *(Column(f"probability_{name}", "number") for name in classes))


def _class_rows(classes: Sequence[str], outputs: np.ndarray) -> list[tuple[Any, ...]]:
    best = best_classes(outputs)
    found = outputs.astype("float64")
    if found.shape[1] == 1:  # binary: the column is the probability of class 1
        found = np.concatenate([1 - found, found], axis=1)
    return [(classes[i], *row) for i, row in zip(best, found.tolist(), strict=True)]
