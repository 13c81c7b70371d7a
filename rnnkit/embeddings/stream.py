"""A corpus as a stream of blocks of one shape, for steps that are compiled once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rnnkit.embeddings.contexts import NONE, contexts
from rnnkit.embeddings.frequencies import Frequencies


class Block(NamedTuple):
    """`steps * size` words, what stands around them, and noise.

    Args:
        words: int32 `(S, N)`; 0 with nothing around it where the block is not full.
        around: int32 `(S, N, 2 * window)`, -1 where there is none.
        noise: int32 `(S, N, negative)`.
        read: how many words of the corpus it took, thinned out ones and unknown ones among them.
    """

    words: np.ndarray
    around: np.ndarray
    noise: np.ndarray
    read: int


class Stream:
    """Thins texts out, draws windows and noise, and cuts all that into blocks.

    No text is cut: where a block ends inside of one, the windows reach over its end.

    Args:
        frequencies: the words.
        window: the largest distance of a context word.
        negative: noise words for each word.
        sample: see `Frequencies.keep`.
        size: N, words of a step.
        steps: S, steps of a block.
    """

    def __init__(
        self,
        frequencies: Frequencies,
        *,
        window: int,
        negative: int,
        sample: float,
        size: int,
        steps: int,
    ) -> None:
        self.frequencies, self.window, self.negative = frequencies, window, negative
        self.keep = frequencies.keep(sample).astype("float32")
        self.size, self.steps = size, steps

    def blocks(self, corpus: Iterable[Sequence[str]], rng: np.random.Generator) -> Iterator[Block]:
        """Yield the blocks of one pass over the corpus.

        Args:
            corpus: tokenised texts.
            rng: draws what is thinned out, the windows and the noise.
        """
        room, margin = self.size * self.steps, self.window
        words, texts = np.zeros(0, "int32"), np.zeros(0, "int32")
        begin, read, number = 0, 0, 0  # begin: the words before it are context alone
        pending: list[np.ndarray] = []
        waiting = 0
        for tokens in corpus:
            known = self.frequencies.encode(tokens)
            pending.append(known[rng.random(len(known), "float32") < self.keep[known]])
            waiting += len(pending[-1])
            read += len(tokens)
            if waiting + len(words) - begin < room + margin:
                continue
            words, texts, number = _join(words, texts, pending, number)
            pending, waiting = [], 0
            while len(words) - begin >= room + margin:
                yield self._block(words, texts, begin, begin + room, read, rng)
                read = 0
                words, texts = words[begin + room - margin :], texts[begin + room - margin :]
                begin = margin
        words, texts, number = _join(words, texts, pending, number)
        while begin < len(words):
            yield self._block(words, texts, begin, min(begin + room, len(words)), read, rng)
            read, begin = 0, begin + room

    def _block(
        self,
        words: np.ndarray,
        texts: np.ndarray,
        begin: int,
        end: int,
        read: int,
        rng: np.random.Generator,
    ) -> Block:
        """Make a block of the words from begin to end; their windows may reach beyond."""
        first, last = max(begin - self.window, 0), min(end + self.window, len(words))
        around = contexts(words[first:last], texts[first:last], self.window, rng)
        around = around[begin - first : end - first]
        room, count = self.size * self.steps, end - begin
        padded = np.zeros(room, "int32")
        padded[:count] = words[begin:end]
        windows = np.full((room, around.shape[1]), NONE, "int32")
        windows[:count] = around
        shape = (self.steps, self.size)
        return Block(
            padded.reshape(shape),
            windows.reshape(*shape, -1),
            self.frequencies.noise((*shape, self.negative), rng),
            read,
        )


def _join(
    words: np.ndarray, texts: np.ndarray, pending: list[np.ndarray], number: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Put new texts, numbered on, behind the words that are left."""
    lengths = [len(part) for part in pending]
    numbers = np.repeat(np.arange(number, number + len(pending), dtype="int32"), lengths)
    return (
        np.concatenate([words, *pending]),
        np.concatenate([texts, numbers]),
        number + len(pending),
    )
