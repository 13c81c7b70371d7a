"""Checked examples with their targets; the split of a training set."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnkit.errors import InputError


class Examples(NamedTuple):
    """Checked examples and their targets, as a task takes them.

    Attributes:
        x: the examples: texts, lists of words, series.
        y: one target for each; None where the examples are their own targets.
    """

    x: list[Any]
    y: Any = None


class EncodedExamples(NamedTuple):
    """Encoded examples with their targets, as `make_batches` takes them.

    Attributes:
        rows: what `encode` returned.
        targets: what `encode_targets` returned.
        weights: of the examples in the loss, or None.
    """

    rows: list[Any]
    targets: Any
    weights: np.ndarray | None = None


def split_last(
    examples: Examples, weights: np.ndarray | None, share: float
) -> tuple[Examples, Examples, np.ndarray | None, np.ndarray | None]:
    """Split off the last examples, as Keras's `validation_split` does.

    Example:
        >>> train, valid, *_ = split_last(Examples(["a", "b", "c", "d"], [0, 1, 0, 1]), None, 0.25)
        >>> train.x, valid.x
        (['a', 'b', 'c'], ['d'])
    """
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
        raise InputError(f"validation_split is {share!r}; expected a number above 0 and below 1.")
    at = int(len(examples.x) * (1 - share))
    if not 0 < at < len(examples.x):
        raise InputError(
            f"validation_split={share} of {len(examples.x)} examples leaves nothing to "
            f"{'measure' if at else 'train'} on. Give more examples, or validation_data."
        )
    first = Examples(examples.x[:at], examples.y[:at])
    last = Examples(examples.x[at:], examples.y[at:])
    if weights is None:
        return first, last, None, None
    return first, last, weights[:at], weights[at:]
