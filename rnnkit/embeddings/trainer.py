"""word2vec on any backend: blocks of words in, two tables out."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from rnnkit.backend import native

# isort: split
from keras import ops

from rnnkit.embeddings.frequencies import Frequencies
from rnnkit.embeddings.huffman import Tree, huffman
from rnnkit.embeddings.steps import Batch, Method, Tables, step
from rnnkit.embeddings.stream import Block, Stream

Loss = Literal["negative-sampling", "hierarchical-softmax"]
AHEAD = 4  # blocks that are made while the step before them runs


@dataclass(frozen=True)
class Training:
    """What is trained, and how; the names are gensim's where the thing is the same.

    Attributes:
        method: "skip-gram" or "cbow".
        loss: "negative-sampling" or "hierarchical-softmax".
        vector_size: D.
        window: the largest distance of a context word.
        negative: noise words for each word.
        sample: see `Frequencies.keep`.
        alpha: the first learning rate.
        min_alpha: the last one; it falls with the words that were read.
        epochs: passes over the corpus.
        seed: of the first vectors, and of all that is drawn.
        size: words of a step. Their gradients are all taken at the tables before it.
        steps: steps that are compiled into one call.
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
    size: int = 256
    steps: int = 128


def train(
    corpus: Iterable[Sequence[str]],
    frequencies: Frequencies,
    training: Training,
    on_block: Callable[[int, float], None] | None = None,
) -> tuple[np.ndarray, list[float]]:
    """Learn a vector for each word.

    Args:
        corpus: tokenised texts, read once an epoch.
        frequencies: its words; the others are left out.
        training: how.
        on_block: called with the number of words read so far and the mean loss of a prediction.

    Returns:
        `(V, D)` float32, and the mean loss of a prediction in each epoch.

    Example:
        >>> texts = [["a", "b"], ["c", "d"]] * 50
        >>> known = Frequencies.learn(texts)
        >>> vectors, losses = train(texts, known, Training(vector_size=8, sample=0, size=8))
        >>> vectors.shape, losses[-1] < losses[0]
        ((4, 8), True)
    """
    rng = np.random.default_rng(training.seed)
    shape = (len(frequencies.words), training.vector_size)
    vectors = (rng.random(shape, "float32") - 0.5) / training.vector_size
    tree = huffman(frequencies.counts) if training.loss == "hierarchical-softmax" else None
    outputs = np.zeros((shape[0] - (tree is not None), shape[1]), "float32")
    tables = Tables(*native.tensors((vectors, outputs)))
    paths = () if tree is None else native.tensors(_paths(tree))
    run = _compiled(training.method, training.loss)
    stream = Stream(
        frequencies,
        window=training.window,
        negative=training.negative if tree is None else 0,
        sample=training.sample,
        size=training.size,
        steps=training.steps,
    )
    total: int | None = None
    read, losses = 0, []
    for epoch in range(training.epochs):
        loss, number = 0.0, 0.0
        for block in _ahead(stream.blocks(corpus, rng)):
            whole = (total or _words(frequencies)) * training.epochs
            share = min(read / max(whole, 1), 1.0)
            rate = training.alpha + (training.min_alpha - training.alpha) * share
            given = (block.words, block.around, block.noise, np.array(rate, "float32"))
            *found, told = run(*tables, *given, *paths)
            tables = Tables(*found)
            told = ops.convert_to_numpy(told).astype("float64").sum(0)
            loss, number, read = loss + told[0], number + told[1], read + block.read
            if on_block is not None:
                on_block(read, told[0] / max(told[1], 1.0))
        total = read // (epoch + 1)
        losses.append(float(loss / max(number, 1.0)))
    return ops.convert_to_numpy(tables.vectors), losses


def _words(frequencies: Frequencies) -> int:
    """Guess how many words a pass reads, before the first one has ended: the known ones."""
    return int(frequencies.counts.sum())


def _paths(tree: Tree) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return nodes, labels and what counts of each path."""
    there = np.arange(tree.nodes.shape[1]) < tree.lengths[:, None]
    return tree.nodes, (~tree.turns).astype("float32"), there.astype("float32")


@functools.lru_cache(maxsize=16)
def _compiled(method: Method, loss: Loss) -> Callable[..., Any]:
    """Return the compiled steps of a block: what goes in, the tables and the losses come out."""

    def run(
        vectors: Any, outputs: Any, words: Any, around: Any, noise: Any, rate: Any, *paths: Any
    ) -> tuple[Any, Any, Any]:
        def one(carry: tuple, inputs: tuple) -> tuple[tuple, Any]:
            words, around, noise = inputs
            batch = Batch(around, *_compare(words, noise, paths))
            tables, lost, number = step(Tables(*carry), batch, rate, method)
            return tuple(tables), ops.stack([lost, number])

        (vectors, outputs), told = native.scan(one, (vectors, outputs), (words, around, noise))
        return vectors, outputs, told

    del loss  # one function for each: a tree's paths come as further arguments
    return native.compiled(run)


def _compare(words: Any, noise: Any, paths: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Return the rows that each word is told apart by, their labels, and which count."""
    if paths:
        return tuple(ops.take(table, words, axis=0) for table in paths)
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

    def work() -> None:
        try:
            for block in blocks:
                while not stopped.is_set():
                    try:
                        waiting.put(block, timeout=0.1)
                        break
                    except queue.Full:
                        continue
                if stopped.is_set():
                    return
            waiting.put(None)
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            waiting.put(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (block := waiting.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block
    finally:
        stopped.set()
        thread.join()
