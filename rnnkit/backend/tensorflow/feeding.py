"""Batches as a `tf.data.Dataset`, without the memory that `from_generator` keeps.

TensorFlow keeps every Python function that a data set calls for as long as the process lives
(`tf.py_function`: "memory leak"), and with it the batches of `Dataset.from_generator`. Here one
function is registered for each form of batches; it finds the batches of a data set by number.
"""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

Forms = tuple[tuple[tuple[int | None, ...], str], ...]  # shape and data type of each array
Tensor = Any

_numbers = itertools.count()
_sources: dict[int, Any] = {}  # number -> batches, for as long as their data set lives


def feed(batches: Any) -> tf.data.Dataset:
    """Return a `tf.data.Dataset` for `fit` of a `keras.utils.PyDataset` of `(inputs, ...)` batches.

    Keras would fix the number of steps T from the first two batches; here it stays open. The inputs
    are an array `(B, T, ...)` or a tuple of arrays; so are targets and weights of every step. Only
    ids `(B, K, L)` may have another number of steps.
    """
    first = tuple(batches[0])
    steps = tf.nest.flatten(first[0])[0].shape[1]

    def form(part: Any) -> tuple[tuple[int | None, ...], str]:
        stepwise = part.ndim > 1 and part.shape[1] == steps  # labels are (B,) or (B, 1)
        axes = 2 if stepwise or (part.ndim == 3 and part.dtype.kind == "i") else 1
        return (None,) * axes + part.shape[axes:], part.dtype.name

    fetch = _fetcher(tuple(form(part) for part in tf.nest.flatten(first)))
    number = next(_numbers)

    @tf.autograph.experimental.do_not_convert
    def one(index: Tensor) -> Any:
        return tf.nest.pack_sequence_as(first, fetch(number, index))

    dataset = tf.data.Dataset.range(len(batches)).map(one)
    _sources[number] = batches
    weakref.finalize(dataset, _sources.pop, number)  # what is made of a data set holds it
    return dataset.prefetch(2)


@functools.lru_cache(maxsize=64)
def _fetcher(forms: Forms) -> Callable[[int, Tensor], list[Tensor]]:
    """Return a graph function `(number of a source, index of a batch) -> arrays of these forms`."""

    def read(number: np.int64, index: np.int64) -> list[np.ndarray]:
        batches = _sources.get(int(number))
        if batches is None:  # fetched ahead while the data set was dropped
            raise StopIteration
        parts = tf.nest.flatten(tuple(batches[int(index)]))
        pairs = zip(parts, forms, strict=True)
        return [np.asarray(part, dtype) for part, (_, dtype) in pairs]

    signature = [tf.TensorSpec((), tf.int64)] * 2
    types = [tf.as_dtype(dtype) for _, dtype in forms]

    @tf.function(input_signature=signature, autograph=False)
    def fetch(number: Tensor, index: Tensor) -> list[Tensor]:
        found = tf.numpy_function(read, [number, index], types)
        pairs = zip(found, forms, strict=True)
        return [tf.ensure_shape(part, shape) for part, (shape, _) in pairs]

    return fetch
