"""The inputs of `rnnkit predict`, and its answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rnnkit.cli.paths import TO_PREDICT, refuse_paths
from rnnkit.cli.text_sources import text_rows, text_sources
from rnnkit.data.table_files import read_texts
from rnnkit.errors import InputError, quote
from rnnkit.progress import showing
from rnnkit.recipes import kind_of

BATCH = 256  # texts that are answered at a time, at most, where answers are printed as they come
NOTHING = (
    'No text to predict; give one or more, "-" for stdin, or --file PATH. (Of a model of series, '
    "give CSV files.)"
)


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
        inputs: texts, or paths of CSV files; "-" reads texts from stdin. With `text_column`, those
            that are files are tables.
        file: a file with a text on each line; of a model of series, one more CSV file.
        read: reads the series of a file, and a name for each.
        data: a table of texts or series.
        text_column: the column of texts in a table.
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
        column = default_column(model)
        arriving: Iterator[str]
        if text_column is not None:  # arguments that are files are tables, as with --out
            sources = text_sources(inputs, (file, data), as_text)
            rows = text_rows(sources, column, text_column=text_column, **reading)
            arriving = (row.text for row in rows)
        else:
            if not as_text:
                refuse_paths(inputs, TO_PREDICT)
            table = None if data is None else read_texts(data, column, **reading)
            arriving = arriving_texts(inputs, file, table, reading.get("encoding", "utf-8"))
        if "-" in inputs and not show.console.is_terminal:
            print_stream(model, arriving)
            return
        texts = refuse_none(arriving)
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
    return refuse_none(arriving_texts(texts, file, table, encoding))


def refuse_none(texts: Iterable[str]) -> list[str]:
    """Return texts as a list; refuse none at all."""
    found = list(texts)
    if not found:
        raise InputError(NOTHING)
    return found


def _lines(raw: bytes, where: str, encoding: str) -> list[str]:
    """Split into lines; an empty line is a text, so that answers correspond to lines."""
    from rnnkit.data.tables import decode, split_lines

    text = decode(raw, where, encoding)
    return split_lines(text.removesuffix("\n")) if text else []
