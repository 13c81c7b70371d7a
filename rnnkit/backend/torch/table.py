"""Rows of a large table: what changes a few of them, and leaves the others alone."""

from __future__ import annotations

from torch import Tensor


def add_rows(table: Tensor, rows: Tensor, values: Tensor) -> Tensor:
    """Add `values[i]` to the row `rows[i]` of the table; see `backend.jax.add_rows`."""
    return table.index_add_(0, rows, values)
