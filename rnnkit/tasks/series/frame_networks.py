"""The network of a frame labeller: series -> class probabilities at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import keras
import numpy as np

from rnnkit import layers as kit
from rnnkit.features import WindowFeatures
from rnnkit.options import pick, takes
from rnnkit.settings.frames import FrameNetworkOptions
from rnnkit.tasks.recurrent_stack import RecurrentStackOptions, Seeds, drop, recurrent_stack
from rnnkit.tasks.series.input_features import extract_features, fit_scaler, standardization


@takes(FrameNetworkOptions, bidirectional=True)
def frame_network(
    series: Sequence[np.ndarray], classes: int, **options: Unpack[FrameNetworkOptions]
) -> keras.Model:
    """Build series -> features -> standardization -> layers -> class probabilities at each step.

    Args:
        series: arrays `(T, D)` that mean and standard deviation of each feature are computed from.
        classes: C, the number of classes.

    Returns:
        A functional model, `(values, mask)`, `(B, T, D)` and boolean `(B, T)`, to `(B, T, C)`. With
        "crf" the labels `(B, T)` are a third input for its loss, -1 where they are unknown.

    Example:
        >>> network = frame_network([np.eye(3)], 4, units=8)
        >>> network.input_shape, network.output_shape
        ([(None, None, 3), (None, None)], (None, None, 4))
    """
    seeds, crf = Seeds(options["seed"]), options["output"] == "crf"
    values = keras.Input((None, np.shape(series[0])[1]), name="values")
    mask = keras.Input((None,), dtype="bool", name="mask")
    inputs, x = [values, mask], values
    if options["features"] is not None:
        layer = WindowFeatures(
            options["features"],
            window=options["feature_window"],
            causal=not options["bidirectional"],
            name="window_features",
        )
        x, series = layer(values, mask=mask), extract_features(layer, series)
    x = standardization(*fit_scaler(series))(x)
    x = drop(x, options["input_dropout"], seeds, noise_shape=(None, 1, None))
    if options["cell"] == "dense":
        x = _feed_forward(x, mask, seeds, options)
    else:
        x = recurrent_stack(x, seeds, mask=mask, **pick(options, RecurrentStackOptions))
    x = seeds.dropout(options["dropout"])(x)
    x = keras.layers.Dense(
        classes,
        activation=None if crf else "softmax",
        kernel_initializer=seeds.glorot(),
        dtype="float32",
        name="potentials" if crf else "probabilities",
    )(x)
    if crf:
        labels = keras.Input((None,), dtype="int32", name="labels")
        inputs.append(labels)
        x = kit.CRF(classes, name="crf")(x, labels, mask=mask)
    return keras.Model(inputs, x, name=f"{options['cell']}_frame_labeller")


def _feed_forward(x: Any, mask: Any, seeds: Seeds, options: FrameNetworkOptions) -> Any:
    """Run dense layers on a window around each step."""
    x = WindowFeatures(
        "steps", window=options["context"], causal=not options["bidirectional"], name="steps_around"
    )(x, mask=mask)
    for depth in range(options["layers"]):
        if depth:
            x = seeds.dropout(options["dropout"])(x)
        dense = keras.layers.Dense(options["units"], "relu", kernel_initializer=seeds.glorot())
        x = dense(x)
    return x
