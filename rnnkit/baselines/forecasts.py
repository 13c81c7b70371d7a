"""Baselines of forecasting: persistence, seasonal naive, autoregression, smoothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnnkit.data.autoregression import fit_vector_autoregression, lags
from rnnkit.data.forecast_outputs import MultiSeriesEncoder, make_encoder
from rnnkit.data.series import Series, SeriesDataset
from rnnkit.data.series_encoding import Encoded

FITTED_STEPS = 10_000  # that smoothing is estimated on
Forecast = Callable[[Series, Encoded], np.ndarray]  # (T, O): row t is made at step t


def persistence(dataset: SeriesDataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Persistence forecast: `v_{t+h}` is predicted to be `v_t`.

    Args:
        dataset: the splits.
        settings: those of the forecaster that it is compared with: ``horizon``, ``target``,
            ``context`` and the settings of its encoder. The errors of both are taken over the same
            steps.

    Example:
        >>> persistence(load_data("pems_flow"), {"horizon": 1})  # doctest: +SKIP
        {'test': {'mae': 8.3, 'rmse': 11.3}, 'seconds': 0.0, 'parameters': 0}
    """
    begin = time.perf_counter()
    encoder = _encoder(dataset, settings)

    def last(one: Series, encoded: Encoded) -> np.ndarray:
        value = one.values[:, [part.target for part in encoder.parts]].astype("float64")
        there = np.where(np.isfinite(value), np.arange(len(value))[:, None], 0)
        return np.take_along_axis(value, np.maximum.accumulate(there), axis=0)

    return _evaluate(dataset, encoder, settings, last, 0, time.perf_counter() - begin)


def seasonal_naive(dataset: SeriesDataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Seasonal naive forecast: the value one period, a day or a week, before the one predicted.

    The period is that of the seasonal profile. Where the series has no value there, or starts
    later, the profile is predicted; so it is (the mean) for series without times. The arguments
    are those of `persistence`.
    """
    begin = time.perf_counter()
    encoder = _encoder(dataset, settings)

    def season(one: Series, encoded: Encoded) -> np.ndarray:
        found = encoded.base.copy()
        for i, part in enumerate(encoder.parts):
            period = len(part.profile)
            if part.step is None or period < 2:
                continue
            back = -(-part.horizon // period) * period - part.horizon  # steps before step t
            value = one.values[: len(one) - back, part.target].astype("float64")
            there = np.isfinite(value)
            found[back:, i][there] = value[there]
        return found

    return _evaluate(dataset, encoder, settings, season, 0, time.perf_counter() - begin)


def linear_autoregression(dataset: SeriesDataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Linear autoregression by least squares, on deviations from the seasonal profile.

    `v_{t+h} - p_{t+h} = b + Σ_k a_k (v_{t-k} - p_{t-k})`. p is the seasonal profile that
    `rnnkit.data.series_encoding.SeriesEncoder` fits; k runs over the forecaster's ``context``, and
    over all targets where there are several. The arguments are those of `persistence`.
    """
    context = settings.get("context", 12)
    begin = time.perf_counter()
    encoder = _encoder(dataset, settings)
    weights, bias, _ = fit_vector_autoregression(
        encoder.encode(dataset.train.x), context, encoder.deviations
    )
    flat = weights.transpose(1, 0, 2).reshape(-1, weights.shape[-1])
    seconds = time.perf_counter() - begin

    def line(one: Series, encoded: Encoded) -> np.ndarray:
        read = np.concatenate([lags(encoded.x[:, i], context) for i in encoder.deviations], 1)
        return encoded.base + encoded.scale * (read @ flat + bias)

    return _evaluate(dataset, encoder, settings, line, flat.size + bias.size, seconds)


def exponential_smoothing(dataset: SeriesDataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Simple exponential smoothing of the deviations from the seasonal profile.

    statsmodels estimates the smoothing parameter on the last steps of the longest training series
    (10,000 at most; missing values are interpolated). The level starts from 0 in every series, and
    a missing value leaves it as it is. The arguments are those of `persistence`.

    Raises:
        ImportError: statsmodels is not installed.
    """
    try:
        from statsmodels.tsa.holtwinters import SimpleExpSmoothing
    except ImportError as error:
        raise ImportError('install statsmodels: pip install "rnnkit[forecasting]"') from error
    begin = time.perf_counter()
    encoder = _encoder(dataset, settings)
    longest = max(encoder.encode(dataset.train.x), key=lambda one: len(one.x)).x[-FITTED_STEPS:]
    alphas = []
    for i in encoder.deviations:
        there = np.flatnonzero(longest[:, i + 1])
        value = np.interp(np.arange(len(longest)), there, longest[there, i].astype("float64"))
        fitted = SimpleExpSmoothing(value, initialization_method="known", initial_level=0.0).fit()
        alphas.append(float(fitted.params["smoothing_level"]))

    def smooth(one: Series, encoded: Encoded) -> np.ndarray:
        columns = [
            smoothed(np.where(encoded.x[:, i + 1] > 0, encoded.x[:, i], np.nan), alpha)
            for i, alpha in zip(encoder.deviations, alphas, strict=True)
        ]
        levels = np.tile(np.stack(columns, 1), len(encoder.horizons))
        return encoded.base + encoded.scale * levels

    seconds = time.perf_counter() - begin
    return _evaluate(dataset, encoder, settings, smooth, len(alphas), seconds)


def smoothed(values: np.ndarray, alpha: float) -> np.ndarray:
    """Return the level after each step: `l_t = l_{t-1} + α (v_t - l_{t-1})`, from `l_0 = 0`.

    Example:
        >>> smoothed(np.array([4.0, np.nan, 2.0]), 0.5).tolist()
        [2.0, 2.0, 2.0]
    """
    level, levels = 0.0, np.empty(len(values))
    for t, value in enumerate(values.tolist()):
        if value == value:  # no NaN
            level += alpha * (value - level)
        levels[t] = level
    return levels


def _encoder(dataset: SeriesDataset, settings: Mapping[str, Any]) -> MultiSeriesEncoder:
    names = ("target", "horizon", "profile", "smoothing", "harmonics")
    given = {name: settings[name] for name in names if name in settings}
    encoder = make_encoder(several=True, **{"target": dataset.target, **given})
    assert isinstance(encoder, MultiSeriesEncoder)
    encoder.learn(dataset.train.x)
    return encoder


def _evaluate(
    dataset: SeriesDataset,
    encoder: MultiSeriesEncoder,
    settings: Mapping[str, Any],
    forecast: Forecast,
    parameters: int,
    seconds: float,
) -> dict[str, Any]:
    errors: list[list[np.ndarray]] = [[] for _ in encoder.parts]
    scaled: list[np.ndarray] = []
    groups: dict[str, list[np.ndarray]] = {}
    for one, encoded in zip(dataset.test.x, encoder.encode(dataset.test.x), strict=True):
        counts = encoded.counts(settings.get("context", 12))
        error = forecast(one, encoded) - encoded.base - encoded.scale * encoded.target
        for i, found in enumerate(errors):
            found.append(error[counts[:, i], i])
        scaled.append((error / encoded.scale)[counts])
        groups.setdefault(one.name or "", []).append(error[counts])
    columns = [np.concatenate(found) for found in errors]
    test = _measures(np.concatenate(columns), "")
    if len(columns) > 1:
        for label, column in zip(encoder.labels, columns, strict=True):
            test |= _measures(column, f"_{label}")
    if encoder.groups:
        test["scaled_rmse"] = _measures(np.concatenate(scaled), "")["rmse"]
        for name, found in groups.items():
            if any(map(len, found)):
                test |= _measures(np.concatenate(found), f"/{name}")
    return {"test": test, "seconds": seconds, "parameters": parameters}


def _measures(error: np.ndarray, end: str) -> dict[str, float]:
    rmse = float(np.sqrt(np.square(error).mean()))
    return {f"mae{end}": float(np.abs(error).mean()), f"rmse{end}": rmse}
