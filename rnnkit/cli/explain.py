"""`explain`: which words or steps moved an answer, in the terminal, as a page, in TensorBoard."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnkit.cli.headings import DATA, RUN
from rnnkit.cli.options import (
    AsText,
    Delimiter,
    Encoding,
    GroupColumn,
    ModelPath,
    TimeColumn,
    number,
)
from rnnkit.errors import InputError, quote, quote_all, suggest

if TYPE_CHECKING:
    from rnnkit.explain import Explanation

CONTENTS = 'To explain the answer about what is in it, give "$(cat {})"'
EVENTS = "explanations"  # the TensorBoard run, beside train, validation and test
SHOWN = 15  # words of the table in a terminal


def explain(
    run: ModelPath,
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT",
            help="A text, - reads it from stdin; of a model of series, a CSV file.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The class, tag, token or output to explain; by default what the model answers.",
        ),
    ] = None,
    at: Annotated[
        int | None,
        typer.Option(
            help="Of a tagger, a language model or a forecaster: the number of the word or step "
            "whose answer is explained, from 0.",
            **number("--at", least=0),
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="Of a language model that was trained with labels: that of the text.",
        ),
    ] = None,
    connectivity: Annotated[
        bool,
        typer.Option(
            "--connectivity",
            help="Measure the norm of the gradient of each output by each word or step, too.",
        ),
    ] = False,
    occlusion: Annotated[
        bool, typer.Option("--occlusion/--no-occlusion", help="Leave out each word or step, too.")
    ] = True,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Nodes of the integral; by default as many as it needs.",
            **number("--steps", least=1),
        ),
    ] = None,
    time: TimeColumn = None,
    group: GroupColumn = None,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of a CSV file with several series: the one to explain.",
            rich_help_panel=DATA,
        ),
    ] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    as_text: AsText = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON.", rich_help_panel=RUN)
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write a page, too.", rich_help_panel=RUN),
    ] = None,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Write it to the events of the run, too, for TensorBoard.",
            rich_help_panel=RUN,
        ),
    ] = False,
) -> None:
    """Show which words of a text, or steps of a series, moved the answer of a model."""
    from rnnkit.cli.answers import learned_from_texts
    from rnnkit.cli.paths import refuse_paths
    from rnnkit.progress import showing

    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"out is {str(out)!r}; expected a name that ends in '.html'.")
    if tensorboard and not run.is_dir():
        raise InputError(
            f"tensorboard was given, and {run} is no folder of a run: it has no events. Leave it "
            "out, or give the folder of the run."
        )
    if not as_text and learned_from_texts(run):
        refuse_paths([text], CONTENTS)
    from rnnkit import study

    model = study.open_model(run)
    if not hasattr(model, "explain"):
        raise InputError(
            f"{run} holds a {type(model).__name__}, whose answers have no explanation: classifiers "
            "of texts and series, taggers, language models and forecasters have."
        )
    if model.reads_series:
        reading = {"delimiter": delimiter, "encoding": encoding}
        reading = {name: value for name, value in reading.items() if value is not None}
        found = study.series_reader(run, model, time=time, group=group, **reading)(text)
        example: Any = one_series(*found, series)
    else:
        example = stdin_text(encoding or "utf-8") if text == "-" else text
    options: dict[str, Any] = {"connectivity": connectivity, "occlusion": occlusion}
    with showing(True):
        explanation = model.explain(example, target, at=at, label=label, steps=steps, **options)
    print_explanation(explanation, as_json)
    if out is not None:
        explanation.save(out)
        print(f"page: {out}", file=sys.stderr)
    if tensorboard:
        write_events(run, explanation)


def one_series(series: list[Any], names: list[str], wanted: str | None) -> Any:
    """Return the series that is explained.

    Raises:
        InputError: there is none of this name, or there are several and no name.

    Example:
        >>> one_series([1, 2], ["north", "south"], "south")
        2
    """
    if wanted is None and len(series) != 1:
        raise InputError(
            f"The file holds {len(series)} series, and explain takes one: add --series NAME, one "
            f"of {quote_all(names)}."
        )
    if wanted is not None and wanted not in names:
        raise InputError(
            f"series is {quote(wanted)}; the file holds {quote_all(names)}.{suggest(wanted, names)}"
        )
    return series[0 if wanted is None else names.index(wanted)]


def stdin_text(encoding: str) -> str:
    """Return what stdin holds, as one text."""
    from rnnkit.data.tables import decode

    return decode(sys.stdin.buffer.read(), "stdin", encoding)


def print_explanation(explanation: Explanation, as_json: bool = False) -> None:
    """Print an explanation: coloured words in a terminal, plain lines elsewhere, or JSON."""
    from rich.text import Text

    from rnnkit.cli import show
    from rnnkit.explain.plain import facts, signed, table

    if as_json:
        print(explanation.to_json())
        return
    if not show.console.is_terminal:
        print(explanation)
        return
    for line in facts(explanation):
        show.console.print(Text(line))
    show.console.print(coloured(explanation))
    heading, rows = table(explanation, [place for place, *_ in explanation.ranked()[:SHOWN]])
    show.rows(heading, rows)
    if explanation.features:
        show.rows(["n-gram", "attribution"], [[n, signed(a)] for n, a in explanation.features])
    if explanation.connectivity is not None:
        outputs, norms = explanation.connectivity.outputs, explanation.connectivity.norms
        lines = [
            [name, explanation.words[row.argmax()], f"{row.max():.4g}"]
            for name, row in zip(outputs, norms, strict=True)
        ]
        heading = ["output", "most connected input", "gradient norm"]
        show.rows(heading, lines[:SHOWN])
        if len(lines) > SHOWN:
            show.note(f"{len(lines) - SHOWN} more outputs: add --out FILE.html or --json.")
    for note in explanation.notes:
        show.note(note)


def coloured(explanation: Explanation) -> Any:
    """Return the words on the colours of their attributions, for a terminal.

    Without colours, as where NO_COLOR is set, the table below them tells the same.
    """
    from rich.style import Style
    from rich.text import Text

    from rnnkit.explain.plain import colour, strengths

    line = Text()
    for word, share in zip(explanation.words, strengths(explanation).tolist(), strict=True):
        red, green, blue = colour(share)
        line.append(word, Style(color="#1a1a1a", bgcolor=f"rgb({red},{green},{blue})"))
        line.append(" ")
    return line


def write_events(run: Path, explanation: Explanation) -> None:
    """Write an explanation to the events of a run; the next one is the next step."""
    from rnnkit.explain import write_explanation
    from rnnkit.monitor import EventWriter
    from rnnkit.study.report import tensorboard_command
    from rnnkit.study.run_folder import RunFolder

    folder = RunFolder(run).events / EVENTS
    step = len(list(folder.glob("*"))) if folder.is_dir() else 0
    with EventWriter(folder) as writer:
        write_explanation(writer, explanation, step)
    print(f"look at it: {tensorboard_command(run)}", file=sys.stderr)
