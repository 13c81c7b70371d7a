"""What the layers over hidden states share: weights in full precision, masks, shapes."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnnkit.errors import InputError

Tensor = Any
Shape = tuple[int | None, ...]


class StateLayer(keras.layers.Layer):
    """A layer that puts out a probability for each of K states at every step. Abstract.

    Weights and probabilities are computed in float32 at least, whatever the policy: in half
    precision the logarithms of long sequences would lose what tells the states apart. Only the
    output is in the policy's compute dtype.

    Masks: boolean `(B, T)`, true = real step, any pattern. A masked step is not there: the states
    of the real steps around it follow each other directly. The mask is passed on.

    Args:
        units: the number K of states.
        **options: what every Keras layer takes (`name`, `dtype`, `trainable`).

    Raises:
        InputError: units that are no positive whole number.
    """

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(autocast=False, **options)
        if isinstance(units, bool) or not isinstance(units, int) or units <= 0:
            raise InputError(
                f"{type(self).__name__}: units is {units!r}; expected a positive whole number."
            )
        self.units = units
        self.supports_masking = True

    @property
    def wide(self) -> str:
        """The dtype of all that is computed: the layer's own, or float32 if that is a half."""
        half = self.compute_dtype in ("float16", "bfloat16")
        return "float32" if half else self.compute_dtype

    def flags(self, mask: Tensor | None, steps: Tensor) -> Tensor:
        """Return the mask as booleans; refuse one that does not fit the steps `(B, T, ...)`."""
        if mask is None:
            return ops.ones(ops.shape(steps)[:2], dtype="bool")
        mask = ops.convert_to_tensor(mask, dtype="bool")
        shape, expected = tuple(mask.shape), tuple(steps.shape[:2])
        if len(shape) != 2 or any(
            a is not None and b is not None and a != b for a, b in zip(shape, expected, strict=True)
        ):
            raise InputError(
                f"{type(self).__name__}: the mask has the shape {shape}; expected {expected}, one "
                "boolean for each step of each row."
            )
        return mask

    @staticmethod
    def per_step(rows: Tensor, mask: Tensor) -> Tensor:
        """Return the sum over the rows `(B,)`, divided by the number of real steps in them."""
        return ops.sum(rows) / ops.maximum(ops.sum(ops.cast(mask, rows.dtype)), 1.0)

    def compute_output_shape(self, steps_shape: Shape, *others: Any, **named: Any) -> Shape:
        """Return `(B, T, K)`."""
        del others, named
        return (*steps_shape[:2], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {**super().get_config(), "units": self.units}
