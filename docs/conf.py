"""Sphinx configuration: `sphinx-build -W -b html docs docs/_build/html` builds the pages."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

# Reading the docstrings imports Keras, which wants a backend; the quickest to import comes first.
if not os.environ.get("KERAS_BACKEND"):
    found = [name for name in ("jax", "torch", "tensorflow") if importlib.util.find_spec(name)]
    os.environ["KERAS_BACKEND"] = found[0] if found else "jax"

from rnnkit import __version__

project = "rnnkit"
author = "the rnnkit authors"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "breakable_names",
    "markdown_tables",
    "quick_references",
    "recipe_settings",
]
exclude_patterns = ["_build"]
default_role = "code"  # docstrings write code in single backticks

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 3
myst_substitutions = {"release": release}

# Two tuples have a field `type`, and annotations that say `type[...]` are taken for one of them.
suppress_warnings = ["ref.python"]

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_preserve_defaults = False  # signatures made of typed settings are not in the source
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes that are properties too would be listed twice
napoleon_custom_sections = [("Call arguments", "params_style")]

html_theme = "furo"
html_title = f"rnnkit {release}"
html_copy_source = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["rnnkit.css"]


def is_metadata_routing(
    app: Any, kind: str, name: str, member: Any, skip: bool, options: Any
) -> bool:
    """Leave out what scikit-learn generates on every estimator: `set_..._request`."""
    del app, kind, member, options
    return skip or (name.startswith("set_") and name.endswith("_request"))


def setup(app: Any) -> None:
    """Connect the filter."""
    app.connect("autodoc-skip-member", is_metadata_routing)
