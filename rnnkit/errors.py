"""What rnnkit raises: each message says what came, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

Learned = TypeVar("Learned")


class InputError(ValueError):
    """Something given to a public function cannot be used; nothing was changed or written."""


class NonFiniteLoss(ArithmeticError):
    """The loss became NaN or infinite while training."""


class BackendError(ImportError):
    """No framework that Keras could run on is installed, or not the one that was asked for."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest known name, or an empty string.

    Example:
        >>> nearest("lstm_sentimnt", ["lstm_sentiment", "gru_sentiment"])
        " Did you mean 'lstm_sentiment'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def beside(path: Path) -> str:
    """Return a hint for a file that is not there: the nearest name in its folder.

    Example:
        >>> beside(Path("no/such/folder/file.txt"))
        " Its folder 'no/such/folder' is not there either."
    """
    if not path.parent.is_dir():
        return f" Its folder {str(path.parent)!r} is not there either."
    return nearest(path.name, [entry.name for entry in path.parent.iterdir()])


def learned(what: Learned | None, model: Any, name: str) -> Learned:
    """Return what a model learns in its first fit, or refuse a model that has had none.

    Args:
        what: a vocabulary, a network; None = not there yet.
        model: the one that learns it.
        name: how to call it.

    Raises:
        InputError: it is not there yet.

    Example:
        >>> learned(None, {}, "vocabulary")
        Traceback (most recent call last):
        rnnkit.errors.InputError: This dict is not trained yet: it has no vocabulary before its \
first fit. Call fit first, or load a trained model with rnnkit.tasks.load.
    """
    if what is None:
        raise InputError(
            f"This {type(model).__name__} is not trained yet: it has no {name} before its first "
            "fit. Call fit first, or load a trained model with rnnkit.tasks.load."
        )
    return what
