"""Old names of the monitor work for one release, with a warning that names the new ones."""

import importlib
import sys

import pytest

from rnnkit.deprecation import RENAMES

MODULES = ["callbacks", "examples", "figures", "metrics", "projector", "spans", "word_vectors"]
for _module in MODULES:
    importlib.import_module(f"rnnkit.monitor.{_module}")
OLD = [
    rename
    for rename in RENAMES
    if rename.kind == "name" and rename.where.removeprefix("rnnkit.monitor.") in MODULES
]


@pytest.mark.parametrize("rename", OLD, ids=lambda rename: f"{rename.where}.{rename.old}")
def test_an_old_name_is_the_new_one(rename):
    home, _, new = rename.new.rpartition(":")
    with pytest.warns(DeprecationWarning, match=f"{rename.old!r} .* is now called {rename.new!r}"):
        found = getattr(sys.modules[rename.where], rename.old)
    assert found is getattr(importlib.import_module(home or rename.where), new)


def test_every_module_with_old_names_is_here():
    assert {rename.where for rename in OLD} == {f"rnnkit.monitor.{name}" for name in MODULES}
