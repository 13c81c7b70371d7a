"""A corpus as a stream of blocks of one shape, for steps that are compiled once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnnkit.embeddings.training.contexts import NONE, contexts, spaced
from rnnkit.embeddings.training.numbered import Numbered

CHUNK = 1 << 20  # words that are thinned out at once


class Group(NamedTuple):
    """Words whose windows have the same width.

    Args:
        words: int32 `(S, N)`; 0 with nothing around it where the block is not full.
        around: int32 `(S, N, 2 * reach)`, -1 where there is none.
        noise: int32 `(S, N, negative)`.
    """

    words: np.ndarray
    around: np.ndarray
    noise: np.ndarray


class Block(NamedTuple):
    """Groups of `steps` steps of `size` words.

    Args:
        groups: one for each reach, 1 to the window.
        read: how many words of the corpus it took, thinned out ones and unknown ones among them.
    """

    groups: tuple[Group, ...]
    read: int


class Stream:
    """Thins texts out, draws windows and noise, and cuts all that into blocks.

    No text is cut: where a block ends inside of one, the windows reach over its end. A block has
    as many words with each reach, drawn, so that nothing is computed on the empty places of windows
    that shrank. It is read at `size` places at a time, each a step further in the next step: so few
    words of a step share a neighbour, and what is learned at one word is there at the next one, as
    where a program goes through the text. (Words in a drawn order gave worse vectors.)

    Args:
        corpus: the words.
        window: the largest distance.
        negative: noise words for each word.
        sample: see `Frequencies.keep`.
        size: N, words of a step.
        steps: S, steps of a group.
    """

    def __init__(
        self,
        corpus: Numbered,
        *,
        window: int,
        negative: int,
        sample: float,
        size: int,
        steps: int,
    ) -> None:
        self.corpus, self.window, self.negative = corpus, window, negative
        self.keep = corpus.frequencies.keep(sample).astype("float32")
        self.size, self.steps = size, steps
        self.room = window * steps * size  # words of a block

    def __len__(self) -> int:
        """How many blocks a pass has, about: it depends on what is thinned out."""
        return int(np.ceil((self.keep * self.corpus.frequencies.counts).sum() / self.room))

    def blocks(self, rng: np.random.Generator) -> Iterator[Block]:
        """Yield the blocks of one pass over the corpus.

        Args:
            rng: draws what is thinned out, the windows and the noise.
        """
        words, lengths = self.corpus.words, self.corpus.lengths
        row = np.zeros(0, "int32")
        done, told = 0, 0  # words before thinning: behind, and told of by blocks
        for start, stop in _chunks(lengths):
            end = done + int(lengths[start:stop].sum())
            kept = np.flatnonzero(rng.random(end - done, "float32") < self.keep[words[done:end]])
            texts = np.repeat(np.arange(stop - start), lengths[start:stop])[kept]
            # What the last chunk left over stands before this one, its first words as context.
            row = np.concatenate([row, spaced(words[done:end][kept], texts, self.window)])
            places = self.window + np.flatnonzero(row[self.window :] != NONE)
            last, used = stop == len(lengths), 0
            while len(places) - used >= self.room or (last and used < len(places)):
                taken = places[used : used + self.room]
                used += len(taken)
                passed = round(self._read(done + (end - done) * used / len(places)))
                yield self._block(row, taken, rng, passed - told)
                told = passed
            done = end
            row = row[places[used] - self.window :] if used < len(places) else row[:0]

    def _read(self, known: float) -> float:
        """Return about how many words were read when so many known ones were."""
        return self.corpus.read * known / max(len(self.corpus.words), 1)

    def _block(
        self, row: np.ndarray, places: np.ndarray, rng: np.random.Generator, read: int
    ) -> Block:
        order = np.sort(rng.permutation(self.room).reshape(self.window, -1), axis=1)
        groups = []
        for reach, in_a_row in enumerate(order, start=1):
            chosen = in_a_row.reshape(self.size, self.steps).T.reshape(-1)
            there = chosen < len(places)
            words = np.zeros(len(chosen), "int32")
            around = np.full((len(chosen), 2 * reach), NONE, "int32")
            words[there] = row[places[chosen[there]]]
            around[there] = contexts(row, places[chosen[there]], reach)
            shape = (self.steps, self.size)
            noise = self.corpus.frequencies.noise((*shape, self.negative), rng)
            groups.append(Group(words.reshape(shape), around.reshape(*shape, -1), noise))
        return Block(tuple(groups), read)


def _chunks(lengths: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield from which text to which, so that each has about `CHUNK` words."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + CHUNK, "right")), start + 1)
        yield start, stop
        start = stop
