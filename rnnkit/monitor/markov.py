"""Figures of Markov models: transition matrix, emissions, means, log-likelihood.

They are of the class `rnnkit.monitor.picture.Picture`, which a notebook displays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnkit.errors import InputError

if TYPE_CHECKING:
    from rnnkit.monitor.picture import Picture

_MAX_NUMBERED = 12  # larger tables have a colour bar instead of numbers
_MAX_PANELS = 6  # more features are drawn as a heat map


def transition_figure(
    transmat: Any, names: Sequence[str] | None = None, title: str = ""
) -> Picture:
    """Draw a transition matrix as a heat map, from row to column.

    Args:
        transmat: `(K, K)` probabilities, rows = from.
        names: of the states; None = 0 .. K-1.
        title: of the figure.

    Returns:
        A figure. Up to 12 states, the cells have numbers: "0" = impossible, "<.01" = rare.

    Raises:
        InputError: a matrix that is not square, or another number of names.

    Example:
        >>> transition_figure([[0.9, 0.1], [0.2, 0.8]], ["free", "jam"]).axes[0].get_xlabel()
        'next state'
    """
    table = _table("transmat", transmat)
    if len(table) != table.shape[1]:
        raise InputError(f"transmat has the shape {table.shape}; expected (K, K).")
    names = short_names("names", names, len(table))
    return _probabilities(table, names, names, "next state", title)


def emission_figure(
    emissionprob: Any,
    names: Sequence[str] | None = None,
    symbols: Sequence[str] | None = None,
    title: str = "",
) -> Picture:
    """Draw the emission probabilities of symbols as a heat map.

    Args:
        emissionprob: `(K, V)` probabilities; a row for each state.
        names: of the states; None = 0 .. K-1.
        symbols: of the columns; None = 0 .. V-1.
        title: of the figure.

    Raises:
        InputError: an array that is not a table, or another number of names.

    Example:
        >>> emission_figure([[0.9, 0.1], [0.2, 0.8]]).axes[0].get_ylabel()
        'state'
    """
    table = _table("emissionprob", emissionprob)
    rows = short_names("names", names, len(table))
    columns = short_names("symbols", symbols, table.shape[1])
    return _probabilities(table, rows, columns, "symbol", title)


def means_figure(
    means: Any,
    sds: Any = None,
    names: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    title: str = "",
) -> Picture:
    """Draw the mean of each feature in each state.

    Up to six features have a panel each: dots for the means, error bars of one standard deviation.
    More are a heat map of standard scores over the states: blue below the mean, red above.

    Args:
        means: `(K, D)`.
        sds: `(K, D)` standard deviations within the states, or None.
        names: of the states; None = 0 .. K-1.
        features: names of the features; None = 0 .. D-1.
        title: of the figure.

    Raises:
        InputError: arrays or names of other sizes.

    Example:
        >>> picture = means_figure([[60, 0.1], [20, 0.4]], features=["speed", "occupancy"])
        >>> [axes.get_title() for axes in picture.axes]
        ['speed', 'occupancy']
    """
    table = _table("means", means)
    spread = None if sds is None else _table("sds", sds)
    if spread is not None and spread.shape != table.shape:
        raise InputError(f"sds have the shape {spread.shape}; expected {table.shape}, as the means")
    rows = short_names("names", names, len(table))
    columns = short_names("features", features, table.shape[1])
    if len(columns) > _MAX_PANELS:
        return _means_heat_map(table, rows, columns, title)
    if features is None:
        columns = [f"feature {name}" for name in columns] if len(columns) > 1 else [""]
    return _means_panels(table, spread, rows, columns, title)


def log_likelihood_figure(history: Any, title: str = "") -> Picture:
    """Draw the log-likelihood over the iterations of Baum-Welch, and the gain of each iteration.

    Args:
        history: one number for each iteration, `(I,)`; or of several restarts `(R, I)`, or a list
            of R rows of unequal length. NaN = the restart had stopped.
        title: of the figure.

    Returns:
        A figure; the best restart is thick. The axis of the gain is logarithmic: a straight line is
        linear convergence, a cross is a loss, which can only come from rounding.

    Raises:
        InputError: no finite number.

    Example:
        >>> picture = log_likelihood_figure([[-9, -5, -4.5], [-8, -6, -5.9]])
        >>> picture.axes[0].get_legend().get_texts()[0].get_text()
        'best of 2 restarts: -4.5'
    """
    from rnnkit.monitor.picture import Picture

    several = len(history) > 0 and np.ndim(history[0]) == 1
    rows = [np.asarray(row, "float64") for row in (history if several else [history])]
    final = [row[np.isfinite(row)][-1] if np.isfinite(row).any() else -np.inf for row in rows]
    if max(final) == -np.inf:
        raise InputError("log_likelihood_figure: there is no finite number in the history.")
    best = int(np.argmax(final))
    label = f"best of {len(rows)} restarts" if len(rows) > 1 else "at the end"
    figure = Picture(7.5, 5)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for place in sorted(range(len(rows)), key=lambda row: row == best):  # the best on top
        row, style = rows[place], {"color": "#999999", "linewidth": 0.8}
        if place == best:
            style = {"color": "#0072B2", "linewidth": 2, "label": f"{label}: {final[best]:,.6g}"}
        steps, gain = np.arange(1, len(row) + 1), np.diff(row)
        upper.plot(steps, row, marker="." if len(row) == 1 else None, **style)
        lower.plot(steps[1:], np.where(gain > 0, gain, np.nan), marker=".", markersize=3, **style)
        lower.plot(steps[1:][gain < 0], -gain[gain < 0], "x", color="#D55E00", zorder=4)
    if any((np.diff(row) != 0).any() for row in rows):
        lower.set_yscale("log")
    upper.legend(frameon=False, loc="lower right")
    upper.set_ylabel("log-likelihood")
    lower.set_ylabel("gain")
    lower.set_xlabel("iteration")
    lower.xaxis.get_major_locator().set_params(integer=True)
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    upper.set_title(title, parse_math=False)
    return figure


def short_names(label: str, names: Sequence[str] | None, count: int) -> list[str]:
    """Return `count` names truncated to fit an axis, or numbers if there are none.

    Example:
        >>> short_names("names", None, 2)
        ['0', '1']
    """
    from rnnkit.monitor.picture import short

    found = [str(name) for name in (range(count) if names is None else names)]
    if len(found) != count:
        raise InputError(f"{label} has {len(found)} names; expected {count}.")
    return list(map(short, found))


def _probabilities(
    table: np.ndarray, rows: Sequence[str], columns: Sequence[str], xlabel: str, title: str
) -> Picture:
    """Draw a table whose rows sum to 1."""
    from rnnkit.monitor.picture import Picture, heat_map

    height, width = table.shape
    numbered = max(height, width) <= _MAX_NUMBERED
    digits = 3 if max(height, width) <= 6 else 2
    cell = 0.75 if numbered else max(0.75 * _MAX_NUMBERED / max(height, width), 0.16)
    figure = Picture(min(2.2 + cell * width, 14.0), min(1.4 + cell * height, 14.0))
    axes = figure.add_subplot()
    texts = [[_probability(value, digits) for value in row] for row in table]
    style: dict[str, Any] = {"texts": texts if numbered else None, "text_size": 10}
    tilted = (0, 45 if max(map(len, columns)) > 4 else 0)
    drawn = heat_map(axes, table, rows, columns, tilted=tilted, **style)
    axes.set(xlabel=xlabel, ylabel="state")
    axes.set_title(title, parse_math=False)
    if not numbered:
        figure.colorbar(drawn, ax=axes, shrink=0.8).set_label("probability")
    return figure


def _means_heat_map(
    means: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str
) -> Picture:
    """Draw means as standard scores over the states."""
    from rnnkit.monitor.picture import Picture, heat_map

    states, width = means.shape
    sd = means.std(0)
    scores = (means - means.mean(0)) / np.where(sd > 0, sd, 1)
    limit = max(float(np.abs(scores).max()), 1.0)
    few = max(means.shape) <= 2 * _MAX_NUMBERED
    texts = [[_number(value) for value in row] for row in means] if few else None
    figure = Picture(min(2.5 + 0.55 * width, 16), 2.2 + 0.45 * min(states, 20))
    axes = figure.add_subplot()
    scale: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    drawn = heat_map(axes, scores, rows, columns, texts=texts, text_size=8, tilted=(0, 45), **scale)
    axes.set_ylabel("state")
    figure.colorbar(drawn, ax=axes).set_label("sd over the states")
    axes.set_title(title, parse_math=False)
    return figure


def _means_panels(
    means: np.ndarray, sds: np.ndarray | None, rows: list[str], columns: list[str], title: str
) -> Picture:
    """Draw a panel for each feature, with a dot for each state."""
    from rnnkit.monitor.picture import Picture, state_colours

    states, width = means.shape
    places = np.arange(states)
    figure = Picture(1.2 + 2.6 * max(width, 2), 1.6 + 0.45 * min(states, 20))
    panels = figure.subplots(1, width, sharey=True, squeeze=False)[0]
    for column, axes in enumerate(panels):
        x = means[:, column]
        if sds is not None:
            axes.errorbar(x, places, xerr=sds[:, column], fmt="none", ecolor="#444444", capsize=3)
        axes.scatter(x, places, s=70, c=state_colours(states), edgecolors="#444444", zorder=3)
        numbers = _column_numbers(x)
        for place in places if states <= 2 * _MAX_NUMBERED else ():
            style: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 9}
            axes.annotate(numbers[place], (x[place], place), (0, 6), **style)
        axes.set_title(columns[column], parse_math=False, fontsize=10)
        axes.set_xlabel("mean" if sds is None else "mean ± sd")
        axes.margins(x=0.15)
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(places, rows, parse_math=False)
    panels[0].set_ylim(states - 0.4, -0.75)  # the first state at the top, as in the matrix
    panels[0].set_ylabel("state")
    figure.suptitle(title, parse_math=False)
    return figure


def _probability(value: float, digits: int) -> str:
    """Format a probability without its leading zero: ".25", "<.01", "0"."""
    if value in (0, 1):
        return f"{value:.0f}"
    least = 10.0**-digits
    sign = "<" if value < least / 2 else ">" if 1 - value < least / 2 else ""
    shown = np.clip(value, least, 1 - least) if sign else value
    return sign + f"{shown:.{digits}f}".removeprefix("0")


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def _column_numbers(values: np.ndarray) -> list[str]:
    """Format numbers with as many decimals as the largest of them needs for three digits."""
    largest = float(np.abs(values).max())
    if not 1e-3 <= largest < 1000:
        return [_number(value) for value in values]
    decimals = 2 - int(np.floor(np.log10(largest)))
    # Adding 0 turns -0.0 into 0.0.
    return [f"{np.round(value, decimals) + 0.0:.{max(decimals, 0)}f}" for value in values]


def _table(label: str, given: Any) -> np.ndarray:
    table = np.asarray(given, "float64")
    if table.ndim != 2 or not table.size:
        raise InputError(f"{label} has the shape {table.shape}; expected a non-empty table.")
    return table
