"""What stands before a network of series: features, and the scale that they are learned to have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.data.batching import BucketedBatches
from rnnkit.errors import InputError, suggest
from rnnkit.features import LogMel

FEATURES = ("log-mel",)


def front_of(features: str | None, **settings: Any) -> LogMel | None:
    """Return the layer that turns raw series into features, or None where they stay as they are.

    Args:
        features: "log-mel", for waveforms; or None.
        **settings: see `rnnkit.features.LogMel`.

    Raises:
        InputError: unknown features.

    Example:
        >>> front_of("log-mel", rate=16_000).hop
        160
    """
    if features is None:
        return None
    if features not in FEATURES:
        raise InputError(
            f"features is {features!r}; expected None or one of {FEATURES}."
            f"{suggest(str(features), FEATURES)}"
        )
    return LogMel(**settings, name="log_mel")


def rows_of(layer: keras.layers.Layer, series: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return what a layer of features makes of each series, without the padding.

    Args:
        layer: of `(values, mask)`; gives features of each step, or features and a mask of theirs.
        series: arrays `(T, D)`.

    Example:
        >>> from rnnkit.features import LogMel
        >>> [row.shape for row in rows_of(LogMel(), [np.zeros((900, 1)), np.zeros((200, 1))])]
        [(12, 40), (3, 40)]
    """
    batches = BucketedBatches(series, batch_size=256)
    found: list[np.ndarray] = []
    for index in range(len(batches)):
        values, mask = batches[index][0]
        given = layer(values, mask=mask)
        features, real = given if isinstance(given, tuple) else (given, mask)
        features, real = map(keras.ops.convert_to_numpy, (features, real))
        found += [row[flags] for row, flags in zip(features, real, strict=True)]
    rows: list[np.ndarray] = [found[0]] * len(found)
    for place, row in zip(batches.order, found, strict=True):
        rows[place] = row
    return rows


def scale_of(rows: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each feature over all steps, in float64.

    Example:
        >>> mean, scale = scale_of([np.array([[1.0, 5.0]]), np.array([[3.0, 5.0]])])
        >>> mean.tolist(), scale.tolist()
        ([2.0, 5.0], [1.0, 1.0])
    """
    steps = np.concatenate([np.asarray(row, "float64") for row in rows])
    # A feature that never changed says nothing: any number will do that is not zero.
    return steps.mean(axis=0), np.where(steps.std(axis=0) > 0, steps.std(axis=0), 1.0)


def standardisation(mean: np.ndarray, scale: np.ndarray) -> keras.layers.Normalization:
    """Return the layer that subtracts the mean and divides by the scale of each feature.

    Example:
        >>> layer = standardisation(np.array([2.0]), np.array([4.0]))
        >>> keras.ops.convert_to_numpy(layer(np.array([[10.0]]))).tolist()
        [[2.0]]
    """
    return keras.layers.Normalization(
        mean=mean.tolist(), variance=np.square(scale).tolist(), name="standardisation"
    )
