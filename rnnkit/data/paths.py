"""Paths that were given where a text is expected: the name of a file is hardly ever the text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError, quote

SUFFIXES = (
    *(".arrow", ".bz2", ".conll", ".conllu", ".csv", ".feather", ".gz", ".h5", ".hdf5", ".iob"),
    *(".iob2", ".json", ".jsonl", ".ndjson", ".npy", ".npz", ".parquet", ".tsv", ".txt", ".wav"),
    *(".xls", ".xlsx", ".xz", ".zip"),
)
_LONGEST = 1_000  # characters of a path; a longer text is none


def is_path(text: str) -> bool | None:
    """Return whether a text is a path: of a file that exists, or (None) perhaps of one that should.

    A path is that of a file or, with a separator, of a folder that exists. A text without white
    space looks like one where it begins so (``/``, ``./``, ``../``, ``~/``) or ends as files of
    data do.

    Example:
        >>> is_path("a fine film, and/or a long one"), is_path("no/such/reviews.csv")
        (False, None)
    """
    if not text or len(text) > _LONGEST or "\n" in text or "\0" in text:
        return False
    path = Path(text)
    try:
        named = path.name not in {"", ".", ".."}
        if named and (path.is_file() or ({os.sep, "/"} & {*text} and path.is_dir())):
            return True
    except (OSError, ValueError):  # no name of this file system
        return False
    begins = named and text.startswith(("/", "./", "../", "~/"))
    ends = path.suffix.lower() in SUFFIXES
    return None if len(text.split()) == 1 and (begins or ends) else False


def refuse_path(x: Any, name: str) -> None:
    """Refuse a path in the place of examples.

    Args:
        x: what was given; anything but one text or one path is left to others.
        name: the argument, for messages.

    Raises:
        InputError: it is a `Path`, or a text that looks like a path.
    """
    if not isinstance(x, str | os.PathLike):
        return
    path = os.fspath(x)
    found = is_path(path) if isinstance(x, str) else True
    if found is not False:
        what = "is" if found else "looks like"
        taken = f" To take it as a text: [{quote(path)}]." if isinstance(x, str) else ""
        raise InputError(
            f"{name} is {quote(path)}, which {what} a path, and examples are expected. Give what "
            f"is in it, such as pandas.read_csv({quote(path)}).{taken}"
        )
