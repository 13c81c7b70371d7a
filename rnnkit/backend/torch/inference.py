"""Forward passes of Keras models without gradients, and without Keras's loop around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def inference(model: Any) -> Callable[[Any], Any]:
    """Return a function from a batch of inputs to outputs; see `backend.jax.inference`."""
    if model.jit_compile:
        return lambda inputs: model.predict_function([(inputs,)])

    def run(inputs: Any) -> Any:
        if model.training:
            model.eval()
        with torch.inference_mode():
            return model.predict_step((inputs,))

    return run
