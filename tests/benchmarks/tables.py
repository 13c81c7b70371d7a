"""Tables in pages of the docs, between `<!-- name -->` and `<!-- end of name -->`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path


def write_between(path: Path, name: str, lines: Sequence[str]) -> None:
    """Replace what is between the markers of a table."""
    page = path.read_text("utf-8")
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not marked.search(page):
        raise SystemExit(f"{path} has no markers <!-- {name} --> ... <!-- end of {name} -->.")
    path.write_text(marked.sub(lambda m: m[1] + "\n".join(lines) + "\n" + m[2], page), "utf-8")
