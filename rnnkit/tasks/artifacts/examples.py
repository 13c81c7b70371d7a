"""Raw examples made of what a task learned, to run an exported file on where there are no data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit.data.series import Series

LONGEST = 20  # words of a text
STEPS = 50  # of a series, at most
SAMPLES = 4000  # of a waveform


def made_up_examples(task: Any, count: int) -> list[Any]:
    """Return raw examples of different lengths: words that the task knows, or random series.

    Args:
        task: trained.
        count: how many.
    """
    random = np.random.default_rng(0)
    if task.reads_series:
        return [_series(task, random) for _ in range(count)]
    if getattr(task, "source_subwords", None) is not None:
        words = _pieces(task.source_subwords)
    else:
        words = list(task.vocabulary.tokens)[2:] or ["a"]
    return [
        " ".join(random.choice(words, random.integers(1, LONGEST + 1)).tolist())
        for _ in range(count)
    ]


def _pieces(subwords: Any) -> list[str]:
    """Return the sub-words that are text of their own."""
    texts = (subwords.decode(np.array([i], "int32")) for i in range(len(subwords)))
    return [text for text in texts if text.strip()] or ["a"]


def _series(task: Any, random: np.random.Generator) -> Series:
    """Return one random series with the columns and the scale of the training series."""
    if hasattr(task, "encoder"):
        return _to_forecast(task, random)
    waveform = getattr(task.parts(), "log_mel", None) is not None
    least, most = (SAMPLES // 4, SAMPLES) if waveform else (1, STEPS)
    width = task.network.inputs[0].shape[-1]
    scale = task.feature_scale or [(0.0, 1.0)] * width
    values = _values(scale, int(random.integers(least, most + 1)), random)
    return Series(values, columns=tuple(task.column_names))


def _to_forecast(task: Any, random: np.random.Generator) -> Series:
    """Return one random series that a forecaster reads."""
    encoder = getattr(task.encoder, "parts", [task.encoder])[0]  # all read the same columns
    steps = int(random.integers(task.context, task.context + STEPS))
    times = None
    if encoder.step is not None:
        times = np.datetime64("2024-01-01T00:00") + encoder.step * np.arange(steps)
    values = _values(encoder.columns, steps, random)
    group = next(iter(encoder.groups), None)
    return Series(values, times, name=group, columns=tuple(task.column_names))


def _values(scale: Sequence[Any], steps: int, random: np.random.Generator) -> np.ndarray:
    """Return random values `(T, D)` with mean and spread of each column."""
    mean, spread = np.array(scale).T
    return mean + spread * random.normal(size=(steps, len(scale)))
