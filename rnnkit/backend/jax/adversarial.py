"""Training step on examples and on perturbed ones, for JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras

Tensor = Any


def adversarial_step(attack: Any, state: tuple, data: Any) -> tuple[dict[str, Any], tuple]:
    """Train on a batch and on its perturbations.

    The first pass, forward and back, gives the gradients of the loss by the weights and by the
    embedded inputs; another one is taken for each loss of perturbed examples, and one more for the
    direction of the virtual loss. All begin with the same variables, so that dropout draws the same
    numbers, and no variable that a later pass changes is kept.

    Args:
        attack: a `rnnkit.tasks.training.adversarial.Attack`.
        state: as in Keras's `train_step`; on JAX alone.
        data: likewise.

    Returns:
        What Keras's `train_step` returns.
    """
    task = attack.task
    trainable, others, of_optimizer, of_metrics = state
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)

    def loss_of(trainable: Any, added: list[Tensor] | None) -> tuple[Tensor, tuple]:
        embedded: list[Tensor] = []
        noise: list[Tensor | None] = []

        def change(vectors: Tensor, mask: Tensor | None) -> Tensor:
            embedded.append(vectors)
            noise.append(attack.noise(vectors, mask))
            return vectors if added is None else vectors + added[len(embedded) - 1]

        with attack.changing(change):
            loss, aux = task.compute_loss_and_updates(
                *(trainable, others, of_metrics, x, y, sample_weight),
                training=True,
                optimizer_variables=of_optimizer,
            )
        return loss, (aux, embedded, noise)

    shapes = jax.eval_shape(lambda weights: loss_of(weights, None)[1][1], trainable)
    zeros = [jnp.zeros(one.shape, one.dtype) for one in shapes]
    (_, (aux, embedded, noise)), (grads, by_inputs) = jax.value_and_grad(
        loss_of, (0, 1), has_aux=True
    )(trainable, zeros)
    loss, outputs, others_after, of_metrics = aux
    values = {}
    for one in attack.losses:
        with attack.losing(one, outputs):
            if one.virtual:
                start = attack.start(embedded, noise, sample_weight)
                by_inputs, _ = jax.grad(loss_of, 1, has_aux=True)(trainable, start)
            added = attack.perturbation(one, embedded, by_inputs)
            (_, ((values[one], *_), *_)), more = jax.value_and_grad(loss_of, has_aux=True)(
                trainable, added
            )
        grads = jax.tree_util.tree_map(jnp.add, grads, more)
    trainable, of_optimizer = task.optimizer.stateless_apply(of_optimizer, grads, trainable)
    variables = task.metrics_variables
    mapping = list(zip(variables, of_metrics, strict=True))
    with keras.StatelessScope(state_mapping=mapping) as scope:
        logs = attack.measure(loss, values, x, y, outputs, sample_weight)
    found = [scope.get_current_value(variable) for variable in variables]
    of_metrics = [old if new is None else new for old, new in zip(of_metrics, found, strict=True)]
    return logs, (trainable, others_after, of_optimizer, of_metrics)
