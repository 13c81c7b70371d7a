"""Attention over a memory: dot-product and additive scores, masked softmax."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops

from rnnkit.backend.masking import check_flags, clean_steps
from rnnkit.errors import InputError, check_choice, check_count
from rnnkit.options import expand_signature
from rnnkit.recurrent.sequence import Flags, SavedOptions, Shape, Tensor


def masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax of scores over the real steps: `exp(e_s) / Σ_{s real} exp(e_s)`.

    Args:
        scores: `(..., S)`.
        mask: boolean, of a shape that broadcasts to the scores; True = real step. The softmax of a
            row without a real step is zero.

    Example:
        >>> masked_softmax(ops.array([[1.0, 1.0, 9.0]]), ops.array([[True, True, False]])).shape
        (1, 3)
    """
    if mask is None:
        return ops.softmax(scores, axis=-1)
    low = ops.cast(-3e4, scores.dtype)  # within the range of float16
    weights = ops.softmax(ops.where(mask, scores, low), axis=-1)
    return ops.where(mask, weights, ops.zeros_like(weights))


def read_memory(
    layer: keras.layers.Layer, label: str, memory: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Return a memory `(B, S, E)` in a layer's compute dtype, zeros at masked steps, and its mask.

    Raises:
        InputError: a mask of another shape than `(B, S)`, or a memory without a step.
    """
    name = type(layer).__name__
    if memory.shape[1] == 0:
        raise InputError(f"{name}: the memory has no step to attend to; expected at least one.")
    mask = None if mask is None else check_flags(name, label, mask, memory)
    return clean_steps(memory, mask, layer.compute_dtype), mask


@expand_signature
class Attention(SavedOptions, keras.layers.Layer):
    """Attention of queries over the steps of a memory. Abstract: a subclass defines the score.

    `α_s = exp(e_s) / Σ_s' exp(e_s')` over the real steps, `context = Σ_s α_s m_s`.

    Args:
        units: size A of the space in which query and memory are compared.
        kernel_initializer: initializer of the kernel of the memory.
        query_initializer: initializer of the kernels of the query and of the score.
        **kwargs: the arguments of every Keras layer.

    Call arguments:
        query: `(B, T, Q)`, or `(B, Q)`, one step.
        memory: `(B, S, E)`.
        mask: boolean `(B, S)`, True = real step; the context of a row without one is zero.
        return_weights: also return the weights α.

    Returns:
        The context, `(B, T, E)` or `(B, E)`; on request also α, `(B, T, S)` or `(B, S)`.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("units", "kernel_initializer", "query_initializer")

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        query_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = check_count(f"{type(self).__name__}: units", units)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.query_initializer = keras.initializers.get(query_initializer)
        self.supports_masking = True

    def _add(self, name: str, shape: Shape, initializer: Any) -> None:
        """Create a weight as an attribute of the same name."""
        setattr(self, name, self.add_weight(shape=shape, initializer=initializer, name=name))

    # What a subclass defines: the keys are computed once per memory, a score at each step.

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        """Create the weights."""
        raise NotImplementedError

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights by their names in `score`."""
        raise NotImplementedError

    def keys(self, memory: Tensor) -> Tensor:
        """Return the keys of a memory, `(B, S, A)`."""
        return ops.matmul(memory, ops.cast(self.memory_kernel, self.compute_dtype))

    @staticmethod
    def score(query: Tensor, keys: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Return the scores `(B, S)` of one query `(B, Q)`."""
        raise NotImplementedError

    def call(
        self, query: Tensor, memory: Tensor, mask: Flags = None, return_weights: bool = False
    ) -> Any:
        """Attend to a memory `(B, S, E)` at each step of `query`."""
        query = ops.cast(query, self.compute_dtype)
        memory, mask = read_memory(self, "the mask", memory, mask)
        keys, params = self.keys(memory), self.parameters()
        if len(query.shape) == 2:
            weights = masked_softmax(self.score(query, keys, params), mask)
            context = ops.einsum("bs,bse->be", weights, memory)
        elif 0 in tuple(query.shape[:2]):
            context = ops.zeros((*query.shape[:2], memory.shape[2]), self.compute_dtype)
            weights = ops.zeros((*query.shape[:2], memory.shape[1]), self.compute_dtype)
        else:
            scores = ops.vectorized_map(
                lambda row: self.score(row, keys, params), ops.swapaxes(query, 0, 1)
            )
            mask = None if mask is None else mask[:, None]
            weights = masked_softmax(ops.swapaxes(scores, 0, 1), mask)
            context = ops.matmul(weights, memory)
        return (context, weights) if return_weights else context

    def compute_output_spec(
        self, query: Tensor, memory: Tensor, mask: Flags = None, return_weights: bool = False
    ) -> Any:
        """Return shape and dtype of the context, and of the weights when they are returned."""
        steps = tuple(query.shape[:-1])
        context = keras.KerasTensor((*steps, memory.shape[-1]), dtype=self.compute_dtype)
        weights = keras.KerasTensor((*steps, memory.shape[1]), dtype=self.compute_dtype)
        return (context, weights) if return_weights else context

    def compute_mask(self, *args: Any, **kwargs: Any) -> None:
        """Return no mask: that of the memory does not fit the queries."""


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class DotAttention(Attention):
    """Dot-product attention: `e_s = q · (m_s W)`, with `E Q` parameters.

    The queries are not projected, so that A is their size Q. Arguments, call arguments and return
    values are those of `Attention`.

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
                "features; expected the same number."
            )
        self._add("memory_kernel", (memory_shape[-1], self.units), self.kernel_initializer)

    def parameters(self) -> dict[str, Tensor]:
        """Return no weight: the score needs none."""
        return {}

    @staticmethod
    def score(query: Tensor, keys: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Return the scores `(B, S)` of one query `(B, Q)`."""
        return ops.squeeze(ops.matmul(keys, ops.expand_dims(query, -1)), -1)


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class AdditiveAttention(Attention):
    """Additive attention: `e_s = v · tanh(q W_q + m_s W_m + b)`, with `A (E + Q + 2)` parameters.

    Arguments, call arguments and return values are those of `Attention`.

    Source: Bahdanau, Cho and Bengio 2015, arXiv:1409.0473.

    Example:
        >>> layer = AdditiveAttention(8)
        >>> layer(keras.ops.ones((2, 3, 6)), keras.ops.ones((2, 5, 4))).shape
        (2, 3, 4)
    """

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        """Create the weights."""
        self._add("memory_kernel", (memory_shape[-1], self.units), self.kernel_initializer)
        self._add("query_kernel", (query_shape[-1], self.units), self.query_initializer)
        self._add("score_kernel", (self.units, 1), self.query_initializer)
        self._add("bias", (self.units,), "zeros")

    def keys(self, memory: Tensor) -> Tensor:
        """Return the keys of a memory, `(B, S, A)`."""
        return super().keys(memory) + ops.cast(self.bias, self.compute_dtype)

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights by their names in `score`."""
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
    """Return an attention layer by name, "dot" or "additive".

    Example:
        >>> attention_of("dot").__name__
        'DotAttention'
    """
    return ATTENTIONS[check_choice("attention", name, ATTENTIONS)]
