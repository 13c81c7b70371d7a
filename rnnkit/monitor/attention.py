"""What a decoder looked at, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def attention_png(source: Sequence[str], output: Sequence[str], weights: Any) -> bytes:
    """Draw attention weights: a row for each word written, a column for each word read.

    Args:
        source: S words read.
        output: T words written.
        weights: `(T, S)`.

    Returns:
        A PNG file.

    Example:
        >>> attention_png(["ein", "Hund"], ["a", "dog"], [[0.9, 0.1], [0.2, 0.8]])[1:4]
        b'PNG'
    """
    from rnnkit.monitor.picture import Picture, heat_map, short

    table = np.asarray(weights)
    rows, columns = list(map(short, output)), list(map(short, source))
    letters = 11 if max(table.shape) <= 40 else 7
    width, height = (min(2.0 + 0.32 * size, 24.0) for size in (len(columns), len(rows)))
    figure = Picture(width, height)
    axes = figure.add_subplot()
    heat_map(
        axes,
        table,
        rows,
        columns,
        label_size=letters,
        tilted=(0, 90),
        cmap="Blues",
        vmin=0,
        vmax=1,
    )
    axes.set_xlabel("read", fontsize=letters)
    axes.set_ylabel("written", fontsize=letters)
    return figure.png()
