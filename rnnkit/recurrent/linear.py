"""What the gated linear recurrences share: the scan, exact masks and resets, kernel and bias."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnnkit.backend.linear import linear_scan
from rnnkit.recurrent.sequence import SequenceLayer, SequenceOptions, Shape, Tensor


class LinearOptions(SequenceOptions, total=False):
    """The arguments that all gated linear recurrences share."""

    use_bias: bool
    kernel_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    bias_constraint: Any


class LinearRecurrence(SequenceLayer):
    """A layer whose state is linear in the state before: `h_t = a_t ⊙ h_{t-1} + b_t`. Abstract.

    A subclass gives `build_weights` and `factors`: the gates `a_t` and the inputs `b_t` depend on
    the inputs `x_t` alone, so they are computed for all steps at once, and the states by one
    `rnnkit.backend.linear.linear_scan`. A masked step is `a_t = 1, b_t = 0`, a reset `a_t = 0`:
    both exact. Gates and states are computed in float32 at least, whatever the policy: in
    half precision a gate near one would be one. The meaning of masks and resets is in
    `SequenceLayer`.

    Args:
        units: size U of the state and of the output.
        use_bias: add the biases.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, bias_constraint: projections of the weights.
        **options: see `SequenceLayer`.
    """

    def __init__(
        self,
        units: int,
        *,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(units, **options)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)

    def factors(self, sequences: Tensor) -> tuple[Tensor, Tensor]:
        """Return `a` and `b`, each `(B, T, U)` in the dtype `wide`, for inputs `(B, T, D)`."""
        raise NotImplementedError

    @property
    def wide(self) -> str:
        """The dtype of gates and states: the layer's own, or float32 if that is a half."""
        half = self.compute_dtype in ("float16", "bfloat16")
        return "float32" if half else self.compute_dtype

    def add_kernel(self, name: str, shape: Shape, initializer: Any = None) -> keras.Variable:
        """Create a kernel with the layer's regularizer and constraint."""
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=initializer or self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def add_bias(self, name: str, shape: Shape) -> keras.Variable | None:
        """Create a bias, or None without `use_bias`."""
        if not self.use_bias:
            return None
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=self.bias_initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def run(
        self,
        sequences: Tensor,
        states: tuple,
        mask: Tensor | None,
        resets: Tensor | None,
        training: bool,
    ) -> tuple[Tensor | None, tuple]:
        """Compute the factors of all steps, then the states of all steps."""
        del training
        a, b = self.factors(sequences)
        if mask is not None:
            real = ops.expand_dims(mask, -1)
            a, b = ops.where(real, a, ops.ones_like(a)), ops.where(real, b, ops.zeros_like(b))
        if resets is not None:
            a = ops.where(ops.expand_dims(resets, -1), ops.zeros_like(a), a)
        h = linear_scan(a, b, ops.cast(states[0], self.wide), reverse=self.go_backwards)
        h = ops.cast(h, self.compute_dtype)
        return h, (h[:, 0] if self.go_backwards else h[:, -1],)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        config = {**super().get_config(), "use_bias": self.use_bias}
        for part in ("kernel", "bias"):
            for kind in ("initializer", "regularizer", "constraint"):
                key = f"{part}_{kind}"
                config[key] = getattr(keras, f"{kind}s").serialize(getattr(self, key))
        return config
