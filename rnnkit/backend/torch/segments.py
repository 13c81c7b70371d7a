"""Rows cut at resets: a reset starts a new row, from states of zero.

Rows and resets are in the order of the pass. The pieces of all rows, one after the other, are the
segments; the first of a row starts from the states that the pass was given, and may be empty.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Segments(NamedTuple):
    """The segments of a batch `(B, T)`, S in total.

    Args:
        row: `(S,)`, segment -> row of the batch; None = every row is one segment.
        fresh: `(S,)`, whether a segment starts from zero; None = none does.
        at: step of the batch -> its segment, `(B, T)`, or `(B, 1)` for all steps of a row.
        taken: `(B, T)`, the number of real steps of the segment up to and with each step.
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


def segments(real: Tensor, resets: Tensor | None) -> Segments:
    """Return the segments of a mask `(B, T)` with resets `(B, T)` or None.

    Example:
        >>> real, resets = torch.tensor([[True, True, False, True]]), torch.zeros(1, 4).bool()
        >>> resets[0, 2] = True
        >>> found = segments(real, resets)
        >>> found.lengths.tolist(), found.at.tolist(), found.taken.tolist()
        ([2, 1], [[0, 0, 1, 1]], [[1, 2, 0, 1]])
    """
    row = torch.arange(len(real), device=real.device)
    if resets is None:
        taken = real.cumsum(1)
        return Segments(None, None, row[:, None], taken, real.sum(1), row, row)
    number = resets.cumsum(1)
    counts = number[:, -1] + 1
    last = counts.cumsum(0) - 1
    first = last - counts + 1
    at = first[:, None] + number
    rows = row.repeat_interleave(counts)
    lengths = torch.zeros_like(rows).index_add_(0, at.flatten(), real.flatten().long())
    before = lengths.cumsum(0) - lengths
    taken = real.flatten().cumsum(0).view_as(real) - before[at]
    fresh = torch.ones_like(rows, dtype=torch.bool).index_fill_(0, first, False)
    return Segments(rows, fresh, at, taken, lengths, first, last)


def any_reset(resets: Tensor | None) -> Tensor | None:
    """Return resets as booleans, or None where no row is reset."""
    if resets is None or not bool(resets.any()):
        return None
    return resets.to(torch.bool)
