"""The command line: `rnnkit --help`.

Heavy packages are imported when a command needs them: no framework, Keras, scikit-learn or
Matplotlib for ``--help``, ``list`` and ``info``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.catalogue import info, list_recipes
from rnnkit.cli.completion import complete_data
from rnnkit.cli.errors import Command, Group
from rnnkit.cli.explain import explain
from rnnkit.cli.generation import complete, generate
from rnnkit.cli.headings import DATA, RUN
from rnnkit.cli.options import (
    AsText,
    Delimiter,
    Encoding,
    GroupColumn,
    LabelColumn,
    Limit,
    ModelPath,
    RunPaths,
    TextColumn,
    TimeColumn,
)
from rnnkit.cli.runs import runs
from rnnkit.cli.training import RecipeCommands, register_compare
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

Of a command: rnnkit COMMAND --help"""

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
app.command("list", cls=Command)(list_recipes)
app.command(cls=Command)(info)
app.command(cls=Command)(explain)
app.command(cls=Command)(generate)
app.command(cls=Command)(complete)
app.command(cls=Command)(neighbours)
app.command(cls=Command)(runs)


@app.command(cls=Command)
def evaluate(
    runs: RunPaths,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            autocompletion=complete_data,
            help="Another data set or file; by default that of the run.",
            rich_help_panel=DATA,
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    time: TimeColumn = None,
    group: GroupColumn = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    limit: Limit = None,
    robustness: Annotated[
        bool,
        typer.Option(
            "--robustness",
            help="Of a sentiment recipe: on edited film reviews, and on the test split with typos, "
            "in upper case, as HTML and sentence by sentence.",
            rich_help_panel=RUN,
        ),
    ] = False,
    ensemble: Annotated[
        bool,
        typer.Option(
            "--ensemble",
            help="Of several classifiers: their weighted geometric mean, with the weights of the "
            "least loss on the validation split.",
            rich_help_panel=RUN,
        ),
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="With --ensemble: write the members and their weights, for --teacher.",
            rich_help_panel=RUN,
        ),
    ] = None,
) -> None:
    """Evaluate a run's model on the test split; word vectors, on analogies."""
    from rnnkit import recipes, study
    from rnnkit.cli import show
    from rnnkit.progress import showing

    if len(runs) > 1 and not ensemble:
        raise InputError(
            f"{len(runs)} runs were given, and evaluate takes one. To measure them as an ensemble, "
            "add --ensemble."
        )
    if save is not None and not ensemble:
        raise InputError(f"--save is {str(save)!r}, and only an ensemble is saved. Add --ensemble.")
    if save is not None and save.suffix != ".json":
        raise InputError(f"--save is {str(save)!r}; expected a name that ends in '.json'.")
    if robustness and ensemble:
        raise InputError("--robustness is of one run: leave --robustness or --ensemble out.")
    opened = study.open_run(runs[0])
    source = opened.settings["data"]
    if data is not None:
        source = {"name": data, "text_column": text_column, "label_column": label_column}
        options = {"time": time, "group": group, "delimiter": delimiter, "encoding": encoding}
        source |= {"limit": limit, "options": {k: v for k, v in options.items() if v} or None}
    elif limit is not None:
        source = source | {"limit": limit}
    recipe = opened.settings["recipe"]
    title = show.title(recipe, source["name"])
    if robustness:
        with showing(True):
            show.robustness(study.robustness_of_run(opened, **source), opened.path.name)
        return
    if ensemble:
        given = source if data is not None else {"limit": source["limit"]}
        with showing(True):
            found = study.evaluate_ensemble(runs, **given)
        if save is not None:
            found.ensemble.save(save)
        show.ensemble(found, title)
        return
    if recipes.family_of(recipe).has_test_split:
        with showing(True):
            measured = study.evaluate(opened, **source)
        show.metrics(measured, title)
    else:
        show.scores(study.ask(opened, **source), title)


@app.command(cls=Command)
def predict(
    run: ModelPath,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT...",
            help="Texts, - reads lines from stdin; of a model of series, CSV files.",
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="A UTF-8 file with a text on each line.",
            rich_help_panel=DATA,
        ),
    ] = None,
    time: TimeColumn = None,
    group: GroupColumn = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="A table of texts or series, or a text file with a text on each line.",
            rich_help_panel=DATA,
        ),
    ] = None,
    text_column: TextColumn = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    as_text: AsText = False,
) -> None:
    """Classify texts or series, forecast series, tag sentences, translate or summarize texts."""
    from rnnkit.cli.answers import (
        NOTHING,
        TO_PREDICT,
        learned_from_texts,
        print_answers,
        refuse_absent,
        refuse_paths,
    )

    inputs = texts or []
    if not inputs and file is None and data is None:  # before the model: it takes seconds to load
        raise InputError(NOTHING)
    if not as_text and learned_from_texts(run):
        refuse_paths(inputs, TO_PREDICT)
    refuse_absent(file, data)
    from rnnkit import study

    model = study.open_model(run)
    options = {"delimiter": delimiter, "encoding": encoding}
    reading = {name: value for name, value in options.items() if value is not None}

    def read(path: str) -> tuple[list[Any], list[str]]:
        return study.series_reader(run, model, time=time, group=group, **reading)(path)

    columns = {"text_column": text_column, **reading}
    print_answers(model, inputs, file, read, data=data, as_text=as_text, **columns)


@app.command(cls=Command)
def doctor(
    clear_cache: Annotated[
        bool, typer.Option("--clear-cache", help="Remove the compiled programs that are kept.")
    ] = False,
) -> None:
    """Show versions, backends, devices and kernels, and what is missing."""
    from rnnkit.cli.doctor import remove_programs, report

    if clear_cache:
        remove_programs()
        return
    if not report():
        raise typer.Exit(1)
