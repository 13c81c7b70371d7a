"""Figures of a study's reports: learning curves, quality over seconds, calibration, lengths.

Colours go by the order of the recipes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnkit.study.report import heading, headings, in_order, monitor_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnnkit.monitor.picture import Picture
    from rnnkit.study.by_length import ByLength
    from rnnkit.study.calibration import Reliability
    from rnnkit.study.runs import Run

Epochs = list[dict[str, float]]  # the rows of metrics.csv


def learning_curves(runs: Iterable[Run]) -> Picture:
    """Draw the learning curves of complete runs, which `drawn` chooses.

    Thin lines are runs, thick lines the means of a recipe.
    """
    runs = list(runs)
    histories = _histories(runs)
    figure = _picture(10, 4)
    measures = drawn(next(iter(histories.values()))[0], monitor_of(runs[0]))
    left, *_ = every = figure.subplots(1, len(measures), squeeze=False)[0]
    for axes, measure in zip(every, measures, strict=True):
        for number, (recipe, rows) in enumerate(histories.items()):
            _draw_recipe(axes, rows, measure, recipe, _colour(number))
        axes.set_xlabel("epoch")
        axes.set_ylabel(_title(measure))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    _legend(left)
    return figure


def curves_title(runs: Iterable[Run]) -> str:
    """Return in words what `learning_curves` shows."""
    columns = drawn(next(iter(runs)).folder.epochs())
    names = [name.removeprefix("val_") for name in columns]
    shown = " and ".join(headings().get(name, name) for name in names)
    split = "Validation" if columns[0].startswith("val_") else "Training"
    return f"{split} {shown} over the epochs"


def drawn(rows: Sequence[Mapping[str, float]], monitor: str = "val_loss") -> list[str]:
    """Return the columns of metrics.csv that the learning curves show.

    These are the validation loss and one more measure, ``monitor`` if it is another: the one that
    chose the best epoch. Without a validation split, it is the training loss.

    Example:
        >>> drawn([{"val_loss": 1.0, "val_rmse": 9.3, "val_mae": 6.8}])
        ['val_loss', 'val_mae']
        >>> drawn([{"val_loss": 1.0, "val_accuracy": 0.97, "val_f1": 0.7}], "val_f1")
        ['val_loss', 'val_f1']
    """
    if not any(name.startswith("val_") for name in rows[0]):  # no validation split
        return ["loss" if "loss" in rows[0] else "words_per_second"]  # gensim reports no loss
    if monitor != "val_loss" and monitor in rows[0]:
        return ["val_loss", monitor]
    columns = [name.removeprefix("val_") for name in rows[0] if name.startswith("val_")]
    return ["val_loss", *(f"val_{name}" for name in in_order(columns) if name != "loss")][:2]


def quality_over_seconds(runs: Iterable[Run], measure: str | None) -> Picture:
    """Draw validation over the seconds of the epochs, and a test measure over those of all.

    Args:
        runs: complete, one or more.
        measure: of the test split; runs without it have no dot. None = there is none.
    """
    runs = list(runs)
    histories = _histories(runs)
    figure = _picture(10, 4)
    left, *right = panels = figure.subplots(1, 2 if measure else 1, squeeze=False)[0]
    column = drawn(next(iter(histories.values()))[0], monitor_of(runs[0]))[-1]
    for number, (recipe, every) in enumerate(histories.items()):
        for place, rows in enumerate(every):
            seconds = np.cumsum([row["seconds"] for row in rows])
            values = [row[column] for row in rows]
            style = {"color": _colour(number), "marker": "o", "markersize": 3, "linewidth": 1}
            left.plot(seconds, values, label="_" if place else recipe, alpha=0.7, **style)
        dots = [
            (run.results["seconds"], run.results["test"][measure])
            for run in runs
            if run.settings["recipe"] == recipe and measure in run.results["test"]
        ]
        for axes in right if dots else ():
            axes.scatter(*zip(*dots, strict=True), color=_colour(number), alpha=0.8)
            axes.set_xlabel("seconds of the whole training")
            axes.set_ylabel(heading(str(measure)))
    left.set_xlabel("seconds of the epochs")
    left.set_ylabel(_title(column))
    for axes in panels:
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
    _legend(left)
    return figure


def reliability_diagram(recipes: Mapping[str, Reliability]) -> Picture:
    """Draw accuracy over confidence, a panel for each recipe; bars are the share of examples."""
    columns = min(len(recipes), 3)
    rows = -(-len(recipes) // columns)
    figure = _picture(3.4 * columns, 3.3 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in panels.flat[len(recipes) :]:
        axes.set_axis_off()
    each = enumerate(zip(panels.flat, recipes.items(), strict=False))
    for number, (axes, (recipe, found)) in each:
        share = found.examples / found.examples.sum()
        axes.bar(found.confidence, share, width=0.02, color="#bbbbbb", label="share of examples")
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, label="calibrated")
        axes.plot(found.confidence, found.accuracy, marker="o", color=_colour(number))
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
        axes.set_title(recipe, parse_math=False, fontsize=10)
        axes.grid(alpha=0.3)
    for axes in panels[-1]:
        axes.set_xlabel("confidence")
    for axes in panels[:, 0]:
        axes.set_ylabel("share of right answers")
    _legend(panels[0, 0])
    return figure


def length_figure(found: ByLength) -> Picture:
    """Draw a measure by length, with the interval of each recipe in each group."""
    figure = _picture(8, 4)
    axes = figure.add_subplot()
    recipes = list(found.groups[0].values)
    for number, recipe in enumerate(recipes):
        mean, low, high = np.array([group.values[recipe] for group in found.groups]).T
        # Side by side, so that no interval hides another.
        places = np.arange(len(found.groups)) + 0.08 * (number - (len(recipes) - 1) / 2)
        around = np.maximum([mean - low, high - mean], 0)
        style: dict[str, Any] = {"fmt": "o-", "color": _colour(number), "capsize": 3}
        axes.errorbar(places, mean, yerr=around, label=recipe, linewidth=1, **style)
    names = [f"{group.least}–{group.most}" for group in found.groups]
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel(found.what)
    axes.set_ylabel(heading(found.measure))
    axes.grid(alpha=0.3)
    _legend(axes)
    return figure


def _histories(runs: Iterable[Run]) -> dict[str, list[Epochs]]:
    """Return the epochs of the runs of each recipe."""
    histories: dict[str, list[Epochs]] = {}
    for run in runs:
        histories.setdefault(run.settings["recipe"], []).append(run.folder.epochs())
    return histories


def _draw_recipe(axes: Axes, histories: list[Epochs], measure: str, label: str, color: str) -> None:
    curves = [[(row["epoch"], row[measure]) for row in rows] for rows in histories]
    if len(curves) > 1:
        for curve in curves:
            axes.plot(*zip(*curve, strict=True), color=color, alpha=0.35, linewidth=0.8)
    # The mean ends with the shortest run: beyond it, it would be a mean over fewer runs.
    together = list(zip(*curves, strict=False))
    mean = [(column[0][0], sum(y for _, y in column) / len(column)) for column in together]
    axes.plot(*zip(*mean, strict=True), color=color, marker="o", markersize=3, label=label)


def _picture(width: float, height: float) -> Picture:
    from rnnkit.monitor.picture import Picture

    return Picture(width, height)


def _colour(number: int) -> str:
    return f"C{number % 10}"


def _title(measure: str) -> str:
    return measure.replace("val_", "validation ")


def _legend(axes: Axes) -> None:
    """Draw the legend; a "$" in a name is a dollar sign, not a formula."""
    for text in axes.legend(frameon=False, fontsize=9).get_texts():
        text.set_parse_math(False)
