"""The command line: `rnnkit --help`.

Heavy packages are imported when a command needs them: no framework, Keras, scikit-learn or
Matplotlib for ``--help``, ``list`` and ``info``.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rnnkit.cli.catalogue import info, list_recipes
from rnnkit.cli.errors import Command, Group
from rnnkit.cli.evaluation import evaluate
from rnnkit.cli.explain import explain
from rnnkit.cli.exporting import export
from rnnkit.cli.generation import complete, generate
from rnnkit.cli.json_output import AsJson
from rnnkit.cli.prediction import predict
from rnnkit.cli.runs import runs
from rnnkit.cli.serve import serve
from rnnkit.cli.tokens import tokens
from rnnkit.cli.training import RecipeCommands, register_compare
from rnnkit.cli.tuning import TuneCommands
from rnnkit.cli.version import show_version
from rnnkit.cli.words import neighbours
from rnnkit.errors import InputError

__all__ = ["app"]

START = """
Begin with:
  rnnkit list                            the recipes
  rnnkit train lstm_sentiment            a first run, on a generated sample
  rnnkit predict RUN "I loved it."       RUN is the folder that train names
  rnnkit train lstm_sentiment --help     what can be set

Of a command: rnnkit COMMAND --help

Exit status: 0 done, 1 failed, 2 invalid input or usage,
130 after Ctrl-C, 143 after SIGTERM."""

app = typer.Typer(
    cls=Group,
    subcommand_metavar="COMMAND ...",
    epilog=START,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # plain text, see rnnkit.cli.help
    pretty_exceptions_enable=False,  # a bug keeps Python's own traceback
)


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the versions of rnnkit and Keras, and the backend.",
            callback=show_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Recurrent sequence models for Keras 3: train, compare, evaluate, predict."""


app.add_typer(
    typer.Typer(cls=RecipeCommands),
    name="train",
    help="Train a recipe on a data set; the run gets a folder of its own.",
    no_args_is_help=True,
    subcommand_metavar="RECIPE [OPTIONS]",
    epilog="\nSettings of a recipe: rnnkit train RECIPE --help",
)
register_compare(app)
app.add_typer(
    typer.Typer(cls=TuneCommands),
    name="tune",
    help="Search for the settings of a recipe that are best on the validation split.",
    no_args_is_help=True,
    subcommand_metavar="RECIPE [OPTIONS]",
    epilog="\nSettings of a recipe: rnnkit tune RECIPE --help",
)
app.command("list", cls=Command)(list_recipes)
app.command(cls=Command)(info)
app.command(cls=Command)(explain)
app.command(cls=Command)(generate)
app.command(cls=Command)(complete)
app.command(cls=Command)(neighbours)
app.command(cls=Command)(runs)
app.command(cls=Command)(serve)
app.command(cls=Command)(evaluate)
app.command(cls=Command)(predict)
app.command(cls=Command)(export)
app.command(cls=Command)(tokens)


@app.command(cls=Command)
def doctor(
    clear_cache: Annotated[
        bool, typer.Option("--clear-cache", help="Remove the compiled programs that are kept.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show versions, backends, devices and kernels, and what is missing."""
    from rnnkit.cli.doctor import remove_programs, report

    if clear_cache:
        if as_json:
            raise InputError("--json is for the report: leave --json or --clear-cache out.")
        remove_programs()
        return
    if not report(as_json):
        raise typer.Exit(1)
