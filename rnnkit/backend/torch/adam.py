"""Adam in one pass over each weight, for Keras's optimizer on a CPU."""

from __future__ import annotations

import math
from types import MethodType
from typing import Any

import torch
from keras.src.backend.torch.optimizers import torch_adam, torch_adamw
from torch import Tensor

from rnnkit.backend.torch.gradients import clip_by_global_norm, global_norm

ADAMS = (torch_adam.Adam, torch_adamw.AdamW)


def accelerate(optimizer: Any) -> None:
    """Let an Adam or AdamW of Keras update its weights with PyTorch's fused kernel on a CPU.

    Keras's own update reads and writes every weight and moment a dozen times; of a table of word
    vectors that is a tenth of a training step. Clipping by the global norm takes few calls, with
    any optimizer of Keras. The weights stay the same up to rounding.

    Example:
        >>> import keras
        >>> optimizer = keras.optimizers.Adam()
        >>> accelerate(optimizer)
        >>> optimizer._parallel_update_step.__func__.__name__
        'fused_update_step'
    """
    if type(optimizer) in ADAMS and not optimizer.amsgrad:
        optimizer._parallel_update_step = MethodType(fused_update_step, optimizer)
    if hasattr(optimizer, "_clip_gradients"):  # a LossScaleOptimizer has another inside
        optimizer._clip_gradients = MethodType(clip_gradients, optimizer)


def clip_gradients(optimizer: Any, grads: list[Tensor | None]) -> list[Tensor | None]:
    """Clip by the global norm; Keras's own way where something else is asked for."""
    limit, given = optimizer.global_clipnorm, [grad for grad in grads if grad is not None]
    together = len(given) == len(grads) and len({_kind(grad) for grad in given}) == 1
    if optimizer.clipnorm or not limit or not together:
        return type(optimizer)._clip_gradients(optimizer, grads)
    return clip_by_global_norm(given, limit, global_norm(given))


def _kind(tensor: Tensor) -> tuple:
    """Return what tensors that PyTorch takes together have in common."""
    return tensor.device, tensor.dtype, tensor.layout


def fused_update_step(
    optimizer: Any, grads: list[Tensor], variables: list[Any], learning_rate: Any
) -> None:
    """Update the weights and both moments; Keras's own update where the kernel cannot."""
    weights = [variable.value for variable in variables]
    if not all(map(_suits, [*weights, *grads])):
        type(optimizer)._parallel_update_step(optimizer, grads, variables, learning_rate)
        return
    # The kernel goes through memory, where an orthogonal matrix may lie column by column: weights,
    # gradients and moments have to lie alike.
    for weight in weights:
        if not weight.is_contiguous():
            weight.data = weight.data.contiguous()
    grads = [grad.contiguous() for grad in grads]
    places = [optimizer._get_variable_index(variable) for variable in variables]
    step = int(optimizer.iterations) + 1
    torch._fused_adam_(
        [weight.detach() for weight in weights],
        grads,
        [optimizer._momentums[place].value.detach() for place in places],
        [optimizer._velocities[place].value.detach() for place in places],
        [],
        [torch.tensor(float(step)) for _ in places],
        lr=float(learning_rate),
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        weight_decay=0.0,  # Keras has done it
        # Keras adds its epsilon to the root of the second moment before the correction of its bias.
        eps=optimizer.epsilon / math.sqrt(1 - optimizer.beta_2**step),
        amsgrad=False,
        maximize=False,
    )


@torch.no_grad()
def move_averages(averages: list[Any], weights: list[Any], rate: Any) -> None:
    """Add `rate (weight - average)` to each average; see `backend.jax.move_averages`."""
    to = [weight.value.detach() for weight in weights]
    torch._foreach_lerp_([average.value.detach() for average in averages], to, float(rate))


def _suits(tensor: Tensor) -> bool:
    """Return whether the fused kernel takes a weight or gradient."""
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32 and not tensor.is_sparse
