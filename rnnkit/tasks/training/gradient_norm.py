"""Global gradient norm, recorded by the optimizer in each step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnnkit.backend import native, optimizer_state
from rnnkit.backend.gradient import global_norm
from rnnkit.backend.optimizer_state import GRADIENT_NORM


def watch(optimizer: keras.optimizers.Optimizer) -> None:
    """Make a built optimizer record `sqrt(Σ_w ‖∂L/∂w‖²)` of its last step, before clipping.

    The norm is one of the optimizer's own variables, because Keras carries those through a compiled
    step on every backend; it is saved and loaded with them. In half precision Keras scales the loss
    and the gradients with it: the norm is that of the loss itself.
    """
    if find(optimizer) is not None:
        return
    norm = optimizer.add_variable(shape=(), name=GRADIENT_NORM)
    scale = getattr(optimizer, "dynamic_scale", None)  # of a LossScaleOptimizer
    apply, stateless_apply = optimizer.apply, optimizer.stateless_apply

    def measured(grads: Any, trainable_variables: Any = None) -> Any:
        # TensorFlow gives an embedding's gradient as rows, with repeats: their norm, and so the
        # clipping, would differ from the other backends.
        grads = [native.dense(grad) for grad in grads]
        norm.assign(_norm(grads, scale))
        return apply(grads, trainable_variables)

    def measured_stateless(variables: Any, grads: Any, trainable_variables: Any) -> Any:
        """Measure where a LossScaleOptimizer does not call `apply`: on JAX."""
        places = {id(variable): place for place, variable in enumerate(optimizer.variables)}
        found = _norm(grads, variables[places[id(scale)]])
        trained, own = stateless_apply(variables, grads, trainable_variables)
        own = list(own)
        own[places[id(norm)]] = found
        return trained, own

    optimizer.apply = measured
    if scale is not None:
        optimizer.stateless_apply = measured_stateless


def _norm(grads: Any, scale: Any) -> Any:
    """Return the global norm of gradients that were multiplied by a scale."""
    wide = [ops.cast(grad, "float32") for grad in grads if grad is not None]
    if scale is not None:
        wide = [grad / scale for grad in wide]
    return global_norm(wide)


def find(optimizer: keras.optimizers.Optimizer | None) -> keras.Variable | None:
    """Return the variable that holds the norm, or None if it is not recorded."""
    return optimizer_state.find(optimizer, GRADIENT_NORM)
