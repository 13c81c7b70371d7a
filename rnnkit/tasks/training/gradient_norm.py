"""Global gradient norm, recorded by the optimizer in each step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnnkit.backend import native

NAME = "rnnkit_gradient_norm"


def watch(optimizer: keras.optimizers.Optimizer) -> None:
    """Make a built optimizer record `sqrt(Σ_w ‖∂L/∂w‖²)` of its last step, before clipping.

    The norm is one of the optimizer's own variables, because Keras carries those through a compiled
    step on every backend; it is saved and loaded with them.
    """
    if find(optimizer) is not None:
        return
    norm = optimizer.add_variable(shape=(), name=NAME)
    apply = optimizer.apply

    def measured(grads: Any, trainable_variables: Any = None) -> Any:
        # TensorFlow gives an embedding's gradient as rows, with repeats: their norm, and so the
        # clipping, would differ from the other backends.
        grads = [native.dense(grad) for grad in grads]
        squares = [ops.sum(ops.square(ops.cast(g, "float32"))) for g in grads if g is not None]
        norm.assign(ops.sqrt(sum(squares[1:], squares[0])))
        return apply(grads, trainable_variables)

    optimizer.apply = measured


def find(optimizer: keras.optimizers.Optimizer | None) -> keras.Variable | None:
    """Return the variable that holds the norm, or None if it is not recorded."""
    variables = optimizer.variables if optimizer is not None else []
    return next((v for v in variables if v.name == NAME), None)
