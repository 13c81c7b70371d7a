"""The steps of word2vec on the tensors of the backend."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnkit.backend import native

# isort: split
from keras import ops

from rnnkit.embeddings.options import Method
from rnnkit.embeddings.training.step_data import StepData
from rnnkit.embeddings.training.steps import Batch, StepScales, Tables, sgd_step
from rnnkit.embeddings.training.stream import Block


class TensorSteps:
    """Trains two tables on blocks of words, on the device of the backend.

    Args:
        data: what stays the same in all steps.
        tables: word vectors and output vectors; they are copied.
    """

    def __init__(self, data: StepData, tables: tuple[np.ndarray, np.ndarray]) -> None:
        self._tables = native.tensors(tuple(np.array(table, "float32") for table in tables))
        paths: tuple[np.ndarray, ...] = ()
        if data.tree is not None:
            labels, mask = ~data.tree.codes, data.tree.mask
            paths = (data.tree.nodes, labels.astype("float32"), mask.astype("float32"))
        self._fixed = native.tensors((data.vector_scales, data.output_scales, *paths))
        self._run = _compiled(data.method)

    def run(self, block: Block, rate: float) -> tuple[float, float]:
        """Train on a block; return the summed loss and the number of predictions."""
        groups = native.tensors(tuple(part for group in block.groups for part in group))
        *tables, sums = self._run(*self._tables, np.array(rate, "float32"), self._fixed, groups)
        self._tables = tuple(tables)
        loss, number = ops.convert_to_numpy(sums).astype("float64").tolist()
        return loss, number

    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Return copies of the word vectors and output vectors."""
        vectors, outputs = (np.array(ops.convert_to_numpy(table)) for table in self._tables)
        return vectors, outputs


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
