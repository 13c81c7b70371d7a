"""Gather, scatter-add and mixing of rows of an embedding table."""

from __future__ import annotations

import tensorflow as tf


def take_rows(table: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Gather rows of a table; see `backend.jax.take_rows`."""
    return tf.gather(table, rows)


def add_rows(table: tf.Tensor, rows: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Scatter-add: return the table with values added to its rows; see `backend.jax.add_rows`."""
    return tf.tensor_scatter_nd_add(table, rows[:, None], values)


def mix_rows(weights: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Return `Σ_b w_ab r_b`, unrolled over b for XLA; see `backend.jax.mix_rows`."""
    return tf.add_n([weights[:, :, b, None] * rows[:, None, b] for b in range(rows.shape[1])])
