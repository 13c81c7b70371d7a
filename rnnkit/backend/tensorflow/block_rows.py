"""Packed sequences for loops over blocks of steps: the rows that each block computes.

As in `rows.py`, the rows of the first step of the pass come first, then those of the second, and so
on; with a mask, real steps move to the front, and rows are sorted by their number of real steps,
most first. All steps of a block have the rows that have a real step in it. Rows that end within a
block compute its last steps on a repeated input, and nothing reads what they compute there.

Outputs are `(B + N, U)`: the sorted first states, then those after each step.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

Tensor = Any

BLOCK = 8


class AllBlocks:
    """Blocks of a pass over `(B, T, D)` without a mask: every step has all rows.

    The steps that make no whole block are blocks of one step, and come first.
    """

    def __init__(self, x: Tensor, reverse: bool) -> None:
        shape = tf.shape(x)
        self.batch, self.reverse = shape[0], reverse
        self._divide(shape[1])

    def _divide(self, steps: Tensor) -> None:
        self.steps, self.single = steps, steps % BLOCK
        self.blocks = steps // BLOCK + self.single

    def first_step(self, block: Tensor) -> Tensor:
        """Return the first step of a block."""
        return tf.where(block < self.single, block, self.single + (block - self.single) * BLOCK)

    def span(self, first: Tensor, end: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return begin and end in `(N, F)` of the steps of a block, and its number of rows."""
        return first * self.batch, end * self.batch, self.batch

    def pack(self, values: Tensor) -> Tensor:
        """Pack `(B, T, F)` into the order of the pass, `(N, F)`."""
        values = tf.reverse(values, [1]) if self.reverse else values
        return tf.reshape(tf.transpose(values, (1, 0, 2)), (-1, values.shape[2]))

    def blank(self, width: int) -> Tensor:
        """Return the rows `(n, F)` that `unpack_steps` expects before the packed ones."""
        return tf.zeros((0, width))

    def unpack_steps(self, packed: Tensor) -> Tensor:
        """Unpack the blank rows and `(N, F)` to `(B, T, F)`, zero at masked steps."""
        values = tf.reshape(packed, (self.steps, self.batch, packed.shape[1]))
        values = tf.transpose(values, (1, 0, 2))
        return tf.reverse(values, [1]) if self.reverse else values

    def unpack(self, outputs: Tensor) -> Tensor:
        """Unpack outputs to `(B, T, U)`; masked steps repeat the output before them."""
        return self.unpack_steps(outputs[self.batch :])

    def last(self, outputs: Tensor) -> Tensor:
        """Return the last outputs of all rows, in batch order."""
        return outputs[self.steps * self.batch :]

    def output_grad(
        self, d: Tensor | None, d_last: Tensor
    ) -> tuple[Tensor | None, Tensor, Tensor | None]:
        """Return the gradients by outputs that were unpacked, and whose last were taken.

        Returns:
            Those by the outputs of every step `(N, U)`, by the state after the last block, and by
            the sorted first states; None is zero.
        """
        return None if d is None else self.pack(d), d_last, None

    def sort(self, rows: Tensor) -> Tensor:
        """Batch order -> sorted order, for `(B, F)`."""
        return rows

    def unsort(self, rows: Tensor) -> Tensor:
        """Inverse of `sort`: sorted order -> batch order."""
        return rows


class RealBlocks(AllBlocks):
    """Blocks of a pass with a mask `(B, T)`: each has the rows that have not ended before it."""

    def __init__(self, mask: Tensor, reverse: bool) -> None:
        real = tf.cast(mask, tf.int32)
        self.batch = tf.shape(mask)[0]
        lengths = tf.reduce_sum(real, axis=1)
        self.order = tf.argsort(lengths, direction="DESCENDING", stable=True)
        self.rank = tf.math.invert_permutation(self.order)
        self._divide(tf.reduce_max(tf.concat([lengths, [0]], axis=0)))
        step = tf.range(self.steps)
        begun = tf.maximum(0, step - self.single) // BLOCK * BLOCK  # in the block of each step
        step_of_block = tf.where(step < self.single, step, self.single + begun)
        has = lengths[:, None] > step_of_block
        self.sizes = tf.reduce_sum(tf.cast(has, tf.int32), axis=0)
        self.starts = tf.concat([[0], tf.cumsum(self.sizes)], axis=0)
        # Row among the outputs of the last real step, up to and with each step of the batch.
        latest = tf.cumsum(real, axis=1, reverse=reverse) - 1
        self.output_index = self._output_of(latest, self.rank[:, None])
        self.last_index = self._output_of(lengths - 1, self.rank)
        place = self.output_index - self.batch + 1  # a blank row of zeros comes first
        self.step_index = tf.where(mask, place, 0)
        # Row of (N, F) -> step of the batch, one of B T.
        real_steps = tf.cast(tf.where(mask), tf.int32)
        nth = tf.stack([real_steps[:, 0], tf.gather_nd(latest, real_steps)], axis=1)
        where = real_steps[:, 0] * tf.shape(mask)[1] + real_steps[:, 1]
        table = tf.scatter_nd(nth, where, tf.shape(mask))  # the n-th real step of each row
        present = tf.range(self.batch) < self.sizes[:, None]
        packed = tf.cast(tf.where(present), tf.int32)  # step and rank of each row of (N, F)
        row = tf.gather(self.order, packed[:, 1])
        column = tf.minimum(packed[:, 0], tf.gather(lengths, row) - 1)
        self.source = tf.gather_nd(table, tf.stack([row, column], axis=1))

    def _output_of(self, step: Tensor, rank: Tensor) -> Tensor:
        """Return the row of outputs after a step of the pass; -1 is before the first one."""
        place = self.batch + tf.gather(self.starts, tf.maximum(step, 0)) + rank
        return tf.where(step >= 0, place, rank)

    def span(self, first: Tensor, end: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return begin and end in `(N, F)` of the steps of a block, and its number of rows."""
        return self.starts[first], self.starts[end], self.sizes[first]

    def pack(self, values: Tensor) -> Tensor:
        """Pack `(B, T, F)` into the order of the pass, `(N, F)`."""
        return tf.gather(tf.reshape(values, (-1, values.shape[2])), self.source)

    def blank(self, width: int) -> Tensor:
        """Return the rows `(n, F)` that `unpack_steps` expects before the packed ones."""
        return tf.zeros((1, width))

    def unpack_steps(self, packed: Tensor) -> Tensor:
        """Unpack the blank rows and `(N, F)` to `(B, T, F)`, zero at masked steps."""
        return tf.gather(packed, self.step_index)

    def unpack(self, outputs: Tensor) -> Tensor:
        """Unpack outputs to `(B, T, U)`; masked steps repeat the output before them."""
        return tf.gather(outputs, self.output_index)

    def last(self, outputs: Tensor) -> Tensor:
        """Return the last outputs of all rows, in batch order."""
        return tf.gather(outputs, self.last_index)

    def output_grad(
        self, d: Tensor | None, d_last: Tensor
    ) -> tuple[Tensor | None, Tensor, Tensor | None]:
        """Return the gradients by outputs that were unpacked, and whose last were taken."""
        rows, width = self.batch + self.starts[self.steps], d_last.shape[1]
        index = self.last_index[:, None]
        if d is None:
            found = tf.scatter_nd(index, d_last, tf.stack([rows, width]))
        else:
            flat, place = tf.reshape(d, (-1, width)), tf.reshape(self.output_index, [-1])
            found = tf.math.unsorted_segment_sum(flat, place, rows)
            found = tf.tensor_scatter_nd_add(found, index, d_last)
        return found[self.batch :], d_last[:0], found[: self.batch]

    def sort(self, rows: Tensor) -> Tensor:
        """Batch order -> sorted order, for `(B, F)`."""
        return tf.gather(rows, self.order)

    def unsort(self, rows: Tensor) -> Tensor:
        """Inverse of `sort`: sorted order -> batch order."""
        return tf.gather(rows, self.rank)
