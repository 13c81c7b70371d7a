"""`list` and `info`: the recipes, and the settings of one of them."""

from __future__ import annotations

import inspect
import os
import sys
from typing import Annotated, Any

import typer

from rnnkit import recipes
from rnnkit.cli.completion import complete_recipe, first_line
from rnnkit.cli.headings import DATA, heading_of, place_of
from rnnkit.cli.help import definitions, width, wrap
from rnnkit.cli.json_output import AsJson, print_document
from rnnkit.cli.settings import file_settings, settings_of
from rnnkit.cli.wording import describe, metavar, option_name, show_value, term
from rnnkit.options import Setting

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
    as_json: AsJson = False,
) -> None:
    """List the recipes, one line each."""
    lines = [(name, first_line(recipes.find(name))) for name in recipes.names()]
    found = [
        line
        for line in lines
        if word.lower() in " ".join([*line, recipes.kind_of(line[0])]).lower()
    ]
    if as_json:
        print_document(
            [{"name": n, "kind": recipes.kind_of(n), "about": about} for n, about in found]
        )
        return
    if not found:
        from rnnkit.cli import show

        show.note(f"No recipe has the word {word!r} in it. All of them: rnnkit list")
        return
    if sys.stdout.isatty() or os.environ.get("FORCE_COLOR"):  # Rich asks the same, and takes time
        print(*definitions(found, width()), sep="\n")
    else:
        print(*("\t".join(line) for line in found), sep="\n")


def info(name: RecipeName, as_json: AsJson = False) -> None:
    """Describe a recipe and all its settings."""
    from rnnkit.data.datasets import suitable

    recipe = recipes.find(name)
    columns = width()
    about = (inspect.getdoc(recipe) or name).partition("\nArgs:")[0].strip()
    paragraphs = [" ".join(paragraph.split()) for paragraph in about.split("\n\n")]
    settings = settings_of(recipe)
    of_files = file_settings([recipes.family_of(name).kind], settings)
    options = [(DATA, setting._replace(name=option)) for option, setting in of_files.items()]
    options += [(heading_of(setting.name), setting) for setting in settings.values()]
    if as_json:
        print_document(
            {
                "name": name,
                "kind": recipes.kind_of(name),
                "about": "\n\n".join(paragraphs),
                "data": suitable(recipes.kind_of(name)),
                "settings": [_described(heading, setting) for heading, setting in options],
            }
        )
        return
    for paragraph in paragraphs:
        print(*wrap(paragraph, columns), "", sep="\n")
    sections: dict[str, list[tuple[str, str]]] = {}
    for heading, setting in options:
        sections.setdefault(heading, []).append((term(setting), describe(setting)))
    for heading in sorted(sections, key=place_of):
        print(f"{heading}:", *definitions(sections[heading], columns), "", sep="\n")
    print(*wrap(f"data:     {suitable(recipes.kind_of(name))}", columns), sep="\n")
    print(f"train it: rnnkit train {name}")


def _described(heading: str, setting: Setting) -> dict[str, Any]:
    """Return what `info --json` tells of a setting; its default as it is typed."""
    bounds = {name: getattr(setting.option, name) for name in ("least", "most", "above", "below")}
    return {
        "option": option_name(setting.name),
        "heading": heading,
        "values": "yes|no" if setting.annotation is bool else metavar(setting),
        "default": show_value(setting.default),
        **{name: bound for name, bound in bounds.items() if bound is not None},
        "help": setting.option.help,
    }
