"""The Keras trainer of word2vec: blocks of words in, two tables out."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnnkit.deprecation import renamed_names
from rnnkit.embeddings.options import Word2VecOptions
from rnnkit.embeddings.training.array_steps import ArraySteps
from rnnkit.embeddings.training.encoded_corpus import EncodedCorpus
from rnnkit.embeddings.training.huffman import huffman_tree
from rnnkit.embeddings.training.step_choice import Wanted, choose_steps
from rnnkit.embeddings.training.step_data import step_data
from rnnkit.embeddings.training.stream import Block, Stream
from rnnkit.embeddings.training.tensor_steps import TensorSteps

PREFETCH = 4  # blocks that are prepared while the step before them runs
MAX_GROUP_SIZE = 8192  # words of a group of steps: larger ones are not faster


class Progress(NamedTuple):
    """Progress of a training epoch after a block.

    Attributes:
        words_read: words read in this epoch.
        loss: mean loss per prediction (skip-gram: pair, CBOW: word) since the start of the epoch,
            each before its step; None from gensim.
        learning_rate: the learning rate of the block.
    """

    words_read: int
    loss: float | None
    learning_rate: float


def initial_tables(words: int, options: Word2VecOptions) -> tuple[np.ndarray, np.ndarray]:
    """Return the initial parameters: word vectors from `U(-1/D, 1/D)`, outputs 0, float32 `(V, D)`.

    As in gensim; the word2vec program uses half the range, with slightly worse results for CBOW.
    With hierarchical softmax the outputs are `(V - 1, D)`.

    Args:
        words: V.
        options: see `rnnkit.embeddings.options.word2vec_options`.

    Example:
        >>> from rnnkit.embeddings.options import word2vec_options
        >>> [table.shape for table in initial_tables(5, word2vec_options(vector_size=2))]
        [(5, 2), (5, 2)]
    """
    size = options["vector_size"]
    rng = np.random.default_rng([options["seed"], 0])
    vectors = (2 * rng.random((words, size), "float32") - 1) / size
    rows = words - (options["loss"] == "hierarchical-softmax")
    return vectors, np.zeros((rows, size), "float32")


class KerasTrainer:
    """Trains word vectors epoch by epoch, in Numba's loop or on the backend of Keras.

    `rnnkit.embeddings.training.step_choice` says where. Each epoch has its own random generator, so
    that training can resume after any epoch; within an epoch it resumes from a `snapshot`.

    Args:
        corpus: the words.
        options: see `rnnkit.embeddings.options.word2vec_options`.
        tables: `(V, D)` each, word vectors and output vectors.
        steps: see `rnnkit.embeddings.training.step_choice.choose_steps`.

    Example:
        >>> from rnnkit.embeddings.options import word2vec_options
        >>> from rnnkit.embeddings.training.encoded_corpus import encode_corpus
        >>> corpus = encode_corpus([["a", "b"], ["c", "d"]] * 50)
        >>> options = word2vec_options(vector_size=8, window=1, sample=0)
        >>> trainer = KerasTrainer(corpus, options, initial_tables(4, options))
        >>> losses = [list(trainer.epoch(e))[-1].loss for e in range(5)]
        >>> losses[-1] < losses[0], trainer.tables()[0].shape
        (True, (4, 8))
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        options: Word2VecOptions,
        tables: tuple[np.ndarray, np.ndarray],
        steps: Wanted = "auto",
    ) -> None:
        self._corpus, self._options = corpus, options
        known = corpus.frequencies
        tree = huffman_tree(known.counts) if options["loss"] == "hierarchical-softmax" else None
        # Small steps for a small vocabulary: so that few words of a step change the same row.
        size = min(options["batch_size"], max(8, len(known) // 8))
        window = options["window"]
        number = min(MAX_GROUP_SIZE // size, -(-len(corpus.ids) // (size * window)))
        self.stream = Stream(
            corpus,
            window=window,
            negative=0 if tree else options["negative"],
            sample=options["sample"],
            batch_size=size,
            steps=max(number, 1),
        )
        kind = ArraySteps if choose_steps(steps).kind == "numba" else TensorSteps
        self._steps = kind(step_data(known, options, tree, size), tables)
        self._position: dict[str, Any] = {}

    def __len__(self) -> int:
        """Approximate number of blocks of an epoch."""
        return len(self.stream)

    def epoch(self, epoch: int, position: Mapping[str, Any] | None = None) -> Iterator[Progress]:
        """Train an epoch block by block; the learning rate depends on its number.

        Args:
            epoch: from 0.
            position: within the epoch, of a `snapshot`; the tables must be those of it.
        """
        options = self._options
        rng = np.random.default_rng([options["seed"], 1 + epoch])
        now = dict(position or {"blocks": 0, "read": 0, "loss": 0.0, "number": 0.0})
        first, last = options["alpha"], options["min_alpha"]
        # The blocks that were trained are drawn again: the random numbers go on behind them.
        blocks = itertools.islice(self.stream.blocks(rng), now["blocks"], None)
        for block in _prefetch(blocks):
            done = (epoch + now["read"] / self._corpus.total_words) / options["epochs"]
            rate = first + (last - first) * min(done, 1.0)
            loss, number = self._steps.run(block, rate)
            now = {
                "blocks": now["blocks"] + 1,
                "read": now["read"] + block.words_read,
                "loss": now["loss"] + loss,
                "number": now["number"] + number,
            }
            self._position = now
            yield Progress(now["read"], now["loss"] / max(now["number"], 1.0), rate)

    def snapshot(self) -> tuple[dict[str, Any], tuple[np.ndarray, np.ndarray]]:
        """Return the position within the epoch under way, and the tables there."""
        return self._position, self.tables()

    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the current word vectors and output vectors."""
        return self._steps.tables()


def _prefetch(blocks: Iterator[Block]) -> Iterator[Block]:
    """Prepare blocks in a background thread, up to `PREFETCH` ahead."""
    waiting: queue.Queue[Block | BaseException | None] = queue.Queue(PREFETCH)
    stopped = threading.Event()

    def put(item: Block | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                return waiting.put(item, timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for block in blocks:
                put(block)
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  raised again by the consumer
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


_RENAMED = {"Trainer": "KerasTrainer", "first_tables": "initial_tables"}
__getattr__ = renamed_names(
    __name__, _RENAMED | {"Training": "rnnkit.embeddings.options:word2vec_options"}
)
