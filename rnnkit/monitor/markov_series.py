"""The hidden states drawn over the series that they explain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnkit.errors import InputError
from rnnkit.monitor.markov import short_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnnkit.monitor.picture import Picture

_MAX_PANELS = 8  # features with a panel of their own
_PALE = 0.6  # how thick the colours are laid on: the line is what the picture is of
_GAP = 1.5  # steps further apart than so many usual ones have nothing between them


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
    """Draw a series with its hidden states as coloured bands behind it.

    Where steps are further apart than usual, the line and the bands have a gap too.

    Args:
        series: `(T,)` or `(T, D)`; NaN is left out. Beyond eight features the first eight are
            drawn, and the title says so.
        states: `(T,)` the number of each step's state, for the bands; -1 = none.
        posteriors: `(T, K)` probabilities of the states, drawn as a strip below the series.
        times: `(T,)` rising, `datetime64` or numbers; None = 0 .. T-1.
        names: of the K states; None = 0 .. K-1.
        features: names of the D features; None = 0 .. D-1.
        title: a line above the picture.

    Returns:
        A figure.

    Raises:
        InputError: arrays that do not fit together, states that are no whole numbers, times that
            do not rise, neither states nor posteriors.

    Example:
        >>> picture = states_figure([1.0, 1.2, 5.0, 5.1], [0, 0, 1, 1], names=["calm", "storm"])
        >>> [text.get_text() for text in picture.legends[0].get_texts()]
        ['calm', 'storm']
    """
    from rnnkit.monitor.picture import Picture, colours

    values = np.asarray(series)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or not values.size:
        raise InputError(
            f"series has the shape {np.shape(series)}; expected (T,) or (T, D), none of them 0."
        )
    length, width = values.shape
    path = None if states is None else _path(states, length)
    shares = None if posteriors is None else np.asarray(posteriors, "float64")
    if path is None and shares is None:
        raise InputError("states_figure: give states, posteriors or both.")
    if shares is not None and (shares.ndim != 2 or len(shares) != length):
        raise InputError(f"posteriors have the shape {shares.shape}; expected ({length}, K).")
    highest = -1 if path is None else int(path.max())
    count = max(highest + 1, 1) if names is None else len(names)
    if shares is not None:
        count = shares.shape[1]
    if highest >= count:
        raise InputError(f"states reach {highest}, but there are {count} of them, from 0.")
    words = short_names("names", names, count)
    columns = short_names("features", features, width)
    stamps, left, right, dated = _edges(times, length)

    palette, shown = colours(count), min(width, _MAX_PANELS)
    heights = [1.0] * shown + ([0.6] if shares is not None else [])
    figure = Picture(10, 1.1 + 1.5 * sum(heights))
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
    whole = values.dtype.kind in "iub"
    breaks = np.flatnonzero(left[1:] > right[:-1]) + 1
    for column, axes in enumerate(panels[:shown, 0]):
        if path is not None:
            _bands(axes, path, left, right, palette)
        axes.plot(
            np.insert(stamps, breaks, np.nan),
            np.insert(values[:, column].astype("float64"), breaks, np.nan),
            color="#222222",
            linewidth=1.0 if length <= 1000 else 0.5,
            drawstyle="steps-mid" if whole else "default",
            marker="." if length == 1 else None,
        )
        if features is not None or width > 1:
            name = columns[column] if features is not None else f"feature {column}"
            axes.set_ylabel(name, parse_math=False)
    if shares is not None:
        _strip(panels[-1, 0], shares, left, right, palette)
    last = panels[-1, 0]
    last.set_xlim(left[0], right[-1])
    if dated:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        ticks = AutoDateLocator()
        last.xaxis.set_major_locator(ticks)
        last.xaxis.set_major_formatter(ConciseDateFormatter(ticks))
    else:
        last.set_xlabel("step" if times is None else "time")
    _legend(figure, panels[:, 0].tolist(), palette, words)
    if shown < width:
        title = f"{title} (the first {shown} of {width} features)".lstrip()
    figure.suptitle(title, parse_math=False, x=0.01, ha="left")
    return figure


def runs(path: np.ndarray, together: np.ndarray | None = None) -> list[tuple[int, int, int]]:
    """Return where each run of one state begins, where it has ended, and its state.

    Args:
        path: `(T,)` states.
        together: `(T-1,)` false where a step does not follow on the one before; None = all do.

    Example:
        >>> runs(np.array([0, 0, 1, 0]))
        [(0, 2, 0), (2, 3, 1), (3, 4, 0)]
    """
    cut = path[1:] != path[:-1]
    if together is not None:
        cut |= ~together
    starts = [0, *(np.flatnonzero(cut) + 1).tolist()]
    ends = [*starts[1:], len(path)]
    return [(start, end, int(path[start])) for start, end in zip(starts, ends, strict=True)]


def _bands(
    axes: Axes, path: np.ndarray, left: np.ndarray, right: np.ndarray, palette: Sequence[Any]
) -> None:
    """Colour the ground behind each run of one state."""
    spans: dict[int, list[tuple[float, float]]] = {}
    for start, end, state in runs(path, left[1:] <= right[:-1]):
        spans.setdefault(state, []).append((left[start], right[end - 1] - left[start]))
    for state, places in spans.items():
        if state >= 0:
            axes.broken_barh(
                places,
                (0, 1),
                transform=axes.get_xaxis_transform(),
                facecolors=[palette[state]],
                alpha=_PALE,
                linewidth=0,
                zorder=0,
                label=str(state),
            )


def _strip(
    axes: Axes, shares: np.ndarray, left: np.ndarray, right: np.ndarray, palette: Sequence[Any]
) -> None:
    """Stack the probabilities of the states, step by step."""
    breaks = 2 * (np.flatnonzero(left[1:] > right[:-1]) + 1)
    x = np.stack([left, right], 1).ravel()
    tops = np.repeat(np.cumsum(np.pad(shares, ((0, 0), (1, 0))), axis=1), 2, axis=0)
    x, tops = np.insert(x, breaks, np.nan), np.insert(tops, breaks, np.nan, axis=0)
    for state, colour in enumerate(palette):
        low, high = tops[:, state], tops[:, state + 1]
        axes.fill_between(
            x, low, high, facecolor=colour, alpha=_PALE, linewidth=0, label=str(state)
        )
    axes.set_ylim(0, 1)
    axes.set_ylabel("probability")


def _legend(
    figure: Picture, panels: list[Axes], palette: Sequence[Any], words: Sequence[str]
) -> None:
    """Say which colour is which state: in a row of names, or a bar of colours where it is long."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, NoNorm
    from matplotlib.patches import Patch

    count = len(words)
    if count <= 8:
        patches = [
            Patch(facecolor=colour, alpha=_PALE, label=word)
            for colour, word in zip(palette, words, strict=True)
        ]
        legend = figure.legend(
            handles=patches, loc="outside upper right", ncols=count, frameon=False
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    else:
        scale = ScalarMappable(NoNorm(0, count - 1), ListedColormap(palette))
        bar = figure.colorbar(scale, ax=panels, aspect=40, pad=0.01, alpha=_PALE)
        every = -(-count // 20)
        bar.set_ticks(list(range(0, count, every)), labels=list(words[::every]))
        bar.set_label("state")


def _path(states: Any, length: int) -> np.ndarray:
    path = np.asarray(states)
    if path.shape != (length,):
        raise InputError(
            f"states have the shape {path.shape}; expected ({length},), as the series."
        )
    if path.dtype.kind not in "iu" or (path < -1).any():
        raise InputError(
            f"states are {path[:5].tolist()}...; expected whole numbers from 0, -1 for none."
        )
    return path.astype("int64")


def _edges(times: Any, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Return each step's place on the axis, where it begins and ends, and if these are dates."""
    stamps = np.arange(length) if times is None else np.asarray(times)
    dated = stamps.dtype.kind == "M"
    if stamps.shape != (length,):
        raise InputError(f"times have the shape {stamps.shape}; expected ({length},).")
    if dated:
        from matplotlib.dates import date2num

        stamps = date2num(stamps)
    elif stamps.dtype.kind not in "iuf":
        raise InputError(
            f"times are of type {stamps.dtype}; expected numbers or datetime64: "
            "numpy.array(times, 'datetime64[s]')."
        )
    stamps = stamps.astype("float64")
    steps = np.diff(stamps)
    if not (steps > 0).all():
        place = int(np.argmin(steps > 0)) + 1
        raise InputError(f"times must rise; step {place} is not later than the one before.")
    usual = float(np.median(steps)) if length > 1 else 1.0
    half = np.where(steps > _GAP * usual, usual, steps) / 2
    left = stamps - np.concatenate([[usual / 2], half])
    right = stamps + np.concatenate([half, [usual / 2]])
    # Halves of one step meet exactly, rounding or not, so that only real gaps are gaps.
    joined = steps <= _GAP * usual
    right[:-1][joined] = left[1:][joined]
    return stamps, left, right, dated
