"""What the shell completes: recipes, data sets, runs; imports no framework and reads no run.

``rnnkit --install-completion`` sets it up in bash, zsh and fish. Files are completed by the shell
itself, where nothing here begins with what was typed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer.core

from rnnkit import recipes

RUNS = Path("runs")  # where `train` and `compare` make their folders


def complete_recipe(incomplete: str) -> list[tuple[str, str]]:
    """Return the recipes that begin so, each with what it is.

    Example:
        >>> complete_recipe("bag")[0][0]
        'bag_of_words_sentiment'
    """
    return [
        (name, first_line(recipes.find(name)))
        for name in recipes.names()
        if name.startswith(incomplete)
    ]


def complete_data(ctx: Any, incomplete: str) -> list[str]:
    """Return the data sets of the recipe at hand that begin so; of all recipes where it is open."""
    named = [*(ctx.params.get("names") or ()), *ctx.args, ctx.info_name]
    names = [name for name in recipes.names() if name in named] or recipes.names()
    readers = dict.fromkeys(
        reader for name in names for reader in recipes.family_of(name).kind.readers
    )
    return [name for name in readers if name.startswith(incomplete)]


def complete_run(incomplete: str) -> list[str]:
    """Return the folders of runs in ``runs`` that begin so, the newest first.

    Example:
        >>> complete_run("nowhere/")
        []
    """
    found = [one.parent for one in (*RUNS.glob("*/settings.json"), *RUNS.glob("*/*/settings.json"))]
    found.sort(key=lambda run: (run / "settings.json").stat().st_mtime, reverse=True)
    return [str(run) for run in found if str(run).startswith(incomplete)]


def completion_item(value: str, about: str | None = None) -> Any:
    """Return what a group of commands completes; the class is that of the click that Typer has."""
    core: Any = typer.core
    kind = getattr(core, "CompletionItem", None) or core.click.shell_completion.CompletionItem
    return kind(value, help=about)


def first_line(recipe: Any) -> str:
    """Return the first line of a recipe's docstring."""
    return (recipe.__doc__ or "").strip().partition("\n")[0]
