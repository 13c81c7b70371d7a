"""`export`: a run's model as a file that runs without rnnkit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.headings import RUN
from rnnkit.cli.options import ModelPath, number
from rnnkit.errors import InputError, suggest
from rnnkit.exports import FORMATS


def export(
    run: ModelPath,
    out: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="The folder of a SavedModel, or the name of a file; what was there is replaced.",
            rich_help_panel=RUN,
        ),
    ],
    format: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="saved-model (TensorFlow), onnx, or litert (TensorFlow Lite).",
            rich_help_panel=RUN,
        ),
    ] = "saved-model",
    length: Annotated[
        int | None,
        typer.Option(
            help="Of litert: the number of steps of an example, such as words.",
            rich_help_panel=RUN,
            **number("--length", least=1),
        ),
    ] = None,
) -> None:
    """Export a model for other programs; the file is compared with the model.

    It is run on examples of the run's test split, and kept where it answers as the model does.
    """
