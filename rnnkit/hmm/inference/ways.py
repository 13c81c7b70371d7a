"""In which numbers messages are computed: the rule."""

from __future__ import annotations

from typing import Literal

from rnnkit.errors import InputError

Way = Literal["scaled", "log"]
# From here on the product of two messages, and its inverse, stay far inside the dtype's range.
SMALLEST = {"float32": 1e-12, "float64": 1e-100}


def way(smallest_transition: float | None, dtype: str = "float32") -> Way:
    """Say in which numbers the messages are computed.

    | smallest transition probability | way |
    |---|---|
    | 1e-12 or more (float32), 1e-100 or more (float64) | "scaled": each step divided by its sum |
    | less, zero, or not known | "log": logarithms throughout |

    Where every transition has at least the probability a, no entry of a message is smaller than a
    times the largest, whatever the observations are: then nothing that matters is lost when the
    messages are scaled, and `exp` and `log` stay out of the loop. With a zero among the transitions
    an observation may leave open only what has become too small for a float; logarithms keep it.

    Args:
        smallest_transition: the smallest entry of the transition matrix, or None.
        dtype: "float32" or "float64".

    Returns:
        "scaled" or "log".

    Example:
        >>> way(0.1), way(0.0), way(None)
        ('scaled', 'log', 'log')
    """
    if smallest_transition is None or dtype not in SMALLEST:
        return "log"
    return "scaled" if smallest_transition >= SMALLEST[dtype] else "log"


def check_way(name: str) -> None:
    """Refuse what is no way."""
    if name not in ("scaled", "log"):
        raise InputError(f"way is {name!r}; expected 'scaled' or 'log': see inference.way.")
