"""Baselines of forecasting, against forecasts made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rnnkit.baselines import linear_autoregression, persistence
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
