"""Output of the commands: tables in a terminal, plain lines in a file or a pipe."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rnnkit import recipes

if TYPE_CHECKING:
    from rnnkit.embeddings.measures.evaluation import Table as Scores
    from rnnkit.study import Comparison, Run

NUMBER = re.compile(r"-?\d|–|$")  # how a right-aligned cell begins
console = Console(highlight=False, soft_wrap=True)


def rows(heading: Sequence[str], lines: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Print a table; columns of numbers are right-aligned."""
    lines = list(lines)
    table = Table(header_style="bold")
    for number, name in enumerate(heading):
        numeric = bool(lines) and all(NUMBER.match(line[number]) for line in lines)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    if title:  # not the table's own title, which would be broken to the table's width
        console.print(Text(title, style="bold"))
    wide = None if console.is_terminal or "COLUMNS" in os.environ else 120
    Console(highlight=False, width=wide).print(table)


def note(text: str) -> None:
    """Print on stderr what is no answer, such as that nothing was found."""
    print(text, file=sys.stderr)


def answers(
    heading: Sequence[str],
    lines: Sequence[Sequence[str]],
    plain: Sequence[str] | None = None,
    remark: str = "",
) -> None:
    """Print answers: a table in a terminal, tab-separated lines elsewhere.

    Args:
        heading: the names of the columns.
        lines: the cells of the table.
        plain: what is printed elsewhere; None = the lines, their cells joined by tabs.
        remark: what is no answer: a line on stderr.
    """
    if remark:
        note(remark)
    if console.is_terminal:
        rows(heading, lines)
        return
    for line in ("\t".join(line) for line in lines) if plain is None else plain:
        print(line)


def metrics(values: Mapping[str, float], title: str) -> None:
    """Print the measures of one model in a table of one line."""
    from rnnkit.study import outputs
    from rnnkit.study.report import heading, headings, in_order, show

    coverage = [name for name in values if name.startswith("coverage_")]
    known = in_order(
        name
        for name in values
        if name in headings() or (name in coverage and not outputs.is_part(name))
    )
    rows([*map(heading, known)], [[show(name, values[name]) for name in known]], title)
    for lines in outputs.of_one(values, ""):
        first, *rest = ([part, *cells] for part, _, *cells in lines)
        rows(first, rest)


def title(recipe: str, name: str) -> str:
    """Return what a recipe's model was evaluated on, mostly the test split of a data set.

    Example:
        >>> title("lstm_sentiment", "imdb")
        'imdb, test split'
    """
    return f"{name}, {recipes.family_of(recipe).evaluated_on}"


def scores(found: Scores, title: str) -> None:
    """Print the scores of an intrinsic evaluation, section by section."""
    lines = []
    for one in found.rows:
        score = "–" if one.score is None else f"{one.score:.4f}"
        lines.append([one.set, one.section, score, f"{one.found:,}", f"{one.total:,}"])
    rows(["set", "section", "score", "found", "of"], lines, title)


def run(finished: Run) -> None:
    """Print the results of a run, its folder and the next commands."""
    from rnnkit.study.report import tensorboard_command

    results: dict[str, Any] = finished.results
    recipe = finished.settings["recipe"]
    metrics({**results["test"], **results}, title(recipe, recipe))
    place = shlex.quote(str(finished.path))
    example = recipes.family_of(recipe).example.format(place)
    facts = {
        "best epoch": f"{results['best_epoch']} of {results['epochs']}",
        "counted by": results.get("counted_by"),
        "run": place,
        "look at it": tensorboard_command(finished.path),
        "ask it": f"rnnkit {example}",
    }
    for name, value in facts.items():
        if value is not None:
            console.print(Text(f"{name + ':':<12}{value}"))
    for note in finished.settings.get("notes", ()):
        console.print(Text(f"data:       {note}"))


def study(finished: Comparison) -> None:
    """Print the table of a study and the path of its report."""
    from rnnkit.study import outputs
    from rnnkit.study.report import table, tensorboard_command

    # One line per measure, one column per recipe: the transpose is too wide for a terminal.
    heading, *lines = zip(*table(finished.rows), strict=True)
    on = recipes.family_of(finished.rows[0].name).evaluated_on
    rows(heading, lines, f"{on}, mean ± sample standard deviation".capitalize())
    for first, *rest in outputs.tables(finished.rows):
        rows(first, rest)
    for name, why in finished.failures.items():
        console.print(Text(f"{name} is not in the table: {why}"), style="red")
    console.print(Text(f"report:     {finished.report}"))
    console.print(Text(f"look at it: {tensorboard_command(finished.path)}"))
