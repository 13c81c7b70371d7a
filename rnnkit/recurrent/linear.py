"""Base of the gated linear recurrences: scan, exact masks and resets, kernel and bias."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Unpack

import keras
from keras import ops

from rnnkit.backend import device
from rnnkit.backend.kernels import KernelRequest, loop_request
from rnnkit.backend.linear import linear_scan
from rnnkit.options import Option, separate
from rnnkit.recurrent.sequence import (
    Flags,
    SequenceLayer,
    SequenceOptions,
    Shape,
    Tensor,
    own_settings,
    set_options,
)


class LinearOptions(SequenceOptions, total=False):
    """The arguments of all gated linear recurrences."""

    use_bias: Annotated[bool, Option(True, "add the biases.")]
    kernel_initializer: Annotated[Any, Option("glorot_uniform", "initializer of the kernels.")]
    bias_initializer: Annotated[Any, Option("zeros", "initializer of the biases.")]
    kernel_regularizer: Annotated[Any, Option(None, "penalty on the kernels.")]
    bias_regularizer: Annotated[Any, Option(None, "penalty on the biases.")]
    kernel_constraint: Annotated[Any, Option(None, "constraint on the kernels.")]
    bias_constraint: Annotated[Any, Option(None, "constraint on the biases.")]


LINEAR = own_settings(LinearOptions, SequenceOptions)


class LinearRecurrence(SequenceLayer):
    """Gated linear recurrence: `h_t = a_t ⊙ h_{t-1} + b_t`. Abstract.

    A subclass defines `build_weights` and `factors`: the gates `a_t` and the inputs `b_t` depend on
    the inputs `x_t` only, so they are computed for all steps at once, and the states by one
    `rnnkit.backend.linear.linear_scan`. A masked step is `a_t = 1, b_t = 0`, a reset `a_t = 0`:
    both exact. Gates and states are computed in float32 at least, whatever the dtype policy: in
    half precision a gate near one would be one. The meaning of masks and resets is in
    `SequenceLayer`.

    Args:
        units: size U of the state and of the output.
    """

    config_keys: ClassVar = tuple(LINEAR)

    def __init__(self, units: int, **options: Unpack[LinearOptions]) -> None:
        own, rest = separate(options, LINEAR, type(self).__name__)
        super().__init__(units, **rest)
        set_options(self, own)

    def factors(self, sequences: Tensor) -> tuple[Tensor, Tensor]:
        """Return `a` and `b`, each `(B, T, U)` in the dtype `wide`, for inputs `(B, T, D)`."""
        raise NotImplementedError

    def gate_activations(self, sequences: Tensor) -> dict[str, Tensor]:
        """Return the values of the gates, name -> `(B, T, U)`; those that `factors` is made of."""
        raise NotImplementedError

    @property
    def wide(self) -> str:
        """The dtype of gates and states: that of the layer, or float32 if it has 16 bits."""
        half = self.compute_dtype in ("float16", "bfloat16")
        return "float32" if half else self.compute_dtype

    def kernel_request(self, **flags: bool) -> KernelRequest:
        """Return the properties of a pass; see `rnnkit.backend.explain_kernels`."""
        return loop_request("linear_scan", device(), self.wide, **flags)

    def add_kernel(self, name: str, shape: Shape, initializer: Any = None) -> keras.Variable:
        """Create a kernel with the layer's regularizer and constraint."""
        return self._add("kernel", name, shape, initializer or self.kernel_initializer)

    def add_bias(self, name: str, shape: Shape) -> keras.Variable | None:
        """Create a bias, or None without `use_bias`."""
        return self._add("bias", name, shape, self.bias_initializer) if self.use_bias else None

    def _add(self, part: str, name: str, shape: Shape, initializer: Any) -> keras.Variable:
        penalty, constraint = (getattr(self, f"{part}_{p}") for p in ("regularizer", "constraint"))
        return self.add_weight(
            shape, name=name, initializer=initializer, regularizer=penalty, constraint=constraint
        )

    def run(
        self, sequences: Tensor, states: tuple, mask: Flags, resets: Flags, training: bool
    ) -> tuple[Tensor | None, tuple]:
        """Compute the factors of all steps, then the states of all steps."""
        a, b = self.factors(sequences)
        if mask is not None:
            real = ops.expand_dims(mask, -1)
            a, b = ops.where(real, a, ops.ones_like(a)), ops.where(real, b, ops.zeros_like(b))
        if resets is not None:
            a = ops.where(ops.expand_dims(resets, -1), ops.zeros_like(a), a)
        h = linear_scan(a, b, ops.cast(states[0], self.wide), reverse=self.go_backwards)
        h = ops.cast(h, self.compute_dtype)
        return h, (h[:, 0] if self.go_backwards else h[:, -1],)
