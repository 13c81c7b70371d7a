"""Which rows are computed at which step: all of them, or with a mask the real ones alone.

A kernel sees one tensor `(N, F)` with the rows of the first step of the pass on top, then those of
the second, and so on. With a mask, every row's real steps move up to the front, rows with more of
them stand before rows with fewer, and a step holds only the rows that still have one: nothing is
computed on padding. Both classes have the same methods.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

Tensor = Any


class AllRows:
    """Every step holds all rows.

    Args:
        x: `(B, T, D)`.
        reverse: the last step is the first of the pass.
    """

    def __init__(self, x: Tensor, reverse: bool) -> None:
        shape = tf.shape(x)
        self.batch, self.steps, self.reverse = shape[0], shape[1], reverse

    def pack(self, values: Tensor) -> Tensor:
        """Bring `(B, T, F)` into the order of the pass, `(N, F)`."""
        values = tf.reverse(values, [1]) if self.reverse else values
        return tf.reshape(tf.transpose(values, (1, 0, 2)), (-1, values.shape[2]))

    def unpack(self, packed: Tensor, first: Tensor | None = None) -> Tensor:
        """Bring `(N, F)` back to `(B, T, F)`; masked steps repeat, at the start `first` `(B, F)`.

        Without `first` masked steps hold zeros.
        """
        del first
        values = tf.reshape(packed, (self.steps, self.batch, packed.shape[1]))
        values = tf.transpose(values, (1, 0, 2))
        return tf.reverse(values, [1]) if self.reverse else values

    def unpack_back(self, d: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the gradients by `packed` and `first` of `unpack(packed, first)`."""
        return self.pack(d), None

    def sort(self, rows: Tensor) -> Tensor:
        """Bring `(B, F)` into the order of the rows in the pass."""
        return rows

    def unsort(self, rows: Tensor) -> Tensor:
        """Bring `(B, F)` back into the order of the batch."""
        return rows

    def span(self, first: Tensor, count: int) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return for some steps where they begin in `(N, F)`, where they end, and their sizes."""
        return first * self.batch, (first + count) * self.batch, [self.batch] * count

    def no_ends(self, states: tuple) -> tuple:
        """Return room for the states of the rows that end."""
        del states
        return ()

    def drop_ended(self, step: Tensor, states: tuple, ends: tuple) -> tuple[tuple, tuple]:
        """Take the rows that have no such step out of the states and keep them in `ends`."""
        del step
        return states, ends

    def last(self, states: tuple, ends: tuple) -> tuple:
        """Return the last states of all rows, in the order of the batch."""
        del ends
        return states

    def last_back(self, d_last: tuple) -> tuple[tuple, tuple]:
        """Return the gradients by the states and by `ends` of `last(states, ends)`."""
        return d_last, ()

    def drop_ended_back(self, step: Tensor, d_states: tuple, d_ends: tuple) -> tuple:
        """Return the gradients by the states as they came into `drop_ended`."""
        del step, d_ends
        return d_states


class RealRows(AllRows):
    """Every step holds the rows that still have one.

    Args:
        mask: boolean `(B, T)`.
        reverse: the last step is the first of the pass.
    """

    def __init__(self, mask: Tensor, reverse: bool) -> None:
        real = tf.cast(mask, tf.int32)
        self.shape = tf.shape(mask)
        self.batch = self.shape[0]
        lengths = tf.reduce_sum(real, axis=1)
        self.total = tf.reduce_sum(lengths)
        self.order = tf.argsort(lengths, direction="DESCENDING", stable=True)
        self.rank = tf.math.invert_permutation(self.order)
        later = lengths[:, None] > tf.range(self.shape[1] + 1)
        self.sizes = tf.reduce_sum(tf.cast(later, tf.int32), axis=0)  # of all steps, at the end 0
        self.steps = tf.math.count_nonzero(self.sizes, dtype=tf.int32)
        self.starts = tf.cumsum(self.sizes, exclusive=True)
        before = tf.concat([[self.batch], self.sizes[:-1]], axis=0)
        self.cuts = tf.stack([self.sizes, before - self.sizes], axis=1)  # rows that stay, that end
        # Where in (N, F) the last real step stands, up to and with each step of the batch.
        latest = tf.cumsum(real, axis=1, reverse=reverse) - 1
        begun = latest >= 0
        place = tf.gather(self.starts, tf.maximum(latest, 0)) + self.rank[:, None]
        self.place = tf.where(begun, place, self.total + tf.range(self.batch)[:, None])
        # Which step of the batch, in (B T), stands at each place of (N, F).
        where = tf.cast(tf.where(tf.reshape(mask, [-1])), tf.int32)
        places = tf.gather(tf.reshape(place, [-1]), where)
        self.source = tf.scatter_nd(places, where[:, 0], self.total[None])

    def pack(self, values: Tensor) -> Tensor:
        """Bring `(B, T, F)` into the order of the pass, `(N, F)`."""
        return tf.gather(tf.reshape(values, (-1, values.shape[2])), self.source)

    def unpack(self, packed: Tensor, first: Tensor | None = None) -> Tensor:
        """Bring `(N, F)` back to `(B, T, F)`; see `AllRows`."""
        if first is not None:
            return tf.gather(tf.concat([packed, first], axis=0), self.place)
        width = packed.shape[1]
        shape = (self.shape[0] * self.shape[1], width)
        rows = tf.scatter_nd(self.source[:, None], packed, shape)
        return tf.reshape(rows, (self.shape[0], self.shape[1], width))

    def unpack_back(self, d: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the gradients by `packed` and `first` of `unpack(packed, first)`."""
        rows, place = tf.reshape(d, (-1, d.shape[2])), tf.reshape(self.place, [-1])
        found = tf.math.unsorted_segment_sum(rows, place, self.total + self.batch)
        return found[: self.total], found[self.total :]

    def sort(self, rows: Tensor) -> Tensor:
        """Bring `(B, F)` into the order of the rows in the pass."""
        return tf.gather(rows, self.order)

    def unsort(self, rows: Tensor) -> Tensor:
        """Bring `(B, F)` back into the order of the batch."""
        return tf.gather(rows, self.rank)

    def span(self, first: Tensor, count: int) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return for some steps where they begin in `(N, F)`, where they end, and their sizes."""
        sizes = tf.unstack(self.sizes[first : first + count], num=count)
        return self.starts[first], self.starts[first + count], sizes

    def no_ends(self, states: tuple) -> tuple:
        """Return room for the states of the rows that end."""
        return tuple(array(self.steps + 1, state) for state in states)

    def drop_ended(self, step: Tensor, states: tuple, ends: tuple) -> tuple[tuple, tuple]:
        """Take the rows that have no such step out of the states and keep them in `ends`."""
        parts = [tf.split(state, self.cuts[step], num=2) for state in states]
        at = self.steps - step  # rows that end early stand below those that end late
        ends = tuple(e.write(at, ended) for e, (_, ended) in zip(ends, parts, strict=True))
        return tuple(going for going, _ in parts), ends

    def last(self, states: tuple, ends: tuple) -> tuple:
        """Return the last states of all rows, in the order of the batch."""
        whole = [e.write(0, state).concat() for e, state in zip(ends, states, strict=True)]
        return tuple(self.unsort(rows) for rows in whole)

    def last_back(self, d_last: tuple) -> tuple[tuple, tuple]:
        """Return the gradients by the states and by `ends` of `last(states, ends)`."""
        sizes = self.cuts[: self.steps + 1, 1][::-1]
        ends = tuple(array(self.steps + 1, d).split(self.sort(d), sizes) for d in d_last)
        return tuple(e.read(0) for e in ends), ends

    def drop_ended_back(self, step: Tensor, d_states: tuple, d_ends: tuple) -> tuple:
        """Return the gradients by the states as they came into `drop_ended`."""
        at = self.steps - step
        pairs = zip(d_states, d_ends, strict=True)
        return tuple(tf.concat([d, ended.read(at)], axis=0) for d, ended in pairs)


def array(size: Tensor, like: Tensor) -> tf.TensorArray:
    """Return an array of tensors that are as wide as `like` `(n, F)`, of any number of rows."""
    return tf.TensorArray(
        like.dtype,
        size=size,
        element_shape=(None, like.shape[1]),
        infer_shape=False,
        clear_after_read=False,
    )


def collector(size: Tensor, like: Tensor) -> tf.TensorArray:
    """Return an `array` that can be concatenated even if its size is 0 and nothing is written."""
    return array(tf.maximum(size, 1), like).write(0, like[:0])
