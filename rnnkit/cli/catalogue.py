"""`list` and `info`: the recipes, and the settings of one of them."""

from __future__ import annotations

import inspect
import os
import sys
from typing import Annotated

import typer

from rnnkit import recipes
from rnnkit.cli.completion import complete_recipe, first_line
from rnnkit.cli.headings import DATA, heading_of, place_of
from rnnkit.cli.help import definitions, width, wrap
from rnnkit.cli.settings import file_settings, settings_of
from rnnkit.cli.wording import describe, term

RecipeName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="A name that rnnkit list shows.", autocompletion=complete_recipe
    ),
]


def list_recipes(
    word: Annotated[
        str, typer.Argument(metavar="WORD", help="Only those with this word, such as series.")
    ] = "",
) -> None:
    """List the recipes, one line each."""
    lines = [(name, first_line(recipes.find(name))) for name in recipes.names()]
    found = [
        line
        for line in lines
        if word.lower() in " ".join([*line, recipes.kind_of(line[0])]).lower()
    ]
    if not found:
        from rnnkit.cli import show

        show.note(f"No recipe has the word {word!r} in it. All of them: rnnkit list")
        return
    if sys.stdout.isatty() or os.environ.get("FORCE_COLOR"):  # Rich asks the same, and takes time
        print(*definitions(found, width()), sep="\n")
    else:
        print(*("\t".join(line) for line in found), sep="\n")


def info(name: RecipeName) -> None:
    """Describe a recipe and all its settings."""
    from rnnkit.data.datasets import suitable

    recipe = recipes.find(name)
    columns = width()
    about = (inspect.getdoc(recipe) or name).partition("\nArgs:")[0].strip()
    for paragraph in about.split("\n\n"):
        print(*wrap(" ".join(paragraph.split()), columns), "", sep="\n")
    settings = settings_of(recipe)
    of_files = file_settings([recipes.family_of(name).kind], settings)
    sections: dict[str, list[tuple[str, str]]] = {}
    for option, setting in of_files.items():
        named = setting._replace(name=option)
        sections.setdefault(DATA, []).append((term(named), describe(named)))
    for setting in settings.values():
        shown = (term(setting), describe(setting))
        sections.setdefault(heading_of(setting.name), []).append(shown)
    for heading in sorted(sections, key=place_of):
        print(f"{heading}:", *definitions(sections[heading], columns), "", sep="\n")
    print(*wrap(f"data:     {suitable(recipes.kind_of(name))}", columns), sep="\n")
    print(f"train it: rnnkit train {name}")
