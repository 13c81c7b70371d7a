"""Docstrings hold Markdown tables, which read well in a terminal; Sphinx wants list-tables."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def converted(lines: list[str]) -> list[str]:
    """Return the lines with each Markdown table as a `list-table`."""
    result: list[str] = []
    rows: list[list[str]] = []
    for line in [*lines, ""]:
        stripped = line.strip()
        if stripped.startswith("|") and stripped.endswith("|"):
            rows.append([cell.strip() for cell in stripped.strip("|").split("|")])
            continue
        if rows:
            result += _list_table([row for row in rows if set("".join(row)) != {"-"}])
            rows = []
        result.append(line)
    return result[:-1]


def _list_table(rows: list[list[str]]) -> list[str]:
    lines = ["", ".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        for number, cell in enumerate(row):
            lines.append(f"   {'  -' if number else '* -'} {cell}")
    return [*lines, ""]


def _convert(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = converted(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook into autodoc."""
    app.connect("autodoc-process-docstring", _convert)
    return {"parallel_read_safe": True}
