"""`evaluate`: how good trained models are."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from rnnkit.cli.completion import complete_data
from rnnkit.cli.headings import DATA, RUN
from rnnkit.cli.json_output import AsJson, print_document
from rnnkit.cli.options import (
    Delimiter,
    Encoding,
    GroupColumn,
    LabelColumn,
    Limit,
    RunPaths,
    TextColumn,
    TimeColumn,
)
from rnnkit.errors import InputError


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
    as_json: AsJson = False,
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
    about = {"run": opened.path, "recipe": recipe, "evaluated_on": title}
    if robustness:
        with showing(True):
            scores = study.robustness_of_run(opened, **source)
        if as_json:
            shares = {
                name: {**score._asdict(), "share": score.share, "interval": score.interval}
                for name, score in scores.items()
            }
            print_document({**about, "robustness": shares})
        else:
            show.robustness(scores, opened.path.name)
        return
    if ensemble:
        given = source if data is not None else {"limit": source["limit"]}
        with showing(True):
            found = study.evaluate_ensemble(runs, **given)
        if save is not None:
            found.ensemble.save(save)
        if as_json:
            pairs = zip(found.ensemble.models, found.ensemble.weights, strict=True)
            members = [{"run": path, "weight": weight} for path, weight in pairs]
            print_document({**about, "run": None, "members": members, "metrics": found.test})
        else:
            show.ensemble(found, title)
        return
    if recipes.family_of(recipe).has_test_split:
        with showing(True):
            measured = study.evaluate(opened, **source)
        if as_json:
            print_document({**about, "metrics": measured})
        else:
            show.metrics(measured, title)
        return
    table = study.ask(opened, **source)
    if as_json:
        print_document({**about, "scores": [dataclasses.asdict(row) for row in table.rows]})
    else:
        show.scores(table, title)
