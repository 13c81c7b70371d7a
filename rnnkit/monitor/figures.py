"""Confusion matrix plots and Markdown tables for TensorBoard."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rnnkit.deprecation import renamed_names

_MAX_ANNOTATED = 12  # with more classes the numbers do not fit into their cells
_MAX_LINE = 60  # characters of a line in a table, beside four short columns in a small window


def confusion_matrix_png(counts: Any, classes: Sequence[str], title: str = "") -> bytes:
    """Return a PNG plot of a confusion matrix: true classes as rows, predicted ones as columns.

    Colours and percentages are normalised by row, so that rare classes are as visible as common
    ones; the diagonal is the recall.

    Args:
        counts: `(C, C)` number of examples of the row's class that were predicted as the column's.
        classes: `C` names.
        title: of the plot.

    Example:
        >>> confusion_matrix_png([[90, 10], [20, 80]], ["neg", "pos"])[1:4]
        b'PNG'
    """
    from rnnkit.monitor.picture import Picture, heat_map, short

    table = np.asarray(counts)
    size = len(table)
    few = size <= 4
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    names = list(map(short, classes))
    annotated = size <= _MAX_ANNOTATED
    pairs = (zip(*rows, strict=True) for rows in zip(table, shares, strict=True))
    texts = [[_cell(int(count), share, few) for count, share in row] for row in pairs]
    # TensorBoard shows pictures small: with more classes the cells are narrow and zeros are empty.
    side = min(3.2 + 0.75 * size if few else 1.9 + 0.44 * size, 14.0)
    font_size = 15 if few else 11
    figure = Picture(side, side)
    axes = figure.add_subplot()
    sizes: dict[str, Any] = {"text_size": 20 if few else 10, "label_size": font_size}
    sizes |= {"tilted": (90, 0) if few else (0, 45), "texts": texts if annotated else None}
    picture = heat_map(axes, shares, names, names, **sizes)
    axes.set_aspect("equal")
    axes.set_xlabel("predicted class", fontsize=font_size)
    axes.set_ylabel("true class", fontsize=font_size)
    axes.set_title(title, parse_math=False, fontsize=font_size)
    if not annotated:
        figure.colorbar(picture, ax=axes, shrink=0.8).set_label("share of the true class")
    return figure.png()


def _cell(count: int, share: float, few: bool) -> str:
    """Return what a cell of a confusion matrix says."""
    if few:
        return f"{count:,}\n{share:.1%}"
    return f"{count:,}\n{share:.0%}" if count else ""


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a Markdown table; the cells must be escaped already.

    Example:
        >>> print(markdown_table(["a", "b"], [["1", "2"]]))
        | a | b |
        |---|---|
        | 1 | 2 |
    """
    lines = [header, *rows]
    drawn = ["| " + " | ".join(cells) + " |" for cells in lines]
    drawn.insert(1, "|" + "---|" * len(header))
    return "\n".join(drawn)


def escape_markdown(text: str, width: int | None = None) -> str:
    r"""Escape a text for a cell of a Markdown table.

    Args:
        text: any text; white space is collapsed.
        width: truncate to this many characters, and wrap lines; None = one line.

    Example:
        >>> escape_markdown("a|b *c*\n<br>", 100)
        'a\\|b \\*c\\* &lt;br&gt;'
    """
    if width is not None and len(text) > 4 * width:
        text = text[: 4 * width] + " "  # avoids splitting a very long text
    line = " ".join(text.split())
    if width is not None and len(line) > width:
        line = line[: width - 1].rstrip() + "…"
    # Wrapped, because TensorBoard would shrink the other cells of a row with a wide one.
    lines = [line] if width is None else textwrap.wrap(line, _MAX_LINE)
    return "<br>".join(map(_escape, lines))


def _escape(line: str) -> str:
    line = re.sub(r"([\\`*_{}\[\]()#+!|-])", r"\\\1", line)
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


__getattr__ = renamed_names(
    __name__, {"confusion_png": "confusion_matrix_png", "plain": "escape_markdown"}
)
