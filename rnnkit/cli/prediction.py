"""`predict`: what a trained model answers to texts or series."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.headings import ANSWERS, DATA
from rnnkit.cli.options import (
    AsText,
    Delimiter,
    Encoding,
    GroupColumn,
    ModelPath,
    TextColumn,
    TimeColumn,
)
from rnnkit.errors import InputError


def predict(
    run: ModelPath,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT...",
            help="Texts, - reads lines from stdin; of a model of series, or with --text-column, "
            "files.",
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="A UTF-8 file with a text on each line.",
            rich_help_panel=DATA,
        ),
    ] = None,
    time: TimeColumn = None,
    group: GroupColumn = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="A table of texts or series, or a text file with a text on each line.",
            rich_help_panel=DATA,
        ),
    ] = None,
    text_column: TextColumn = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    stdin: Annotated[
        str | None,
        typer.Option(
            metavar="lines|csv|tsv|jsonl",
            help="With --out or --json: what - reads, by default a text on each line.",
            rich_help_panel=DATA,
        ),
    ] = None,
    as_text: AsText = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the answers beside the columns of the input: .csv, .tsv, .jsonl or "
            ".parquet. Arguments that are files are read.",
            rich_help_panel=ANSWERS,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the same as JSON lines; of - each answer as soon as its text is there.",
            rich_help_panel=ANSWERS,
        ),
    ] = False,
    prefix: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="With --out or --json: begins the names of the answers' columns.",
            rich_help_panel=ANSWERS,
        ),
    ] = None,
) -> None:
    """Classify texts or series, forecast series, tag sentences, translate or summarize texts."""
    from rnnkit.cli import answer_files, text_sources
    from rnnkit.cli.answers import NOTHING, learned_from_texts, print_answers
    from rnnkit.cli.paths import TO_PREDICT, refuse_absent, refuse_paths

    inputs = texts or []
    if not inputs and file is None and data is None:  # before the model: it takes seconds to load
        raise InputError(NOTHING)
    wanted = answer_files.check_wanted(out, as_json, prefix, stdin, inputs, (file, data))
    if not as_text and learned_from_texts(run):
        if wanted or text_column is not None:
            text_sources.text_sources(inputs, (), as_text)
        else:
            refuse_paths(inputs, TO_PREDICT)
    refuse_absent(file, data)
    from rnnkit import study

    model = study.open_model(run)
    options = {"delimiter": delimiter, "encoding": encoding}
    reading = {name: value for name, value in options.items() if value is not None}

    def read(path: str) -> tuple[list[Any], list[str]]:
        return study.series_reader(run, model, time=time, group=group, **reading)(path)

    columns = {"text_column": text_column, **reading}
    if wanted:
        sources = inputs, (file, data)
        answer_files.answer(model, sources, read, wanted, as_text=as_text, **columns)
        return
    print_answers(model, inputs, file, read, data=data, as_text=as_text, **columns)
