"""Which tasks the formats of exported models hold."""

from __future__ import annotations

from typing import Any

from rnnkit.errors import InputError, check_choice
from rnnkit.settings.exporting import FORMATS

WHOLE = "whole"  # encoded examples in, answers out
STEPS = "steps"  # `initial_state` and `step`, the states passed by the caller

# Class of tasks -> format -> what the file holds: WHOLE, STEPS, or the reason why there is none.
# A class that is not listed is held as the first of its base classes that is.
HELD: dict[str, dict[str, str]] = {
    "TextClassifier": {"saved-model": WHOLE, "onnx": WHOLE, "litert": WHOLE},
    "BagOfWords": {"saved-model": WHOLE, "onnx": WHOLE, "litert": WHOLE},
    "NGramTextClassifier": {"saved-model": WHOLE, "onnx": WHOLE, "litert": WHOLE},
    "SequenceTagger": {"saved-model": WHOLE, "onnx": WHOLE, "litert": WHOLE},
    "SequenceClassifier": {"saved-model": WHOLE, "onnx": WHOLE, "litert": WHOLE},
    "FrameLabeller": {"saved-model": WHOLE, "onnx": WHOLE, "litert": WHOLE},
    "Forecaster": {"saved-model": WHOLE, "onnx": WHOLE, "litert": WHOLE},
    "LanguageModel": {
        "saved-model": STEPS,
        "onnx": "its states are passed from call to call",
        "litert": "its states are passed from call to call",
    },
    "Seq2Seq": {
        "saved-model": STEPS,
        "onnx": "its decoder is called step by step",
        "litert": "its decoder is called step by step",
    },
    "Task": {
        "saved-model": WHOLE,
        "onnx": "it is written for the classes of tasks of rnnkit alone",
        "litert": WHOLE,
    },
}


def held_by(task: Any) -> dict[str, str]:
    """Return the row of `HELD` of a task: what each format holds of it.

    Example:
        >>> class LanguageModel: pass
        >>> held_by(LanguageModel())["saved-model"]
        'steps'
    """
    return next(HELD[cls.__name__] for cls in type(task).__mro__ if cls.__name__ in HELD)


def check_held(task: Any, format: str) -> str:
    """Return what a format holds of a task: "whole" or "steps".

    Raises:
        InputError: an unknown format, or one that does not hold the task; the message names those
            that do.
    """
    check_choice("format", format, FORMATS)
    row = held_by(task)
    if row[format] in (WHOLE, STEPS):
        return row[format]
    others = [name for name, held in row.items() if held in (WHOLE, STEPS)]
    raise InputError(
        f"{format} does not hold a {type(task).__name__}: {row[format]}. Use format "
        f"{' or '.join(map(repr, others))}."
    )
