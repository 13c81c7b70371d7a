"""Augmentation of training texts: edited copies, generated reviews, passages of longer texts."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from rnnkit.data.counterfactuals import counterfactual
from rnnkit.data.perturbations import split_sentences
from rnnkit.data.samples.reviews_sample import generate_reviews
from rnnkit.errors import InputError
from rnnkit.progress import track
from rnnkit.tasks.labels import Label
from rnnkit.tasks.training.distillation import Taught
from rnnkit.tasks.training.examples import Examples

# Names of classes, in lower case.
NEGATIVE = frozenset(["neg", "negative", "0", "bad", "rotten", "false"])
POSITIVE = frozenset(["pos", "positive", "1", "good", "fresh", "true"])
LONGEST = 3  # sentences of a passage


class DerivedText(str):
    """A training text that was made of others, or generated: no word vectors are learned from it.

    In edited copies opposites stand for each other, in generated texts all words of a kind do.
    """

    __slots__ = ()


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
    copies = [(i, DerivedText(text)) for i, text in edits.items() if text is not None]
    found = [i for i, _ in copies]
    return Taught(
        Examples([*train.x, *(text for _, text in copies)]),  # what is learned are the targets
        np.concatenate([targets, _opposite(targets[found])]),
        None if weights is None else np.concatenate([weights, weights[found]]),
    )


def add_synthetic_reviews(
    train: Examples, targets: np.ndarray, weights: np.ndarray | None, count: int, seed: int
) -> Taught:
    """Return texts and generated short reviews, every second one negative.

    Args:
        train: texts of two classes, the second of them positive; see `check_polarity`.
        targets: of them, as `add_counterfactuals` takes them.
        weights: of the texts in the loss.
        count: of the generated reviews.
        seed: of the generator.

    Example:
        >>> new = add_synthetic_reviews(Examples(["fun"], [1]), np.array([[1.0]]), None, 2, seed=0)
        >>> len(new.train.x), new.targets.tolist()
        (3, [[1.0], [0.0], [1.0]])
    """
    labels = np.arange(count) % 2.0
    columns = np.stack([1 - labels, labels], axis=1)
    new = columns[:, 1:]
    if targets.shape[1] > 1:  # see `rnnkit.tasks.training.losses.class_crossentropy`
        share = targets[:1, :2].sum()  # of labels, of a text that has one
        temperature = np.full((count, 1), targets[0, -1])
        new = np.concatenate([share * columns, (1 - share) * columns, temperature], axis=1)
    return Taught(
        Examples([*train.x, *map(DerivedText, generate_reviews(count, seed))]),
        np.concatenate([targets, new.astype(targets.dtype)]),
        None if weights is None else np.concatenate([weights, np.ones(count, weights.dtype)]),
    )


def check_polarity(setting: str, classes: Sequence[Label]) -> None:
    """Refuse a setting for reviews where the classes are not negative and positive.

    Example:
        >>> check_polarity("synthetic_reviews=9", ["neg", "pos"])
        >>> check_polarity("synthetic_reviews=9", ["ham", "spam"])
        Traceback (most recent call last):
        rnnkit.errors.InputError: synthetic_reviews=9 needs a negative and a positive class, in \
this order, and the classes are 'ham' and 'spam'. Name them neg and pos, or leave it out.
    """
    names = [str(one).lower() for one in classes]
    if len(names) == 2 and names[0] in NEGATIVE and names[1] in POSITIVE:
        return
    raise InputError(
        f"{setting} needs a negative and a positive class, in this order, and the classes are "
        f"{' and '.join(repr(str(one)) for one in classes)}. Name them neg and pos, or leave it "
        "out."
    )


def passages(texts: Sequence[str], share: float, seed: int) -> list[str]:
    """Return one to three sentences of a share of the texts, of those that have more.

    Example:
        >>> passages(["It rains. He sings. She dances. They leave."], share=1.0, seed=1)
        ['She dances.']
    """
    generator = random.Random(seed)
    found = []
    for text in texts:
        if generator.random() >= share:
            continue
        sentences = split_sentences(text)
        if len(sentences) > LONGEST:
            length = generator.randint(1, LONGEST)
            start = generator.randint(0, len(sentences) - length)
            found.append(" ".join(sentences[start : start + length]))
    return found


def _opposite(targets: np.ndarray) -> np.ndarray:
    """Return the targets of the other class: of labels, and of a teacher's predictions."""
    if targets.shape[1] == 1:
        return 1 - targets
    return targets[:, [1, 0, 3, 2, 4]]  # see `rnnkit.tasks.training.losses.class_crossentropy`
