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
LINE = 80  # characters of what a user gave that a message quotes
__getattr__ = renamed_names(
    __name__,
    {"nearest": "suggest", "beside": "suggest_sibling", "learned": "require_fitted"},
)


class InputError(ValueError):
    """Invalid input to a public function; nothing was changed or written."""


class DiskError(OSError):
    """A file could not be written: the disk is full, the folder is read-only, ...

    What was there before is unchanged. See `rnnkit.disk.writing`.

    Args:
        message: what could not be written, why, what is kept and what to do.
        number: the number of the error, as in `errno`.

    Example:
        >>> DiskError("runs/1/model.keras: the disk is full.", 28).errno
        28
    """

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(message)
        self.errno = number


class InUseError(InputError):
    """A file or folder is in use by another process.

    Attributes:
        holder: who uses it, such as "process 12 on host since 2026-01-31 10:15:00".
    """

    def __init__(self, message: str, holder: str = "another process") -> None:
        super().__init__(message)
        self.holder = holder


class UnknownWordsWarning(UserWarning):
    """A model was asked about a text of which it knows no word."""


class SeriesCutWarning(UserWarning):
    """A series is cut into many short pieces: its steps are hardly ever at equal distances."""


class NonFiniteLoss(ArithmeticError):
    """The training loss became NaN or infinite."""


class StudyError(RuntimeError):
    """A study or search ended without a result that it was to have; what was trained is kept."""


class BackendError(ImportError):
    """No backend for Keras is installed, or the requested one is missing."""


def quote(value: Any, most: int = LINE) -> str:
    """Return a value as messages show it: as `repr` does, and of a long one only its beginning.

    Example:
        >>> quote("a word"), quote("x" * 140_000, 10)
        ("'a word'", "'xxxxxxxxxx...' (140,000 characters)")
    """
    if not isinstance(value, str | bytes):
        shown = repr(value)
        return shown if len(shown) <= most else f"{shown[:most]}..."
    start = value[:most]
    while len(repr(start)) > most + 3:  # what cannot be printed takes several characters
        start = start[: len(start) * 3 // 4]
    if len(start) == len(value):
        return repr(value)
    return f"{repr(start)[:-1]}...{repr(start)[-1]} ({len(value):,} characters)"


def quote_all(values: Iterable[Any], most: int = 2 * LINE) -> str:
    """Return names with commas, as messages show them; of many, the first ones and their number.

    Example:
        >>> quote_all(["time", "value"]), quote_all(range(100), 10)
        ("'time', 'value'", '0, 1, 2, 3 and 96 more')
    """
    values = list(values)
    shown: list[str] = []
    for value in values:
        name = quote(value, LINE // 2)
        if shown and len(", ".join([*shown, name])) > most:
            break
        shown.append(name)
    left = len(values) - len(shown)
    return ", ".join(shown) + (f" and {left:,} more" if left else "")


def clip(text: str, most: int = 2 * LINE) -> str:
    """Return a text for a message, such as names with commas; of a longer one, its beginning.

    Example:
        >>> clip("neg, pos"), clip("x" * 1_000, 5)
        ('neg, pos', 'xxxxx...')
    """
    return text if len(text) <= most else f"{text[:most]}..."


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest known name, or an empty string.

    Example:
        >>> suggest("lstm_sentimnt", ["lstm_sentiment", "gru_sentiment"])
        " Did you mean 'lstm_sentiment'?"
    """
    if len(name) > LINE:  # no name that was mistyped, and slow to compare
        return ""
    names = [one for one in known if len(one) <= LINE]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
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
        raise InputError(f"{name} is {quote(value)}; expected an integer of at least {least}.")
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
        raise InputError(f"{name} is {quote(value)}; expected one of {known}.{hint}")
    return value
