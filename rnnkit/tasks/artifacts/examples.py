"""Raw examples made of what a task learned, to run an exported file on where there are no data."""

from __future__ import annotations

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


def _series(task: Any, random: np.random.Generator) -> Any:
    """Return one random series with the columns and the scale of the training series."""
    encoder = getattr(task, "encoder", None)
    names = list(task.column_names)
    if encoder is not None:  # a forecaster
        scale = list(encoder.columns)
        steps = int(random.integers(task.context, task.context + STEPS))
    else:
        scale = task.feature_scale
        steps = int(random.integers(1, STEPS + 1))
        if getattr(task.parts(), "log_mel", None) is not None:
            steps = int(random.integers(SAMPLES // 4, SAMPLES))
    width = len(scale) if scale else task.network.inputs[0].shape[-1]
    mean, spread = np.array(scale or [(0.0, 1.0)] * width).T
    values = mean + spread * random.normal(size=(steps, width))
    times = None
    if getattr(encoder, "step", None) is not None:
        times = np.datetime64("2024-01-01T00:00") + encoder.step * np.arange(steps)
    group = next(iter(encoder.groups), None) if encoder is not None else None
    return Series(values, times, name=group, columns=tuple(names))
