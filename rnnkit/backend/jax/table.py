"""Rows of a large table: what changes a few of them, and leaves the others alone."""

from __future__ import annotations

import jax


def add_rows(table: jax.Array, rows: jax.Array, values: jax.Array) -> jax.Array:
    """Return the table with `values[i]` added to the row `rows[i]`; rows may repeat.

    Inside a compiled loop the table is changed in place. Whoever calls this uses the table that
    comes back, and no longer the one that was given: on PyTorch they are the same.

    Args:
        table: `(V, D)`.
        rows: whole numbers `(N,)`, 0 to V - 1.
        values: `(N, D)`.
    """
    return table.at[rows].add(values, mode="promise_in_bounds")
