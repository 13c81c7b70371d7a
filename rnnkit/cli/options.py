"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    str | None,
    typer.Option(
        "--data", help="A data set, or a path, see rnnkit info NAME; by default a generated sample."
    ),
]
TextColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of the text (default: text), of words, or of sources (default: source)."
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of the label (default: label), of tags, or of targets (default: target)."
    ),
]
TimeColumn = Annotated[
    str | None, typer.Option("--time", help="Of a CSV file of series: the column of times.")
]
GroupColumn = Annotated[
    str | None, typer.Option("--group", help="Of a CSV file: the column that tells series apart.")
]
Delimiter = Annotated[
    str | None,
    typer.Option(help="Of a CSV file: between columns, such as ; or tab; by default a comma."),
]
Encoding = Annotated[str | None, typer.Option(help="Of a text file; by default utf-8.")]
Patience = Annotated[
    int | None, typer.Option(help="Early stopping: epochs without a better validation loss.")
]
Limit = Annotated[int | None, typer.Option(help="Examples of each split, at most.")]
Out = Annotated[
    Path | None, typer.Option(help="The folder to write; by default a new one in runs/.")
]
CheckpointMinutes = Annotated[
    float, typer.Option(help="The longest time between two checkpoints of the training.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only the result.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
ModelPath = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder of a run, or a saved .keras file.")
]


def verbosity(quiet: bool) -> int:
    """Return Keras's ``verbose``: a bar in a terminal, a line per epoch elsewhere, or nothing.

    Example:
        >>> verbosity(quiet=True)
        0
    """
    import sys

    if quiet:
        return 0
    return 1 if sys.stdout.isatty() else 2
