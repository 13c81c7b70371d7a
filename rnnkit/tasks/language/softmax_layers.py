"""Input and output embeddings of language models with a full, sampled or adaptive softmax."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from rnnkit.backend.initializers import Seeded
from rnnkit.config import SavedArguments
from rnnkit.data.softmax_inputs import ClusterTargets, NegativeSampler, check_cutoffs
from rnnkit.deprecation import renamed_class
from rnnkit.errors import check_count

Tensor = Any
VERY_SMALL = -1e9


class WordVectors(SavedArguments, keras.layers.Layer):
    """A layer from word ids to vectors of one size. Abstract."""

    size: int

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the vectors."""
        return (*input_shape, self.size)


@keras.saving.register_keras_serializable(package="rnnkit")
class EmbeddingSoftmax(WordVectors):
    """Embedding and softmax of a vocabulary, tied or not; the softmax full or sampled.

    `p(w | h) = exp(h·o_w + b_w) / Σ_v exp(h·o_v + b_v)`, with `o_w = e_w`, the embedding of the
    word, if tied. Sampled softmax: a training step computes the sum over the frequent words in full
    and estimates that over the R rare ones from S of them, sampled for the window and shared by its
    positions: `Σ_rare ≈ (R / S) Σ_sampled exp(h·o_v + b_v)`; a rare target is added.
    Outside training probabilities are exact in any case.

    Args:
        words: V.
        size: D, of a word's vector.
        tie: share the vectors between input and output.
        frequent: sampled softmax: words below this id are always in the sum.
        num_sampled: S; 0 = full softmax.
        seed: of the initial weights.
        **options: as in `keras.layers.Layer`.

    Raises:
        InputError: more samples than rare words.

    Source: Press and Wolf 2017, arXiv:1608.05859 (tying); Jean et al. 2015, arXiv:1412.2007
        (sampling).

    Example:
        >>> table = EmbeddingSoftmax(10, 4)
        >>> h = table(ops.array([[3, 1]]))
        >>> log_p = table.log_probabilities(h)
        >>> tuple(log_p.shape), float(ops.convert_to_numpy(ops.exp(log_p[0, 0])).sum().round(4))
        ((1, 2, 10), 1.0)
    """

    config_keys: ClassVar = ("words", "size", "tie", "frequent", "num_sampled", "seed")
    renamed_keys: ClassVar = {"samples": "num_sampled"}

    def __init__(
        self,
        words: int,
        size: int,
        *,
        tie: bool = True,
        frequent: int = 0,
        num_sampled: int = 0,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.words, self.size, self.tie = words, size, tie
        self.frequent, self.num_sampled, self.seed = frequent, num_sampled, seed
        self.helper = NegativeSampler(frequent, words, num_sampled) if num_sampled else None

    def build(self, input_shape: Any = None) -> None:
        """Create embeddings, biases and, if untied, output embeddings."""
        shape, start = (self.words, self.size), Seeded("uniform", self.seed)
        self.embeddings = self.add_weight(shape=shape, initializer=start, name="embeddings")
        self.bias = self.add_weight(shape=(self.words,), initializer="zeros", name="bias")
        self.outputs = None
        if not self.tie:
            start = Seeded("uniform", self.seed + 1)
            self.outputs = self.add_weight(shape=shape, initializer=start, name="outputs")

    def call(self, ids: Tensor) -> Tensor:
        """Return the vectors of the words."""
        return ops.cast(ops.take(self.embeddings, ids, axis=0), self.compute_dtype)

    def _out(self) -> Tensor:
        return ops.convert_to_tensor(self.embeddings if self.tie else self.outputs)

    def log_probabilities(self, hidden: Tensor) -> Tensor:
        """Return the logarithms of the probabilities of all words after `(..., D)`: `(..., V)`."""
        return ops.log_softmax(_product(hidden, self._out()) + self.bias, axis=-1)

    def nll(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Return `-log p` of the targets `(N,)` after `(N, D)`, exact."""
        every = _product(hidden, self._out()) + self.bias
        return ops.logsumexp(every, axis=-1) - self._of_targets(hidden, targets)

    def loss(
        self, hidden: Tensor, targets: Any, weights: Any, drawn: Any = (), training: bool = False
    ) -> Tensor:
        """Return `-Σ w log p` of the targets `(N,)` after `(N, D)`; in training from samples."""
        if not training or not self.num_sampled:
            return ops.sum(weights * self.nll(hidden, targets))
        out, (drawn,) = self._out(), drawn
        frequent = _product(hidden, out[: self.frequent]) + self.bias[: self.frequent]
        rare = _product(hidden, ops.take(out, drawn, axis=0)) + ops.take(self.bias, drawn)
        rare = rare + math.log((self.words - self.frequent) / self.num_sampled)
        hit = ops.expand_dims(targets, 1) == ops.expand_dims(drawn, 0)
        rare = ops.where(hit, VERY_SMALL, rare)  # the target is counted once
        wanted = self._of_targets(hidden, targets)
        alone = ops.where(targets < self.frequent, VERY_SMALL, wanted)
        every = ops.concatenate([frequent, rare, ops.expand_dims(alone, 1)], axis=1)
        return ops.sum(weights * (ops.logsumexp(every, axis=-1) - wanted))

    def _of_targets(self, hidden: Tensor, targets: Tensor) -> Tensor:
        # From the rows of the table: picked from all products, its gradient would be as large
        # as they are.
        rows = ops.cast(ops.take(self._out(), targets, axis=0), "float32")
        return ops.sum(ops.cast(hidden, "float32") * rows, axis=-1) + ops.take(self.bias, targets)


@keras.saving.register_keras_serializable(package="rnnkit")
class AdaptiveSoftmax(WordVectors):
    """Adaptive softmax, with adaptive input embeddings: rare words have smaller vectors.

    The head has the frequent words and one entry for each tail cluster i, whose words have vectors
    of `D_i = D / div_value^i` components: `p(w | h) = p(w | head)`, or
    `p(cluster i | head) · p(w | cluster i)` with `p(w | cluster i) ∝ exp((h Q_i)·o_w)`. A training
    step computes a tail cluster only where the target is in it, so it costs little more than the
    head. If tied, the input vector of a word of cluster i is `o_w Q_iᵀ`.

    Args:
        words: V; words are numbered by falling frequency.
        size: D.
        cutoffs: the first word of each tail cluster.
        div_value: factor by which the size falls from cluster to cluster.
        tie: share the vectors between input and output.
        seed: of the initial weights.
        **options: as in `keras.layers.Layer`.

    Raises:
        InputError: cutoffs that do not rise below V, or div_value below 1.

    Source: Grave et al. 2017, arXiv:1609.04309; tied: Baevski and Auli 2019, arXiv:1809.10853.

    Example:
        >>> table = AdaptiveSoftmax(10, 4, (3, 6))
        >>> log_p = table.log_probabilities(table(ops.array([[3, 1]])))
        >>> tuple(log_p.shape), float(ops.convert_to_numpy(ops.exp(log_p[0, 0])).sum().round(4))
        ((1, 2, 10), 1.0)
    """

    config_keys: ClassVar = ("words", "size", "cutoffs", "div_value", "tie", "seed")
    renamed_keys: ClassVar = {"shrink": "div_value"}

    def __init__(
        self,
        words: int,
        size: int,
        cutoffs: Sequence[int],
        *,
        div_value: int = 4,
        tie: bool = True,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.words, self.size, self.tie = words, size, tie
        self.div_value = check_count("div_value", div_value)
        self.cutoffs, self.seed = check_cutoffs(cutoffs, words), seed
        self.helper = ClusterTargets(self.cutoffs)

    def build(self, input_shape: Any = None) -> None:
        """Create the vectors and projections of the clusters."""
        self.output_part = self._tables("output", self.seed)
        self.input_part = self.output_part if self.tie else self._tables("input", self.seed + 20)
        count, start = len(self.cutoffs), Seeded("uniform", self.seed + 40)
        self.clusters = self.add_weight((count, self.size), initializer=start, name="clusters")
        size = self.cutoffs[0] + count
        self.bias = self.add_weight((size,), initializer="zeros", name="bias")

    def _tables(self, name: str, seed: int) -> list[Any]:
        """Return the vectors of the head; then vectors and projection of each tail cluster."""
        found = []
        borders = (0, *self.cutoffs, self.words)
        for i, (first, end) in enumerate(itertools.pairwise(borders)):
            size = max(1, self.size // self.div_value**i)
            shapes = [(f"{name}_{i}", (end - first, size), "uniform")]
            if i:
                shapes.append((f"{name}_projection_{i}", (self.size, size), "glorot_uniform"))
            for part, (label, shape, start) in enumerate(shapes):
                initializer = Seeded(start, seed + 2 * i + part)
                found.append(self.add_weight(shape=shape, initializer=initializer, name=label))
        return found

    def call(self, ids: Tensor) -> Tensor:
        """Return the vectors of the words."""
        head, *rare = self.input_part
        dtype, borders = self.compute_dtype, (*self.cutoffs, self.words)
        ids = ops.cast(ids, "int32")
        found = ops.take(head, ops.minimum(ids, self.cutoffs[0] - 1), axis=0)
        found = ops.cast(found, dtype) * self._inside(ids, 0, self.cutoffs[0])
        for i, first in enumerate(self.cutoffs):
            table, projection = rare[2 * i], rare[2 * i + 1]
            end = borders[i + 1]
            rows = ops.take(table, ops.clip(ids - first, 0, end - first - 1), axis=0)
            vectors = ops.matmul(ops.cast(rows, dtype), ops.cast(ops.transpose(projection), dtype))
            found = found + vectors * self._inside(ids, first, end)
        return found

    def _inside(self, ids: Tensor, first: int, end: int) -> Tensor:
        return ops.cast(ops.expand_dims((ids >= first) & (ids < end), -1), self.compute_dtype)

    def _head(self, hidden: Tensor) -> Tensor:
        table = ops.concatenate([self.output_part[0], self.clusters], axis=0)
        return ops.log_softmax(_product(hidden, table) + self.bias, axis=-1)

    def _rare(self, hidden: Tensor, i: int) -> Tensor:
        table, projection = self.output_part[1 + 2 * i], self.output_part[2 + 2 * i]
        low = ops.matmul(hidden, ops.cast(projection, hidden.dtype))
        return ops.log_softmax(_product(low, table), axis=-1)

    def log_probabilities(self, hidden: Tensor) -> Tensor:
        """Return the logarithms of the probabilities of all words after `(..., D)`: `(..., V)`."""
        head, first = self._head(hidden), self.cutoffs[0]
        parts = [head[..., :first]]
        for i in range(len(self.cutoffs)):
            parts.append(head[..., first + i : first + i + 1] + self._rare(hidden, i))
        return ops.concatenate(parts, axis=-1)

    def nll(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Return `-log p` of the targets `(N,)` after `(N, D)`."""
        every = self.log_probabilities(hidden)
        return -ops.take_along_axis(every, ops.expand_dims(targets, 1), axis=1)[:, 0]

    def loss(
        self, hidden: Tensor, targets: Any, weights: Any, places: Any = (), training: bool = False
    ) -> Tensor:
        """Return `-Σ w log p` of the targets `(N,)` after `(N, D)`, exact in training, too."""
        del training
        first, entry = self.cutoffs[0], targets
        for i, cutoff in enumerate(self.cutoffs):
            entry = ops.where(targets >= cutoff, first + i, entry)
        picked = ops.take_along_axis(self._head(hidden), ops.expand_dims(entry, 1), axis=1)[:, 0]
        total = -ops.sum(weights * picked)
        for i, (cutoff, where) in enumerate(zip(self.cutoffs, places, strict=True)):
            real = ops.cast(where >= 0, "float32")
            where = ops.maximum(where, 0)
            words = self.output_part[1 + 2 * i].shape[0]
            inside = ops.clip(ops.take(targets, where) - cutoff, 0, words - 1)
            every = self._rare(ops.take(hidden, where, axis=0), i)
            picked = ops.take_along_axis(every, ops.expand_dims(inside, 1), axis=1)[:, 0]
            total = total - ops.sum(real * ops.take(weights, where) * picked)
        return total


renamed_class("WordTable", EmbeddingSoftmax)
renamed_class("AdaptiveTable", AdaptiveSoftmax)


def _product(hidden: Tensor, table: Tensor) -> Tensor:
    """Return `hidden · tableᵀ` in float32; the product itself in the dtype of `hidden`."""
    found = ops.matmul(hidden, ops.transpose(ops.cast(table, hidden.dtype)))
    return ops.cast(found, "float32")
