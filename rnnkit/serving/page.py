"""The page at / : a model tried in a browser, from one file without other resources."""

from __future__ import annotations

from html import escape
from pathlib import Path

# The page asks its own server alone, and fetches nothing else.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SERIES = '{"values": [[1.0], [2.0], [3.0]]}'


def page(task: str, reads_series: bool) -> str:
    """Return the page.

    Args:
        task: the name of the model's class.
        reads_series: whether instances are series, written as JSON; else they are texts, one in
            each line.

    Example:
        >>> "one text per line" in page("TextClassifier", False)
        True
    """
    text = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    asked = "a series per line, as JSON" if reads_series else "one text per line"
    values = {
        "TASK": task,
        "ASKED": asked,
        "EXAMPLE": _SERIES if reads_series else "A wonderful little production.",
        "SERIES": "true" if reads_series else "false",
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", escape(value))
    return text
