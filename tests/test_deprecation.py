"""Old names: they work, they warn, and the table in the documentation lists them all."""

import importlib
import pkgutil
import re
import sys
from pathlib import Path

import pytest

import rnnkit
from rnnkit import deprecation
from rnnkit.deprecation import RENAMES

pytestmark = pytest.mark.one_backend

PAGE = Path(__file__).parents[1] / "docs" / "renamed.md"
BACKENDS = ("rnnkit.backend.jax", "rnnkit.backend.tensorflow", "rnnkit.backend.torch")


def rows():
    """The table that the registered renames make, a line each."""
    for module in pkgutil.walk_packages(rnnkit.__path__, "rnnkit."):
        if not module.name.startswith((*BACKENDS, "rnnkit.__main__")):
            importlib.import_module(module.name)
    found = [
        rename
        for rename in RENAMES
        if rename.where.startswith("rnnkit") or "." not in rename.where
        if rename.where != "Model"  # the example of a docstring, where that was run before
    ]
    return sorted({f"| {r.kind} | `{r.where}` | `{r.old}` | `{_name(r)}` |" for r in found})


def _name(rename):
    return rename.new.replace(":", ".")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_page_of_renamed_things_lists_them_all():
    listed = re.findall(r"(?m)^\| (?!kind|---).*\|$", PAGE.read_text(encoding="utf-8"))
    assert sorted(listed) == rows()


MODULES = [rename for rename in RENAMES if rename.kind == "module"]


@pytest.mark.parametrize("rename", MODULES, ids=lambda rename: rename.old)
def test_an_old_module_is_the_new_one(rename):
    sys.modules.pop(rename.old, None)
    new = importlib.import_module(rename.new)
    spec = new.__spec__
    with pytest.warns(DeprecationWarning, match=re.escape(f"now called {rename.new!r}")):
        old = importlib.import_module(rename.old)
    assert old is new
    assert new.__spec__ is spec
    sys.modules.pop(rename.old)


def test_a_renamed_name_is_found_and_another_is_not():
    from rnnkit import errors

    with pytest.warns(DeprecationWarning, match="'nearest' of rnnkit.errors is now called"):
        assert errors.nearest is errors.suggest
    with pytest.raises(AttributeError, match="no attribute 'farthest'"):
        errors.farthest  # noqa: B018


def test_both_the_old_and_the_new_option_are_refused():
    rename = deprecation.renamed_options("tests.model", {"units": "tokenizer"})
    with pytest.raises(TypeError, match="both 'tokenizer' and its old name 'units'"):
        rename({"units": 1, "tokenizer": 2})


def test_a_warning_points_to_the_line_that_uses_the_old_name():
    from rnnkit import errors

    with pytest.warns(DeprecationWarning, match="beside") as caught:
        errors.beside  # noqa: B018
    assert caught[0].filename == __file__


if __name__ == "__main__":  # write the table
    text = PAGE.read_text(encoding="utf-8")
    head = text.partition("| kind")[0].replace("<!-- renames -->\n", "").rstrip()
    table = ["| kind | where | old | new |", "|---|---|---|---|", *rows()]
    PAGE.write_text(head + "\n\n" + "\n".join(table) + "\n", encoding="utf-8")
