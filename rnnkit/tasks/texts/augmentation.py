"""Counterfactual augmentation: edited copies of training texts, with the opposite label."""

from __future__ import annotations

import random

import numpy as np

from rnnkit.data.counterfactuals import counterfactual
from rnnkit.progress import track
from rnnkit.tasks.training.distillation import Taught
from rnnkit.tasks.training.examples import Examples


def add_counterfactuals(
    train: Examples, targets: np.ndarray, weights: np.ndarray | None, share: float, seed: int
) -> Taught:
    """Return texts and edited copies of some, whose opinion and label are the opposite.

    Args:
        train: texts of two classes.
        targets: of them, as a classifier encodes them: `(N, 1)`, or with a teacher `(N, 5)`.
        weights: of the texts in the loss.
        share: of the texts that get a copy, 0 to 1; texts with fewer than three words of opinion
            get none.
        seed: of the choice and of the edits.

    Example:
        >>> train = Examples(["A good film, great fun, well acted."], ["pos"])
        >>> new = add_counterfactuals(train, np.array([[1.0]]), None, share=1.0, seed=0)
        >>> new.train.x[1], new.targets.tolist()
        ('A crappy film, rotten sluggish, dreadfully acted.', [[1.0], [0.0]])
    """
    generator = random.Random(seed)
    chosen = [i for i in range(len(train.x)) if generator.random() < share]
    edits = {i: counterfactual(train.x[i], generator) for i in track(chosen, "Editing texts")}
    found = [i for i, text in edits.items() if text is not None]
    texts = [*train.x, *(edits[i] for i in found)]
    return Taught(
        Examples(texts),  # what is learned are the targets
        np.concatenate([targets, _opposite(targets[found])]),
        None if weights is None else np.concatenate([weights, weights[found]]),
    )


def _opposite(targets: np.ndarray) -> np.ndarray:
    """Return the targets of the other class: of labels, and of a teacher's predictions."""
    if targets.shape[1] == 1:
        return 1 - targets
    return targets[:, [1, 0, 3, 2, 4]]  # see `rnnkit.tasks.training.losses.class_crossentropy`
