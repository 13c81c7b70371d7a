"""Base class of the layers over hidden states: float32 computation, masks, shapes."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops

from rnnkit.backend import device
from rnnkit.backend.kernels import KernelRequest, loop_request
from rnnkit.backend.masking import check_flags
from rnnkit.config import SavedArguments
from rnnkit.errors import InputError, check_count

Tensor = Any
Shape = tuple[int | None, ...]


class StateLayer(SavedArguments, keras.layers.Layer):
    """Abstract layer that returns a probability for each of K states at every step.

    Weights and probabilities are computed in float32 or float64, whatever the policy: half
    precision cannot distinguish states by the log-probabilities of long sequences. Only the output
    has the policy's compute dtype.

    Masks: boolean `(B, T)`, true = real step, any pattern. A masked step does not exist: the states
    of the real steps around it follow each other directly. The mask is passed on.

    Args:
        units: the number K of states.
        **options: arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Raises:
        InputError: `units` is not a positive integer.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("units",)

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(autocast=False, **options)
        self.units = check_count("units", units)
        self.supports_masking = True

    @property
    def inference_dtype(self) -> str:
        """The dtype of the computation: the compute dtype, or float32 in half precision."""
        half = self.compute_dtype in ("float16", "bfloat16")
        return "float32" if half else self.compute_dtype

    def kernel_request(self, **flags: bool) -> KernelRequest:
        """Return the properties of a pass; see `rnnkit.backend.explain_kernels`."""
        return loop_request("hidden_markov", device(), self.inference_dtype, **flags)

    def boolean_mask(self, mask: Tensor | None, steps: Tensor) -> Tensor:
        """Return the mask as booleans, checked against the steps `(B, T, ...)`."""
        name = type(self).__name__
        if 0 in tuple(steps.shape[:2]):
            raise InputError(
                f"{name}: the batch has the shape {tuple(steps.shape)}; expected at least one row "
                "and one step. For a row without a real step give a mask."
            )
        if mask is None:
            return ops.ones(ops.shape(steps)[:2], dtype="bool")
        return check_flags(name, "the mask", mask, steps)

    @staticmethod
    def mean_per_step(rows: Tensor, mask: Tensor) -> Tensor:
        """Return the sum over the rows `(B,)`, divided by the number of their real steps."""
        return ops.sum(rows) / ops.maximum(ops.sum(ops.cast(mask, rows.dtype)), 1.0)

    def compute_output_shape(self, steps_shape: Shape, *others: Any, **named: Any) -> Shape:
        """Return `(B, T, K)`."""
        del others, named
        return (*steps_shape[:2], self.units)
