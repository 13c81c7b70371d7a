"""Figures of recurrent layers: gradient flow by time lag, saturation of gates.

They are of the class `rnnkit.monitor.picture.Picture`, which a notebook displays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnkit.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnnkit.monitor.picture import Picture

_MAX_LABELS = 10  # colours of lines


def flow_figure(flows: Mapping[str, Any], title: str = "") -> Picture:
    """Draw gradient flow over the time lag, on a logarithmic scale.

    A line is the median over the rows, the area the range; straight = a constant factor per step.

    Args:
        flows: label of the line -> `(B, K)` or `(K,)`, at k the norm k steps back, such as `flow`
            of `rnnkit.monitor.LayerDynamics`; NaN and None are left out. At least one.
        title: of the figure.

    Raises:
        InputError: nothing to draw.

    Example:
        >>> flow_figure({"factor 0.9 per step": 0.9 ** np.arange(20)}).axes[0].get_yscale()
        'log'
    """
    from rnnkit.monitor.picture import Picture

    if not flows:
        raise InputError("flow_figure: there is no flow to draw; give at least one.")
    figure = Picture(7.5, 4.2)
    axes = figure.add_subplot()
    draw_flows(axes, flows)
    axes.set_xlabel("time lag k, in steps")
    axes.set_ylabel("gradient k steps back, relative to that at the last step")
    axes.set_title(title, parse_math=False)
    return figure


def draw_flows(axes: Axes, flows: Mapping[str, Any]) -> None:
    """Draw lines with their ranges over the lag; arguments as for `flow_figure`."""
    for name, flow in flows.items():
        rows = np.atleast_2d(np.asarray(flow, "float64"))
        # A logarithmic scale has neither 0 nor inf: the line ends there.
        rows = np.where(np.isfinite(rows) & (rows > 0), rows, np.nan)
        lags = np.flatnonzero(~np.isnan(rows).all(0))
        if not lags.size:
            continue
        (line,) = axes.plot(lags, np.nanmedian(rows[:, lags], 0), label=name)
        low, high = np.nanmin(rows[:, lags], 0), np.nanmax(rows[:, lags], 0)
        axes.fill_between(lags, low, high, alpha=0.15, color=line.get_color(), linewidth=0)
    axes.set_yscale("log")
    axes.grid(alpha=0.3)
    if axes.lines:
        legend = axes.legend(frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)


def saturation_figure(gates: Mapping[str, Mapping[str, Any]], title: str = "") -> Picture:
    """Draw how saturated gates are: a panel for each gate, a dot for each unit.

    A dot at the right is a unit whose gate is closed (below 0.1) at most steps, one at the top a
    unit whose gate is open (above 0.9) at most steps; one near the origin is neither.

    Args:
        gates: label, such as the layer or the run -> name of the gate -> the shares of steps below
            0.1 and above 0.9, each `(U,)`; see `rnnkit.monitor.gates.saturation`.
        title: of the figure.

    Raises:
        InputError: no gate to draw.

    Source: Karpathy, Johnson and Fei-Fei 2015, arXiv:1506.02078, figure 2.

    Example:
        >>> picture = saturation_figure({"layer 1": {"z": ([0.9, 0.0], [0.0, 0.4])}})
        >>> picture.axes[0].get_title()
        'gate z'
    """
    from rnnkit.monitor.picture import Picture

    names = list(dict.fromkeys(name for each in gates.values() for name in each))
    if not names:
        raise InputError("saturation_figure: there is no gate to draw; give at least one.")
    figure = Picture(3.1 * len(names) + 0.6, 3.8)
    panels = np.atleast_1d(figure.subplots(1, len(names), sharey=True))
    for axes, name in zip(panels, names, strict=True):
        for place, (label, each) in enumerate(gates.items()):
            closed, opened = each.get(name, ((), ()))
            colour = f"C{place % _MAX_LABELS}"
            axes.scatter(closed, opened, s=18, alpha=0.5, color=colour, label=label, linewidths=0)
        axes.plot([0, 1], [1, 0], color="#999999", linewidth=0.8)  # always one of both
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        axes.set_title(f"gate {name}", parse_math=False)
        axes.set_xlabel("share of steps below 0.1")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("share of steps above 0.9")
    legend = panels[-1].legend(frameon=False, fontsize=8, loc="upper right")
    for text in legend.get_texts():
        text.set_parse_math(False)
    if title:
        figure.suptitle(title, parse_math=False)
    return figure
