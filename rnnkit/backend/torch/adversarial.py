"""Training step on examples and on perturbed ones, for PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import torch
from torch import Tensor


def adversarial_step(attack: Any, data: Any) -> dict[str, Any]:
    """Train on a batch and on its perturbations; see `backend.jax.adversarial_step`."""
    task, state = attack.task, attack.state
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    embedded: list[Tensor] = []
    noise: list[Tensor] = []
    places: list[Tensor] = []

    def record(vectors: Tensor, mask: Tensor | None) -> Tensor:
        embedded.append(vectors.detach())
        noise.append(attack.noise(embedded[-1], mask))
        places.append(torch.zeros_like(vectors, requires_grad=True))
        return vectors + places[-1]

    def loss_of(change: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
        with attack.changing(change):
            outputs = task(x, training=True)
        return task.compute_loss(x, y, outputs, sample_weight, training=True), outputs

    def loss_at(added: Sequence[Tensor]) -> Tensor:
        _assign(state, before)
        rest = iter(added)
        return loss_of(lambda vectors, mask: vectors + next(rest))[0]

    weights = task.trainable_weights
    tensors = [weight.value for weight in weights]
    before = _values(state)
    loss, outputs = loss_of(record)
    found = _gradients(task, loss, [*tensors, *places])
    grads, by_inputs = found[: len(weights)], _dense(found[len(weights) :], places)
    after = _values(state)
    values = {}
    for one in attack.losses:
        with attack.losing(one, outputs.detach()):
            if one.virtual:
                with torch.no_grad():
                    start = attack.start(embedded, noise, sample_weight)
                places = [place.requires_grad_() for place in start]
                by_inputs = _dense(_gradients(task, loss_at(places), places), places)
            with torch.no_grad():
                added = attack.perturbation(one, embedded, by_inputs)
            value = loss_at(added)
            more = _gradients(task, value, tensors)
        grads = tuple(_sum(*pair) for pair in zip(grads, more, strict=True))
        values[one] = value.detach()
    _assign(state, after)
    with torch.no_grad():
        task.optimizer.apply(grads, weights)
    return attack.measure(loss.detach(), values, x, y, outputs, sample_weight)


def _dense(grads: Sequence[Tensor | None], like: Sequence[Tensor]) -> list[Tensor]:
    """Return gradients with zeros where the loss does not depend on a tensor."""
    return [
        torch.zeros_like(one) if grad is None else grad
        for one, grad in zip(like, grads, strict=True)
    ]


def _gradients(task: Any, loss: Tensor, by: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    return torch.autograd.grad(task.optimizer.scale_loss(loss), by, allow_unused=True)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return other if one is None else one if other is None else one + other


def _values(variables: Sequence[Any]) -> list[Tensor]:
    return [variable.value.detach().clone() for variable in variables]


def _assign(variables: Sequence[Any], values: Sequence[Tensor]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
