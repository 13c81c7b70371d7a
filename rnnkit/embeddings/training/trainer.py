"""The Keras trainer of word2vec: blocks of words in, two tables out."""

from __future__ import annotations

import functools
import itertools
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnnkit.backend import native

# isort: split
from keras import ops

from rnnkit.deprecation import renamed_names
from rnnkit.embeddings.options import Method, Word2VecOptions
from rnnkit.embeddings.training.encoded_corpus import EncodedCorpus
from rnnkit.embeddings.training.frequencies import Frequencies
from rnnkit.embeddings.training.huffman import HuffmanTree, huffman_tree
from rnnkit.embeddings.training.steps import Batch, StepScales, Tables, sgd_step, step_scale
from rnnkit.embeddings.training.stream import Block, Stream

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
    """Trains word vectors on the backend of Keras, epoch by epoch.

    Each epoch has its own random generator, so that training can resume after any epoch; within an
    epoch it resumes from a `snapshot`.

    Args:
        corpus: the words.
        options: see `rnnkit.embeddings.options.word2vec_options`.
        tables: `(V, D)` each, word vectors and output vectors.

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
        self, corpus: EncodedCorpus, options: Word2VecOptions, tables: tuple[np.ndarray, np.ndarray]
    ) -> None:
        self._corpus, self._options = corpus, options
        known = corpus.frequencies
        tree = huffman_tree(known.counts) if options["loss"] == "hierarchical-softmax" else None
        # Small steps for a small vocabulary: so that few words of a step change the same row.
        size = min(options["batch_size"], max(8, len(known) // 8))
        window = options["window"]
        steps = min(MAX_GROUP_SIZE // size, -(-len(corpus.ids) // (size * window)))
        negative = 0 if tree else options["negative"]
        sizes = {"window": window, "negative": negative, "batch_size": size, "steps": max(steps, 1)}
        self.stream = Stream(corpus, sample=options["sample"], **sizes)
        self._tables = native.tensors(tuple(np.array(table, "float32") for table in tables))
        paths: tuple[np.ndarray, ...] = ()
        if tree:
            paths = (tree.nodes, (~tree.codes).astype("float32"), tree.mask.astype("float32"))
        self._fixed = native.tensors((*_step_scales(known, options, tree, size), *paths))
        self._run = _compiled(options["method"])
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
            groups = native.tensors(tuple(part for group in block.groups for part in group))
            *tables, sums = self._run(*self._tables, np.array(rate, "float32"), self._fixed, groups)
            self._tables = tuple(tables)
            loss, number = ops.convert_to_numpy(sums).astype("float64").tolist()
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
        vectors, outputs = (np.array(ops.convert_to_numpy(table)) for table in self._tables)
        return vectors, outputs


def _step_scales(
    known: Frequencies, options: Word2VecOptions, tree: HuffmanTree | None, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the factors of the learning rate for each row of both tables."""
    kept = known.keep_probabilities(options["sample"]) * known.counts
    frequencies = kept / kept.sum()
    context_size = 1 + options["window"]  # the mean number of context words
    predictions = size * (context_size if options["method"] == "skip-gram" else 1)
    if tree is None:
        targets = frequencies + options["negative"] * known.noise_distribution
    else:
        below = np.repeat(frequencies, tree.lengths)
        targets = np.bincount(tree.nodes[tree.mask], below, len(known) - 1)
    return step_scale(size * context_size * frequencies), step_scale(predictions * targets)


@functools.lru_cache(maxsize=2)
def _compiled(method: Method) -> Callable[..., Any]:
    """Return the compiled steps of a block, a function from tables to tables and summed losses."""

    def run(vectors: Any, outputs: Any, rate: Any, fixed: tuple, groups: tuple) -> tuple:
        scales, paths = StepScales(*fixed[:2]), fixed[2:]

        def one(carry: tuple, inputs: tuple) -> tuple[tuple, Any]:
            tables, sums = Tables(*carry), 0.0
            for first in range(0, len(inputs), 3):  # a step of each group, then the next steps
                words, contexts, noise = inputs[first : first + 3]
                batch = Batch(contexts, *_targets(words, noise, paths))
                tables, loss, number = sgd_step(tables, batch, scales, rate, method)
                sums = sums + ops.stack([loss, number])
            return tuple(tables), sums

        tables, sums = native.scan(one, (vectors, outputs), groups)
        return *tables, ops.sum(sums, axis=0)

    return native.compiled(run, donate=2)


def _targets(words: Any, noise: Any, paths: tuple) -> tuple[Any, Any, Any]:
    """Return the output rows, labels and weights of each word."""
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
