"""Training step on examples and on perturbed ones, for TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

Tensor = Any


def adversarial_step(attack: Any, data: Any) -> dict[str, Any]:
    """Train on a batch and on its perturbations; see `backend.jax.adversarial_step`."""
    task, state = attack.task, attack.state
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    embedded: list[Tensor] = []
    noise: list[Tensor] = []
    places: list[Tensor] = []
    weights = task.trainable_weights

    def loss_of(tape: tf.GradientTape, change: Callable) -> tuple[Tensor, Tensor, Tensor]:
        with tape:
            with attack.changing(change):
                outputs = task(x, training=True)
            loss = task.compute_loss(x, y, outputs, sample_weight, training=True)
            scaled = task.optimizer.scale_loss(loss)
        return loss, scaled, outputs

    clean = tf.GradientTape()

    def record(vectors: Tensor, mask: Tensor | None) -> Tensor:
        zeros = tf.zeros_like(vectors)
        clean.watch(zeros)
        embedded.append(vectors)
        noise.append(attack.noise(vectors, mask))
        places.append(zeros)
        return vectors + zeros

    def gradient_at(added: Sequence[Tensor], by: Any) -> tuple[Tensor, Any]:
        _assign(state, before)
        rest = iter(added)

        def change(vectors: Tensor, mask: Tensor | None) -> Tensor:
            one = next(rest)
            tape.watch(one)
            return vectors + one

        tape = tf.GradientTape()
        loss, scaled, _ = loss_of(tape, change)
        return loss, _gradient(tape, scaled, by)

    before = _values(state)
    loss, scaled, outputs = loss_of(clean, record)
    grads, by_inputs = _gradient(clean, scaled, (weights_of(weights), places))
    after = _values(state)
    values = {}
    for one in attack.losses:
        with attack.losing(one, outputs):
            if one.virtual:
                start = attack.start(embedded, noise, sample_weight)
                by_inputs = gradient_at(start, start)[1]
            added = attack.perturbation(one, embedded, by_inputs)
            values[one], more = gradient_at(added, weights_of(weights))
        grads = [
            tf.convert_to_tensor(grad) + tf.convert_to_tensor(other)
            for grad, other in zip(grads, more, strict=True)
        ]
    _assign(state, after)
    task.optimizer.apply_gradients(list(zip(grads, weights, strict=True)))
    return attack.measure(loss, values, x, y, outputs, sample_weight)


def _gradient(tape: tf.GradientTape, loss: Tensor, by: Any) -> Any:
    zero = tf.UnconnectedGradients.ZERO
    return tape.gradient(loss, by, unconnected_gradients=zero)


def weights_of(variables: Sequence[Any]) -> list[Any]:
    """Return the variables of TensorFlow in those of Keras."""
    return [variable.value for variable in variables]


def _values(variables: Sequence[Any]) -> list[Tensor]:
    return [tf.identity(variable.value) for variable in variables]


def _assign(variables: Sequence[Any], values: Sequence[Tensor]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
