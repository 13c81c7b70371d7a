"""The options that several commands share, written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="A data set, or files of your own, see rnnkit info NAME; a generated sample if not "
        "given.",
    ),
]
TextColumn = Annotated[
    str | None,
    typer.Option(help="The column of the text, in a table (text); of words; of sources (source)."),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(help="The column of the label, in a table (label); of tags; of targets (target)."),
]
Patience = Annotated[
    int | None,
    typer.Option(help="Stop after this many epochs without a better validation loss."),
]
Limit = Annotated[int | None, typer.Option(help="Keep at most this many of each split.")]
Out = Annotated[Path | None, typer.Option(help="The folder to write; a new one under runs/ else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print the result only.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
ModelPath = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder of a run, or a saved .keras file.")
]


def verbosity(quiet: bool) -> int:
    """Return Keras's ``verbose``: a bar in a terminal, a line an epoch elsewhere, or nothing.

    Example:
        >>> verbosity(quiet=True)
        0
    """
    import sys

    if quiet:
        return 0
    return 1 if sys.stdout.isatty() else 2
