"""The steps of word2vec on NumPy arrays, in a loop that Numba compiles."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from rnnkit.embeddings.training.step_data import StepData
from rnnkit.embeddings.training.stream import Block


class ArraySteps:
    """Trains two tables on blocks of words, on a CPU; same interface as `TensorSteps`.

    With several workers each reads a part of the words of every step, and all change the same
    tables without a lock, so that no two trainings are the same. One worker is deterministic.

    Args:
        data: what stays the same in all steps.
        tables: word vectors and output vectors; they are copied.
    """

    def __init__(self, data: StepData, tables: tuple[np.ndarray, np.ndarray]) -> None:
        from rnnkit.backend.numba.word2vec import LANES, aligned_rows, train_block

        self._data, self._train, self._width = data, train_block, tables[0].shape[1]
        padded = -(-self._width // LANES) * LANES  # zeros, which stay zero
        self._tables = tuple(aligned_rows(len(table), padded) for table in tables)
        for mine, given in zip(self._tables, tables, strict=True):
            mine[:, : self._width] = given
        self._tree: tuple[np.ndarray, ...]
        if data.tree is None:
            self._tree = np.zeros((0, 0), "int32"), np.zeros((0, 0), "bool"), np.zeros(0, "int32")
        else:
            self._tree = tuple(map(np.ascontiguousarray, data.tree))

    def run(self, block: Block, rate: float) -> tuple[float, float]:
        """Train on a block; return the summed loss and the number of predictions."""
        data, workers = self._data, self._data.workers
        size = block.groups[0].words.shape[1]
        arguments = (
            *(*self._tables, data.vector_scales, data.output_scales, np.float32(rate)),
            np.stack([group.words for group in block.groups]),
            np.concatenate([group.contexts.reshape(-1) for group in block.groups]),
            np.stack([group.noise for group in block.groups]),
            *(*self._tree, data.method == "cbow"),
        )
        if workers == 1:
            return self._train(*arguments, 0, size)
        bounds = [size * part // workers for part in range(workers + 1)]
        with ThreadPoolExecutor(workers, "word2vec") as pool:
            parts = [
                pool.submit(self._train, *arguments, *part) for part in itertools.pairwise(bounds)
            ]
        losses, numbers = zip(*(part.result() for part in parts), strict=True)
        return sum(losses), sum(numbers)

    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Return copies of the word vectors and output vectors."""
        vectors, outputs = (table[:, : self._width].copy() for table in self._tables)
        return vectors, outputs
