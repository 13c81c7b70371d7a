"""The one draw that all generated data sets are made by."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any


def pick(source: random.Random, options: Sequence[Any]) -> Any:
    """Return one of the options; the same on every Python, as `random.choice` does not promise.

    Example:
        >>> pick(random.Random(1), ["a", "b", "c"])
        'a'
    """
    return options[int(source.random() * len(options))]
