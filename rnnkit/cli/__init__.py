"""The command line: `rnnkit --help`.

Heavy packages are imported when a command needs them: no framework, Keras, scikit-learn or
Matplotlib for ``--help``, ``list`` and ``info``.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rnnkit.cli.errors import ErrorPanels
from rnnkit.cli.generation import complete, generate
from rnnkit.cli.options import (
    Delimiter,
    Encoding,
    GroupColumn,
    LabelColumn,
    Limit,
    ModelPath,
    RunPath,
    TextColumn,
    TimeColumn,
)
from rnnkit.cli.runs import runs
from rnnkit.cli.training import RecipeCommands, register_compare, summary
from rnnkit.cli.words import neighbours
from rnnkit.errors import InputError

__all__ = ["app"]

app = typer.Typer(
    cls=ErrorPanels,
    help="Recurrent sequence models for Keras 3: train, compare, evaluate, predict.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a bug keeps Python's own traceback
)
app.add_typer(
    typer.Typer(cls=RecipeCommands),
    name="train",
    help="Train a recipe on a data set; the run gets a folder of its own.",
    no_args_is_help=True,
    subcommand_metavar="NAME [OPTIONS]",
)
register_compare(app)
app.command()(generate)
app.command()(complete)
app.command()(neighbours)
app.command()(runs)


@app.command("list")
def list_recipes() -> None:
    """List the recipes, one line each."""
    from rnnkit import recipes
    from rnnkit.cli import show

    show.rows(["recipe", "what it is"], [[n, summary(recipes.find(n))] for n in recipes.names()])


@app.command()
def info(name: Annotated[str, typer.Argument(metavar="NAME", help="A recipe.")]) -> None:
    """Describe a recipe and all its settings."""
    import inspect

    from rnnkit import recipes
    from rnnkit.cli import show
    from rnnkit.cli.settings import file_settings, option_name, settings_of, show_value, type_name
    from rnnkit.data.datasets import suitable

    recipe = recipes.find(name)
    about = (inspect.getdoc(recipe) or name).partition("\nArgs:")[0].strip()
    show.console.print(about, markup=False)
    settings = settings_of(recipe)
    lines = [
        [option_name(s.name), type_name(s), show_value(s.default), s.option.help]
        for s in settings.values()
    ]
    show.rows(["setting", "type", "default", "meaning"], lines)
    columns = file_settings([recipes.family_of(name).kind], settings)
    if columns:
        of_files = [[option_name(option), s.option.help] for option, s in columns.items()]
        show.rows(["column of a data file", "meaning"], of_files)
    show.console.print(f"data:     {suitable(recipes.kind_of(name))}", markup=False)
    show.console.print(f"train it: rnnkit train {name}", markup=False)


@app.command()
def evaluate(
    run: RunPath,
    data: Annotated[
        str | None, typer.Option(help="Another data set or file; by default that of the run.")
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    time: TimeColumn = None,
    group: GroupColumn = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    limit: Limit = None,
) -> None:
    """Evaluate a run's model on the test split; word vectors, on analogies."""
    from rnnkit import recipes, study
    from rnnkit.cli import show
    from rnnkit.progress import showing

    opened = study.open_run(run)
    source = opened.settings["data"]
    if data is not None:
        source = {"name": data, "text_column": text_column, "label_column": label_column}
        options = {"time": time, "group": group, "delimiter": delimiter, "encoding": encoding}
        source |= {"limit": limit, "options": {k: v for k, v in options.items() if v} or None}
    elif limit is not None:
        source = source | {"limit": limit}
    recipe = opened.settings["recipe"]
    title = show.title(recipe, source["name"])
    if recipes.family_of(recipe).has_test_split:
        with showing(True):
            measured = study.evaluate(opened, **source)
        show.metrics(measured, title)
    else:
        show.scores(study.ask(opened, **source), title)


@app.command()
def predict(
    run: ModelPath,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT...",
            help="Texts, - reads lines from stdin; of a model of series, CSV files.",
        ),
    ] = None,
    file: Annotated[str | None, typer.Option(help="A UTF-8 file with a text on each line.")] = None,
    time: TimeColumn = None,
    group: GroupColumn = None,
    data: Annotated[
        str | None,
        typer.Option(help="A table of texts or series, or a text file with a text on each line."),
    ] = None,
    text_column: TextColumn = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
) -> None:
    """Classify texts or series, forecast series, tag sentences, translate or summarize texts."""
    from rnnkit.cli.answers import NOTHING, print_answers

    inputs = texts or []
    if not inputs and file is None and data is None:  # before the model: it takes seconds to load
        raise InputError(NOTHING)
    from rnnkit import study

    model = study.open_model(run)
    options = {"delimiter": delimiter, "encoding": encoding}
    reading = {name: value for name, value in options.items() if value is not None}

    def read(path: str) -> tuple[list[Any], list[str]]:
        return study.series_reader(run, model, time=time, group=group, **reading)(path)

    print_answers(model, inputs, file, read, data=data, text_column=text_column, **reading)


@app.command()
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
