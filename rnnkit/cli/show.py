"""Output of the commands: tables in a terminal, plain lines in a file or a pipe."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rnnkit import recipes

if TYPE_CHECKING:
    from rnnkit.embeddings.measures.evaluation import Table as Scores
    from rnnkit.study import Comparison, MeasuredEnsemble, Run, Tuning

NUMBER = re.compile(r"-?\d|–|$")  # how a right-aligned cell begins
_NARROWEST = 24  # characters of a column of texts
_BEST = 5  # trials of a search
console = Console(highlight=False, soft_wrap=True)


def rows(heading: Sequence[str], lines: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Print a table; columns of numbers are right-aligned.

    Where it is too wide, its widest column is broken into lines, the other ones never; where that
    is not enough, each row becomes a block with a line for each cell.
    """
    lines = list(lines)
    wide = None if console.is_terminal or "COLUMNS" in os.environ else 120
    printer = Console(highlight=False, width=wide)
    widths = [max(map(cell_len, cells)) for cells in zip(heading, *lines, strict=True)]
    if title:  # not the table's own title, which would be broken to the table's width
        console.print(Text(title, style="bold"))
    left = printer.width - sum(widths) + max(widths) - 3 * len(widths) - 1  # for the widest column
    if left < min(max(widths), _NARROWEST):
        _blocks(heading, lines)
        return
    table = Table(header_style="bold")
    for number, name in enumerate(heading):
        numeric = bool(lines) and all(NUMBER.match(line[number]) for line in lines)
        side: Literal["left", "right"] = "right" if numeric else "left"
        whole = number != widths.index(max(widths))
        table.add_column(name, justify=side, overflow="fold", no_wrap=whole)
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    printer.print(table)


def _blocks(heading: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print each row as a block: a line for each cell, after the heading of its column."""
    indent = max(map(cell_len, heading)) + 2
    for number, line in enumerate(lines):
        if number:
            print()
        for name, cell in zip(heading, line, strict=True):
            if cell:
                console.print(Text(f"{name:<{indent}}{cell}"))


def note(text: str) -> None:
    """Print on stderr what is no answer, such as that nothing was found."""
    print(text, file=sys.stderr)


def answers(
    heading: Sequence[str],
    lines: Sequence[Sequence[str]],
    plain: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Print answers: a table in a terminal, tab-separated lines elsewhere.

    Args:
        heading: the names of the columns.
        lines: the cells of the table.
        plain: what is printed elsewhere; None = the lines, their cells joined by tabs.
        notes: lines about the answers, for the standard error: a pipe gets the answers alone.
    """
    if console.is_terminal:
        rows(heading, lines)
    else:
        for line in ("\t".join(line) for line in lines) if plain is None else plain:
            print(line)
    for line in notes:
        note(line)


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


def robustness(found: Mapping[str, Any], name: str) -> None:
    """Print the shares of right answers to edited and changed reviews, with their intervals."""
    from rnnkit.study import robustness_table

    heading, *lines = robustness_table({name: found})
    rows(heading, lines, "Right answers, with 95 % confidence intervals")


def ensemble(found: MeasuredEnsemble, title: str) -> None:
    """Print the weights of the members of an ensemble, and its measures."""
    members = zip(found.ensemble.models, found.ensemble.weights, strict=True)
    lines = [[str(path), f"{weight:.4f}"] for path, weight in members]
    rows(["run", "weight"], lines, "Ensemble, weights of the least loss on the validation split")
    metrics(found.test, title)


def run(finished: Run) -> None:
    """Print the results of a run, its folder and the next commands."""
    from rnnkit.study.report import tensorboard_command

    results: dict[str, Any] = finished.results
    recipe = finished.settings["recipe"]
    metrics({**results["test"], **results}, title(recipe, recipe))
    place = shlex.quote(str(finished.path))
    example = recipes.family_of(recipe).example.format(place, question=quoted(results))
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


def quoted(results: Mapping[str, Any]) -> str:
    """Return the question that a run suggests, in quotes where the shell needs them.

    Example:
        >>> quoted({"question": "It is boring."}), quoted({"question": "france"}), quoted({})
        ('"It is boring."', 'france', '"TEXT"')
    """
    text = results.get("question") or "TEXT"
    plain = text.isalnum() and text != "TEXT"
    return text if plain else f'"{text}"'


def line(text: str) -> None:
    """Print a line of progress at once, into a pipe, too."""
    print(text, flush=True)


def tuning(found: Tuning) -> None:
    """Print the best trials of a search, its files, and the command that trains the best."""
    from rnnkit.study.tuning.results import in_order

    names = list(found.best.settings)
    lines = []
    for one in in_order(found)[:_BEST]:
        shown = [_rounded(one.settings.get(name)) for name in names]
        lines.append([str(one.number), _rounded(one.value), str(one.epochs), *shown])
    ended = len(found.trials) - sum(one.value is not None for one in found.trials)
    rows(
        ["trial", found.monitor, "epochs", *names],
        lines,
        f"Best of {len(found.trials)} trials, {ended} of them not complete",
    )
    for name, share in found.importances.items():
        console.print(Text(f"importance of {name}: {share:.2f}"))
    console.print(Text(f"report:     {found.report}"))
    console.print(Text(f"its run:    {shlex.quote(str(found.path / found.best.run))}"))
    console.print(Text(f"train it:   {found.command}"))


def _rounded(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def study(finished: Comparison) -> None:
    """Print the table of a study and the path of its report."""
    from rnnkit.study import outputs
    from rnnkit.study.remarks import budget_remark, memory_remark, recipes_of, seed_remark
    from rnnkit.study.report import table, tensorboard_command
    from rnnkit.study.significance_report import told

    own = [row for row in finished.rows if row.name in recipes_of(finished)]
    # One line per measure, one column per recipe: the transpose is too wide for a terminal.
    heading, *lines = zip(*table(finished.rows), strict=True)
    on = recipes.family_of(finished.rows[0].name).evaluated_on
    rows(heading, lines, f"{on}, mean ± sample standard deviation".capitalize())
    for first, *rest in outputs.tables(finished.rows):
        rows(first, rest)
    for line in told(finished.tests):
        console.print(Text(line))
    for name, why in finished.failures.items():
        console.print(Text(f"{name} diverged and is not in the means: {why}"), style="red")
    for line in (*budget_remark(finished), *seed_remark(own), *memory_remark(finished)):
        note(line.replace("**", "").replace("`", ""))
    console.print(Text(f"report:     {finished.report}"))
    console.print(Text(f"as a page:  {finished.html_report}"))
    console.print(Text(f"look at it: {tensorboard_command(finished.path)}"))
