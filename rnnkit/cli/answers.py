"""The inputs of `rnnkit predict`, and its answers."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rnnkit.data.paths import is_path
from rnnkit.errors import InputError, quote, suggest_sibling
from rnnkit.progress import showing
from rnnkit.recipes import kind_of

BATCH = 256  # texts that are answered at a time, at most, where answers are printed as they come
TO_PREDICT = "To predict what is in it, give --data {}"
NOTHING = (
    'No text to predict; give one or more, "-" for stdin, or --file PATH. (Of a model of series, '
    "give CSV files.)"
)


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


def learned_from_texts(run: Path) -> bool:
    """Return whether the settings of a run say that its inputs are texts; False = not known."""
    try:
        recipe = json.loads((run / "settings.json").read_text(encoding="utf-8"))["recipe"]
        return kind_of(recipe) in {"texts", "tagged sentences", "pairs"}
    except (OSError, ValueError, LookupError, TypeError):
        return False


def print_answers(
    model: Any,
    inputs: list[str],
    file: str | None,
    read: Callable[[str], tuple[list[Any], list[str]]],
    *,
    data: str | None = None,
    text_column: str | None = None,
    as_text: bool = False,
    **reading: Any,
) -> None:
    """Print the answers of a model: a table in a terminal, lines in a file or a pipe.

    Args:
        model: it has `answer`, and `reads_series` if its inputs are CSV files.
        inputs: texts, or paths of CSV files; "-" reads texts from stdin.
        file: a file with a text on each line; of a model of series, one more CSV file.
        read: reads the series of a file, and a name for each.
        data: a table of texts or series.
        text_column: the column of texts in it.
        as_text: whether inputs that look like paths are texts.
        **reading: how it is read, see `rnnkit.data.table_files.read_texts`.
    """
    from rnnkit.cli import show

    if model.reads_series:
        series: list[Any] = []
        names: list[str] = []
        refuse_text_column(model, text_column)
        for path in [*inputs, *(one for one in (file, data) if one is not None)]:
            found, called = read(path)
            series, names = [*series, *found], [*names, *called]
        with showing(True):
            answers = model.answer(series, names)
    else:
        if not as_text:
            refuse_paths(inputs, TO_PREDICT)
        table = None
        if data is not None:
            from rnnkit.data.table_files import read_texts

            table = read_texts(data, default_column(model), text_column=text_column, **reading)
        encoding = reading.get("encoding", "utf-8")
        if "-" in inputs and not show.console.is_terminal:
            print_stream(model, arriving_texts(inputs, file, table, encoding))
            return
        texts = gather_texts(inputs, file, table, encoding)
        with showing(True):
            answers = model.answer(texts)
    show.answers(*answers)


def print_stream(model: Any, texts: Iterable[str]) -> None:
    """Print the answers to texts as these arrive; what is to be noted comes once, at the end.

    Raises:
        InputError: there is no text.
    """
    from rnnkit.cli import show
    from rnnkit.data.arriving import in_batches

    notes: dict[str, None] = {}
    count = 0
    for batch in in_batches(texts, BATCH):
        heading, lines, *more = model.answer(batch)
        show.answers(heading, lines, *more[:1])
        sys.stdout.flush()
        notes |= dict.fromkeys(more[1] if len(more) > 1 else ())
        count += len(batch)
    if not count:
        raise InputError(NOTHING)
    for line in notes:
        show.note(line)


def arriving_texts(
    inputs: Iterable[str], file: str | None, table: Iterable[str] | None, encoding: str
) -> Iterator[str]:
    """Yield what `gather_texts` returns, the lines of the standard input as they arrive."""
    from rnnkit.data.arriving import arriving_lines

    for text in inputs:
        if text != "-":
            yield text
            continue
        for line in arriving_lines(sys.stdin.buffer, "stdin", encoding):
            yield line.rstrip("\r\n")
    if file is not None:
        yield from _lines(Path(file).read_bytes(), file, encoding)
    yield from table or ()


def refuse_text_column(model: Any, text_column: str | None) -> None:
    """Refuse a column of texts for a model that reads series."""
    if text_column is not None:
        raise InputError(
            f"text_column is {quote(text_column)}, and {type(model).__name__} reads series: leave "
            "it out."
        )


def default_column(model: Any) -> str:
    """Return the column of texts in a table, unless another is named.

    Models that are no tasks, such as word vectors, say themselves which command asks them.
    """
    form = getattr(model, "form", None)
    return "text" if form is None else str(form.text_column)


def gather_texts(
    texts: list[str],
    file: str | None,
    table: list[str] | None = None,
    encoding: str = "utf-8",
) -> list[str]:
    """Return the texts given as arguments, on stdin (``-``), in a file and a table, in this order.

    `encoding` is that of stdin and of the file.

    Example:
        >>> gather_texts(["A fine film."], None)
        ['A fine film.']
    """
    found = list(arriving_texts(texts, file, table, encoding))
    if not found:
        raise InputError(NOTHING)
    return found


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


def _lines(raw: bytes, where: str, encoding: str) -> list[str]:
    """Split into lines; an empty line is a text, so that answers correspond to lines."""
    from rnnkit.data.tables import decode, split_lines

    text = decode(raw, where, encoding)
    return split_lines(text.removesuffix("\n")) if text else []
