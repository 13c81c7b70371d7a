"""Inputs of series networks: the feature layer, and standardization fitted on training series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import keras
import numpy as np

from rnnkit.data.batching import BucketedBatches
from rnnkit.data.series_scales import mean_and_spread
from rnnkit.features import LogMel
from rnnkit.options import takes
from rnnkit.settings.series import InputFeatureOptions


@takes(InputFeatureOptions)
def feature_layer(**options: Unpack[InputFeatureOptions]) -> LogMel | None:
    """Return the layer that computes features of raw series; None where the values are used.

    Example:
        >>> feature_layer(features="log-mel", sample_rate=16_000).hop
        160
    """
    if options["features"] is None:
        return None
    settings: dict[str, Any] = {k: v for k, v in options.items() if k != "features"}
    return LogMel(**settings, name="log_mel")


def extract_features(layer: keras.layers.Layer, series: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Apply a feature layer to each series; return its outputs without padding.

    Args:
        layer: of `(values, mask)`; returns features of each step, or features and their own mask.
        series: arrays `(T, D)`.

    Example:
        >>> from rnnkit.features import LogMel
        >>> series = [np.zeros((900, 1)), np.zeros((200, 1))]
        >>> [row.shape for row in extract_features(LogMel(), series)]
        [(12, 40), (3, 40)]
    """
    batches = BucketedBatches(series, batch_size=256)
    rows: list[np.ndarray] = []
    for index in range(len(batches)):
        values, mask = batches[index][0]
        output = layer(values, mask=mask)
        features, real = output if isinstance(output, tuple) else (output, mask)
        features, real = map(keras.ops.convert_to_numpy, (features, real))
        rows += [row[flags] for row, flags in zip(features, real, strict=True)]
    in_order: list[np.ndarray] = [rows[0]] * len(rows)
    for place, row in zip(batches.order, rows, strict=True):
        in_order[place] = row
    return in_order


def fit_scaler(rows: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and spread of each feature over all steps; see `mean_and_spread`.

    Example:
        >>> mean, scale = fit_scaler([np.array([[1.0, 5.0]]), np.array([[3.0, 5.0]])])
        >>> mean.tolist(), scale.tolist()
        ([2.0, 5.0], [1.0, 5.0])
    """
    return mean_and_spread(np.concatenate([np.asarray(row, "float64") for row in rows]))


def standardization(mean: np.ndarray, scale: np.ndarray) -> keras.layers.Normalization:
    """Return the layer that subtracts the mean of each feature and divides by its scale.

    Example:
        >>> layer = standardization(np.array([2.0]), np.array([4.0]))
        >>> keras.ops.convert_to_numpy(layer(np.array([[10.0]]))).tolist()
        [[2.0]]
    """
    return keras.layers.Normalization(
        mean=mean.tolist(), variance=np.square(scale).tolist(), name="standardisation"
    )
