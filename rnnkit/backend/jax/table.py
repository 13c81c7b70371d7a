"""Rows of a large table: what changes a few of them, and leaves the others alone."""

from __future__ import annotations

import jax


def take_rows(table: jax.Array, rows: jax.Array) -> jax.Array:
    """Return rows of a table, without a look at whether they are there.

    The check (JAX gives NaN for a row that is not there) costs more than all the rest of a step of
    word2vec: it keeps XLA from reading a row as a whole.

    Args:
        table: `(V, D)`, or `(V,)`.
        rows: whole numbers of any shape, 0 to V - 1.
    """
    return table.at[rows].get(mode="promise_in_bounds")


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


def mix_rows(weights: jax.Array, rows: jax.Array) -> jax.Array:
    """Return `Σ_b w_ab r_b` for each of many small sets of rows.

    Written out over b: on a CPU XLA makes one loop over D of it, where its batched product of
    matrices as small as these takes several times as long.

    Args:
        weights: `(N, A, B)`; B is known before, and small.
        rows: `(N, B, D)`.

    Returns:
        `(N, A, D)`.
    """
    return sum(weights[:, :, b, None] * rows[:, None, b] for b in range(rows.shape[1]))
