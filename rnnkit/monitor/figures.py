"""What people look at: the confusion matrix as a picture, tables as Markdown."""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

_MAX_NUMBERED = 12  # beyond this many classes the numbers no longer fit their cells
_MAX_NAME = 18  # letters of a class name on an axis
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
    # The object interface with Agg: no window, no global state, no font cache of pyplot's.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    table = np.asarray(counts)
    size = len(table)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    names = [name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 1] + "…" for name in classes]
    numbered = size <= _MAX_NUMBERED
    side = min(3.2 + 0.75 * size, 14.0)
    figure = Figure(figsize=(side, side), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    letters = 15 if size <= 4 else 10  # TensorBoard shows the picture small
    # parse_math: a "$" in a class name is a dollar, not the start of a formula.
    style: dict[str, Any] = {"parse_math": False, "fontsize": letters}
    axes.set_xticks(range(size), names, rotation=45 if size > 4 else 0, **style)
    axes.set_yticks(range(size), names, rotation=90 if size <= 4 else 0, va="center", **style)
    axes.set_xlabel("predicted class", fontsize=letters)
    axes.set_ylabel("true class", fontsize=letters)
    axes.set_title(title, **style)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(size - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(size - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    for row, column in np.ndindex(size, size) if numbered else ():
        share = shares[row, column]
        axes.text(
            column,
            row,
            f"{int(table[row, column]):,}\n{share:.1%}",
            ha="center",
            va="center",
            fontsize=20 if size <= 4 else 9,
            color="white" if share > 0.5 else "black",
        )
    if not numbered:
        figure.colorbar(picture, ax=axes, shrink=0.8).set_label("share of the true class")
    png = io.BytesIO()
    with warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box; that is no reason to disturb a training.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        FigureCanvasAgg(figure).print_png(png)
    return png.getvalue()


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
