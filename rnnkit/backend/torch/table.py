"""Rows of a large table: what changes a few of them, and leaves the others alone."""

from __future__ import annotations

from torch import Tensor


def take_rows(table: Tensor, rows: Tensor) -> Tensor:
    """Return rows of a table; see `backend.jax.take_rows`."""
    return table[rows]


def add_rows(table: Tensor, rows: Tensor, values: Tensor) -> Tensor:
    """Add `values[i]` to the row `rows[i]` of the table; see `backend.jax.add_rows`."""
    return table.index_add_(0, rows, values)


def mix_rows(weights: Tensor, rows: Tensor) -> Tensor:
    """Return `Σ_b w_ab r_b`, as a product of matrices; see `backend.jax.mix_rows`."""
    return weights @ rows
