"""`train` and `compare`; their options are the shared ones and the settings of the recipes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit import recipes
from rnnkit.cli.completion import complete_recipe, complete_run, completion_item, first_line
from rnnkit.cli.errors import Command, show_error
from rnnkit.cli.headings import RUN, TRAINING
from rnnkit.cli.help import HelpfulGroup
from rnnkit.cli.options import (
    Budget,
    CheckpointMinutes,
    Data,
    Devices,
    Engine,
    EngineOption,
    LabelColumn,
    Limit,
    Out,
    Patience,
    Processes,
    Quiet,
    RayAddress,
    Teacher,
    TeacherWeights,
    TextColumn,
    Unlabelled,
    UnlabelledFile,
    Workers,
    number,
    verbosity,
)
from rnnkit.cli.settings import (
    file_settings,
    renamed_settings,
    settings_of,
    shared_settings,
    with_settings,
)
from rnnkit.cli.wording import option_name
from rnnkit.errors import InputError
from rnnkit.recipes.registry import OLD_NAMES


class RecipeCommands(HelpfulGroup):
    """One command per recipe, made on demand: `rnnkit train NAME`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the recipes."""
        return recipes.names()

    def command_sections(self, ctx: Any) -> dict[str, list[tuple[str, str]]]:
        """Return the recipes and what they are, by the kind of data that they learn from."""
        found: dict[str, list[tuple[str, str]]] = {}
        for name in recipes.names():
            kind = f"Recipes ({recipes.kind_of(name)})"
            found.setdefault(kind, []).append((name, first_line(recipes.find(name))))
        return found

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the recipes that begin so; their commands are not made for it."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        if ctx.meta.get("rnnkit.before") == ["--resume"]:
            return [completion_item(run) for run in complete_run(incomplete)]
        return [completion_item(*found) for found in complete_recipe(incomplete)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command that trains a recipe; for an unknown one, suggest the closest."""
        if ctx.resilient_parsing and cmd_name not in {*recipes.names(), *OLD_NAMES}:
            return None
        recipe = recipes.find(cmd_name)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        settings = settings_of(recipe)
        kind = recipes.family_of(cmd_name).kind
        renamed, of_files = renamed_settings([recipe]), file_settings([kind], settings)
        train = with_settings(self.make_command(cmd_name), settings, renamed, of_files)
        single.command(name=cmd_name, cls=Command, help=first_line(recipe))(train)
        return typer.main.get_command(single)

    def make_command(self, recipe: str) -> Any:
        """Return the function of the command of a recipe."""
        return _trainer(recipe)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Accept options before the recipe's name, too; a run to go on with tells its recipe."""
        known = {*recipes.names(), *OLD_NAMES}
        named = [i for i, arg in enumerate(args) if arg in known]
        if named:
            args = [args[named[0]], *args[: named[0]], *args[named[0] + 1 :]]
        elif ctx.resilient_parsing:  # the shell completes what follows
            ctx.meta["rnnkit.before"] = args[-1:]
        elif (run := _value_of("--resume", args)) is not None:
            args = [_recipe_of(run), *args]
        return super().parse_args(ctx, args)


def _value_of(option: str, args: list[str]) -> str | None:
    """Return the value of an option among the arguments, as `--name value` or `--name=value`."""
    for arg, following in zip(args, [*args[1:], None], strict=False):
        if arg == option:
            return following
        if arg.startswith(f"{option}="):
            return arg.partition("=")[2]
    return None


def _recipe_of(run: str) -> str:
    from rnnkit.records.checks import read_settings
    from rnnkit.study.runs import find_run

    return str(read_settings(find_run(run).settings)["recipe"])


def _trainer(recipe: str) -> Any:
    def train(
        settings: dict[str, Any],
        data_options: dict[str, Any],
        data: Data = None,
        text_column: TextColumn = None,
        label_column: LabelColumn = None,
        patience: Patience = None,
        seed: Annotated[
            int,
            typer.Option(
                help="Of the weights and the order of batches.",
                rich_help_panel=TRAINING,
                **number("--seed", least=0),
            ),
        ] = 0,
        limit: Limit = None,
        budget: Budget = None,
        teacher: Teacher = None,
        teacher_weights: TeacherWeights = None,
        unlabelled: Unlabelled = False,
        unlabelled_file: UnlabelledFile = None,
        out: Out = None,
        resume: Annotated[
            Path | None,
            typer.Option(
                metavar="RUN",
                autocompletion=complete_run,
                help="Go on with this run, after an interruption or for more --epochs.",
                rich_help_panel=RUN,
            ),
        ] = None,
        checkpoint_minutes: CheckpointMinutes = 5.0,
        devices: Devices = None,
        quiet: Quiet = False,
    ) -> None:
        from rnnkit import study
        from rnnkit.cli import show
        from rnnkit.study.replicas import follows

        if devices is not None and devices > 1:
            train_in_processes(devices)
        if resume is not None:
            options = {
                "--data": data,
                "--text-column": text_column,
                "--label-column": label_column,
                "--limit": limit,
                "--patience": patience,
                "--budget": budget or None,
                "--seed": seed or None,
                "--teacher": teacher or None,
                "--teacher-weights": teacher_weights,
                "--unlabelled": unlabelled or None,
                "--unlabelled-file": unlabelled_file,
                "--out": out,
            }
            given = [name for name, value in options.items() if value is not None]
            given += [
                option_name(name) for name in {**settings, **data_options} if name != "epochs"
            ]
            if given:
                raise InputError(
                    f"{', '.join(given)} cannot be given with --resume: a run goes on with the "
                    "settings and data that it began with. More --epochs can be given."
                )
            done = study.resume(
                resume,
                epochs=settings.get("epochs"),
                checkpoint_minutes=checkpoint_minutes,
                devices=devices,
                verbose=verbosity(quiet),
            )
            if not follows(devices):
                show.run(done)
            return
        run = study.train(
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
            teacher=teacher,
            teacher_weights=teacher_weights,
            unlabelled=unlabelled_file or unlabelled,
            out=out,
            checkpoint_minutes=checkpoint_minutes,
            devices=devices,
            verbose=verbosity(quiet),
        )
        if not follows(devices):
            show.run(run)

    return train


def train_in_processes(devices: int) -> None:
    """Run this command in as many processes and exit, where the backend trains in several."""
    from rnnkit.backend import native

    if not native.needs_processes(devices):
        return
    from rnnkit.training.launching import own_command, run_processes

    raise typer.Exit(run_processes(own_command(sys.argv[1:]), devices))


def _compare(
    settings: dict[str, Any],
    data_options: dict[str, Any],
    names: Annotated[
        list[str],
        typer.Argument(metavar="RECIPE...", help="Recipes.", autocompletion=complete_recipe),
    ],
    data: Data = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    patience: Patience = None,
    seeds: Annotated[
        int,
        typer.Option(
            help="Runs of each recipe: seeds 0, 1, ...",
            rich_help_panel=TRAINING,
            **number("--seeds", least=1),
        ),
    ] = 3,
    limit: Limit = None,
    budget: Budget = None,
    out: Out = None,
    processes: Processes = None,
    workers: Workers = None,
    engine: Engine = None,
    engine_options: EngineOption = None,
    ray_address: RayAddress = None,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines/--no-baselines",
            help="Add baselines, such as TF-IDF, on the same data.",
            rich_help_panel=RUN,
        ),
    ] = True,
    yardstick: Annotated[
        bool | None, typer.Option("--yardstick/--no-yardstick", hidden=True)
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train recipes on the same data, several seeds each, and write one report.

    Settings apply to every recipe that has them. Give the same --out again to resume an interrupted
    study: complete runs are not repeated.
    """
    from rnnkit import study
    from rnnkit.cli import show
    from rnnkit.study.engines import parse_options

    out = out or study.RunFolder.free_path("compare")
    try:
        finished = study.compare(
            names,
            data,
            text_column=text_column,
            label_column=label_column,
            data_options=data_options,
            settings=settings,
            seeds=seeds,
            patience=patience,
            limit=limit,
            budget=budget or None,
            out=out,
            processes=processes,
            workers=workers,
            engine=engine,  # type: ignore[arg-type]  # checked there
            engine_options=parse_options(engine_options or []),
            ray_address=ray_address,
            verbose=verbosity(quiet),
            announce=(lambda line: None) if quiet else show.line,
            **({"baselines": baselines} if yardstick is None else {"yardstick": yardstick}),
        )
    except KeyboardInterrupt:
        message = f"Complete runs are kept. To resume, give the same command with --out {out}"
        show_error(message, "Interrupted")
        raise typer.Exit(130) from None
    show.study(finished)


def compare_command() -> Any:
    """Return `compare`; it has the settings of all recipes, as their names are not known yet."""
    known = [recipes.find(name) for name in recipes.names()]
    shared = shared_settings(known)
    shared.pop("seed", None)  # --seeds here
    kinds = [recipes.family_of(name).kind for name in recipes.names()]
    of_files = file_settings(kinds, shared)
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    made = with_settings(_compare, shared, renamed_settings(known), of_files)
    single.command("compare", cls=Command)(made)
    return typer.main.get_command(single)


def register_compare(app: typer.Typer) -> None:
    """Add `compare` without the settings of the recipes, see `COMPLETE`."""

    def compare() -> None:
        raise AssertionError("the complete command takes the place of this one")

    compare.__doc__ = _compare.__doc__
    app.command("compare", cls=Command)(compare)


# Commands whose options are gathered once they are run, or their help is shown.
COMPLETE: dict[str, Callable[[], Any]] = {"compare": compare_command}
