"""Adversarial training: the loss of the examples, and that of a perturbation of their embedding.

`L(e) + L(e + r)`, where `e` is the embedded sequence of an example, `g = ∂L/∂e` and
`r = ε s g / ‖g‖₂`: the direction in which the loss rises most, for a norm of `ε s` over all steps
and dimensions of the example. `r` counts as a constant. Embeddings could learn to be large, and the
perturbation would be small beside them; so `s` is the root mean square of the embedded steps of the
batch, and ε has the units of an embedding of variance 1, as in the paper.

Steps that the loss does not depend on, such as masked ones, have no gradient: they are neither
perturbed nor part of s. Dropout draws the same masks for both losses, so that r is the direction
for the very network that it attacks. Penalties such as L2 are in the first loss only. Outside of
training nothing is perturbed.

Source: Miyato, Dai and Goodfellow 2017, arXiv:1605.07725.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.options import settings_of
from rnnkit.settings.training import AdversarialOption
from rnnkit.tasks.training import full_batches

LOSS = "adversarial_loss"  # in the logs of training
Tensor = Any
_MADE = "_attack"  # the attribute of a task
_ATTACKED = "_without_penalties"  # likewise, while the loss of perturbed examples is computed


def check_norm(task: Any, norm: float) -> float:
    """Return the norm, or refuse it.

    Raises:
        InputError: it is out of range, or the task embeds nothing.
    """
    settings_of(AdversarialOption)["adversarial"].check(norm)
    if norm and not task.embeds:
        raise InputError(
            f"adversarial is {norm}, and {type(task).__name__} does not embed its "
            f"{task.noun[1]}: there is no embedding to perturb. Leave adversarial out."
        )
    return norm


def loss_tracker(norm: float) -> keras.metrics.Metric | None:
    """Return the metric of the loss of perturbed examples, where there are any."""
    return keras.metrics.Mean(name=LOSS) if norm else None


class Attack:
    """What a training step on perturbed examples needs of a task.

    Args:
        task: its network is built.

    Raises:
        InputError: no layer of the network embeds the examples.
    """

    def __init__(self, task: Any) -> None:
        self.task, self.layers = task, list(task.embedding_layers())
        if not self.layers:
            raise InputError(
                f"adversarial is {task.adversarial}, and the network {task.network.name!r} has no "
                "layer that embeds: expected a keras.layers.Embedding. Leave adversarial out."
            )
        # What a pass may change: states, statistics, random generators; not frozen weights, which
        # may be large.
        layers = task._flatten_layers()
        weights = {id(one) for layer in layers for one in layer._trainable_variables}
        every = [*task.non_trainable_variables, *task.metrics_variables]
        self.state = [one for one in every if id(one) not in weights]

    @contextlib.contextmanager
    def changing(self, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Let the outputs of the embedding layers be changed, in the order of their calls."""
        thread = threading.get_ident()  # others may ask the model meanwhile

        def changed(call: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def run(*args: Any, **kwargs: Any) -> Tensor:
                found = call(*args, **kwargs)
                # A tied table that is called in reverse gives scores.
                embeds = threading.get_ident() == thread and not kwargs.get("reverse")
                return change(found) if embeds else found

            return run

        for layer in self.layers:
            vars(layer)["call"] = changed(layer.call)
        try:
            yield
        finally:
            for layer in self.layers:
                del vars(layer)["call"]

    @contextlib.contextmanager
    def without_penalties(self) -> Iterator[None]:
        """Leave the penalties out of the loss: they are in that of the examples."""
        vars(self.task)[_ATTACKED] = True
        try:
            yield
        finally:
            del vars(self.task)[_ATTACKED]

    def perturbation(self, embedded: Sequence[Tensor], grads: Sequence[Tensor]) -> list[Tensor]:
        """Return the perturbation of each embedded sequence; see `perturbation`."""
        return perturbation(embedded, grads, self.task.adversarial)

    def measure(
        self, loss: Tensor, adversarial: Tensor, x: Any, y: Any, outputs: Any, sample_weight: Any
    ) -> dict[str, Any]:
        """Add a batch to the metrics; return their values, as the logs of the step."""
        task, rows = self.task, ops.shape(keras.tree.flatten(x)[0])[0]
        task._loss_tracker.update_state(loss, sample_weight=rows)
        if sample_weight is not None and full_batches.is_watched(task._loss_tracker):
            rows = full_batches.without_filling(sample_weight)[1]
        task.adversarial_tracker.update_state(adversarial, sample_weight=rows)
        logs = task.compute_metrics(x, y, outputs, sample_weight)
        return {**logs, LOSS: task.adversarial_tracker.result()}


def perturbation(embedded: Sequence[Tensor], grads: Sequence[Tensor], norm: float) -> list[Tensor]:
    """Return `norm s g / ‖g‖₂` for each example, over all of its embedded sequences.

    Args:
        embedded: `(B, T, D)`, all with the same B.
        grads: of the loss, by each of them; their scale does not matter.
        norm: in units of s, the root mean square of the steps with a gradient.

    Example:
        >>> e, g = ops.ones((1, 2, 2)), ops.convert_to_tensor([[[3.0, 4.0], [0.0, 0.0]]])
        >>> ops.convert_to_numpy(perturbation([e], [g], 5.0)[0]).tolist()
        [[[3.0, 4.0], [0.0, 0.0]]]
    """
    wide = [ops.cast(grad, "float32") for grad in grads]
    peaks = [ops.max(ops.abs(grad), axis=_axes(grad)) for grad in wide]
    peak = peaks[0]
    for other in peaks[1:]:
        peak = ops.maximum(peak, other)
    # Divided by the largest number first: the squares of small ones would vanish.
    known = ops.logical_and(peak > 0, ops.isfinite(peak))
    safe = ops.where(known, peak, ops.ones_like(peak))
    units = [
        ops.where(_as_rows(known, grad), grad / _as_rows(safe, grad), ops.zeros_like(grad))
        for grad in wide
    ]
    length = ops.sqrt(ops.maximum(_sum([ops.sum(u * u, axis=_axes(u)) for u in units]), 1.0))
    real = [
        ops.cast(ops.any(ops.not_equal(u, 0), axis=-1, keepdims=True), "float32") for u in units
    ]
    vectors = [ops.cast(one, "float32") for one in embedded]
    squares = _sum([ops.sum(r * e * e) for r, e in zip(real, vectors, strict=True)])
    count = _sum([ops.sum(r) * e.shape[-1] for r, e in zip(real, vectors, strict=True)])
    size = norm * ops.sqrt(squares / ops.maximum(count, 1.0))
    return [
        ops.cast(size * u / _as_rows(length, u), e.dtype)
        for u, e in zip(units, embedded, strict=True)
    ]


def _axes(tensor: Tensor) -> tuple[int, ...]:
    return tuple(range(1, len(tensor.shape)))


def _as_rows(numbers: Tensor, like: Tensor) -> Tensor:
    """Return one number for each row in a shape that broadcasts."""
    return ops.reshape(numbers, (-1, *[1] * (len(like.shape) - 1)))


def _sum(tensors: Sequence[Tensor]) -> Tensor:
    return sum(tensors[1:], tensors[0])


def prepare(task: Any) -> None:
    """Find the embedding layers of a task that is about to be trained, or refuse it."""
    vars(task)[_MADE] = Attack(task) if task.adversarial else None


def step(task: Any, *arguments: Any) -> Any:
    """Train on a batch and its perturbation; arguments and result are those of `train_step`."""
    if vars(task).get(_MADE) is None:
        prepare(task)
    return native.adversarial_step(vars(task)[_MADE], *arguments)


def has_penalties(task: Any) -> bool:
    """Return whether penalties are part of the loss that is computed now."""
    return _ATTACKED not in vars(task)
