"""Plots of attention weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def attention_png(source: Sequence[str], output: Sequence[str], weights: Any) -> bytes:
    """Return a PNG plot of attention weights: output words as rows, source words as columns.

    Args:
        source: S words of the input.
        output: T words of the output.
        weights: `(T, S)`.

    Example:
        >>> attention_png(["ein", "Hund"], ["a", "dog"], [[0.9, 0.1], [0.2, 0.8]])[1:4]
        b'PNG'
    """
    from rnnkit.monitor.picture import Picture, heat_map, short

    table = np.asarray(weights)
    rows, columns = list(map(short, output)), list(map(short, source))
    font_size = 11 if max(table.shape) <= 40 else 7
    # Narrow cells: TensorBoard scales a picture down to the width of its card.
    width, height = (min(1.6 + 0.26 * size, 24.0) for size in (len(columns), len(rows)))
    figure = Picture(width, height)
    axes = figure.add_subplot()
    heat_map(axes, table, rows, columns, label_size=font_size, tilted=(0, 90))
    axes.set_xlabel("read", fontsize=font_size)
    axes.set_ylabel("written", fontsize=font_size)
    return figure.png()
