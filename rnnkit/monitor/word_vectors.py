"""The training of word vectors in TensorBoard: loss, speed, neighbours, projector."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import rnnkit.backend  # noqa: F401  picks the backend before Keras loads

# isort: split
import keras
import numpy as np

from rnnkit.errors import InputError, suggest
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.figures import markdown_table, plain
from rnnkit.monitor.projector import write_words

CHOSEN = 12  # words whose neighbours are shown when none are asked for
FIRST, LAST = 100, 10_000  # ranks between which they are chosen


class WordVectorEvents(keras.callbacks.Callback):
    """Show a training of word vectors in TensorBoard.

    | page | what |
    |---|---|
    | Scalars | `batch/...` and `epoch/...`: loss, learning rate and words/s, whatever the model tells |
    | Text | `neighbours`: after each epoch the nearest words of chosen ones; bold = not there after the epoch before |
    | Projector | the most frequent words with their counts, as they are after the latest epoch |

    Epochs and blocks of steps count from 1. The model is asked for `vocabulary` (words and counts,
    the most frequent first) and `vectors_table()`, as `rnnkit.embeddings.SkipGram` and `CBOW` have
    them.

    Args:
        folder: where the run goes, as its sub-folder `train`; start TensorBoard on it or above.
        words: whose neighbours to show; None = 12 words of the vocabulary, at ranks from 100 (a
            tenth of a small vocabulary) to 10,000 whose ratio is constant.
        n: how many neighbours of each.
        max_words: how many words the projector shows.

    Raises:
        InputError: `n` or `max_words` below 1, no words; from within `fit`, before the first epoch,
            a word that is not in the vocabulary.

    Example:
        >>> model.fit("wiki8", callbacks=[WordVectorEvents("runs/1")])  # doctest: +SKIP
    """  # noqa: E501  rows of a table do not break

    def __init__(
        self,
        folder: str | os.PathLike[str],
        words: Iterable[str] | None = None,
        n: int = 8,
        *,
        max_words: int = 5000,
    ) -> None:
        super().__init__()
        if n < 1 or max_words < 1:
            raise InputError(f"n and max_words must be at least 1, not {n} and {max_words}.")
        self.folder = Path(folder) / "train"
        self.words = None if words is None else [words] if isinstance(words, str) else list(words)
        if self.words == []:
            raise InputError("words is empty: name at least one word, or None for some frequent.")
        self.n = n
        self.max_words = max_words
        self._writer: EventWriter | None = None
        self._step = 0
        self._before: dict[str, set[str]] = {}

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """See that the words are there, before an epoch is spent on them."""
        if not self._step:  # a training that was interrupted goes on where it stood, about
            self._step = epoch * ((self.params or {}).get("steps") or 0)
        if getattr(self.model, "vocabulary", None) is not None:
            self._chosen()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the scalars of a block."""
        self._step += 1
        self._scalars("batch", logs, self._step)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the scalars of the epoch, the neighbours and the projector's files."""
        step = epoch + 1
        self._scalars("epoch", logs, step)
        known, table = self.model.vocabulary, np.asarray(self.model.vectors_table())
        found = nearest_words(table, known.words, self._chosen(), self.n)
        self._events().text("neighbours", neighbours_table(found, self._before), step)
        self._before = {word: {near for near, _ in nears} for word, nears in found.items()}
        write_words(self.folder, table, known.words, known.counts, self.max_words)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _events(self) -> EventWriter:
        if self._writer is None:
            self._writer = EventWriter(self.folder)
        return self._writer

    def _scalars(self, part: str, logs: Mapping[str, float] | None, step: int) -> None:
        values = {f"{part}/{name}": value for name, value in (logs or {}).items()}
        self._events().scalars(values, step)

    def _chosen(self) -> list[str]:
        words = self.model.vocabulary.words
        if self.words is None:
            return choose(words)
        known = set(words)
        for word in self.words:
            if word not in known:
                raise InputError(
                    f"The word {word!r}, whose neighbours were asked for, is not among the "
                    f"{len(known):,} of the vocabulary.{suggest(word, words)}"
                )
        return self.words


def choose(words: Sequence[str]) -> list[str]:
    """Return up to 12 words, the most frequent first, at ranks whose ratio is constant.

    The first hundred (a tenth of a small vocabulary) say little by their neighbours and are passed
    over; so is what comes after 10,000, whose vectors rest on few places.

    Args:
        words: V of them, the most frequent first.

    Example:
        >>> choose([str(rank) for rank in range(50_000)])[:4]
        ['100', '152', '231', '352']
    """
    first, last = min(FIRST, len(words) // 10) + 1, min(LAST, len(words))
    ranks = np.geomspace(first, last, CHOSEN).astype(int) - 1
    return [words[rank] for rank in dict.fromkeys(ranks.tolist())]


def nearest_words(
    table: np.ndarray, words: Sequence[str], chosen: Sequence[str], n: int
) -> dict[str, list[tuple[str, float]]]:
    """Return the words nearest to each chosen one, by the cosine of their vectors.

    Args:
        table: `(V, D)`; what is not finite, or zero, is near to nothing.
        words: V of them.
        chosen: some of them.
        n: how many neighbours.

    Returns:
        word -> (neighbour, cosine), the nearest first.

    Example:
        >>> nearest_words(np.array([[1.0, 0], [2, 0], [0, 1]]), ["a", "b", "c"], ["a"], 1)
        {'a': [('b', 1.0)]}
    """
    table = np.where(np.isfinite(table).all(axis=1, keepdims=True), table, 0).astype("float32")
    lengths = np.maximum(np.linalg.norm(table, axis=1), np.finfo("float32").tiny)
    place = {word: row for row, word in enumerate(words)}
    found = {}
    for word in chosen:
        own = place[word]
        cosines = table @ (table[own] / lengths[own]) / lengths
        cosines[own] = -np.inf
        best = np.argsort(-cosines, kind="stable")[: min(n, len(words) - 1)]
        found[word] = [(words[row], float(cosines[row])) for row in best.tolist()]
    return found


def neighbours_table(
    found: Mapping[str, Sequence[tuple[str, float]]], before: Mapping[str, set[str]]
) -> str:
    """Lay out neighbours as Markdown, a row for each word; what is new is bold.

    Args:
        found: word -> (neighbour, cosine).
        before: the neighbours of each word an epoch ago; of a word that is not there, none is new.

    Example:
        >>> print(neighbours_table({"king": [("queen", 0.8), ("duke", 0.5)]}, {"king": {"duke"}}))
        | word | nearest words |
        |---|---|
        | king | **queen** .80, duke .50 |
    """
    rows = []
    for word, nears in found.items():
        old = before.get(word, {near for near, _ in nears})
        shown = [
            (plain(near) if near in old else f"**{plain(near)}**")
            + f" {cosine:.2f}".replace("0.", ".")
            for near, cosine in nears
        ]
        rows.append([plain(word), ", ".join(shown)])
    return markdown_table(["word", "nearest words"], rows)
