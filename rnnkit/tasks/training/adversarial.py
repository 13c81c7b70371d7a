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

The setting `virtual_adversarial` adds a loss that needs no labels; see
`rnnkit.tasks.training.virtual_adversarial`. Both are perturbations by the same step.

Source: Miyato, Dai and Goodfellow 2017, arXiv:1605.07725.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.options import settings_of
from rnnkit.settings.training import AdversarialOption, VirtualAdversarialOption
from rnnkit.tasks.layer_outputs import changed_outputs
from rnnkit.tasks.training import full_batches, virtual_adversarial
from rnnkit.tasks.training.perturbation import as_rows, perturbation

SETTINGS = ("adversarial", "virtual_adversarial")
Tensor = Any
_MADE = "_attack"  # the attribute of a task
_ATTACKED = "_attacked"  # likewise, while the loss of perturbed examples is computed


class Perturbed(NamedTuple):
    """A loss of perturbed examples that is added to that of the examples.

    Attributes:
        setting: its name; with `_loss` behind it, that in the logs of training.
        norm: of the perturbation.
    """

    setting: str
    norm: float

    @property
    def virtual(self) -> bool:
        """Whether it is the divergence from the predictions on the examples, without labels."""
        return self.setting == "virtual_adversarial"


def perturbed_losses(task: Any) -> list[Perturbed]:
    """Return the losses of perturbed examples that a task is trained on."""
    found = [Perturbed(name, getattr(task, name)) for name in SETTINGS]
    return [one for one in found if one.norm]


def set_norms(task: Any, **norms: float) -> None:
    """Give a new task the norms of its settings, and what its training needs for them.

    Raises:
        InputError: a norm is out of range, or the task has no such loss.
    """
    options = settings_of(AdversarialOption, VirtualAdversarialOption)
    for name, norm in norms.items():
        options[name].check(norm)
        if norm and not task.embeds:
            raise InputError(
                f"{name} is {norm}, and {type(task).__name__} does not embed its "
                f"{task.noun[1]}: there is no embedding to perturb. Leave {name} out."
            )
        if norm and name == "virtual_adversarial":
            virtual_adversarial.check_task(task, norm)
            task.direction_seeds = virtual_adversarial.direction_seeds(task.seed)
        setattr(task, name, norm)
        setattr(task, f"{name}_tracker", keras.metrics.Mean(name=f"{name}_loss") if norm else None)


class Attack:
    """What a training step on perturbed examples needs of a task.

    Args:
        task: its network is built.

    Attributes:
        losses: those of perturbed examples, in the order in which a step computes them.

    Raises:
        InputError: no layer of the network embeds the examples.
    """

    def __init__(self, task: Any) -> None:
        self.task, self.layers = task, list(task.embedding_layers())
        self.losses = perturbed_losses(task)
        if not self.layers:
            name, norm = self.losses[0]
            raise InputError(
                f"{name} is {norm}, and the network {task.network.name!r} has no layer that "
                f"embeds: expected a keras.layers.Embedding. Leave {name} out."
            )
        # What a pass may change: states, statistics, random generators; not frozen weights, which
        # may be large.
        layers = task._flatten_layers()
        weights = {id(one) for layer in layers for one in layer._trainable_variables}
        every = [*task.non_trainable_variables, *task.metrics_variables]
        self.state = [one for one in every if id(one) not in weights]

    def changing(
        self, change: Callable[[Tensor, Tensor | None], Tensor]
    ) -> contextlib.AbstractContextManager[None]:
        """Let the outputs of the embedding layers be changed, in the order of their calls.

        Args:
            change: from the outputs and, for the virtual loss, the mask of their steps, if any.
        """
        virtual = any(one.virtual for one in self.losses)

        def changed(layer: Any, found: Tensor, ids: Any) -> Tensor:
            return change(found, layer.compute_mask(ids, None) if virtual else None)

        return changed_outputs(self.layers, changed)

    @contextlib.contextmanager
    def losing(self, perturbed: Perturbed, outputs: Tensor) -> Iterator[None]:
        """Let the task's loss be that of perturbed examples, without penalties.

        Args:
            perturbed: which of the losses.
            outputs: on the examples as they are, constants.
        """
        vars(self.task)[_ATTACKED] = outputs if perturbed.virtual else None
        try:
            yield
        finally:
            del vars(self.task)[_ATTACKED]

    def noise(self, embedded: Tensor, mask: Tensor | None) -> Tensor | None:
        """Return a random direction for an embedded sequence, where the virtual loss needs one."""
        if not any(one.virtual for one in self.losses):
            return None
        return virtual_adversarial.draw(self.task.direction_seeds, embedded, mask)

    def start(
        self, embedded: Sequence[Tensor], noise: Sequence[Tensor], sample_weight: Any
    ) -> list[Tensor]:
        """Return the small random perturbation at which the virtual loss has its gradient."""
        there = virtual_adversarial.is_there(embedded[0], sample_weight)
        own = [ops.where(as_rows(there, one), one, 0.0) for one in noise]
        return perturbation(embedded, own, virtual_adversarial.STEP)

    def perturbation(
        self, perturbed: Perturbed, embedded: Sequence[Tensor], grads: Sequence[Tensor]
    ) -> list[Tensor]:
        """Return the perturbation of each embedded sequence."""
        return perturbation(embedded, grads, perturbed.norm)

    def measure(
        self,
        loss: Tensor,
        perturbed: dict[Perturbed, Tensor],
        x: Any,
        y: Any,
        outputs: Any,
        sample_weight: Any,
    ) -> dict[str, Any]:
        """Add a batch to the metrics; return their values, as the logs of the step.

        Args:
            loss: of the examples.
            perturbed: the losses of the perturbed ones.
            x: the batch.
            y: its targets.
            outputs: on the examples.
            sample_weight: of the batch, or None.
        """
        task, rows = self.task, ops.shape(keras.tree.flatten(x)[0])[0]
        task._loss_tracker.update_state(loss, sample_weight=rows)
        if sample_weight is not None and full_batches.is_watched(task._loss_tracker):
            rows = full_batches.without_filling(sample_weight)[1]
        own = {}
        for (name, _), value in perturbed.items():
            tracker = getattr(task, f"{name}_tracker")
            tracker.update_state(value, sample_weight=rows)
            own[tracker.name] = tracker.result()
        if any(one.virtual for one in perturbed):
            virtual_adversarial.leave_out_unlabelled(outputs, sample_weight)
        return {**task.compute_metrics(x, y, outputs, sample_weight), **own}


def prepare(task: Any) -> None:
    """Find the embedding layers of a task that is about to be trained, or refuse it."""
    vars(task)[_MADE] = Attack(task) if perturbed_losses(task) else None


def step(task: Any, *arguments: Any) -> Any:
    """Train on a batch and its perturbations; arguments and result are those of `train_step`."""
    if vars(task).get(_MADE) is None:
        prepare(task)
    return native.adversarial_step(vars(task)[_MADE], *arguments)


def has_penalties(task: Any) -> bool:
    """Return whether penalties are part of the loss that is computed now."""
    return _ATTACKED not in vars(task)


def virtual_loss(task: Any, outputs: Any, sample_weight: Any) -> Any:
    """Return the divergence from the predictions on the examples, where that is the loss now.

    Args:
        task: its loss is computed.
        outputs: on the perturbed examples.
        sample_weight: of the batch, or None.

    Returns:
        None where the loss is another one.
    """
    reference = vars(task).get(_ATTACKED)
    if reference is None:
        return None
    return virtual_adversarial.divergence(reference, outputs, sample_weight)
