"""Training step on examples and on perturbed ones, for PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import torch
from torch import Tensor


def adversarial_step(attack: Any, data: Any) -> dict[str, Any]:
    """Train on a batch and on its perturbation; see `backend.jax.adversarial_step`."""
    task, state = attack.task, attack.state
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    embedded: list[Tensor] = []
    places: list[Tensor] = []

    def record(vectors: Tensor) -> Tensor:
        embedded.append(vectors.detach())
        places.append(torch.zeros_like(vectors, requires_grad=True))
        return vectors + places[-1]

    def loss_of(change: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        with attack.changing(change):
            outputs = task(x, training=True)
        return task.compute_loss(x, y, outputs, sample_weight, training=True), outputs

    weights = task.trainable_weights
    before = _values(state)
    loss, outputs = loss_of(record)
    grads = _gradients(task, loss, [*[weight.value for weight in weights], *places])
    after = _values(state)
    _assign(state, before)
    with torch.no_grad():
        by_inputs = [
            torch.zeros_like(place) if grad is None else grad
            for place, grad in zip(places, grads[len(weights) :], strict=True)
        ]
        added = iter(attack.perturbation(embedded, by_inputs))
    with attack.without_penalties():
        adversarial, _ = loss_of(lambda vectors: vectors + next(added))
    more = _gradients(task, adversarial, [weight.value for weight in weights])
    _assign(state, after)
    with torch.no_grad():
        task.optimizer.apply(
            [_sum(*pair) for pair in zip(grads[: len(weights)], more, strict=True)], weights
        )
    return attack.measure(loss.detach(), adversarial.detach(), x, y, outputs, sample_weight)


def _gradients(task: Any, loss: Tensor, by: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    return torch.autograd.grad(task.optimizer.scale_loss(loss), by, allow_unused=True)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return other if one is None else one if other is None else one + other


def _values(variables: Sequence[Any]) -> list[Tensor]:
    return [variable.value.detach().clone() for variable in variables]


def _assign(variables: Sequence[Any], values: Sequence[Tensor]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
