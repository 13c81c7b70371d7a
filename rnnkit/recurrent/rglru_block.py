"""The residual block of Griffin: gated convolution and RG-LRU, then a gated MLP."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import keras
from keras import ops

from rnnkit.backend.masking import forward_fill
from rnnkit.errors import InputError, check_count
from rnnkit.recurrent.convolution import causal_convolution
from rnnkit.recurrent.rglru import RGLRU
from rnnkit.recurrent.sequence import Flags, SequenceLayer, SequenceOptions, Tensor


@keras.saving.register_keras_serializable(package="rnnkit")
class RGLRUBlock(SequenceLayer):
    """Griffin's residual block: causal convolution and RG-LRU with a gate, then a gated MLP.

    `u = x + (RGLRU(conv(n_1(x) W_1)) ⊙ gelu(n_1(x) W_2)) W_3`,
    `y = u + (gelu(n_2(u) W_4) ⊙ n_2(u) W_5) W_6`,
    with biases, n the root-mean-square norm, conv a causal convolution of each feature by itself.

    The input has U features, as the output. The states are the last output `(B, U)`, the state of
    the RG-LRU `(B, inner)` and the last inputs of the convolution `(B, (reach - 1) inner)`.
    The convolution skips masked steps, too: padding anywhere changes nothing. To stack blocks,
    give all of them `return_sequences=True`.

    Call arguments, masks and return values: see `SequenceLayer`.

    Args:
        units: size U of the input and the output.
        inner: size of the convolution and of the recurrence; U when left out.
        blocks: number of blocks of the kernels of the gates of the RG-LRU.
        reach: kernel size of the convolution, at least 2 steps.
        expansion: size of the hidden layer of the MLP as a multiple of U.
        **options: see `SequenceLayer`.

    Raises:
        InputError: sizes that are no positive integers or do not fit each other, a state or mask of
            another shape.

    Source: De et al. 2024, Griffin, arXiv:2402.19427, figure 2.

    Example:
        >>> RGLRUBlock(8, return_sequences=True)(keras.ops.ones((2, 5, 8))).shape
        (2, 5, 8)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("inner", "blocks", "reach", "expansion")

    def __init__(
        self,
        units: int,
        *,
        inner: int | None = None,
        blocks: int = 1,
        reach: int = 4,
        expansion: int = 3,
        **options: Unpack[SequenceOptions],
    ) -> None:
        super().__init__(units, **options)
        self.inner = check_count("RGLRUBlock: inner", units if inner is None else inner)
        self.blocks = check_count("RGLRUBlock: blocks", blocks)
        self.reach = check_count("RGLRUBlock: reach", reach, least=2)
        self.expansion = check_count("RGLRUBlock: expansion", expansion)

        def dense(size: int) -> keras.layers.Dense:
            return keras.layers.Dense(size, kernel_initializer="lecun_normal", dtype=policy)

        policy = self.dtype_policy
        self.branch = dense(self.inner)
        self.gate = dense(self.inner)
        self.recurrence = RGLRU(
            self.inner, blocks=blocks, project=False, seed=self.seed, dtype=policy
        )
        self.out = dense(units)
        self.mlp_in = dense(2 * expansion * units)
        self.mlp_out = dense(units)

    @property
    def state_size(self) -> list[int]:
        """Size of the last output, of the RG-LRU's state, of the last inputs of the convolution."""
        return [self.units, self.inner, (self.reach - 1) * self.inner]

    def build_weights(self, width: int) -> None:
        """Create the weights of all parts."""
        if width != self.units:
            raise InputError(
                f"RGLRUBlock: the input has {width} features; expected {self.units}: it is added "
                "to the output. Put a Dense layer before the block."
            )
        outer, inner = (None, None, width), (None, None, self.inner)
        self.convolution = self.add_weight(
            shape=(self.reach, self.inner), name="convolution", initializer=self.start_convolution
        )
        self.norm, self.mlp_norm = (
            self.add_weight(shape=(width,), name=name, initializer="ones")
            for name in ("norm", "mlp_norm")
        )
        for part in (self.branch, self.gate, self.mlp_in):
            part.build(outer)
        for part in (self.recurrence, self.out):
            part.build(inner)
        self.mlp_out.build((None, None, self.expansion * self.units))

    def start_convolution(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        """Draw the kernel of the convolution, of variance `1 / reach`."""
        spread = keras.initializers.RandomNormal(stddev=shape[0] ** -0.5, seed=self.seed)
        return spread(shape, dtype=dtype)

    def run(
        self, sequences: Tensor, states: tuple, mask: Flags, resets: Flags, training: bool
    ) -> tuple[Tensor | None, tuple]:
        """Run the block; a backward pass is a forward pass over the flipped sequence."""
        x = sequences
        if self.go_backwards:
            x, mask, resets = (v if v is None else ops.flip(v, axis=1) for v in (x, mask, resets))
        last, h, before = states
        before = ops.reshape(before, (-1, self.reach - 1, self.inner))

        normed = ops.rms_normalization(x, ops.convert_to_tensor(self.norm), epsilon=1e-6)
        branch, kernel = self.branch(normed), ops.convert_to_tensor(self.convolution)
        mixed, before = causal_convolution(branch, kernel, before, mask=mask, resets=resets)
        hidden, (h,) = self.recurrence.run(mixed, (h,), mask, resets, training)
        x = x + self.out(hidden * ops.gelu(self.gate(normed), approximate=True))
        normed = ops.rms_normalization(x, ops.convert_to_tensor(self.mlp_norm), epsilon=1e-6)
        gate, value = ops.split(self.mlp_in(normed), 2, axis=-1)
        outputs = x + self.mlp_out(ops.gelu(gate, approximate=True) * value)

        if mask is not None:
            outputs = forward_fill(outputs, mask, resets, before=last)
        states = (outputs[:, -1], h, ops.reshape(before, (-1, self.state_size[2])))
        return ops.flip(outputs, axis=1) if self.go_backwards else outputs, states
