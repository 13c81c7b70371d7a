"""Several horizons, targets and quantiles in one forecaster, against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from rnnkit.data.series import Series
from rnnkit.errors import InputError
from rnnkit.recipes.forecasting import forecaster
from rnnkit.tasks import load
from rnnkit.tasks.series.forecast_scores import ForecastLoss

QUANTILES = [0.1, 0.5, 0.9]


@pytest.fixture(scope="module")
def waves():
    random = np.random.default_rng(0)
    t = np.arange(300)[:, None]
    values = [50, 3] + [20, 1] * np.sin(t / [5, 9]) + [4, 0.2] * random.normal(size=(300, 2))
    values[40:44, 0] = np.nan
    return Series(values, columns=("load", "rain"))


@pytest.fixture(scope="module")
def trained(waves):
    model = forecaster(
        target="load,rain", horizon=(1, 4), quantiles=QUANTILES, context=6, units=4, epochs=2,
        window=48, warm_up=8,
    )  # fmt: skip
    model.fit(waves, validation_data=waves, verbose=0)
    return model


def test_evaluate_is_what_predict_says(trained, waves):
    forecasts = trained.predict(waves, verbose=0)
    assert forecasts.shape == (295, 2, 2, 3)
    assert (np.diff(forecasts, axis=-1) >= 0).all()
    measured = trained.evaluate(waves, return_dict=True, verbose=0)
    errors, inside, losses = [], [], []
    for i, h in enumerate((1, 4)):
        for j, name in enumerate(("load", "rain")):
            came = waves.values[5 + h :, j].astype("float64")
            forecast = forecasts[:-h, i, j].astype("float64")[np.isfinite(came)]
            came = came[np.isfinite(came)]
            error = came - forecast[:, 1]
            within = (forecast[:, 0] <= came) & (came <= forecast[:, 2])
            scaled = (came[:, None] - forecast) / trained.encoder.parts[2 * i + j].scale
            losses.append(
                np.maximum(np.multiply(QUANTILES, scaled), np.subtract(QUANTILES, 1) * scaled)
            )
            assert measured[f"mae_{name}_h{h}"] == pytest.approx(np.abs(error).mean(), rel=1e-4)
            rmse = np.sqrt(np.square(error).mean())
            assert measured[f"rmse_{name}_h{h}"] == pytest.approx(rmse, rel=1e-4)
            assert measured[f"coverage_80_{name}_h{h}"] == pytest.approx(within.mean(), abs=0.008)
            errors.append(error)
            inside.append(within)
    assert measured["mae"] == pytest.approx(np.abs(np.concatenate(errors)).mean(), rel=1e-4)
    assert measured["coverage_80"] == pytest.approx(np.concatenate(inside).mean(), abs=0.003)
    assert measured["loss"] == pytest.approx(np.concatenate(losses).mean(), rel=1e-3)
    assert 0.6 < measured["coverage_80"] < 0.95


def test_later_data_change_no_earlier_forecast(trained, waves):
    values = waves.values.copy()
    values[60:] = 99
    changed = trained.predict(Series(values), verbose=0)
    np.testing.assert_allclose(changed[:55], trained.predict(waves, verbose=0)[:55], rtol=1e-4)


def test_one_file_holds_all(trained, waves, tmp_path):
    trained.save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    assert again.settings == trained.settings
    np.testing.assert_array_equal(
        again.predict(waves, verbose=0), trained.predict(waves, verbose=0)
    )
    assert again.evaluate(waves, return_dict=True, verbose=0) == pytest.approx(
        trained.evaluate(waves, return_dict=True, verbose=0), rel=1e-4
    )


@pytest.mark.one_backend
def test_a_name_is_the_number_of_its_column(waves):
    found = []
    for target in (1, "rain"):
        model = forecaster(target=target, units=3, epochs=1)
        model.fit(waves, verbose=0)
        found.append(model.predict(waves, verbose=0))
    assert found[0].shape == (289,)
    np.testing.assert_array_equal(*found)


def test_a_loss_leaves_out_what_is_unknown():
    came = np.array([[[1.0, np.nan], [np.nan, np.nan]]], "float32")
    forecast = np.array([[[3.0, 9.0], [9.0, 9.0]]], "float32")
    loss = ForecastLoss()(came, forecast, sample_weight=np.array([[0.5, 0.0]]))
    assert float(keras.ops.convert_to_numpy(loss)) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quantiles": [0.1, 0.9]}, "quantiles is .*0.5 among them"),
        ({"quantiles": [0.9, 0.5]}, "quantiles is .*rising"),
        ({"horizon": [1, 0]}, "horizon is .*expected an integer of at least 1"),
        ({"horizon": [2, 2]}, "horizon is .*different"),
        ({"target": []}, "target is"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        forecaster(**settings)


def test_an_unknown_column_is_refused(waves):
    with pytest.raises(InputError, match=r"target is 'laod'.*Did you mean 'load'"):
        forecaster(target="laod").fit(waves)
