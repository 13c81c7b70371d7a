"""The directive `recipe-settings`: every setting of every recipe, read from the signatures."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from rnnkit import recipes
from rnnkit.cli.settings import Setting, settings_of
from rnnkit.recipes.sentiment import PRESETS

HEADING = ("setting", "type", "default", "`classic`", "meaning")


def rows() -> list[list[str]]:
    """Return one row for each setting, in the order of the first recipe that has it."""
    found = {name: settings_of(recipes.find(name)) for name in recipes.names()}
    order = dict.fromkeys(setting for settings in found.values() for setting in settings)
    return [_row(name, {r: s[name] for r, s in found.items() if name in s}) for name in order]


def _row(name: str, by_recipe: dict[str, Setting]) -> list[str]:
    first = next(iter(by_recipe.values()))
    defaults = {recipe: setting.shown for recipe, setting in by_recipe.items()}
    if len(set(defaults.values())) == 1:
        default = f"`{first.shown}`"
    else:
        default = ", ".join(f"`{value}` ({recipe})" for recipe, value in defaults.items())
    classic = PRESETS["classic"]
    preset = f"`{first._replace(default=classic[name]).shown}`" if name in classic else ""
    return [f"`{name}`", first.type_name, default, preset, first.help]


class RecipeSettings(SphinxDirective):
    """Put the table where the directive stands."""

    def run(self) -> list[nodes.Node]:
        """Return the table, parsed as Markdown."""
        lines = ["| " + " | ".join(HEADING) + " |", "|---" * len(HEADING) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in rows()]
        holder = nodes.container()
        self.state.nested_parse(StringList(lines, "signatures"), self.content_offset, holder)
        return holder.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("recipe-settings", RecipeSettings)
    return {"parallel_read_safe": True}
