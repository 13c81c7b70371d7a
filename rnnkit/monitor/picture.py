"""Figures for notebooks and TensorBoard: the class `Picture`, heat maps, colours."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

# The "light" scheme of Paul Tol (personal.sron.nl/~pault), safe for colour-blind readers.
_LIGHT = ["#77AADD", "#EE8866", "#44BB99", "#EEDD88", "#FFAABB", "#AAAA00", "#99DDFF", "#BBCC33"]
_MAX_NAME = 18  # characters of a name on an axis


class Picture(Figure):
    """A matplotlib figure without pyplot: no window, no global state.

    A notebook displays it as the result of a cell; `png()` returns the bytes for
    `rnnkit.monitor.EventWriter.image`, and `savefig` writes a file of any format.

    Args:
        width, height: in inches.

    Example:
        >>> picture = Picture(4, 3)
        >>> lines = picture.add_subplot().plot([1, 2, 3])
        >>> picture.png()[1:4]
        b'PNG'
    """

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height), dpi=110, layout="constrained")

    def png(self) -> bytes:
        """Return the bytes of a PNG file."""
        file = io.BytesIO()
        with warnings.catch_warnings():
            # A glyph missing from the font is drawn as a box: no reason to interrupt training.
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            FigureCanvasAgg(self).print_png(file)
        return file.getvalue()

    def _repr_png_(self) -> bytes:
        """Display in a notebook, without pyplot."""
        return self.png()


def short(name: str) -> str:
    """Truncate a name to fit an axis.

    Example:
        >>> short("a word that never ends")
        'a word that never…'
    """
    return name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 1].rstrip() + "…"


def state_colours(count: int) -> list[Any]:
    """Return a colour for each state, light enough for dark text.

    Up to eight colours are qualitative; more are a sequential scale from dark to light.

    Example:
        >>> state_colours(2)
        ['#77AADD', '#EE8866']
    """
    if count <= len(_LIGHT):
        return _LIGHT[:count]
    from matplotlib import colormaps

    return [tuple(colour) for colour in colormaps["viridis"](np.linspace(0.3, 1, count))]


def heat_map(
    axes: Axes,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    texts: Sequence[Sequence[str]] | None = None,
    text_size: float = 9,
    label_size: float = 10,
    tilted: tuple[float, float] = (0, 0),
    **colouring: Any,
) -> AxesImage:
    """Draw a table as a heat map with row and column names and optional cell texts.

    Args:
        axes: to draw on.
        values: `(R, C)`, shown as colours.
        rows: R names.
        columns: C names.
        texts: `(R, C)`, written in the cells; None = no text.
        text_size: of the texts, in points.
        label_size: of the names, in points.
        tilted: rotation of row and column names, in degrees.
        colouring: arguments of `Axes.imshow`; by default white for 0 to blue for 1.

    Example:
        >>> axes = Picture(3, 3).add_subplot()
        >>> heat_map(axes, np.eye(2), ["a", "b"], ["c", "d"]).get_array().tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    height, width = values.shape
    scale: dict[str, Any] = {"cmap": "Blues", "vmin": 0, "vmax": 1} | colouring
    picture = axes.imshow(values, aspect="auto", **scale)
    # parse_math: a "$" in a name is a dollar sign, not a formula.
    style: dict[str, Any] = {"parse_math": False, "fontsize": label_size}
    slant: dict[str, Any] = {"rotation": tilted[1]}
    if 0 < tilted[1] < 90:
        slant |= {"ha": "right", "rotation_mode": "anchor"}
    axes.set_yticks(range(height), rows, rotation=tilted[0], va="center", **style)
    axes.set_xticks(range(width), columns, **slant, **style)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(width - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(height - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2 if max(values.shape) <= 30 else 0)
    axes.tick_params(which="both", length=0)
    if texts is None:
        return picture
    centred: dict[str, Any] = {"ha": "center", "va": "center"}
    for row, column in np.ndindex(height, width):
        # White text on dark cells, by the luminance of the colour (ITU-R BT.709).
        red, green, blue, _ = picture.to_rgba(values[row, column])
        dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5
        colour = "white" if dark else "black"
        axes.text(column, row, texts[row][column], fontsize=text_size, color=colour, **centred)
    return picture
