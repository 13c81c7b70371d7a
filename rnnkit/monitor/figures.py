"""What people look at: the confusion matrix as a picture, tables as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

_MAX_NUMBERED = 12  # beyond this many classes the numbers no longer fit their cells
_MAX_LINE = 100  # letters of a line in a table


def confusion_png(counts: Any, classes: Sequence[str], title: str = "") -> bytes:
    """Draw a confusion matrix: a row for each true class, a column for each predicted one.

    Colour and percentage are shares of the row, so that rare classes read as well as common ones;
    the diagonal then holds each class's recall.

    Args:
        counts: `(C, C)` number of examples of the row's class that were given the column's.
        classes: `C` names.
        title: a line above the picture.

    Returns:
        A PNG file.

    Example:
        >>> confusion_png([[90, 10], [20, 80]], ["neg", "pos"])[1:4]
        b'PNG'
    """
    from rnnkit.monitor.picture import Picture, heat_map, short

    table = np.asarray(counts)
    size = len(table)
    few = size <= 4
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    names = list(map(short, classes))
    numbered = size <= _MAX_NUMBERED
    texts = [
        [f"{int(count):,}\n{share:.1%}" for count, share in zip(*row, strict=True)]
        for row in zip(table, shares, strict=True)
    ]
    side = min(3.2 + 0.75 * size, 14.0)
    letters = 15 if few else 10  # TensorBoard shows the picture small
    figure = Picture(side, side)
    axes = figure.add_subplot()
    picture = heat_map(
        axes,
        shares,
        names,
        names,
        texts=texts if numbered else None,
        text_size=20 if few else 9,
        label_size=letters,
        tilted=(90, 0) if few else (0, 45),
        cmap="Blues",
        vmin=0,
        vmax=1,
    )
    axes.set_aspect("equal")
    axes.set_xlabel("predicted class", fontsize=letters)
    axes.set_ylabel("true class", fontsize=letters)
    axes.set_title(title, parse_math=False, fontsize=letters)
    if not numbered:
        figure.colorbar(picture, ax=axes, shrink=0.8).set_label("share of the true class")
    return figure.png()


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Lay out cells, already safe for Markdown, as a table.

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


def plain(text: str, width: int | None = None) -> str:
    r"""Make a text safe for a cell of a Markdown table: it is shown as it is.

    Args:
        text: anything; white space is squeezed.
        width: cut longer texts to this many letters, and break lines; None = one line.

    Example:
        >>> plain("a|b *c*\n<br>", 100)
        'a\\|b \\*c\\* &lt;br&gt;'
    """
    if width is not None and len(text) > 4 * width:
        text = text[: 4 * width] + " "  # a text of a million words need not be split to its end
    line = " ".join(text.split())
    if width is not None and len(line) > width:
        line = line[: width - 1].rstrip() + "…"
    # Lines of one length: TensorBoard gives a wide cell the room of all others.
    lines = [line] if width is None else textwrap.wrap(line, _MAX_LINE)
    return "<br>".join(map(_escape, lines))


def _escape(line: str) -> str:
    line = re.sub(r"([\\`*_{}\[\]()#+!|-])", r"\\\1", line)
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
