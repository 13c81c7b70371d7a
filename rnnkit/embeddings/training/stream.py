"""An encoded corpus as blocks of equal shape, for compiled training steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnnkit.embeddings.training.contexts import PADDING, context_windows, pad_texts
from rnnkit.embeddings.training.encoded_corpus import EncodedCorpus

CHUNK = 1 << 20  # words that are subsampled at once


class Group(NamedTuple):
    """Words with the same reduced window.

    Attributes:
        words: int32 `(S, N)`, ids; 0 with an empty context where the block is not full.
        contexts: int32 `(S, N, 2 * window)`, -1 for no word.
        noise: int32 `(S, N, negative)`, noise words.
    """

    words: np.ndarray
    contexts: np.ndarray
    noise: np.ndarray


class Block(NamedTuple):
    """Groups of S steps of N words.

    Attributes:
        groups: one for each reduced window, 1 to `window`.
        words_read: words of the corpus used up, dropped and out-of-vocabulary words included.
    """

    groups: tuple[Group, ...]
    words_read: int


class Stream:
    """Subsampling, reduced windows and noise words: an encoded corpus as a stream of blocks.

    Context windows reach across the ends of blocks. Each reduced window has the same number of
    words in a block, so that no window is padded. A block is read at N positions in parallel, each
    of which advances with the step: few words of a step share a context word, and an update is
    visible at the next word, as in sequential training. (Shuffled words gave worse vectors.)

    Args:
        corpus: the words.
        window: the largest distance.
        negative: noise words for each word.
        sample: subsampling threshold, see `Frequencies.keep_probabilities`.
        batch_size: N, words per step.
        steps: S, steps of a group.
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        *,
        window: int,
        negative: int,
        sample: float,
        batch_size: int,
        steps: int,
    ) -> None:
        self.corpus, self.window, self.negative = corpus, window, negative
        self.keep = corpus.frequencies.keep_probabilities(sample).astype("float32")
        self.batch_size, self.steps = batch_size, steps
        self.block_size = window * steps * batch_size  # words

    def __len__(self) -> int:
        """Approximate number of blocks of an epoch; it depends on the subsampling."""
        return int(np.ceil((self.keep * self.corpus.frequencies.counts).sum() / self.block_size))

    def blocks(self, rng: np.random.Generator) -> Iterator[Block]:
        """Yield the blocks of one epoch; `rng` draws the subsample, windows and noise words."""
        ids, lengths = self.corpus.ids, self.corpus.text_lengths
        row = np.zeros(0, "int32")
        done, reported = 0, 0  # words before subsampling: of earlier chunks, and of earlier blocks
        for start, stop in _chunks(lengths):
            end = done + int(lengths[start:stop].sum())
            kept = np.flatnonzero(rng.random(end - done, "float32") < self.keep[ids[done:end]])
            texts = np.repeat(np.arange(stop - start), lengths[start:stop])[kept]
            # The rest of the last chunk comes first, after `window` words of context.
            row = np.concatenate([row, pad_texts(ids[done:end][kept], texts, self.window)])
            positions = self.window + np.flatnonzero(row[self.window :] != PADDING)
            last, used = stop == len(lengths), 0
            while len(positions) - used >= self.block_size or (last and used < len(positions)):
                taken = positions[used : used + self.block_size]
                used += len(taken)
                ids_read = done + (end - done) * used / len(positions)
                passed = round(self.corpus.total_words * ids_read / max(len(ids), 1))
                yield self._block(row, taken, rng, passed - reported)
                reported = passed
            done = end
            row = row[positions[used] - self.window :] if used < len(positions) else row[:0]

    def _block(
        self, row: np.ndarray, positions: np.ndarray, rng: np.random.Generator, words_read: int
    ) -> Block:
        order = np.sort(rng.permutation(self.block_size).reshape(self.window, -1), axis=1)
        groups = []
        for window, ascending in enumerate(order, start=1):
            chosen = ascending.reshape(self.batch_size, self.steps).T.reshape(-1)
            mask = chosen < len(positions)
            words = np.zeros(len(chosen), "int32")
            contexts = np.full((len(chosen), 2 * window), PADDING, "int32")
            words[mask] = row[positions[chosen[mask]]]
            contexts[mask] = context_windows(row, positions[chosen[mask]], window)
            shape = (self.steps, self.batch_size)
            noise = self.corpus.frequencies.sample_noise((*shape, self.negative), rng)
            groups.append(Group(words.reshape(shape), contexts.reshape(*shape, -1), noise))
        return Block(tuple(groups), words_read)


def _chunks(lengths: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield ranges of texts, each of about `CHUNK` words."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + CHUNK, "right")), start + 1)
        yield start, stop
        start = stop
