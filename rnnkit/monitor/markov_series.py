"""Figure of a time series with its hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rnnkit.errors import InputError
from rnnkit.monitor.markov import short_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnnkit.monitor.picture import Picture

_MAX_PANELS = 8  # features beyond these are not drawn
_ALPHA = 0.6  # of the colours of states
_AREA: dict[str, Any] = {"alpha": _ALPHA, "linewidth": 0}
_GAP = 1.5  # a longer distance between steps, in medians, is a gap


def states_figure(
    series: Any,
    states: Any = None,
    *,
    posteriors: Any = None,
    times: Any = None,
    names: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    title: str = "",
) -> Picture:
    """Draw a time series with its hidden states as coloured bands behind it.

    The line and the bands have a gap where steps are missing.

    Args:
        series: `(T,)` or `(T, D)`; NaN is not drawn. Of more than eight features the first eight
            are drawn, and the title says so.
        states: `(T,)` the state of each step, drawn as bands; -1 = none.
        posteriors: `(T, K)` probabilities of the states, stacked in a panel below the series.
        times: `(T,)` increasing, `datetime64` or numbers; None = 0 .. T-1.
        names: of the K states; None = 0 .. K-1.
        features: names of the D features; None = 0 .. D-1.
        title: of the figure.

    Raises:
        InputError: arrays of different lengths, states that are not integers, times that do not
            increase, or neither states nor posteriors.

    Example:
        >>> picture = states_figure([1.0, 1.2, 5.0, 5.1], [0, 0, 1, 1], names=["calm", "storm"])
        >>> [text.get_text() for text in picture.legends[0].get_texts()]
        ['calm', 'storm']
    """
    from rnnkit.monitor.picture import Picture, state_colours

    values = np.asarray(series)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or not values.size:
        shape = np.shape(series)
        raise InputError(f"series has the shape {shape}; expected (T,) or (T, D), not empty.")
    length, width = values.shape
    path = None if states is None else _path(states, length)
    probabilities = None if posteriors is None else np.asarray(posteriors, "float64")
    if path is None and probabilities is None:
        raise InputError("states_figure: give states, posteriors or both.")
    if probabilities is not None and (probabilities.ndim != 2 or len(probabilities) != length):
        shape = probabilities.shape
        raise InputError(f"posteriors have the shape {shape}; expected ({length}, K).")
    highest = -1 if path is None else int(path.max())
    count = max(highest + 1, 1) if names is None else len(names)
    if probabilities is not None:
        count = probabilities.shape[1]
    if highest >= count:
        raise InputError(f"states has state {highest}; expected states below {count}.")
    labels = short_names("names", names, count)
    columns = short_names("features", features, width)
    if features is None:
        columns = [f"feature {name}" for name in columns] if width > 1 else [""]
    axis = _time_axis(times, length)

    palette, shown = state_colours(count), min(width, _MAX_PANELS)
    heights = [1.0] * shown + ([0.6] if probabilities is not None else [])
    figure = Picture(10, 1.1 + 1.5 * sum(heights))
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
    for column, axes in enumerate(panels[:shown, 0]):
        if path is not None:
            _bands(axes, path, axis, palette)
        axes.plot(
            np.insert(axis.stamps, axis.gaps, np.nan),
            np.insert(values[:, column].astype("float64"), axis.gaps, np.nan),
            color="#222222",
            linewidth=1.0 if length <= 1000 else 0.5,
            drawstyle="steps-mid" if values.dtype.kind in "iub" else "default",
            marker="." if length == 1 else None,
        )
        axes.set_ylabel(columns[column], parse_math=False)
    last = panels[-1, 0]
    if probabilities is not None:
        _stacked_probabilities(last, probabilities, axis, palette)
    last.set_xlim(axis.left[0], axis.right[-1])
    if axis.dated:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        ticks = AutoDateLocator()
        last.xaxis.set_major_locator(ticks)
        last.xaxis.set_major_formatter(ConciseDateFormatter(ticks))
    else:
        last.set_xlabel("step" if times is None else "time")
    _legend(figure, panels[:, 0].tolist(), palette, labels)
    if shown < width:
        title = f"{title} (the first {shown} of {width} features)".lstrip()
    figure.suptitle(title, parse_math=False, x=0.01, ha="left")
    return figure


def runs(path: np.ndarray, gaps: Sequence[int] = ()) -> list[tuple[int, int, int]]:
    """Return the runs of equal states as (start, end, state); each gap starts a new run.

    Example:
        >>> runs(np.array([0, 0, 1, 0]))
        [(0, 2, 0), (2, 3, 1), (3, 4, 0)]
    """
    changes = np.flatnonzero(path[1:] != path[:-1]) + 1
    starts = sorted({0, *changes.tolist(), *gaps})
    ends = [*starts[1:], len(path)]
    return [(start, end, int(path[start])) for start, end in zip(starts, ends, strict=True)]


class _TimeAxis(NamedTuple):
    """Position of each step on the time axis `(T,)`, and where steps are missing."""

    stamps: np.ndarray  # the time of each step, as a number
    left: np.ndarray  # where its band begins
    right: np.ndarray  # where it ends
    gaps: np.ndarray  # the steps that do not follow directly on the step before
    dated: bool  # whether the numbers are dates of matplotlib


def _time_axis(times: Any, length: int) -> _TimeAxis:
    stamps = np.arange(length) if times is None else np.asarray(times)
    dated = stamps.dtype.kind == "M"
    if stamps.shape != (length,):
        raise InputError(f"times have the shape {stamps.shape}; expected ({length},).")
    if dated:
        from matplotlib.dates import date2num

        stamps = date2num(stamps)
    elif stamps.dtype.kind not in "iuf":
        what = f"times are of type {stamps.dtype}; expected numbers or datetime64"
        raise InputError(f"{what}: numpy.array(times, 'datetime64[s]').")
    stamps = stamps.astype("float64")
    steps = np.diff(stamps)
    if not (steps > 0).all():
        place = int(np.argmin(steps > 0)) + 1
        raise InputError(f"times must increase; step {place} is not later than the one before.")
    usual = float(np.median(steps)) if length > 1 else 1.0
    is_gap = steps > _GAP * usual
    half = np.where(is_gap, usual, steps) / 2
    left = stamps - np.concatenate([[usual / 2], half])
    right = stamps + np.concatenate([half, [usual / 2]])
    right[:-1][~is_gap] = left[1:][~is_gap]  # exactly, in spite of rounding
    return _TimeAxis(stamps, left, right, np.flatnonzero(is_gap) + 1, dated)


def _bands(axes: Axes, path: np.ndarray, axis: _TimeAxis, palette: Sequence[Any]) -> None:
    """Colour the background of each run of one state."""
    spans: dict[int, list[tuple[float, float]]] = {}
    for start, end, state in runs(path, axis.gaps.tolist()):
        span = (axis.left[start], axis.right[end - 1] - axis.left[start])
        spans.setdefault(state, []).append(span)
    style: dict[str, Any] = _AREA | {"transform": axes.get_xaxis_transform(), "zorder": 0}
    for state, places in spans.items():
        if state >= 0:
            colours = [palette[state]]
            axes.broken_barh(places, (0, 1), facecolors=colours, label=str(state), **style)


def _stacked_probabilities(
    axes: Axes, probabilities: np.ndarray, axis: _TimeAxis, palette: Sequence[Any]
) -> None:
    """Stack the probabilities of the states at each step."""
    tops = np.cumsum(np.pad(probabilities, ((0, 0), (1, 0))), axis=1)
    x = np.insert(np.stack([axis.left, axis.right], 1).ravel(), 2 * axis.gaps, np.nan)
    tops = np.insert(np.repeat(tops, 2, axis=0), 2 * axis.gaps, np.nan, axis=0)
    for state, colour in enumerate(palette):
        low, high = tops[:, state], tops[:, state + 1]
        axes.fill_between(x, low, high, facecolor=colour, label=str(state), **_AREA)
    axes.set_ylim(0, 1)
    axes.set_ylabel("probability")


def _legend(
    figure: Picture, panels: list[Axes], palette: Sequence[Any], labels: Sequence[str]
) -> None:
    """Add a legend of the states, or a colour bar for more than eight."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, NoNorm
    from matplotlib.patches import Patch

    count = len(labels)
    if count <= 8:
        pairs = zip(palette, labels, strict=True)
        patches = [Patch(facecolor=c, alpha=_ALPHA, label=label) for c, label in pairs]
        style: dict[str, Any] = {"loc": "outside upper right", "ncols": count, "frameon": False}
        legend = figure.legend(handles=patches, **style)
        for text in legend.get_texts():
            text.set_parse_math(False)
    else:
        scale = ScalarMappable(NoNorm(0, count - 1), ListedColormap(palette))
        bar = figure.colorbar(scale, ax=panels, aspect=40, pad=0.01, alpha=_ALPHA)
        every = -(-count // 20)
        bar.set_ticks(list(range(0, count, every)), labels=list(labels[::every]))
        bar.set_label("state")


def _path(states: Any, length: int) -> np.ndarray:
    path = np.asarray(states)
    if path.shape != (length,):
        raise InputError(f"states have the shape {path.shape}; expected ({length},).")
    if path.dtype.kind not in "iu" or (path < -1).any():
        shown = path[:5].tolist()
        raise InputError(f"states are {shown}...; expected integers of at least 0, or -1.")
    return path.astype("int64")
