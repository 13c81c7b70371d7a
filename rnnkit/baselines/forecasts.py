"""Baselines of forecasting: persistence and linear autoregression."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnnkit.data.autoregression import fit_autoregression, lags
from rnnkit.data.series import Series, SeriesDataset
from rnnkit.data.series_encoding import Encoded, SeriesEncoder

Forecast = Callable[[Series, Encoded], np.ndarray]  # (T,): number t is made at step t


def persistence(dataset: SeriesDataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Persistence forecast: `v_{t+h}` is predicted to be `v_t`.

    Args:
        dataset: the splits.
        settings: those of the forecaster that it is compared with: ``horizon``, ``context`` and
            the settings of its encoder. The errors of both are taken over the same steps.

    Example:
        >>> persistence(load_data("pems_flow"), {"horizon": 1})  # doctest: +SKIP
        {'test': {'mae': 8.3, 'rmse': 11.3}, 'seconds': 0.0, 'parameters': 0}
    """
    target = settings.get("target", dataset.target)

    def last(one: Series, encoded: Encoded) -> np.ndarray:
        value = one.values[:, target].astype("float64")
        there = np.where(np.isfinite(value), np.arange(len(value)), 0)
        return value[np.maximum.accumulate(there)]

    begin = time.perf_counter()
    encoder = _encoder(dataset, settings)
    return _evaluate(dataset, encoder, settings, last, 0, time.perf_counter() - begin)


def linear_autoregression(dataset: SeriesDataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Linear autoregression by least squares, on deviations from the seasonal profile.

    `v_{t+h} - p_{t+h} = b + Σ_k a_k (v_{t-k} - p_{t-k})`. p is the seasonal profile that
    `rnnkit.data.series_encoding.SeriesEncoder` fits; k runs over the forecaster's ``context``.
    The arguments are those of `persistence`.
    """
    context = settings.get("context", 12)
    begin = time.perf_counter()
    encoder = _encoder(dataset, settings)
    weights, bias = fit_autoregression(encoder.encode(dataset.train.x), context)
    seconds = time.perf_counter() - begin

    def line(one: Series, encoded: Encoded) -> np.ndarray:
        return encoded.base + encoder.scale * (lags(encoded.x[:, 0], context) @ weights + bias)

    return _evaluate(dataset, encoder, settings, line, context + 1, seconds)


def _encoder(dataset: SeriesDataset, settings: Mapping[str, Any]) -> SeriesEncoder:
    names = ("target", "horizon", "profile", "smoothing", "harmonics")
    given = {name: settings[name] for name in names if name in settings}
    encoder = SeriesEncoder(**{"target": dataset.target, **given})
    encoder.learn(dataset.train.x)
    return encoder


def _evaluate(
    dataset: SeriesDataset,
    encoder: SeriesEncoder,
    settings: Mapping[str, Any],
    forecast: Forecast,
    parameters: int,
    seconds: float,
) -> dict[str, Any]:
    errors = []
    for one, encoded in zip(dataset.test.x, encoder.encode(dataset.test.x), strict=True):
        counts = encoded.counts(settings.get("context", 12))
        came = encoded.base + encoder.scale * encoded.target
        errors.append((forecast(one, encoded) - came)[counts])
    error = np.concatenate(errors)
    mae, rmse = float(np.abs(error).mean()), float(np.sqrt(np.square(error).mean()))
    return {"test": {"mae": mae, "rmse": rmse}, "seconds": seconds, "parameters": parameters}
