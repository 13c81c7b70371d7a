"""Padded batches of source and target sequences, for teacher forcing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnkit.data.batching import (
    POOL,
    EpochBatches,
    bucket_length,
    choose_widths,
    into_batches,
    pad,
    width_of,
)
from rnnkit.data.subwords import BEGIN, END
from rnnkit.errors import InputError

PairBatch = tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]


class PairBatches(EpochBatches):
    """Batches `((sources, decoder_inputs), decoder_targets, weights)` of pairs of similar length.

    For a target `w_1 .. w_n` the decoder reads `begin w_1 .. w_n` and predicts `w_1 .. w_n end`:
    each step is given the true token before it (teacher forcing; Williams and Zipser 1989). All are
    padded with 0 to a length of `choose_widths`; pairs with the same buckets of source and target
    are batched together, so that there are few shapes.

    Args:
        sources: ids `(S,)` each.
        targets: ids `(T,)` each, without begin and end.
        batch_size: pairs of a batch; the batch with the shortest pairs of a pool may have fewer.
        shuffle: draw a new order for every epoch.
        seed: of the orders.
        program_cells: steps of an epoch that cost what a program for one more length does; see
            `rnnkit.data.batching.choose_widths`.

    Raises:
        InputError: the numbers of sources and targets differ, or a batch size below 1.

    Example:
        >>> batches = PairBatches([np.array([7, 8, 3])], [np.array([9])], batch_size=1)
        >>> (source, decoder_inputs), decoder_targets, weights = batches[0]
        >>> decoder_inputs[0, :3].tolist(), decoder_targets[0, :3].tolist(), weights[0, :3].tolist()
        ([2, 9, 0], [9, 3, 0], [1.0, 1.0, 0.0])
    """

    def __init__(
        self,
        sources: Sequence[np.ndarray],
        targets: Sequence[np.ndarray],
        *,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        program_cells: int | None = None,
    ) -> None:
        if len(sources) != len(targets):
            raise InputError(f"There are {len(targets)} targets for {len(sources)} sources.")
        super().__init__(batch_size, shuffle, seed)
        self._sources = [np.asarray(row, np.int32) for row in sources]
        self._decoder_targets = [np.append(row, END).astype(np.int32) for row in targets]
        rows = zip(self._decoder_targets, sources, strict=True)
        lengths = np.array([[len(target), len(source)] for target, source in rows]).reshape(-1, 2).T
        self.tokens = int(lengths.sum())  # real steps of the sources and targets
        widths = [choose_widths(column, None, program_cells) for column in lengths]
        pairs = zip(lengths.tolist(), widths, strict=True)
        self._steps = np.array([[width_of(n, of) for n in column] for column, of in pairs], int)
        # np.lexsort: the last key is the primary one.
        buckets = np.array([[bucket_length(n) for n in column] for column in lengths.tolist()], int)
        self._keys = np.concatenate([lengths[::-1], buckets[::-1]])
        self._draw()

    def __getitem__(self, index: int) -> PairBatch:
        rows = self._batches[index].tolist()
        of_targets, of_sources = self._steps[:, rows].max(axis=1).tolist()
        sources = pad([self._sources[i] for i in rows], of_sources)
        decoder_targets = pad([self._decoder_targets[i] for i in rows], of_targets)
        decoder_inputs = np.zeros_like(decoder_targets)
        decoder_inputs[:, 0] = BEGIN
        decoder_inputs[:, 1:] = np.where(decoder_targets[:, :-1] == END, 0, decoder_targets[:, :-1])
        return (sources, decoder_inputs), decoder_targets, (decoder_targets != 0).astype("float32")

    def _draw(self) -> None:
        count = len(self._sources)
        random = np.random.default_rng((self.seed, self.epoch))
        rows = random.permutation(count) if self.shuffle else np.arange(count)
        size = POOL * self.batch_size if self.shuffle else max(count, 1)
        batches = []
        for start in range(0, count, size):
            pool = rows[start : start + size]
            pool = pool[np.lexsort(self._keys[:, pool])]
            batches += into_batches(pool, self.batch_size)
        if self.shuffle:
            batches = [batches[i] for i in random.permutation(len(batches))]
        self._batches = batches


def padded(rows: Sequence[np.ndarray], length: int | None = None) -> np.ndarray:
    """Return rows of ids as one array `(B, T)`, padded with 0; T is the length of a bucket.

    Example:
        >>> padded([np.array([5, 6]), np.array([7])]).shape
        (2, 8)
    """
    steps = bucket_length(max((len(row) for row in rows), default=0)) if length is None else length
    return pad(rows, steps)
