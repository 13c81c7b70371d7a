"""The data set `sequences_sample`: generated noisy movements in the plane, classified by order.

A point moves around a circle one way, the other way, or back and forth along an arc. All three
begin anywhere, at any speed; the order of the positions decides the class, and hardly anything
follows from their mean and spread, or from the first or last one.
"""

from __future__ import annotations

import numpy as np

from rnnkit.data.splits import Dataset, Split

SIZES = {"train": 600, "valid": 150, "test": 300}
CLASSES = ("clockwise", "anticlockwise", "back and forth")
SEED = 20_240_301
ABOUT = (
    f"{sum(SIZES.values()):,} movements in the plane, 20 to 60 steps of two numbers each, "
    "GENERATED with noise; the order of positions decides the class. Good for trying things out."
)


def read() -> Dataset:
    """Generate the data set, the same at every call.

    Example:
        >>> data = read()
        >>> len(data.train), data.train.x[0].shape[1], data.classes[data.train.y[0]]
        (600, 2, 'clockwise')
    """
    random = np.random.default_rng(SEED)
    train, valid, test = (_split(random, size) for size in SIZES.values())
    return Dataset("sequences_sample", train, valid, test, classes=CLASSES, about=ABOUT)


def _split(random: np.random.Generator, size: int) -> Split:
    labels = np.arange(size) % len(CLASSES)  # classes alternate: all have the same size
    return Split([_movement(random, CLASSES[label]) for label in labels], labels)


def _movement(random: np.random.Generator, kind: str) -> np.ndarray:
    """Return one movement, `(T, 2)`."""
    steps = int(random.integers(20, 61))
    turns = random.uniform(0.8, 1.6)  # of the circle, in all
    angle = 2 * np.pi * turns * np.arange(steps) / steps
    if kind == "back and forth":
        middle = random.uniform(0.35, 0.65) * angle[-1]
        angle = middle - np.abs(angle - middle)
    if kind == "clockwise":
        angle = -angle
    angle = angle + random.uniform(0, 2 * np.pi)
    positions = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (positions + random.normal(0, 0.35, (steps, 2))).astype("float32")
