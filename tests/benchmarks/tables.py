"""Tables in pages of the docs, between `<!-- name -->` and `<!-- end of name -->`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def write_between(path: Path, name: str, lines: Iterable[str]) -> None:
    """Replace what is between the markers of a table."""
    page = path.read_text("utf-8")
    read_between(path, name)  # refuses a page without the markers
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(_marked(name).sub(lambda m: m[1] + text + m[3], page), "utf-8")


def read_between(path: Path, name: str) -> list[str]:
    """Return the lines between the markers of a table."""
    found = _marked(name).findall(path.read_text("utf-8"))
    if len(found) != 1:
        markers = f"<!-- {name} --> ... <!-- end of {name} -->"
        raise SystemExit(f"{path} has the markers {markers} {len(found)} times; expected once.")
    return found[0][1].splitlines()


def _marked(name: str) -> re.Pattern[str]:
    name = re.escape(name)
    return re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- end of {name} -->)", re.DOTALL)


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(heading) + " |", "|---" * len(heading) + "|"]
    return [*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)]


def cells(line: str) -> list[str]:
    """Return the cells of a line of a table."""
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def is_rule(line: str) -> bool:
    """Return whether a line is the rule below the heading of a table."""
    return set("".join(cells(line))) <= set("-: ")
