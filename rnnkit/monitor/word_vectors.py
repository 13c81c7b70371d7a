"""Training of word vectors in TensorBoard: loss, speed, nearest neighbours, projector."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
import numpy as np

from rnnkit.deprecation import renamed_names
from rnnkit.disk import optional
from rnnkit.errors import InputError, check_count, suggest
from rnnkit.monitor.events import NO_EVENTS, EventWriter, event_files, resume_writers
from rnnkit.monitor.figures import escape_markdown, markdown_table
from rnnkit.monitor.projector import write_frequent_words
from rnnkit.monitor.tags import BATCH, EPOCH, EXAMPLES, measure_tag

DEFAULT_WORDS = 12  # words whose neighbours are shown by default
MIN_RANK, MAX_RANK = 100, 10_000  # of these words


class WordVectorEvents(keras.callbacks.Callback):
    """Log training of word vectors to TensorBoard.

    | page | content |
    |---|---|
    | Scalars | `epoch/...` and `per_batch/...`: loss, learning rate and words/s, as far as the model reports them |
    | Text | `examples/neighbours`: after each epoch the nearest neighbours of some words; bold = new since the last epoch |
    | Projector | the most frequent words with their counts, after the latest epoch |

    Epochs and blocks of steps count from 1. The model needs `vocabulary` and `vectors_table()`, as
    `rnnkit.embeddings.SkipGram` and `CBOW` have.

    Args:
        folder: of the run, which is its subfolder `train`; the `--logdir` of TensorBoard, or below.
        words: whose neighbours to show; None = 12 words, see `select_words`.
        n: neighbours of each.
        max_words: words in the projector.

    Raises:
        InputError: `n` or `max_words` below 1, no words; within `fit`, an unknown word.

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
        self.folder = Path(folder) / "train"
        self.words = None if words is None else [words] if isinstance(words, str) else list(words)
        if self.words == []:
            raise InputError("words is empty: give at least one word, or None for the default.")
        self.n = check_count("n", n)
        self.max_words = check_count("max_words", max_words)
        self._writer: EventWriter | None = None
        self._step = 0
        self._before: dict[str, set[str]] = {}

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the size of the event file, the step, and the last neighbours."""
        files = {}
        if self._writer is not None:
            files["train"] = (self._writer.path.name, self._writer.sync())
        before = {word: sorted(near) for word, near in self._before.items()}
        there = event_files(self.folder.parent)
        return {"files": files, "there": there, "step": self._step, "before": list(before.items())}

    def restore_checkpoint(self, state: dict[str, Any]) -> None:
        """Go on with the event file; what it holds of later steps is cut off."""
        writers = resume_writers(self.folder.parent, state["files"], state["there"])
        self._writer, self._step = writers.get("train"), state["step"]
        self._before = {word: set(near) for word, near in state["before"]}

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Open the file."""
        self._events()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Check that the words are in the vocabulary, before an epoch is spent."""
        if not self._step:  # approximate step of a resumed training
            self._step = epoch * ((self.params or {}).get("steps") or 0)
        if getattr(self.model, "vocabulary", None) is not None:
            self._selected()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the scalars of a block."""
        self._step += 1
        self._scalars(BATCH, logs, self._step)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the scalars of the epoch, the neighbours and the projector's files."""
        step = epoch + 1
        self._scalars(EPOCH, logs, step)
        known, table = self.model.vocabulary, np.asarray(self.model.vectors_table())
        found = nearest_words(table, known.words, self._selected(), self.n)
        self._events().text(f"{EXAMPLES}/neighbours", neighbours_table(found, self._before), step)
        self._before = {word: {other for other, _ in near} for word, near in found.items()}
        with optional(self.folder.parent, NO_EVENTS):
            write_frequent_words(self.folder, table, known.words, known.counts, self.max_words)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _events(self) -> EventWriter:
        if self._writer is None:
            self._writer = EventWriter(self.folder)  # refused before the first step
            self._writer.required = False
        return self._writer

    def _scalars(self, part: str, logs: Mapping[str, float] | None, step: int) -> None:
        values = {measure_tag(part, name): value for name, value in (logs or {}).items()}
        self._events().scalars(values, step)

    def _selected(self) -> list[str]:
        words = self.model.vocabulary.words
        if self.words is None:
            return select_words(words)
        for word in self.words:
            if word not in words:
                raise InputError(
                    f"The word {word!r} is not among the {len(words):,} of the vocabulary."
                    f"{suggest(word, words)}"
                )
        return self.words


def select_words(words: Sequence[str]) -> list[str]:
    """Return up to 12 words at log-spaced ranks, the most frequent first.

    Ranks below 100 (a tenth of a small vocabulary) are skipped, because neighbours of function
    words are uninformative; so are ranks above 10,000, with vectors from few occurrences.

    Example:
        >>> select_words([str(rank) for rank in range(50_000)])[:4]
        ['100', '152', '231', '352']
    """
    first, last = min(MIN_RANK, len(words) // 10) + 1, min(MAX_RANK, len(words))
    ranks = np.geomspace(first, last, DEFAULT_WORDS).astype(int) - 1
    return [words[rank] for rank in dict.fromkeys(ranks.tolist())]


def nearest_words(
    table: np.ndarray, words: Sequence[str], queries: Sequence[str], n: int
) -> dict[str, list[tuple[str, float]]]:
    """Return the nearest neighbours of words by cosine similarity.

    The same as `rnnkit.embeddings.neighbours`, without gensim and for vectors in training.

    Args:
        table: `(V, D)`; vectors that are zero or not finite have a similarity of 0.
        words: V words.
        queries: some of them.
        n: number of neighbours.

    Returns:
        word -> (neighbour, cosine), the nearest first.

    Example:
        >>> nearest_words(np.array([[1.0, 0], [2, 0], [0, 1]]), ["a", "b", "c"], ["a"], 1)
        {'a': [('b', 1.0)]}
    """
    table = np.where(np.isfinite(table).all(axis=1, keepdims=True), table, 0).astype("float32")
    lengths = np.maximum(np.linalg.norm(table, axis=1), np.finfo("float32").tiny)
    index = {word: row for row, word in enumerate(words)}
    found = {}
    for word in queries:
        own = index[word]
        cosines = table @ (table[own] / lengths[own]) / lengths
        cosines[own] = -np.inf
        best = np.argsort(-cosines, kind="stable")[: min(n, len(words) - 1)]
        found[word] = [(words[row], float(cosines[row])) for row in best.tolist()]
    return found


def neighbours_table(
    found: Mapping[str, Sequence[tuple[str, float]]], before: Mapping[str, set[str]]
) -> str:
    """Return a Markdown table of neighbours, a row for each word; those not in `before` are bold.

    Example:
        >>> print(neighbours_table({"king": [("queen", 0.8), ("duke", 0.5)]}, {"king": {"duke"}}))
        | word | nearest words |
        |---|---|
        | king | **queen** .80, duke .50 |
    """
    rows = []
    for word, near in found.items():
        old = before.get(word, {other for other, _ in near})
        shown = []
        for other, cosine in near:
            name, number = escape_markdown(other), f"{cosine:.2f}".replace("0.", ".")
            shown.append(f"{name} {number}" if other in old else f"**{name}** {number}")
        rows.append([escape_markdown(word), ", ".join(shown)])
    return markdown_table(["word", "nearest words"], rows)


__getattr__ = renamed_names(__name__, {"choose": "select_words"})
