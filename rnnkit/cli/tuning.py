"""`rnnkit tune`: a search for the settings of a recipe, whose options are those of `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.errors import OptionError, show_error
from rnnkit.cli.headings import SEARCH
from rnnkit.cli.options import (
    Budget,
    Data,
    Engine,
    EngineOption,
    LabelColumn,
    Limit,
    Out,
    Patience,
    Quiet,
    RayAddress,
    TextColumn,
    Workers,
    number,
    verbosity,
)
from rnnkit.cli.training import RecipeCommands
from rnnkit.errors import quote


class TuneCommands(RecipeCommands):
    """One command per recipe, made on demand: `rnnkit tune NAME`."""

    def make_command(self, recipe: str) -> Any:
        """Return the function of the command."""
        return _tuner(recipe)


def _searched(texts: list[str] | None) -> dict[str, str | None]:
    """Return setting -> values from texts such as ``units=32..256``.

    Raises:
        OptionError: a setting is named twice.
    """
    found: dict[str, str | None] = {}
    for text in texts or []:
        name, _, values = text.partition("=")
        if name in found:
            raise OptionError(f"--search names {quote(name)} twice; give its values in one.")
        found[name] = values or None
    return found


def _tuner(recipe: str) -> Any:
    def tune(
        settings: dict[str, Any],
        data_options: dict[str, Any],
        data: Data = None,
        text_column: TextColumn = None,
        label_column: LabelColumn = None,
        patience: Patience = None,
        seed: Annotated[
            int,
            typer.Option(
                help="Of the search, and of the weights and batches of every trial.",
                rich_help_panel=SEARCH,
                **number("--seed", least=0),
            ),
        ] = 0,
        limit: Limit = None,
        budget: Budget = None,
        search: Annotated[
            list[str] | None,
            typer.Option(
                "--search",
                metavar="SETTING[=VALUES]",
                help="A setting to search, and its values: units=32..256, "
                "learning_rate=1e-4..1e-2:log, cell=lstm,gru; without values, a range around the "
                "default. Give it for each setting; by default learning rate, units, layers and "
                "dropout.",
                rich_help_panel=SEARCH,
            ),
        ] = None,
        trials: Annotated[
            int,
            typer.Option(
                help="How many there are in the end, those of earlier calls and of other "
                "processes included.",
                rich_help_panel=SEARCH,
                **number("--trials", least=1),
            ),
        ] = 50,
        pruner: Annotated[
            str,
            typer.Option(
                metavar="median|hyperband|none",
                help="What ends trials that do badly.",
                rich_help_panel=SEARCH,
            ),
        ] = "median",
        storage: Annotated[
            str | None,
            typer.Option(
                metavar="URL|PATH",
                help="Where Optuna records the trials; by default a journal file in the folder.",
                rich_help_panel=SEARCH,
            ),
        ] = None,
        study_name: Annotated[
            str | None,
            typer.Option(
                metavar="NAME",
                help="Of the search in the storage; by default the name of the folder.",
                rich_help_panel=SEARCH,
            ),
        ] = None,
        out: Out = None,
        workers: Workers = None,
        engine: Engine = None,
        engine_options: EngineOption = None,
        ray_address: RayAddress = None,
        quiet: Quiet = False,
    ) -> None:
        from rnnkit import study
        from rnnkit.cli import show
        from rnnkit.study.engines import parse_options

        searched = _searched(search)
        path: Path = out or study.RunFolder.free_path("tune")
        try:
            found = study.tune(
                recipe,
                data,
                text_column=text_column,
                label_column=label_column,
                data_options=data_options,
                settings=settings,
                patience=patience,
                seed=seed,
                limit=limit,
                budget=budget or None,
                search=searched,
                trials=trials,
                pruner=pruner,  # type: ignore[arg-type]  # checked there
                storage=storage,
                study_name=study_name,
                out=path,
                workers=workers,
                engine=engine,  # type: ignore[arg-type]
                engine_options=parse_options(engine_options or []),
                ray_address=ray_address,
                verbose=verbosity(quiet),
                announce=(lambda line: None) if quiet else show.line,
            )
        except KeyboardInterrupt:
            message = f"Trials are kept. To go on, give the same command with --out {path}"
            show_error(message, "Interrupted")
            raise typer.Exit(130) from None
        show.tuning(found)

    return tune
