"""Attention over a memory: which of its steps matter to a query, and their weighted mean."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnnkit.errors import InputError, suggest
from rnnkit.recurrent.sequence import Shape, Tensor


def masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Return the softmax of scores over the real steps: `exp(e_s) / Σ_{s real} exp(e_s)`.

    Args:
        scores: `(..., S)`.
        mask: boolean, of a shape that can be spread over the scores; True = real step. A row
            without a real step gets zeros throughout.

    Example:
        >>> masked_softmax(ops.array([[1.0, 1.0, 9.0]]), ops.array([[True, True, False]])).shape
        (1, 3)
    """
    if mask is None:
        return ops.softmax(scores, axis=-1)
    low = ops.cast(-3e4, scores.dtype)  # what float16 can still hold
    weights = ops.softmax(ops.where(mask, scores, low), axis=-1)
    return ops.where(mask, weights, ops.zeros_like(weights))


class Attention(keras.layers.Layer):
    """Weigh the steps of a memory by a query. Abstract: a subclass gives the score.

    `α_s = exp(e_s) / Σ_s' exp(e_s')` over the real steps, `context = Σ_s α_s m_s`.

    Args:
        units: size A of the space in which query and memory are compared.
        kernel_initializer: how the weights start.
        query_initializer: how the weights start that stand at the query, and in the score.
        **kwargs: `name`, `dtype` and so on, as in Keras.

    Call arguments:
        query: `(B, T, Q)`, or `(B, Q)`, one step.
        memory: `(B, S, E)`.
        mask: boolean `(B, S)`, any pattern, True = real step. A row without one gives zeros.
        return_weights: give the weights α, too.

    Returns:
        The context, `(B, T, E)` or `(B, E)`; with `return_weights=True` also `(B, T, S)` or
        `(B, S)`.
    """

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        query_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise InputError(
                f"{type(self).__name__}: units is {units!r}; expected a positive whole number."
            )
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.query_initializer = keras.initializers.get(query_initializer)
        self.supports_masking = True

    # What a subclass gives: the keys are made once of a memory, a score is asked for at each step.

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        """Create the weights."""
        raise NotImplementedError

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights by the names that `score` knows them by."""
        raise NotImplementedError

    def keys(self, memory: Tensor) -> Tensor:
        """Return what queries are compared with, `(B, S, A)`."""
        return ops.matmul(memory, ops.cast(self.memory_kernel, self.compute_dtype))

    @staticmethod
    def score(query: Tensor, keys: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Return the scores `(B, S)` of one query `(B, Q)`."""
        raise NotImplementedError

    def call(
        self,
        query: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Any:
        """Weigh a memory `(B, S, E)` by each step of `query`."""
        keys, params = self.keys(memory), self.parameters()
        if mask is not None:
            mask = ops.cast(mask, "bool")
        if len(query.shape) == 2:
            weights = masked_softmax(self.score(query, keys, params), mask)
            context = ops.einsum("bs,bse->be", weights, memory)
        else:
            scores = ops.vectorized_map(
                lambda row: self.score(row, keys, params), ops.swapaxes(query, 0, 1)
            )
            mask = None if mask is None else mask[:, None]
            weights = masked_softmax(ops.swapaxes(scores, 0, 1), mask)
            context = ops.matmul(weights, memory)
        return (context, weights) if return_weights else context

    def compute_output_spec(
        self,
        query: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Any:
        """Return shape and dtype of the context, and of the weights when they are returned."""
        del mask
        steps = tuple(query.shape[:-1])
        context = keras.KerasTensor((*steps, memory.shape[-1]), dtype=self.compute_dtype)
        weights = keras.KerasTensor((*steps, memory.shape[1]), dtype=self.compute_dtype)
        return (context, weights) if return_weights else context

    def compute_mask(self, *args: Any, **kwargs: Any) -> None:
        """Pass no mask on: that of the memory does not fit the queries."""

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "query_initializer": keras.initializers.serialize(self.query_initializer),
        }


@keras.saving.register_keras_serializable(package="rnnkit")
class DotAttention(Attention):
    """Attention by a product: `e_s = q · (m_s W)`, with `E Q` parameters.

    The queries are compared as they are, so that A is their size Q. The arguments and what is
    returned are those of `Attention`.

    Source: Luong, Pham and Manning 2015, arXiv:1508.04025 (the score "general").

    Example:
        >>> layer = DotAttention(8)
        >>> layer(keras.ops.ones((2, 3, 8)), keras.ops.ones((2, 5, 4))).shape
        (2, 3, 4)
    """

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        """Create the weights."""
        if query_shape[-1] != self.units:
            raise InputError(
                f"DotAttention: units is {self.units} and the queries have {query_shape[-1]} "
                "features; expected as many."
            )
        self.memory_kernel = self.add_weight(
            shape=(memory_shape[-1], self.units),
            initializer=self.kernel_initializer,
            name="memory_kernel",
        )

    def parameters(self) -> dict[str, Tensor]:
        """Return no weight: the score needs none."""
        return {}

    @staticmethod
    def score(query: Tensor, keys: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Return the scores `(B, S)` of one query `(B, Q)`."""
        del params
        return ops.squeeze(ops.matmul(keys, ops.expand_dims(query, -1)), -1)


@keras.saving.register_keras_serializable(package="rnnkit")
class AdditiveAttention(Attention):
    """Attention by a small network: `e_s = v · tanh(q W_q + m_s W_m + b)`, `A (E + Q + 2)`.

    The arguments and what is returned are those of `Attention`.

    Source: Bahdanau, Cho and Bengio 2015, arXiv:1409.0473.

    Example:
        >>> layer = AdditiveAttention(8)
        >>> layer(keras.ops.ones((2, 3, 6)), keras.ops.ones((2, 5, 4))).shape
        (2, 3, 4)
    """

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        """Create the weights."""
        self.memory_kernel = self.add_weight(
            shape=(memory_shape[-1], self.units),
            initializer=self.kernel_initializer,
            name="memory_kernel",
        )
        self.query_kernel = self.add_weight(
            shape=(query_shape[-1], self.units),
            initializer=self.query_initializer,
            name="query_kernel",
        )
        self.score_kernel = self.add_weight(
            shape=(self.units, 1), initializer=self.query_initializer, name="score_kernel"
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def keys(self, memory: Tensor) -> Tensor:
        """Return what queries are compared with, `(B, S, A)`."""
        return super().keys(memory) + ops.cast(self.bias, self.compute_dtype)

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights by the names that `score` knows them by."""
        names = ("query_kernel", "score_kernel")
        return {name: ops.cast(getattr(self, name), self.compute_dtype) for name in names}

    @staticmethod
    def score(query: Tensor, keys: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Return the scores `(B, S)` of one query `(B, Q)`."""
        moved = ops.matmul(query, params["query_kernel"])
        hidden = ops.tanh(keys + ops.expand_dims(moved, 1))
        return ops.squeeze(ops.matmul(hidden, params["score_kernel"]), -1)


ATTENTIONS: dict[str, type[Attention]] = {"dot": DotAttention, "additive": AdditiveAttention}


def attention_of(name: str) -> type[Attention]:
    """Return the layer of a name, "dot" or "additive".

    Raises:
        InputError: another name.

    Example:
        >>> attention_of("dot").__name__
        'DotAttention'
    """
    if name not in ATTENTIONS:
        raise InputError(
            f"attention is {name!r}; expected one of {list(ATTENTIONS)}."
            f"{suggest(str(name), ATTENTIONS)}"
        )
    return ATTENTIONS[name]
