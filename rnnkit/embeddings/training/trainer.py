"""word2vec on any backend: blocks of words in, two tables out."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from rnnkit.backend import native

# isort: split
from keras import ops

from rnnkit.embeddings.training.frequencies import Frequencies
from rnnkit.embeddings.training.huffman import Tree, huffman
from rnnkit.embeddings.training.numbered import Numbered
from rnnkit.embeddings.training.steps import Batch, Method, Pace, Tables, pace, step
from rnnkit.embeddings.training.stream import Block, Stream

Loss = Literal["negative-sampling", "hierarchical-softmax"]
AHEAD = 4  # blocks that are made while the step before them runs
ROOM = 8192  # words of a group of steps: more of them gain nothing


@dataclass(frozen=True)
class Training:
    """How word vectors are trained; the names are gensim's where the thing is the same.

    Attributes:
        method: "skip-gram" or "cbow".
        loss: "negative-sampling" or "hierarchical-softmax".
        vector_size: D.
        window: the largest distance of a context word.
        negative: noise words for each word.
        sample: see `Frequencies.keep`.
        alpha: the first learning rate.
        min_alpha: the last one; it falls evenly with the words that were read.
        epochs: passes over the corpus.
        seed: of the first vectors, and of all that is drawn.
        batch_size: N, words of a step, whose changes are summed up at the tables before it.

    Example:
        >>> Training(method="cbow").window
        5
    """

    method: Method = "skip-gram"
    loss: Loss = "negative-sampling"
    vector_size: int = 100
    window: int = 5
    negative: int = 5
    sample: float = 1e-3
    alpha: float = 0.025
    min_alpha: float = 0.0001
    epochs: int = 5
    seed: int = 0
    batch_size: int = 128


class Progress(NamedTuple):
    """How far a training is, after a block.

    Args:
        read: words read in this epoch.
        loss: the mean loss of a prediction since the epoch began: of each pair for skip-gram, of
            each word for CBOW, at the tables before the step that it was part of; None from gensim.
        rate: the learning rate of the block.
    """

    read: int
    loss: float | None
    rate: float


def first_tables(words: int, training: Training) -> tuple[np.ndarray, np.ndarray]:
    """Return the tables that a training starts from: vectors `U(-1/D, 1/D)`, outputs 0.

    As gensim has it; the word2vec program starts half as wide, and CBOW ends a little worse.

    Args:
        words: V.
        training: how.

    Returns:
        float32 `(V, D)` each; with hierarchical softmax `(V - 1, D)` the second.

    Example:
        >>> [table.shape for table in first_tables(5, Training(vector_size=2))]
        [(5, 2), (5, 2)]
    """
    rng = np.random.default_rng([training.seed, 0])
    vectors = (2 * rng.random((words, training.vector_size), "float32") - 1) / training.vector_size
    rows = words - (training.loss == "hierarchical-softmax")
    return vectors, np.zeros((rows, training.vector_size), "float32")


class Trainer:
    """Trains two tables, epoch by epoch.

    Two epochs draw from generators of their own: one can be left out by who has the tables after
    it, which is how a training that was interrupted goes on.

    Args:
        corpus: the words.
        training: how.
        tables: `(V, D)` each, the vectors and the outputs.

    Example:
        >>> from rnnkit.embeddings.training.numbered import number
        >>> corpus = number([["a", "b"], ["c", "d"]] * 50)
        >>> training = Training(vector_size=8, window=1, sample=0)
        >>> trainer = Trainer(corpus, training, first_tables(4, training))
        >>> losses = [list(trainer.epoch(e))[-1].loss for e in range(training.epochs)]
        >>> losses[-1] < losses[0], trainer.tables()[0].shape
        (True, (4, 8))
    """

    def __init__(
        self, corpus: Numbered, training: Training, tables: tuple[np.ndarray, np.ndarray]
    ) -> None:
        self._corpus, self._training = corpus, training
        known = corpus.frequencies
        tree = huffman(known.counts) if training.loss == "hierarchical-softmax" else None
        # Few words of a step beside the vocabulary: so that seldom two of them change one row.
        size = min(training.batch_size, max(8, len(known) // 8))
        steps = min(ROOM // size, -(-len(corpus.words) // (size * training.window)))
        self.stream = Stream(
            corpus,
            window=training.window,
            negative=0 if tree else training.negative,
            sample=training.sample,
            size=size,
            steps=max(steps, 1),
        )
        self._tables = native.tensors(tuple(np.array(table, "float32") for table in tables))
        paces = _paces(known, training, tree, size)
        self._fixed = native.tensors((*paces, *(_paths(tree) if tree else ())))
        self._run = _compiled(training.method)

    def __len__(self) -> int:
        """How many blocks an epoch has, about."""
        return len(self.stream)

    def epoch(self, epoch: int) -> Iterator[Progress]:
        """Go through the corpus once, block by block.

        Args:
            epoch: which, from 0 on; the learning rate depends on it.
        """
        rng = np.random.default_rng([self._training.seed, 1 + epoch])
        read, loss, number = 0, 0.0, 0.0
        first, last = self._training.alpha, self._training.min_alpha
        for block in _ahead(self.stream.blocks(rng)):
            done = (epoch + read / self._corpus.read) / self._training.epochs
            rate = first + (last - first) * min(done, 1.0)
            groups = native.tensors(tuple(part for group in block.groups for part in group))
            *tables, told = self._run(*self._tables, np.array(rate, "float32"), self._fixed, groups)
            self._tables = tuple(tables)
            told = ops.convert_to_numpy(told).astype("float64")
            loss, number, read = loss + told[0], number + told[1], read + block.read
            yield Progress(read, float(loss / max(number, 1.0)), rate)

    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Return vectors and outputs as they are now."""
        vectors, outputs = (np.array(ops.convert_to_numpy(table)) for table in self._tables)
        return vectors, outputs


def _paces(
    known: Frequencies, training: Training, tree: Tree | None, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pace of each row of both tables."""
    kept = known.keep(training.sample) * known.counts
    shares = kept / kept.sum()
    around = 1 + training.window  # the mean number of context words
    predictions = size * (around if training.method == "skip-gram" else 1)
    if tree is None:
        told = shares + training.negative * known.noise_shares
    else:
        below = np.repeat(shares, tree.lengths)
        told = np.bincount(tree.nodes[tree.there], below, len(known) - 1)
    return pace(size * around * shares), pace(predictions * told)


def _paths(tree: Tree) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return nodes, labels and what counts of each path."""
    return tree.nodes, (~tree.turns).astype("float32"), tree.there.astype("float32")


@functools.lru_cache(maxsize=2)
def _compiled(method: Method) -> Callable[..., Any]:
    """Return the compiled steps of a block: what goes in, the tables and the losses come out."""

    def run(vectors: Any, outputs: Any, rate: Any, fixed: tuple, groups: tuple) -> tuple:
        pace, paths = Pace(*fixed[:2]), fixed[2:]

        def one(carry: tuple, inputs: tuple) -> tuple[tuple, Any]:
            tables, told = Tables(*carry), 0.0
            for first in range(0, len(inputs), 3):  # a step of each group, then the next ones
                words, around, noise = inputs[first : first + 3]
                batch = Batch(around, *_compare(words, noise, paths))
                tables, lost, number = step(tables, batch, pace, rate, method)
                told = told + ops.stack([lost, number])
            return tuple(tables), told

        tables, told = native.scan(one, (vectors, outputs), groups)
        return *tables, ops.sum(told, axis=0)

    return native.compiled(run, donate=2)


def _compare(words: Any, noise: Any, paths: tuple) -> tuple[Any, Any, Any]:
    """Return the rows that each word is told apart by, their labels, and which count."""
    if paths:
        return tuple(native.take_rows(table, words) for table in paths)
    word = ops.expand_dims(words, 1)
    first = ops.cast(ops.ones_like(word), "float32")
    different = ops.cast(noise != word, "float32")
    return (
        ops.concatenate([word, noise], axis=1),
        ops.concatenate([first, ops.zeros_like(different)], axis=1),
        ops.concatenate([first, different], axis=1),
    )


def _ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """Make blocks in a thread of their own, a few before they are asked for."""
    waiting: queue.Queue[Block | BaseException | None] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def put(what: Block | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                return waiting.put(what, timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for block in blocks:
                put(block)
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            put(error)

    thread = threading.Thread(target=work, name="word2vec", daemon=True)
    thread.start()
    try:
        while (block := waiting.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block
    finally:
        stopped.set()
        thread.join()
