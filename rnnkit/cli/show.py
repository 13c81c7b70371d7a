"""Tables for the terminal; plain text where the output is a file or a pipe."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rnnkit import recipes

if TYPE_CHECKING:
    from rnnkit.embeddings.measures.evaluation import Table as Scores
    from rnnkit.study import Comparison, Run

# What the data hold -> what one would ask a model about.
EXAMPLES = {
    "texts": 'predict {} "A wonderful little production."',
    "tagged sentences": 'predict {} "Why don\'t you ask John?"',
    "running text": 'generate {} "The"',
    "pairs": "predict {} --file FILE.txt",
    "labelled series": "predict {} FILE.csv",
    "labelled frames": "predict {} FILE.csv",
    "series": "predict {} FILE.csv",
    "corpus": "neighbours {} king",
}

NUMBER = re.compile(r"-?\d|–|$")  # how a cell begins that stands to the right
console = Console(highlight=False, soft_wrap=True)


def rows(heading: Sequence[str], lines: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Print a table; numbers stand to the right.

    Example:
        >>> rows(["name", "n"], [["a", "1"]])  # doctest: +SKIP
    """
    lines = list(lines)
    table = Table(header_style="bold")
    for number, name in enumerate(heading):
        numeric = bool(lines) and all(NUMBER.match(line[number]) for line in lines)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    if title:  # not the table's own title, which would be broken to the table's width
        console.print(Text(title, style="bold"))
    Console(highlight=False, width=None if console.is_terminal else 120).print(table)


def metrics(values: Mapping[str, float], title: str) -> None:
    """Print the metrics of one model, one line; or that there are none."""
    from rnnkit.study.report import HEADINGS, show

    known = [name for name in HEADINGS if name in values]
    if not known:
        console.print(Text(f"{title}: nothing to say, for too few of their words are known."))
        return
    rows([HEADINGS[n] for n in known], [[show(n, values[n]) for n in known]], title)


def title(recipe: str, name: str) -> str:
    """Say on what a recipe's model was measured: the test split of the data set, mostly.

    Example:
        >>> title("lstm_sentiment", "imdb")
        'imdb, test split'
    """
    corpus = recipes.kind_of(recipe) == "corpus"
    return f"{name}, {'analogies and pairs of words' if corpus else 'test split'}"


def scores(found: Scores, title: str) -> None:
    """Print what word vectors answered, and how many of the questions had words that are known."""
    lines = [
        [
            one.set,
            one.section,
            "–" if one.score is None else f"{one.score:.4f}",
            f"{one.found:,}",
            f"{one.total:,}",
        ]
        for one in found.rows
    ]
    rows(["set", "section", "score", "found", "of"], lines, title)


def run(finished: Run) -> None:
    """Print how a run came out, where it is, and what to do with it next."""
    from rnnkit.study.report import tensorboard_command

    results: dict[str, Any] = finished.results
    recipe = finished.settings["recipe"]
    metrics({**results["test"], **results}, title(recipe, recipe))
    place = shlex.quote(str(finished.path))
    example = EXAMPLES[recipes.kind_of(recipe)].format(place)
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


def study(finished: Comparison) -> None:
    """Print the table of a study and where its report is."""
    from rnnkit.study.report import table, tensorboard_command

    # Measures run down and recipes across: a line of every measure is too wide for a terminal.
    heading, *lines = zip(*table(finished.rows), strict=True)
    split = "" if any("analogies" in row.values for row in finished.rows) else "Test split, "
    rows(heading, lines, f"{split}mean ± sample standard deviation".capitalize())
    for name, why in finished.failures.items():
        console.print(Text(f"{name} is not in the table: {why}"), style="red")
    console.print(Text(f"report:     {finished.report}"))
    console.print(Text(f"look at it: {tensorboard_command(finished.path)}"))
