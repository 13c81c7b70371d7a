"""Gather, scatter-add and mixing of rows of an embedding table."""

from __future__ import annotations

from torch import Tensor


def take_rows(table: Tensor, rows: Tensor) -> Tensor:
    """Gather rows of a table; see `backend.jax.take_rows`."""
    return table[rows]


def add_rows(table: Tensor, rows: Tensor, values: Tensor) -> Tensor:
    """Scatter-add `values[i]` to the row `rows[i]` of the table; see `backend.jax.add_rows`."""
    return table.index_add_(0, rows, values)


def mix_rows(weights: Tensor, rows: Tensor) -> Tensor:
    """Return `Σ_b w_ab r_b`, as a batched product; see `backend.jax.mix_rows`."""
    return weights @ rows
