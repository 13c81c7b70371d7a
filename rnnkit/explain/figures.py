"""Figures of explanations: connectivity as a heat map, attributions over the words or steps."""

from __future__ import annotations

import numpy as np

from rnnkit.explain.explanation import Explanation
from rnnkit.monitor.picture import Picture, heat_map, short

MOST = 60  # names on an axis


def connectivity_figure(explanation: Explanation) -> Picture:
    """Return the connectivity as a heat map: outputs as rows, words or steps as columns.

    Each row is scaled to its largest number.

    Example:
        >>> from rnnkit.explain.explanation import Connectivity
        >>> found = Explanation("", "", "", "", ("a", "b"), np.zeros(2), 0, 0, "",
        ...     connectivity=Connectivity(("x",), np.array([[1.0, 4.0]])))
        >>> connectivity_figure(found).axes[0].images[0].get_array().tolist()
        [[0.25, 1.0]]
    """
    assert explanation.connectivity is not None
    norms = explanation.connectivity.norms
    shares = norms / np.maximum(norms.max(axis=1, keepdims=True), 1e-30)
    rows = _names(explanation.connectivity.outputs)
    columns = _names(explanation.words)
    width, height = (min(2.5 + 0.26 * len(names), 24.0) for names in (columns, rows))
    figure = Picture(width, height)
    axes = figure.add_subplot()
    size = 10 if max(len(rows), len(columns)) <= 30 else 7
    heat_map(axes, shares, rows, columns, label_size=size, tilted=(0, 90))
    axes.set_xlabel("input", fontsize=size)
    axes.set_ylabel("output", fontsize=size)
    return figure


def steps_figure(explanation: Explanation) -> Picture:
    """Return attributions and, where it is known, occlusion as bars over the words or steps.

    Example:
        >>> found = Explanation("", "", "", "", ("a", "b"), np.array([1.0, -1.0]), 0, 0, "")
        >>> len(steps_figure(found).axes[0].patches)
        2
    """
    count = len(explanation.words)
    figure = Picture(min(3 + 0.26 * count, 16.0), 3.2)
    axes = figure.add_subplot()
    places = np.arange(count)
    axes.bar(places, explanation.attributions, color="#4477CC", label="attribution")
    if explanation.occlusion is not None:
        axes.plot(places, explanation.occlusion, ".", color="#333333", label="occlusion")
        axes.legend(frameon=False)
    shown = places[:: max(1, -(-count // MOST))]
    labels = [short(explanation.words[place]) for place in shown]
    axes.set_xticks(shown, labels, rotation=90, fontsize=8, parse_math=False)
    axes.axhline(0, color="#333333", linewidth=0.8)
    axes.set_ylabel(explanation.unit)
    return figure


def _names(names: tuple[str, ...]) -> list[str]:
    """Return the names on an axis; of many, every n-th."""
    every = max(1, -(-len(names) // MOST))
    return [short(name) if place % every == 0 else "" for place, name in enumerate(names)]
