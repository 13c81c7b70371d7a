"""Long names in the cells of tables may break after `_`, `.`, `(`, `=`, `/`, and before a capital.

A `<wbr>` says so: nothing is copied with the name, and no line breaks in the middle of a word.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

CELL = re.compile(r"<t[dh]\b.*?</t[dh]>", re.DOTALL)
CODE = re.compile(r'(?<=<span class="pre">)[^<]+')
JOINT = re.compile(r"(?<=[_.(=/])(?=\w)|(?<=[a-z])(?=[A-Z])")


def breakable(body: str) -> str:
    """Return the HTML of a page with `<wbr>` at the joints of names in its tables."""
    return CELL.sub(
        lambda cell: CODE.sub(lambda code: JOINT.sub("<wbr>", code[0]), cell[0]),
        body,
    )


def _convert(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if "body" in context:
        context["body"] = breakable(context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook into the writer of HTML."""
    app.connect("html-page-context", _convert)
    return {"parallel_read_safe": True}
