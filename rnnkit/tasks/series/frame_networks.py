"""The network of the labeller of frames: series in, the probability of each class a step out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from rnnkit import layers as kit
from rnnkit.backend.initializers import Seeded
from rnnkit.errors import InputError, suggest
from rnnkit.features import WindowFeatures
from rnnkit.tasks.networks import CELLS, recurrent_stack
from rnnkit.tasks.series.fronts import rows_of, scale_of, standardisation

OUTPUTS = ("softmax", "crf")
FEED_FORWARD = "dense"


def frame_network(
    series: Sequence[np.ndarray],
    classes: int,
    *,
    cell: str = "lstm",
    bidirectional: bool = True,
    layers: int = 1,
    units: int = 64,
    context: int = 15,
    features: str | None = None,
    feature_window: int = 9,
    recurrent_dropout: float = 0.0,
    input_dropout: float = 0.0,
    dropout: float = 0.5,
    output: str = "softmax",
    seed: int = 0,
) -> keras.Model:
    """Build series -> features -> standardisation -> layers -> a distribution for each step.

    Args:
        series: arrays `(T, D)` to learn each feature's mean and standard deviation from.
        classes: C, how many there are.
        cell: "rnn", "lstm" or "gru"; or "dense", a feed-forward network of the steps around.
        bidirectional: let a step see the later ones, too.
        layers: on top of each other.
        units: size of each layer's state, or output.
        context: steps that "dense" sees: the step in the middle, or, one direction only, the last.
        features: see `rnnkit.features.WindowFeatures`; None = the values as they are.
        feature_window: steps in the window of the features.
        recurrent_dropout: see `rnnkit.layers.LSTM`.
        input_dropout: share of the features that are dropped, the same ones throughout a series.
        dropout: share of what passes between layers, and of the last one's output, that is dropped.
        output: "softmax", each step by itself; "crf", with what follows what.
        seed: of the first weights (the same on every backend) and of the dropout.

    Returns:
        A functional model, `(values, mask)`, `(B, T, D)` and boolean `(B, T)`, to `(B, T, C)`. With
        "crf" the labels `(B, T)` are a third input, -1 where they are not known, for its loss.

    Raises:
        InputError: an unknown cell, output or feature, no layer.

    Example:
        >>> network = frame_network([np.eye(3)], 4, units=8)
        >>> network.input_shape, network.output_shape
        ([(None, None, 3), (None, None)], (None, None, 4))
    """
    check(cell, output)
    seeds = itertools.count(1000 * seed)
    values = keras.Input((None, np.shape(series[0])[1]), name="values")
    mask = keras.Input((None,), dtype="bool", name="mask")
    inputs, x, rows = [values, mask], values, series
    if features is not None:
        front = WindowFeatures(
            features, window=feature_window, causal=not bidirectional, name="window_features"
        )
        x, rows = front(values, mask=mask), rows_of(front, series)
    x = standardisation(*scale_of(rows))(x)
    if input_dropout:
        shape = (None, 1, None)
        x = keras.layers.Dropout(input_dropout, noise_shape=shape, seed=next(seeds))(x)
    if cell == FEED_FORWARD:
        x = _feed_forward(x, mask, seeds, bidirectional, layers, units, context, dropout)
    else:
        x = recurrent_stack(
            x,
            mask,
            seeds,
            cell=cell,
            bidirectional=bidirectional,
            layers=layers,
            units=units,
            recurrent_dropout=recurrent_dropout,
            dropout=dropout,
        )
    x = keras.layers.Dropout(dropout, seed=next(seeds))(x)
    answer = keras.layers.Dense(
        classes,
        activation="softmax" if output == "softmax" else None,
        kernel_initializer=Seeded("glorot_uniform", next(seeds)),
        dtype="float32",
        name="probabilities" if output == "softmax" else "potentials",
    )(x)
    if output == "crf":
        labels = keras.Input((None,), dtype="int32", name="labels")
        inputs.append(labels)
        answer = kit.CRF(classes, name="crf")(answer, labels, mask=mask)
    return keras.Model(inputs, answer, name=f"{cell}_frame_labeller")


def check(cell: str, output: str) -> None:
    """Refuse a cell or an output that there is not.

    Raises:
        InputError: the message names the nearest.

    Example:
        >>> check("gru", "crf")
    """
    cells = [*CELLS, FEED_FORWARD]
    if cell not in cells:
        raise InputError(f"cell is {cell!r}; expected one of {cells}.{suggest(cell, cells)}")
    if output not in OUTPUTS:
        hint = suggest(output, OUTPUTS)
        raise InputError(f"output is {output!r}; expected one of {OUTPUTS}.{hint}")


def _feed_forward(
    x: Any,
    mask: Any,
    seeds: Iterator[int],
    bidirectional: bool,
    layers: int,
    units: int,
    context: int,
    dropout: float,
) -> Any:
    """Run dense layers on the steps around each step, the standardised ones."""
    if layers < 1:
        raise InputError(f"layers is {layers}; expected at least 1.")
    around = WindowFeatures("steps", window=context, causal=not bidirectional, name="steps_around")
    x = around(x, mask=mask)
    for depth in range(layers):
        if depth:
            x = keras.layers.Dropout(dropout, seed=next(seeds))(x)
        x = keras.layers.Dense(
            units, activation="relu", kernel_initializer=Seeded("glorot_uniform", next(seeds))
        )(x)
    return x
