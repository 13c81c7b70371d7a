"""Rows cut at resets; rows and resets are in the order of the pass."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnkit.backend.segments import Segments


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
