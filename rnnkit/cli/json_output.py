"""JSON on the standard output: one document, or a line for each answer, and nothing else."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]


def print_document(value: Any) -> None:
    """Print a value as one JSON document of several lines.

    Example:
        >>> print_document({"loss": float("nan")})
        {
          "loss": null
        }
    """
    from rnnkit.data.json_values import dump_json

    print(dump_json(value, indent=2, ascii_only=_ascii_only()))


def print_line(value: Any) -> None:
    """Print a value as JSON on one line.

    Example:
        >>> print_line({"prediction": "pos"})
        {"prediction": "pos"}
    """
    from rnnkit.data.json_values import dump_json

    print(dump_json(value, ascii_only=_ascii_only()))


def _ascii_only() -> bool:
    """Return whether other characters are written as JSON's own escapes: any encoding has those."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    return encoding.replace("-", "") not in ("utf8", "utf16", "utf32")
