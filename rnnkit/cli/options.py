"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.completion import complete_data, complete_run
from rnnkit.cli.errors import OptionError
from rnnkit.cli.headings import DATA, DISTILLATION, ENGINE, RUN, TRAINING
from rnnkit.cli.settings import checked
from rnnkit.errors import quote
from rnnkit.options import Option, Setting


def number(names: str, kind: Any = int, **bounds: float) -> dict[str, Any]:
    """Return the arguments of an option of Typer that takes numbers within a range.

    Args:
        names: of the option, for messages.
        kind: int or float.
        **bounds: see `rnnkit.options.Option`.

    Example:
        >>> number("--seed", least=0)["parser"]("3")
        3
    """
    setting = Setting(names, kind, Option(None, "", **bounds))
    metavar = "INT" if kind is int else "NUMBER"
    return {"parser": lambda text: checked(setting, text), "metavar": metavar}


def _weights(text: str) -> Any:
    """Return the numbers of a list with commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(
            f"--teacher-weights is {quote(text)}; expected numbers with commas between them, one "
            "for each teacher, such as 0.3,0.7."
        ) from None


Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="NAME|PATH",
        autocompletion=complete_data,
        help="A data set or a file, see rnnkit info RECIPE; by default a generated sample.",
        rich_help_panel=DATA,
    ),
]
TextColumn = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column of the text (default: text), of words, or of sources (default: source).",
        rich_help_panel=DATA,
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column of the label (default: label), of tags, or of targets (default: target).",
        rich_help_panel=DATA,
    ),
]
TimeColumn = Annotated[
    str | None,
    typer.Option(
        "--time",
        metavar="COLUMN",
        help="Of a CSV file of series: the column of times.",
        rich_help_panel=DATA,
    ),
]
GroupColumn = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="COLUMN",
        help="Of a CSV file: the column that tells series apart.",
        rich_help_panel=DATA,
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="Of a CSV file: between columns, such as ; or tab; by default a comma.",
        rich_help_panel=DATA,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of a text file; by default utf-8.", rich_help_panel=DATA),
]
Patience = Annotated[
    int | None,
    typer.Option(
        help="Early stopping: epochs without a better validation loss.",
        rich_help_panel=TRAINING,
        **number("--patience", least=1),
    ),
]
Teacher = Annotated[
    list[str] | None,
    typer.Option(
        "--teacher",
        metavar="RUN",
        autocompletion=complete_run,
        help="Learn the predictions of this run, or of an ensemble's file, beside the labels; of "
        "several, the geometric mean.",
        rich_help_panel=DISTILLATION,
    ),
]
TeacherWeights = Annotated[
    Any,
    typer.Option(
        "--teacher-weights",
        metavar="A,B,...",
        help="Weights of the teachers in the geometric mean, in their order, such as 0.3,0.7; by "
        "default equal ones.",
        rich_help_panel=DISTILLATION,
        parser=_weights,
    ),
]
Unlabelled = Annotated[
    bool,
    typer.Option(
        "--unlabelled",
        help="With --teacher: learn its predictions for the data set's unlabelled texts, too; with "
        "--virtual-adversarial, learn from them without a label.",
        rich_help_panel=DISTILLATION,
    ),
]
UnlabelledFile = Annotated[
    str | None,
    typer.Option(
        "--unlabelled-file",
        metavar="PATH",
        help="The same for the texts of a file, one on each line, or a table.",
        rich_help_panel=DISTILLATION,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        help="Examples of each split, at most.",
        rich_help_panel=DATA,
        **number("--limit", least=1),
    ),
]
Budget = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="AMOUNT",
        help="In the place of epochs: a time (90s, 10m, 1.5h) or steps (5000steps). Or parameters "
        "without the embedding table (200kparameters), for which units are chosen; with a time or "
        "steps, give --budget twice.",
        rich_help_panel=TRAINING,
    ),
]
Devices = Annotated[
    int | None,
    typer.Option(
        help="Train on so many devices, each with some rows of every batch, to the same weights.",
        rich_help_panel=TRAINING,
        **number("--devices", least=1),
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        help="Train each run in a process of its own, so many at a time; this tells the peak "
        "memory of each. Short for --engine processes --workers.",
        rich_help_panel=RUN,
        **number("--processes", least=1),
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="How many processes work at a time, each on a run of its own.",
        rich_help_panel=ENGINE,
        **number("--workers", least=1),
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(
        metavar="processes|ray|slurm",
        help="Where they are: processes of this machine (the default with --workers), tasks of a "
        "Ray cluster, or jobs of Slurm. A run whose process died is tried again twice, and goes "
        "on from its checkpoint.",
        rich_help_panel=ENGINE,
    ),
]
EngineOption = Annotated[
    list[str] | None,
    typer.Option(
        "--engine-option",
        metavar="NAME=VALUE",
        help="Of a task of Ray (num_cpus=4, num_gpus=1) or a job of submitit "
        "(slurm_partition=gpu, gpus_per_node=1, timeout_min=240); give it for each.",
        rich_help_panel=ENGINE,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Of the Ray cluster; by default that of this machine, started where there is none.",
        rich_help_panel=ENGINE,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="The folder to write; by default a new one in runs/.",
        rich_help_panel=RUN,
    ),
]
CheckpointMinutes = Annotated[
    float,
    typer.Option(
        help="The longest time between two checkpoints of the training.",
        rich_help_panel=RUN,
        **number("--checkpoint-minutes", float, above=0),
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only the result.", rich_help_panel=RUN)]
AsText = Annotated[
    bool,
    typer.Option("--text", help="Take the arguments as texts, even if they are names of files."),
]
RunPaths = Annotated[
    list[Path],
    typer.Argument(metavar="RUN...", help="The folder of a run.", autocompletion=complete_run),
]
ModelPath = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="The folder of a run, or a saved .keras file.",
        autocompletion=complete_run,
    ),
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
