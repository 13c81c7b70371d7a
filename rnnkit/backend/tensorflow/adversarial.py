"""Training step on examples and on perturbed ones, for TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

Tensor = Any


def adversarial_step(attack: Any, data: Any) -> dict[str, Any]:
    """Train on a batch and on its perturbation; see `backend.jax.adversarial_step`."""
    task, state = attack.task, attack.state
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    embedded: list[Tensor] = []
    places: list[Tensor] = []
    weights = task.trainable_weights

    def loss_of(tape: tf.GradientTape, change: Callable) -> tuple[Tensor, Tensor, Tensor]:
        with tape:
            with attack.changing(change):
                outputs = task(x, training=True)
            loss = task.compute_loss(x, y, outputs, sample_weight, training=True)
            scaled = task.optimizer.scale_loss(loss)
        return loss, scaled, outputs

    clean, attacked = tf.GradientTape(), tf.GradientTape()

    def record(vectors: Tensor) -> Tensor:
        zeros = tf.zeros_like(vectors)
        clean.watch(zeros)
        embedded.append(vectors)
        places.append(zeros)
        return vectors + zeros

    before = _values(state)
    loss, scaled, outputs = loss_of(clean, record)
    by_weights, by_inputs = clean.gradient(
        scaled, (weights_of(weights), places), unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    after = _values(state)
    _assign(state, before)
    added = iter(attack.perturbation(embedded, by_inputs))
    with attack.without_penalties():
        adversarial, scaled, _ = loss_of(attacked, lambda vectors: vectors + next(added))
    more = attacked.gradient(
        scaled, weights_of(weights), unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    _assign(state, after)
    grads = [
        tf.convert_to_tensor(one) + tf.convert_to_tensor(other)
        for one, other in zip(by_weights, more, strict=True)
    ]
    task.optimizer.apply_gradients(list(zip(grads, weights, strict=True)))
    return attack.measure(loss, adversarial, x, y, outputs, sample_weight)


def weights_of(variables: Sequence[Any]) -> list[Any]:
    """Return the variables of TensorFlow in those of Keras."""
    return [variable.value for variable in variables]


def _values(variables: Sequence[Any]) -> list[Tensor]:
    return [tf.identity(variable.value) for variable in variables]


def _assign(variables: Sequence[Any], values: Sequence[Tensor]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
