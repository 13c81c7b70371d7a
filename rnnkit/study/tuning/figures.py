"""Figures of a search: its history, and the importance of the settings."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator

from rnnkit.atomic import replacing
from rnnkit.monitor.picture import Picture
from rnnkit.study.tuning.results import Tuning


def write_figures(found: Tuning) -> None:
    """Write history.png and, where it is known, importance.png into the folder of a search."""
    pictures = {"history.png": history(found)}
    if found.importances:
        pictures["importance.png"] = importance(found)
    for name, picture in pictures.items():
        with replacing(found.path / name) as temporary:
            temporary.write_bytes(picture.png())


def history(found: Tuning) -> Picture:
    """Draw the value of each complete trial, the best so far, and which were ended early."""
    figure = Picture(8, 4)
    axes = figure.add_subplot()
    complete = [one for one in found.trials if one.value is not None]
    numbers = [one.number for one in complete]
    values = np.array([one.value for one in complete], float)
    highest = found.study.direction.name == "MAXIMIZE"
    best = np.maximum.accumulate(values) if highest else np.minimum.accumulate(values)
    axes.plot(numbers, values, "o", color="C0", markersize=4, label="complete")
    axes.step(numbers, best, where="post", color="C0", linewidth=1, label="best so far")
    ended = [one.number for one in found.trials if one.value is None]
    if ended:
        foot = axes.get_ylim()[0]
        axes.plot(ended, np.full(len(ended), foot), "x", color="C1", label="ended early")
    axes.set_xlabel("trial")
    axes.set_ylabel(found.monitor.replace("val_", "validation "))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=9)
    return figure


def importance(found: Tuning) -> Picture:
    """Draw the importance of each setting as a bar, the largest on top."""
    names = list(found.importances)[::-1]
    figure = Picture(6, 1 + 0.4 * len(names))
    axes = figure.add_subplot()
    axes.barh(names, [found.importances[name] for name in names], color="C0")
    axes.set_xlabel("share of the differences between trials")
    axes.set_xlim(0, 1)
    axes.grid(alpha=0.3, axis="x")
    return figure
