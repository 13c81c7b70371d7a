"""Forward passes of Keras models without gradients, and without Keras's loop around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import keras


def inference(model: Any) -> Callable[[Any], Any]:
    """Return a function from a batch of inputs to outputs, compiled once for each set of shapes.

    The weights are those of the moment of a call. Keras's own step gives the buffers of all
    variables away and puts them back after each call; this one reads them. Outputs are tensors,
    which may be computed still.

    Args:
        model: a Keras model whose `make_predict_function` was called: what it made says whether
            this function is still that of the model.
    """
    if model.run_eagerly or not model.jit_compile or keras.distribution.distribution() is not None:
        return lambda inputs: keras.Model.predict_on_batch(model, inputs)

    @jax.jit
    def predict_step(trainable: list, others: list, inputs: Any) -> tuple[Any, dict[int, Any]]:
        outputs, after = model.predict_step((trainable, others), (inputs,))
        pairs = enumerate(zip(others, after, strict=True))
        return outputs, {i: new for i, (old, new) in pairs if new is not old}

    def run(inputs: Any) -> Any:
        model.jax_state_sync()  # between two steps of a fit, too
        others = model.non_trainable_variables
        outputs, changed = predict_step(
            [variable.value for variable in model.trainable_variables],
            [variable.value for variable in others],
            inputs,
        )
        for i, value in changed.items():  # the states of random generators
            others[i].assign(value)
        return outputs

    return run
