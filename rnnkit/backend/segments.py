"""Segments: the pieces of the rows of a batch that resets cut apart.

A reset starts a new row, from states of zero. The pieces of all rows, one after the other, are the
segments; the first of a row starts from the states that the pass was given, and may be empty.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Tensor = Any


class Segments(NamedTuple):
    """The segments of a batch `(B, T)`, S in total, on any backend.

    Args:
        row: `(S,)`, segment -> row of the batch; None = every row is one segment.
        fresh: `(S,)`, whether a segment starts from zero; None = none does.
        at: step of the batch -> its segment, `(B, T)`, or `(B, 1)` for all steps of a row.
        taken: `(B, T)`, the number of real steps of the segment up to and with each step, in the
            order of the pass.
        lengths: `(S,)`, the number of real steps of each segment.
        first, last: `(B,)`, row of the batch -> its first and its last segment.
    """

    row: Tensor | None
    fresh: Tensor | None
    at: Tensor
    taken: Tensor
    lengths: Tensor
    first: Tensor
    last: Tensor
