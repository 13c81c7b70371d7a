"""The directive `recipe-settings`: every setting of the recipes of a kind, from the signatures."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from rnnkit import recipes
from rnnkit.cli.settings import settings_of
from rnnkit.cli.wording import metavar, show_value
from rnnkit.options import Setting
from rnnkit.recipes.sentiment import PRESETS

HEADING = ("setting", "type", "default", "meaning")


def heading(kind: str) -> list[str]:
    """Return the heading; only recipes of texts have presets."""
    first, last = list(HEADING[:-1]), HEADING[-1]
    presets = [f"`{name}`" for name in PRESETS] if kind == "texts" else []
    return [*first, *presets, last]


def rows(kind: str) -> list[list[str]]:
    """Return one row for each setting, in the order of the first recipe that has it."""
    names = [name for name in recipes.names() if recipes.kind_of(name) == kind]
    found = {name: settings_of(recipes.find(name)) for name in names}
    order = dict.fromkeys(setting for settings in found.values() for setting in settings)
    return [_row(name, {r: s[name] for r, s in found.items() if name in s}, kind) for name in order]


def _row(name: str, by_recipe: dict[str, Setting], kind: str) -> list[str]:
    first = next(iter(by_recipe.values()))
    recipes_of: dict[str, list[str]] = {}  # default -> the recipes that have it
    for recipe, setting in by_recipe.items():
        recipes_of.setdefault(show_value(setting.default), []).append(f"`{recipe}`")
    usual = max(recipes_of, key=lambda default: len(recipes_of[default]))
    default = f"`{usual}`"
    for other, having in recipes_of.items():
        if other != usual:
            default += f"; `{other}` in {', '.join(having)}"
    row = [f"`{name}`", metavar(first).replace("|", " or "), default]
    if kind == "texts":
        presets = PRESETS.values()
        row += [f"`{show_value(one[name])}`" if name in one else "" for one in presets]
    return [*row, first.option.help]


class RecipeSettings(SphinxDirective):
    """Put the table where the directive stands; its argument is the kind, such as `texts`."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the table, parsed as Markdown."""
        kind = self.arguments[0]
        found = rows(kind)
        if not found:
            raise self.error(f"There are no recipes of the kind {kind!r}.")
        columns = heading(kind)
        lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in found]
        holder = nodes.container()
        self.state.nested_parse(StringList(lines, "signatures"), self.content_offset, holder)
        return holder.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("recipe-settings", RecipeSettings)
    return {"parallel_read_safe": True}
