"""`export`: a run's model as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.headings import RUN
from rnnkit.cli.options import ModelPath, number
from rnnkit.errors import InputError
from rnnkit.settings.exporting import check_export


def export(
    run: ModelPath,
    out: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="A folder for saved-model, else the name of a file; what was there is replaced.",
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
    """Export a model for other programs, and compare what the file answers with the model.

    Examples of the run's test split are asked. A JSON file beside it says how they are encoded.
    """
    check_export(out, format, length)  # before the model: it takes seconds to load
    from rnnkit import study
    from rnnkit.cli import show
    from rnnkit.disk import size_text

    model = study.open_model(run)
    if not hasattr(model, "export_to"):
        raise InputError(
            f"{run} holds word vectors, and a network is exported. Copy the vectors from the run."
        )
    asked = _examples(run)
    found = model.export_to(out, format, length=length, examples=asked)
    rows = [
        ["file", str(found.path)],
        ["preprocessing", str(found.beside)],
        ["signatures", ", ".join(found.signatures)],
        ["size", size_text(found.size)],
        ["examples", f"{found.examples}, " + ("made up" if asked is None else "of the test split")],
        ["largest difference", f"{found.difference:.2g}"],
    ]
    show.answers(["exported", format], rows)


def _examples(run: Path) -> Any:
    """Return examples of the test split of a run; None where its data are gone, or for a file."""
    if run.is_file():
        return None
    from rnnkit import study
    from rnnkit.cli import show
    from rnnkit.study.evaluation import test_split_for

    opened = study.open_run(run)
    try:
        x, _ = test_split_for(opened, **opened.settings["data"])
    except (InputError, OSError) as error:
        show.note(f"The run's data cannot be read, and examples are made up: {error}")
        return None
    return x
