"""Predictions of a model as JSON: the columns of `rnnkit predict --out`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from rnnkit.errors import InputError, UnknownWordsWarning
from rnnkit.progress import showing

KINDS: dict[str | None, dict[str, Any]] = {  # of columns, as JSON schema
    "text": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "spans": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "type": {"type": "string"},
                "start": {"type": "integer"},
                "end": {"type": "integer"},
            },
            "required": ["text", "type", "start", "end"],
        },
    },
}
UNKNOWN = "unknown_words"
MOST_UNKNOWN = 20  # words that are named


def predictor(model: Any) -> Callable[[list[Any]], list[dict[str, Any]]]:
    """Return a function that answers instances with a JSON object each.

    It has the columns of `Task.answer_table`; of a model that answers each step of a series,
    `steps` holds a list of such objects. Where the model does not know all words of a text,
    `unknown_words` names them: it reads them as one and the same word.

    Example:
        >>> predictor(model)(["A fine film."])  # doctest: +SKIP
        [{'prediction': 'pos', 'probability_neg': 0.03, 'probability_pos': 0.97}]
    """

    def predict(instances: list[Any]) -> list[dict[str, Any]]:
        with showing(False, again=True), warnings.catch_warnings():
            warnings.simplefilter("ignore", UnknownWordsWarning)  # the answer says so
            table = model.answer_table(instances)
        names = [column.name for column in table.columns]
        found = []
        for rows in table.rows:
            records = [_record(names, row) for row in rows]
            found.append({"steps": records} if table.by_step else records[0])
        if not model.reads_series and hasattr(model, "unknown_words"):
            _add_unknown(model, instances, found)
        return found

    return predict


def _record(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """Return the values of a row by name; refuse an answer that is no number.

    Raises:
        InputError: the network computed NaN or infinity.
    """
    for value in row:
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(
                f"The model's answer is {value}: the values of the instance are too large, or of "
                "another unit than those it learned from."
            )
    return dict(zip(names, row, strict=True))


def _add_unknown(model: Any, texts: list[str], found: list[dict[str, Any]]) -> None:
    for record, words in zip(found, model.unknown_words(texts), strict=True):
        if words:
            record[UNKNOWN] = list(words[:MOST_UNKNOWN])


def prediction_schema(model: Any) -> dict[str, Any]:
    """Return the JSON schema of a prediction, from the columns of an example's answer.

    Of series it only says that there is an object: what they answer depends on their columns.

    Example:
        >>> prediction_schema(model)["required"]  # doctest: +SKIP
        ['prediction', 'probability_neg', 'probability_pos']
    """
    if model.reads_series:
        return {"type": "object", "description": "The columns of `rnnkit predict --out`."}
    with showing(False, again=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", UnknownWordsWarning)
        table = model.answer_table(["An example."])
    fields = {column.name: KINDS.get(column.kind, {}) for column in table.columns}
    unknown = {**KINDS["texts"], "description": "Words that the model does not know."}
    return {
        "type": "object",
        "properties": {**fields, UNKNOWN: unknown},
        "required": list(fields),
    }
