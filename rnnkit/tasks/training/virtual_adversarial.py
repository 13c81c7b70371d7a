"""Virtual adversarial training: the predictions on examples and on a perturbation of them.

`L(e) + KL(p(e) ‖ p(e + r))`, where `p(e)` are the probabilities of the classes that the network
predicts for the embedded sequence `e`. The perturbation is the one that changes them most, found by
one step of the power method: for a random direction d of norm 1, with s as in
`rnnkit.tasks.training.adversarial`,

    g = ∇_d KL(p(e) ‖ p(e + ξ s d))      r = ε s g / ‖g‖₂

p(e) and r count as constants. No label is needed: an unlabelled example has the weight 0 in L and
in the metrics, and counts in the divergence like all others, whatever their weights.

Directions come from a generator of the task, of its seed: a training that goes on draws the same.
They lie on the steps that the mask of the embedding keeps. Dropout draws the same masks in all
three passes.

Source: Miyato, Dai and Goodfellow 2017, arXiv:1605.07725; Miyato, Maeda, Koyama and Ishii 2018,
arXiv:1704.03976.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.backend.masking import set_row_mask
from rnnkit.errors import InputError
from rnnkit.tasks.training.examples import Examples
from rnnkit.tasks.training.losses import log_probabilities
from rnnkit.tasks.training.sets import EncodedSet

STEP = 0.1  # ξ, as in the authors' program
_FIRST = 1 << 20  # apart from the seeds of the layers
Tensor = Any


def check_task(task: Any, norm: float) -> None:
    """Refuse a task that does not predict one class for each example.

    Raises:
        InputError: its outputs are others.
    """
    if not task.predicts_classes:
        raise InputError(
            f"virtual_adversarial is {norm}, and {type(task).__name__} does not predict one class "
            f"for each {task.noun[0]}: it compares the probabilities of classes. Leave "
            "virtual_adversarial out; adversarial is for this task, too."
        )


def direction_seeds(seed: int) -> keras.random.SeedGenerator:
    """Return the generator of the random directions of a task."""
    return keras.random.SeedGenerator((seed + _FIRST) % 2**31)


def draw(seeds: keras.random.SeedGenerator, embedded: Tensor, mask: Tensor | None) -> Tensor:
    """Return normal random numbers, 0 at masked steps, in the shape of an embedded sequence.

    Args:
        seeds: the generator.
        embedded: `(B, T, D)`.
        mask: of the real steps `(B, T)`; None = all.

    Example:
        >>> mask = ops.array([[True, False]])
        >>> found = draw(direction_seeds(0), ops.ones((1, 2, 3)), mask)
        >>> ops.convert_to_numpy(found != 0).tolist()
        [[[True, True, True], [False, False, False]]]
    """
    found = keras.random.normal(ops.shape(embedded), dtype="float32", seed=seeds)
    return found if mask is None else ops.where(ops.expand_dims(mask, -1), found, 0.0)


def is_there(rows: Tensor, sample_weight: Tensor | None) -> Tensor:
    """Return which rows of a batch do not fill it up, `(B,)`.

    Args:
        rows: a tensor with one row for each.
        sample_weight: of the rows, NaN at those that fill; or None.
    """
    if sample_weight is None:
        return ops.ones(ops.shape(rows)[:1], "bool")
    return ops.logical_not(ops.isnan(_one_each(sample_weight)))


def divergence(reference: Tensor, outputs: Tensor, sample_weight: Tensor | None = None) -> Tensor:
    """Return the mean of `KL(p ‖ q)` over the rows of a batch that do not fill it up.

    Args:
        reference: p, the probabilities of the classes, `(B, C)`; or, of the second of two classes,
            `(B, 1)`.
        outputs: q, likewise.
        sample_weight: tells which rows fill the batch; other weights do not count.

    Example:
        >>> p, q = ops.array([[0.5], [0.5]]), ops.array([[0.5], [0.25]])
        >>> round(float(divergence(p, q)), 4)
        0.0719
    """
    log_p, log_q = (log_probabilities(ops.cast(one, "float32")) for one in (reference, outputs))
    rows = ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1)
    there = is_there(rows, sample_weight)
    count = ops.sum(ops.cast(there, "float32"))
    return ops.sum(ops.where(there, rows, 0.0)) / ops.maximum(count, 1.0)


def leave_out_unlabelled(outputs: Tensor, sample_weight: Tensor | None) -> None:
    """Make the metrics of a batch leave out the rows without a label."""
    if sample_weight is not None:
        set_row_mask(outputs, _one_each(sample_weight) > 0)


def add_unlabelled(task: Any, train: EncodedSet, unlabelled: Sequence[Any]) -> EncodedSet:
    """Return a training set with unlabelled examples before its own, of the weight 0.

    The weights of its own grow, so that the mean loss of all is that of the labelled ones.

    Args:
        task: a classifier.
        train: its labelled examples.
        unlabelled: more examples.
    """
    more, own = task.check_examples(unlabelled), train.examples.x
    if not more:
        return train
    weights = np.ones(len(own)) if train.weights is None else np.asarray(train.weights)
    weights = np.concatenate([np.zeros(len(more)), weights * (1 + len(more) / len(own))])
    nothing = np.zeros((len(more), *train.targets.shape[1:]), train.targets.dtype)
    targets = np.concatenate([nothing, train.targets])
    return EncodedSet(Examples([*more, *own]), targets, weights.astype("float32"))


def _one_each(sample_weight: Any) -> Tensor:
    """Return weights `(B,)`, which may have been given as `(B, 1)`."""
    return ops.reshape(ops.cast(ops.convert_to_tensor(sample_weight), "float32"), (-1,))
