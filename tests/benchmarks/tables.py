"""Tables in pages of the docs, between `<!-- name -->` and `<!-- end of name -->`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def write_between(path: Path, name: str, lines: Iterable[str]) -> None:
    """Replace what is between the markers of a table in a page."""
    path.write_text(replace_between(path.read_text("utf-8"), name, lines), "utf-8")


def read_between(path: Path, name: str) -> list[str]:
    """Return the lines between the markers of a table in a page."""
    _, inside, _ = _parts(path.read_text("utf-8"), name)
    return inside.splitlines()


def replace_between(page: str, name: str, lines: Iterable[str]) -> str:
    """Return the text of a page with other lines between the markers of a table."""
    before, _, after = _parts(page, name)
    return before + "".join(f"{line}\n" for line in lines) + after


def _parts(page: str, name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = page.partition(begin)
    inside, _, after = rest.partition(end)
    if (page.count(begin), page.count(end), rest.count(end)) != (1, 1, 1):
        raise SystemExit(f"Expected a page that has {begin.strip()} and later {end}, each once.")
    return before + begin, inside, end + after


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
