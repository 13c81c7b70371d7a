"""Exceptions of rnnkit, and the checks that raise them.

Every message says what was given, what was expected and what to do.
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from rnnkit.deprecation import renamed_names

T = TypeVar("T")
__getattr__ = renamed_names(
    __name__,
    {"nearest": "suggest", "beside": "suggest_sibling", "learned": "require_fitted"},
)


class InputError(ValueError):
    """Invalid input to a public function; nothing was changed or written."""


class UnknownWordsWarning(UserWarning):
    """A model was asked about a text of which it knows no word."""


class NonFiniteLoss(ArithmeticError):
    """The training loss became NaN or infinite."""


class BackendError(ImportError):
    """No backend for Keras is installed, or the requested one is missing."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest known name, or an empty string.

    Example:
        >>> suggest("lstm_sentimnt", ["lstm_sentiment", "gru_sentiment"])
        " Did you mean 'lstm_sentiment'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def suggest_sibling(path: Path) -> str:
    """Return a hint for a missing file: the closest name in its folder.

    Example:
        >>> suggest_sibling(Path("no/such/folder/file.txt"))
        " Its folder 'no/such/folder' does not exist either."
    """
    if not path.parent.is_dir():
        return f" Its folder {str(path.parent)!r} does not exist either."
    return suggest(path.name, [entry.name for entry in path.parent.iterdir()])


def require_fitted(value: T | None, model: Any, name: str) -> T:
    """Return what a model learns in its first fit, or refuse a model that was never fitted.

    Args:
        value: a vocabulary, a network, ...; None before the first fit.
        model: the model that learns it.
        name: how the message calls it.

    Raises:
        InputError: the value is None.

    Example:
        >>> require_fitted(None, {}, "vocabulary")
        Traceback (most recent call last):
        rnnkit.errors.InputError: This dict is not trained yet: it has no vocabulary before its \
first fit. Call fit first, or load a trained model with rnnkit.tasks.load.
    """
    if value is None:
        raise InputError(
            f"This {type(model).__name__} is not trained yet: it has no {name} before its first "
            "fit. Call fit first, or load a trained model with rnnkit.tasks.load."
        )
    return value


def check_count(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number of at least `least`, or refuse what is none.

    Args:
        name: of the argument, as the user wrote it.
        value: the number.
        least: the smallest value allowed.

    Raises:
        InputError: the value is a bool, is no integer, or is below `least`.

    Example:
        >>> check_count("window", 0)
        Traceback (most recent call last):
        rnnkit.errors.InputError: window is 0; expected an integer of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise InputError(f"{name} is {value!r}; expected an integer of at least {least}.")
    return int(value)


def check_choice(name: str, value: T, known: Iterable[Any]) -> T:
    """Return a value that is one of the known ones, or refuse it and suggest the closest.

    Args:
        name: of the argument, as the user wrote it.
        value: the value.
        known: what is allowed.

    Raises:
        InputError: the value is not among the known ones.

    Example:
        >>> check_choice("cell", "lsmt", ("lstm", "gru"))
        Traceback (most recent call last):
        rnnkit.errors.InputError: cell is 'lsmt'; expected one of ('lstm', 'gru'). Did you mean \
'lstm'?
    """
    known = tuple(known)
    if value not in known:
        hint = suggest(str(value), [str(one) for one in known])
        raise InputError(f"{name} is {value!r}; expected one of {known}.{hint}")
    return value
