"""Gather, scatter-add and mixing of rows of an embedding table."""

from __future__ import annotations

import jax


def take_rows(table: jax.Array, rows: jax.Array) -> jax.Array:
    """Gather rows of a table, without a bounds check.

    The check (JAX gives NaN for a row out of bounds) costs more than all the rest of a step of
    word2vec: it keeps XLA from reading a row as a whole.

    Args:
        table: `(V, D)`, or `(V,)`.
        rows: integers of any shape, 0 to V - 1.
    """
    return table.at[rows].get(mode="promise_in_bounds")


def add_rows(table: jax.Array, rows: jax.Array, values: jax.Array) -> jax.Array:
    """Scatter-add: return the table with `values[i]` added to the row `rows[i]`; rows may repeat.

    Inside a compiled loop the table is changed in place. Use the returned table only, not the
    argument: on PyTorch they are the same.

    Args:
        table: `(V, D)`.
        rows: integers `(N,)`, 0 to V - 1.
        values: `(N, D)`.
    """
    return table.at[rows].add(values, mode="promise_in_bounds")


def mix_rows(weights: jax.Array, rows: jax.Array) -> jax.Array:
    """Return `Σ_b w_ab r_b` for each of N small sets of rows.

    Unrolled over b: on a CPU XLA makes one loop over D of it, where its batched product of
    matrices as small as these takes several times as long.

    Args:
        weights: `(N, A, B)`; B is static and small.
        rows: `(N, B, D)`.

    Returns:
        `(N, A, D)`.
    """
    return sum(weights[:, :, b, None] * rows[:, None, b] for b in range(rows.shape[1]))
