"""`rnnkit runs`: the runs of a folder, with state, score and age."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnkit.cli.json_output import AsJson, print_document

if TYPE_CHECKING:
    from rnnkit.records.listing import RunSummary

DEFAULT = "runs"  # where `train` and `compare` make their folders
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def runs(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="Of runs and studies; by default runs."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first: state, recipe, data, score, epochs, age.

    A run is complete, running, interrupted, failed (its loss became NaN or infinite) or damaged.
    The score of a complete run is on the test split; with * it is on the validation split so far.
    """
    from rnnkit.cli import show
    from rnnkit.records.listing import list_runs

    place = folder or Path(DEFAULT)
    found = list_runs(place) if folder or place.is_dir() else []
    if as_json:
        print_document([run.as_record() for run in found])
        return
    if not found:
        train = "rnnkit train lstm_sentiment"
        show.note(f"No runs in {place}. Train one, such as: {train}")
        return
    heading = ["run", "state", "recipe", "data", "score", "epochs", "age"]
    show.answers(heading, [_cells(run) for run in found])
    for run in found:
        if run.state.reason:
            show.note(f"{run.path}: {run.state.name}: {run.state.reason}")


def _cells(run: RunSummary) -> list[str]:
    state, score = run.state, ""
    if run.score is not None:
        marked = "" if state.name == "complete" else "*"
        score = f"{run.measure} {run.score:.4g}{marked}"
    epochs = f"{state.epochs} / {state.planned or '?'}"
    data = Path(run.data).name
    return [str(run.path), state.name, run.recipe, data, score, epochs, age(run.age)]


def age(seconds: float) -> str:
    """Return an age in its largest unit.

    Example:
        >>> age(7300), age(59), age(200_000)
        ('2 h', '59 s', '2 d')
    """
    unit, size = next((one for one in _UNITS if seconds >= one[1]), _UNITS[-1])
    return f"{int(seconds // size)} {unit}"
