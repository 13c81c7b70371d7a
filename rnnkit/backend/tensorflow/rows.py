"""Packed sequences for any mask: the rows that each step computes.

A kernel reads one tensor `(N, F)` with the rows of the first step of the pass, then those of the
second, and so on. With a mask, the real steps of every row move to the front, the rows are sorted
by their number of real steps, most first, and a step has only the rows that have not ended: nothing
is computed on padding. A reset starts a new row, from states of zero. Both classes have the same
methods.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rnnkit.backend.segments import Segments

Tensor = Any


class AllRows:
    """Rows of a pass over `(B, T, D)` without a mask: every step has all rows."""

    def __init__(self, x: Tensor, reverse: bool) -> None:
        shape = tf.shape(x)
        self.batch, self.steps, self.reverse = shape[0], shape[1], reverse

    def pack(self, values: Tensor) -> Tensor:
        """Pack `(B, T, F)` into the order of the pass, `(N, F)`."""
        values = tf.reverse(values, [1]) if self.reverse else values
        return tf.reshape(tf.transpose(values, (1, 0, 2)), (-1, values.shape[2]))

    def unpack(self, packed: Tensor, first: Tensor | None = None) -> Tensor:
        """Unpack `(N, F)` to `(B, T, F)`, forward filled from `first` `(B, F)`, else from zero."""
        values = tf.reshape(packed, (self.steps, self.batch, packed.shape[1]))
        values = tf.transpose(values, (1, 0, 2))
        return tf.reverse(values, [1]) if self.reverse else values

    def unpack_grad(self, d: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the gradients by `packed` and `first` of `unpack(packed, first)`."""
        return self.pack(d), None

    def sort(self, rows: Tensor) -> Tensor:
        """Batch order `(B, F)` -> sorted order."""
        return rows

    def first_states(self, rows: Tensor) -> Tensor:
        """Return the first states in sorted order, given those of the batch `(B, F)`."""
        return rows

    def first_states_grad(self, d: Tensor) -> Tensor:
        """Return the gradient by `rows` of `first_states(rows)`."""
        return d

    def span(self, first: Tensor, count: int) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return begin and end in `(N, F)` of `count` steps, and the sizes of the steps."""
        return first * self.batch, (first + count) * self.batch, [self.batch] * count

    def no_ends(self, states: tuple) -> tuple:
        """Return empty arrays for the last states of the rows that end."""
        return ()

    def drop_ended(self, step: Tensor, states: tuple, ends: tuple) -> tuple[tuple, tuple]:
        """Move the rows that end before a step from the states to `ends`."""
        return states, ends

    def last(self, states: tuple, ends: tuple) -> tuple:
        """Return the last states of all rows, in batch order."""
        return states

    def last_grad(self, d_last: tuple) -> tuple[tuple, tuple]:
        """Return the gradients by the states and by `ends` of `last(states, ends)`."""
        return d_last, ()

    def drop_ended_grad(self, step: Tensor, d_states: tuple, d_ends: tuple) -> tuple:
        """Return the gradients by the states that entered `drop_ended`."""
        return d_states


class RealRows(AllRows):
    """Rows of a pass with a mask `(B, T)`: every step has the rows that have not ended.

    With resets `(B, T)` there are S rows, else B.
    """

    def __init__(self, mask: Tensor, reverse: bool, resets: Tensor | None = None) -> None:
        self.shape = tf.shape(mask)
        self.batch = self.shape[0]
        cut = segments(mask, resets, reverse)
        self.fresh, self.row, count = cut.fresh, cut.row, tf.size(cut.lengths)
        self.total = tf.reduce_sum(cut.lengths)
        self.order = tf.argsort(cut.lengths, direction="DESCENDING", stable=True)
        rank = tf.math.invert_permutation(self.order)
        self.first, self.ends = tf.gather(rank, cut.first), tf.gather(rank, cut.last)
        ended = tf.math.unsorted_segment_sum(
            tf.ones_like(cut.lengths), cut.lengths, self.shape[1] + 1
        )
        self.sizes = count - tf.cumsum(ended)  # of all steps, at the end 0
        self.steps = tf.math.count_nonzero(self.sizes, dtype=tf.int32)
        self.starts = tf.cumsum(self.sizes, exclusive=True)
        before = tf.concat([[count], self.sizes[:-1]], axis=0)
        self.cuts = tf.stack([self.sizes, before - self.sizes], axis=1)  # rows that stay, that end
        # Row in (N, F) of the last real step, up to and with each step of the batch; before it the
        # first states follow, and a row of zeros.
        place = tf.gather(self.starts, tf.maximum(cut.taken - 1, 0)) + tf.gather(rank, cut.at)
        given = tf.where(cut.at == cut.first[:, None], tf.range(self.batch)[:, None], self.batch)
        self.output_index = tf.where(cut.taken > 0, place, self.total + given)
        # Row of (N, F) -> step of the batch, one of B T.
        where = tf.cast(tf.where(tf.reshape(mask, [-1])), tf.int32)
        places = tf.gather(tf.reshape(place, [-1]), where)
        self.source = tf.scatter_nd(places, where[:, 0], self.total[None])

    def pack(self, values: Tensor) -> Tensor:
        """Pack `(B, T, F)` into the order of the pass, `(N, F)`."""
        return tf.gather(tf.reshape(values, (-1, values.shape[2])), self.source)

    def unpack(self, packed: Tensor, first: Tensor | None = None) -> Tensor:
        """Unpack `(N, F)` to `(B, T, F)`; see `AllRows`."""
        if first is not None:
            known = tf.concat([packed, first, tf.zeros_like(first[:1])], axis=0)
            return tf.gather(known, self.output_index)
        width = packed.shape[1]
        shape = (self.shape[0] * self.shape[1], width)
        rows = tf.scatter_nd(self.source[:, None], packed, shape)
        return tf.reshape(rows, (self.shape[0], self.shape[1], width))

    def unpack_grad(self, d: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the gradients by `packed` and `first` of `unpack(packed, first)`."""
        rows, place = tf.reshape(d, (-1, d.shape[2])), tf.reshape(self.output_index, [-1])
        found = tf.math.unsorted_segment_sum(rows, place, self.total + self.batch + 1)
        return found[: self.total], found[self.total : self.total + self.batch]

    def sort(self, rows: Tensor) -> Tensor:
        """Batch order `(B, F)` -> sorted order `(S, F)`."""
        return tf.gather(rows, self.order if self.row is None else tf.gather(self.row, self.order))

    def first_states(self, rows: Tensor) -> Tensor:
        """Return the first states in sorted order; see `AllRows`."""
        rows = self.sort(rows)
        if self.fresh is None:
            return rows
        return tf.where(tf.gather(self.fresh, self.order)[:, None], tf.zeros_like(rows), rows)

    def first_states_grad(self, d: Tensor) -> Tensor:
        """Return the gradient by `rows` of `first_states(rows)`."""
        return tf.gather(d, self.first)

    def span(self, first: Tensor, count: int) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return begin and end in `(N, F)` of `count` steps, and the sizes of the steps."""
        sizes = tf.unstack(self.sizes[first : first + count], num=count)
        return self.starts[first], self.starts[first + count], sizes

    def no_ends(self, states: tuple) -> tuple:
        """Return empty arrays for the last states of the rows that end."""
        return tuple(array(self.steps + 1, state) for state in states)

    def drop_ended(self, step: Tensor, states: tuple, ends: tuple) -> tuple[tuple, tuple]:
        """Move the rows that end before a step from the states to `ends`."""
        parts = [tf.split(state, self.cuts[step], num=2) for state in states]
        at = self.steps - step  # rows that end early come after those that end late
        ends = tuple(e.write(at, ended) for e, (_, ended) in zip(ends, parts, strict=True))
        return tuple(going for going, _ in parts), ends

    def last(self, states: tuple, ends: tuple) -> tuple:
        """Return the last states of all rows, in batch order."""
        whole = [e.write(0, state).concat() for e, state in zip(ends, states, strict=True)]
        return tuple(tf.gather(rows, self.ends) for rows in whole)

    def last_grad(self, d_last: tuple) -> tuple[tuple, tuple]:
        """Return the gradients by the states and by `ends` of `last(states, ends)`."""
        sizes, shape = self.cuts[: self.steps + 1, 1][::-1], tf.shape(self.order)
        rows = (
            tf.scatter_nd(self.ends[:, None], d, tf.concat([shape, tf.shape(d)[1:]], axis=0))
            for d in d_last
        )
        ends = tuple(
            array(self.steps + 1, d).split(d_rows, sizes)
            for d, d_rows in zip(d_last, rows, strict=True)
        )
        return tuple(e.read(0) for e in ends), ends

    def drop_ended_grad(self, step: Tensor, d_states: tuple, d_ends: tuple) -> tuple:
        """Return the gradients by the states that entered `drop_ended`."""
        at = self.steps - step
        pairs = zip(d_states, d_ends, strict=True)
        return tuple(tf.concat([d, ended.read(at)], axis=0) for d, ended in pairs)


def segments(mask: Tensor, resets: Tensor | None, reverse: bool) -> Segments:
    """Return the segments of a mask `(B, T)` with resets `(B, T)` or None.

    Example:
        >>> mask, resets = tf.ones((1, 3), tf.bool), tf.constant([[False, True, False]])
        >>> segments(mask, resets, reverse=False).lengths.numpy().tolist()
        [1, 2]
    """
    real, row = tf.cast(mask, tf.int32), tf.range(tf.shape(mask)[0])
    taken = tf.cumsum(real, axis=1, reverse=reverse)
    if resets is None:
        at = tf.broadcast_to(row[:, None], tf.shape(mask))
        return Segments(None, None, at, taken, tf.reduce_sum(real, axis=1), row, row)
    number = tf.cumsum(tf.cast(resets, tf.int32), axis=1, reverse=reverse)
    counts = tf.reduce_max(number, axis=1) + 1
    last = tf.cumsum(counts) - 1
    first = last - counts + 1
    at, size = first[:, None] + number, tf.reduce_sum(counts)
    lengths = tf.math.unsorted_segment_sum(real, at, size)
    # Of the real steps of a row so far, those before the segment of the step do not count.
    before = tf.cumsum(lengths, exclusive=True)
    earlier = tf.gather(before, at) - tf.gather(before, first)[:, None]
    fresh = tf.tensor_scatter_nd_update(
        tf.ones((size,), tf.bool), first[:, None], tf.zeros_like(row, tf.bool)
    )
    return Segments(tf.repeat(row, counts), fresh, at, taken - earlier, lengths, first, last)


def array(size: Tensor, like: Tensor) -> tf.TensorArray:
    """Return a TensorArray of tensors as wide as `like` `(n, F)`, of any number of rows."""
    return tf.TensorArray(
        like.dtype,
        size=size,
        element_shape=(None, like.shape[1]),
        infer_shape=False,
        clear_after_read=False,
    )


def collector(size: Tensor, like: Tensor) -> tf.TensorArray:
    """Return an `array` that can be concatenated even if nothing is written."""
    return array(tf.maximum(size, 1), like).write(0, like[:0])
