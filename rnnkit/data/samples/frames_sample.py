"""The data set `frames_sample`: a noisy point that rests or turns, with a label for each step.

A point rests somewhere on a circle, or moves around it one way or the other, and changes its
movement every few dozen steps. One position says nothing about it, and two positions drown in the
noise: a model needs the steps around.
"""

from __future__ import annotations

import numpy as np

from rnnkit.data.splits import Dataset, Split

SIZES = {"train": 16, "valid": 4, "test": 6}
CLASSES = ("still", "clockwise", "anticlockwise")
TURN = (0.0, -0.2, 0.2)  # radians a step
SEED = 20_240_302
ABOUT = (
    f"{sum(SIZES.values())} recordings of a point in the plane, 200 to 400 steps each, GENERATED "
    "with noise; at each step it rests or moves around a circle, one way or the other. Good "
    "for trying things out."
)


def read() -> Dataset:
    """Generate the data set, the same at every call.

    Example:
        >>> data = read()
        >>> len(data.train), data.train.x[0].shape[1], len(data.train.x[0]) == len(data.train.y[0])
        (16, 2, True)
    """
    random = np.random.default_rng(SEED)
    train, valid, test = (_split(random, size) for size in SIZES.values())
    return Dataset("frames_sample", train, valid, test, classes=CLASSES, about=ABOUT)


def _split(random: np.random.Generator, size: int) -> Split:
    recordings = [_recording(random) for _ in range(size)]
    return Split([x for x, _ in recordings], [y for _, y in recordings])


def _recording(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions `(T, 2)` and the label of each step, `(T,)`."""
    steps = int(random.integers(200, 401))
    labels: list[int] = []
    while len(labels) < steps:
        others = [i for i in range(len(CLASSES)) if not labels or i != labels[-1]]
        labels += [int(random.choice(others))] * int(random.integers(15, 60))
    y = np.array(labels[:steps])
    angle = random.uniform(0, 2 * np.pi) + np.cumsum(np.array(TURN)[y])
    positions = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (positions + random.normal(0, 0.1, (steps, 2))).astype("float32"), y
