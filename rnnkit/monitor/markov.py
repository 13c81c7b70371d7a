"""Pictures of Markov models: transitions, what the states put out, training, states in time.

Each function returns a `rnnkit.monitor.picture.Picture`: the last line of a notebook's cell shows
it, `.png()` gives the bytes for `rnnkit.monitor.EventWriter.image`, `.savefig(path)` writes a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnkit.errors import InputError

if TYPE_CHECKING:
    from rnnkit.monitor.picture import Picture

_MAX_NUMBERED = 12  # beyond this many cells in a row the numbers no longer fit
_MAX_PANELS = 6  # features with a panel of their own


def transition_figure(
    transmat: Any, names: Sequence[str] | None = None, title: str = ""
) -> Picture:
    """Draw a transition matrix: a row for the state before, a column for the state after.

    Args:
        transmat: `(K, K)` probabilities, rows = from.
        names: of the states; None = 0 .. K-1.
        title: a line above the picture.

    Returns:
        A figure. Up to 12 states their numbers stand in the cells; 0 is a transition that cannot
        be, "<.01" one that is rare.

    Raises:
        InputError: no square matrix, or not as many names as states.

    Example:
        >>> transition_figure([[0.9, 0.1], [0.2, 0.8]], ["free", "jam"]).axes[0].get_xlabel()
        'next state'
    """
    table = _table("transmat", transmat)
    if len(table) != table.shape[1]:
        raise InputError(f"transmat has the shape {table.shape}; expected (K, K).")
    names = short_names("names", names, len(table))
    return _probabilities(table, names, names, ("state", "next state"), title)


def emission_figure(
    emissionprob: Any,
    names: Sequence[str] | None = None,
    symbols: Sequence[str] | None = None,
    title: str = "",
) -> Picture:
    """Draw how likely each state puts out each symbol.

    Args:
        emissionprob: `(K, V)` probabilities; a row for each state.
        names: of the states; None = 0 .. K-1.
        symbols: of the columns; None = 0 .. V-1.
        title: a line above the picture.

    Returns:
        A figure.

    Raises:
        InputError: no table, or not as many names as rows and columns.

    Example:
        >>> emission_figure([[0.9, 0.1], [0.2, 0.8]]).axes[0].get_ylabel()
        'state'
    """
    table = _table("emissionprob", emissionprob)
    rows = short_names("names", names, len(table))
    columns = short_names("symbols", symbols, table.shape[1])
    return _probabilities(table, rows, columns, ("state", "symbol"), title)


def means_figure(
    means: Any,
    sds: Any = None,
    names: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    title: str = "",
) -> Picture:
    """Draw the mean of each feature in each state.

    Up to six features have a panel each, with a dot for a state's mean and a line of one standard
    deviation to both sides. More are a heat map: blue below the feature's mean over the states, red
    above, in standard deviations over the states, so that features of all sizes can be compared.

    Args:
        means: `(K, D)`.
        sds: `(K, D)` standard deviations within the states, or None.
        names: of the states; None = 0 .. K-1.
        features: names of the features; None = 0 .. D-1.
        title: a line above the picture.

    Returns:
        A figure.

    Raises:
        InputError: arrays or names of other sizes.

    Example:
        >>> picture = means_figure([[60, 0.1], [20, 0.4]], features=["speed", "occupancy"])
        >>> [axes.get_title() for axes in picture.axes]
        ['speed', 'occupancy']
    """
    from rnnkit.monitor.picture import Picture, colours, heat_map

    table = _table("means", means)
    states, width = table.shape
    spread = None if sds is None else _table("sds", sds)
    if spread is not None and spread.shape != table.shape:
        raise InputError(f"sds have the shape {spread.shape}; expected {table.shape}, as the means")
    rows = short_names("names", names, states)
    columns = short_names("features", features, width)
    height = 1.6 + 0.45 * min(states, 20)
    if width > _MAX_PANELS:
        numbered = width <= 2 * _MAX_NUMBERED and states <= 2 * _MAX_NUMBERED
        away = table - table.mean(0)
        scale = table.std(0)
        away /= np.where(scale > 0, scale, 1)
        figure = Picture(min(2.5 + 0.55 * width, 16), height + 0.6)
        axes = figure.add_subplot()
        texts = [[_number(value) for value in row] for row in table]
        limit = max(float(np.abs(away).max()), 1.0)
        drawn = heat_map(
            axes,
            away,
            rows,
            columns,
            texts=texts if numbered else None,
            text_size=8,
            tilted=(0, 45),
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
        )
        axes.set_ylabel("state")
        figure.colorbar(drawn, ax=axes).set_label("sd over the states")
        axes.set_title(title, parse_math=False)
        return figure
    figure = Picture(1.2 + 2.6 * max(width, 2), height)
    panels = figure.subplots(1, width, sharey=True, squeeze=False)[0]
    places = np.arange(states)
    for column, axes in enumerate(panels):
        if spread is not None:
            axes.errorbar(
                table[:, column],
                places,
                xerr=spread[:, column],
                fmt="none",
                ecolor="#444444",
                capsize=3,
            )
        axes.scatter(
            table[:, column], places, s=70, c=colours(states), edgecolors="#444444", zorder=3
        )
        for place in places if states <= 2 * _MAX_NUMBERED else ():
            axes.annotate(
                _number(table[place, column]),
                (table[place, column], place),
                (0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=9,
            )
        if features is not None or width > 1:
            name = columns[column] if features is not None else f"feature {column}"
            axes.set_title(name, parse_math=False, fontsize=10)
        axes.set_xlabel("mean" if spread is None else "mean ± sd")
        axes.margins(x=0.15)
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(places, rows, parse_math=False)
    panels[0].set_ylim(states - 0.4, -0.75)  # the first state above, as in the transition matrix
    panels[0].set_ylabel("state")
    figure.suptitle(title, parse_math=False)
    return figure


def log_likelihood_figure(history: Any, title: str = "") -> Picture:
    """Draw how the log-likelihood rose, and what each iteration still gained.

    Args:
        history: one number for each iteration, `(I,)`; or of several restarts `(R, I)`, or a list
            of R rows of unequal length. NaN = the restart had stopped.
        title: a line above the picture.

    Returns:
        A figure; the restart that ended best is drawn thick. The gain is on a logarithmic scale: a
        straight line down is convergence at a constant rate, a cross is a fall, which Baum-Welch
        never has but for rounding.

    Raises:
        InputError: nothing to draw.

    Example:
        >>> picture = log_likelihood_figure([[-9, -5, -4.5], [-8, -6, -5.9]])
        >>> picture.axes[0].get_legend().get_texts()[0].get_text()
        'best of 2 restarts: -4.5'
    """
    from rnnkit.monitor.picture import Picture

    several = len(history) > 0 and np.ndim(history[0]) == 1
    rows = [np.asarray(row, "float64") for row in (history if several else [history])]
    ends = [row[np.isfinite(row)][-1:] for row in rows]
    if not any(end.size for end in ends):
        raise InputError("log_likelihood_figure: there is no finite number in the history.")
    best = int(np.argmax([end[0] if end.size else -np.inf for end in ends]))
    figure = Picture(7.5, 5)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    # The best is drawn last, above the others.
    for place in sorted(range(len(rows)), key=lambda row: row == best):
        row, top = rows[place], place == best
        style: dict[str, Any] = {
            "color": "#0072B2" if top else "#999999",
            "linewidth": 2 if top else 0.8,
            "zorder": 3 if top else 2,
        }
        if top:
            before = f"best of {len(rows)} restarts: " if len(rows) > 1 else "at the end: "
            style["label"] = f"{before}{ends[place][0]:,.6g}"
        steps = np.arange(1, len(row) + 1)
        upper.plot(steps, row, **style, marker="." if len(row) == 1 else None)
        gain = np.diff(row)
        rise, fall = gain > 0, gain < 0
        lower.plot(steps[1:], np.where(rise, gain, np.nan), marker=".", markersize=3, **style)
        lower.plot(steps[1:][fall], -gain[fall], "x", color="#D55E00", zorder=4)
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


def _probabilities(
    table: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    labels: tuple[str, str],
    title: str,
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
    drawn = heat_map(
        axes,
        table,
        rows,
        columns,
        texts=texts if numbered else None,
        text_size=10,
        tilted=(0, 45 if max(map(len, columns)) > 4 else 0),
        cmap="Blues",
        vmin=0,
        vmax=1,
    )
    axes.set_ylabel(labels[0])
    axes.set_xlabel(labels[1])
    axes.set_title(title, parse_math=False)
    if not numbered:
        figure.colorbar(drawn, ax=axes, shrink=0.8).set_label("probability")
    return figure


def _probability(value: float, digits: int) -> str:
    least = 10.0**-digits
    if value in (0, 1):
        return f"{value:.0f}"
    if value < least / 2:
        return f"<{least:.{digits}f}".replace("0.", ".")
    if 1 - value < least / 2:
        return f">{1 - least:.{digits}f}".replace("0.", ".")
    return f"{value:.{digits}f}".replace("0.", ".", 1)


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def _table(label: str, given: Any) -> np.ndarray:
    table = np.asarray(given, "float64")
    if table.ndim != 2 or not table.size:
        raise InputError(f"{label} has the shape {table.shape}; expected a table, none of it 0.")
    return table


def short_names(label: str, names: Sequence[str] | None, count: int) -> list[str]:
    """Return names that fit an axis, or numbers where there are none.

    Args:
        label: what they name, for the message.
        names: as given.
        count: how many there must be.

    Raises:
        InputError: another number of names.

    Example:
        >>> short_names("names", None, 2)
        ['0', '1']
    """
    from rnnkit.monitor.picture import short

    found = [str(name) for name in (range(count) if names is None else names)]
    if len(found) != count:
        raise InputError(f"{label} has {len(found)} names; expected {count}.")
    return list(map(short, found))
