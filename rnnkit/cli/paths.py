"""Arguments that look like paths in the place of texts, and paths of files that do not exist."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from rnnkit.data.paths import is_path
from rnnkit.errors import InputError, quote, suggest_sibling

TO_PREDICT = "To predict what is in it, give --data {}"


def refuse_paths(texts: Iterable[str], instead: str) -> None:
    """Refuse arguments that look like paths in the place of texts.

    Args:
        texts: the arguments.
        instead: what to do with what is in a file; "{}" stands for its path.

    Raises:
        InputError: one of them looks like a path.

    Example:
        >>> refuse_paths(["no/reviews.csv"], "To predict what is in it, give --data {}")
        Traceback (most recent call last):
        rnnkit.errors.InputError: 'no/reviews.csv' looks like a file, and there is none of this \
name. Its folder 'no' does not exist either. To take it as a text, add --text.
    """
    for text in texts:
        found = is_path(text)
        if found is False:
            continue
        path = Path(text)
        if found:
            kind = "folder" if path.is_dir() else "file"
            about = f"is a {kind}. {instead.format(shlex.quote(text))}."
        else:
            hint = suggest_sibling(path)
            about = f"looks like a file, and there is none of this name.{hint}"
        raise InputError(f"{quote(text)} {about} To take it as a text, add --text.")


def refuse_absent(*files: str | None) -> None:
    """Refuse paths of files that do not exist, before a model is loaded.

    Args:
        *files: None = not given; a data set of the Hugging Face Hub is no path.

    Raises:
        InputError: the message suggests a file with a name like that.

    Example:
        >>> refuse_absent(None, "hf:imdb")
    """
    for file in files:
        if file is not None and not file.startswith("hf:") and not Path(file).exists():
            raise InputError(f"There is no file {file!r}.{suggest_sibling(Path(file))}")
