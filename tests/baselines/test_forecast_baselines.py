"""Baselines of forecasting, against forecasts made by hand."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rnnkit.baselines import (
    exponential_smoothing,
    linear_autoregression,
    persistence,
    seasonal_naive,
)
from rnnkit.baselines.forecasts import smoothed
from rnnkit.data.series import from_arrays


@pytest.fixture(scope="module")
def waves():
    """A wave and a little noise: a line through the last values continues it."""
    t = np.arange(600)
    noise = np.random.default_rng(0).normal(0, 0.01, 600)
    return from_arrays(10 + 3 * np.sin(t / 7) + noise, valid_fraction=0.2, test_fraction=0.2)


@pytest.mark.parametrize("horizon", [1, 4])
def test_persistence_is_the_difference_of_the_values(waves, horizon):
    settings = {"horizon": horizon, "context": 5, "profile": "auto", "units": 8}
    found = persistence(waves, settings)
    value = waves.test.x[0].values[:, 0].astype("float64")
    error = value[4 + horizon :] - value[4:-horizon]  # the steps with 5 read and a known future
    assert found["test"]["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert found["test"]["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-5)
    assert found["parameters"] == 0


def test_a_line_continues_a_wave(waves):
    found = linear_autoregression(waves, {"horizon": 1, "context": 5})
    assert found["test"]["rmse"] < 0.03  # the noise, and hardly more
    assert found["parameters"] == 6
    value = np.concatenate([waves.train.x[0].values[:, 0]]).astype("float64")
    rows = np.lib.stride_tricks.sliding_window_view(value[:-1], 5)
    design = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    solution = np.linalg.lstsq(design, value[5:], rcond=None)[0]
    test = waves.test.x[0].values[:, 0].astype("float64")
    rows = np.lib.stride_tricks.sliding_window_view(test[:-1], 5)
    error = rows @ solution[:5] + solution[5] - test[5:]
    assert found["test"]["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-3)


@pytest.fixture(scope="module")
def hours():
    """Two columns by the hour with a daily course, and a missing value."""
    t = np.arange(24 * 20)
    random = np.random.default_rng(1)
    values = np.stack([np.sin(t * np.pi / 12), np.cos(t * np.pi / 12)], 1) * [9, 2]
    values += random.normal(0, 0.3, values.shape).cumsum(0) * [0.3, 0.1]
    values[400, 0] = np.nan
    times = np.datetime64("2024-01-01T00:00") + 60 * t
    return from_arrays(values, times, step=60, columns=("load", "rain"))


def test_seasonal_naive_is_the_value_a_day_before(hours):
    settings = {"horizon": (1, 30), "target": ("load", "rain"), "context": 30, "smoothing": 0.0}
    found = seasonal_naive(hours, settings)["test"]
    (one,) = hours.test.x
    for j, name in enumerate(one.columns):
        value = one.values[:, j].astype("float64")
        for h, period in ((1, 24), (30, 48)):
            steps = [
                t for t in range(29, len(value) - h)
                if t + h >= period and np.isfinite([value[t + h], value[t + h - period]]).all()
            ]  # fmt: skip
            error = [value[t + h] - value[t + h - period] for t in steps]
            assert len(steps) > 10
            if np.isfinite(value).all():
                assert found[f"mae_{name}_h{h}"] == pytest.approx(np.abs(error).mean(), rel=1e-4)
    assert set(found) >= {"mae", "rmse", "mae_load_h1", "rmse_rain_h30"}


def test_smoothing_is_that_of_statsmodels():
    smoothing = pytest.importorskip("statsmodels.tsa.holtwinters").SimpleExpSmoothing
    values = np.random.default_rng(0).normal(size=50).cumsum()
    model = smoothing(values, initialization_method="known", initial_level=0.0)
    theirs = model.fit(smoothing_level=0.3, optimized=False)
    np.testing.assert_allclose(smoothed(values, 0.3)[:-1], theirs.fittedvalues[1:])
    assert smoothed(values, 0.3)[-1] == pytest.approx(theirs.forecast(1)[0])


def test_smoothing_is_measured_for_each_output(hours):
    pytest.importorskip("statsmodels")
    settings = {"horizon": (1, 6), "target": (0, 1)}
    found = exponential_smoothing(hours, settings)
    assert found["parameters"] == 2
    assert found["test"]["mae_load_h1"] < found["test"]["mae_load_h6"]
    one = exponential_smoothing(hours, {"horizon": 6, "target": 1})["test"]
    assert one["mae"] == pytest.approx(found["test"]["mae_rain_h6"])
    assert set(one) == {"mae", "rmse"}


def test_without_statsmodels_the_message_says_what_to_install(hours, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.holtwinters", None)
    with pytest.raises(ImportError, match=r"rnnkit\[forecasting\]"):
        exponential_smoothing(hours, {})
