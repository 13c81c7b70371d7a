"""Forecasts of series: causal, in the units of the data, the same after load on any backend."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from deep import few_elsewhere

from rnnkit import datasets
from rnnkit.data.series import Series
from rnnkit.errors import InputError
from rnnkit.hmm.layers.features import HMMFeatures
from rnnkit.recipes.forecasting import forecaster
from rnnkit.tasks import load
from rnnkit.tasks.series.forecast_networks import hidden_states, recurrent_forecaster
from rnnkit.tasks.training.losses import ErrorInUnits

KINDS = {
    "lstm": {"cell": "lstm"},
    "hmm": {"cell": "gru", "hmm": "joint", "hmm_states": 3, "layers": 2, "dropout": 0.2},
}


def small(**settings):
    settings = {"units": 6, "window": 48, "warm_up": 16, "epochs": 2, **settings}
    return forecaster(**settings)


@pytest.fixture(scope="module")
def sample():
    return datasets.load("traffic_sample", limit=200)


@pytest.fixture(scope="module")
def trained(sample):
    """One model of each kind, and what fit told."""
    found = {}
    for kind, settings in KINDS.items():
        model = small(**settings)
        valid = sample.valid.x if kind == "lstm" else None
        found[kind] = model, model.fit(sample.train.x, validation_data=valid, verbose=0)
    return found


@pytest.mark.every_backend
@pytest.mark.parametrize("cell", few_elsewhere(["rnn", "lstm", "gru"], "gru"))
@pytest.mark.parametrize("form", few_elsewhere([None, "input", "output", "joint"], None, "joint"))
def test_no_network_looks_ahead(cell, form):
    random = np.random.default_rng(0)
    states = None if form is None else HMMFeatures(3, seed=0)
    network = recurrent_forecaster(
        5, cell=cell, units=4, layers=2, states=states, columns=[0, 3], hmm=form or "input"
    )
    x = random.normal(size=(2, 20, 5)).astype("float32")
    x[..., 1] = random.random((2, 20)) > 0.2
    changed = x.copy()
    changed[:, 12:] = 9 * random.normal(size=(2, 8, 5))
    one, other = (keras.ops.convert_to_numpy(network(inputs)) for inputs in (x, changed))
    np.testing.assert_allclose(one[:, :12], other[:, :12], atol=1e-6)
    assert (one[:, 12:] != other[:, 12:]).any()
    assert np.isfinite(one).all()


@pytest.mark.parametrize("kind", KINDS)
def test_later_data_change_no_earlier_forecast(trained, sample, kind):
    model = trained[kind][0]
    one = sample.test.x[0]
    values = one.values.copy()
    values[60:] = 500 * np.random.default_rng(0).random(values[60:].shape)
    whole = model.predict(one, verbose=0)
    other, part = model.predict([Series(values, one.times), one.between(0, 60)], verbose=0)
    assert len(whole) == len(one) - 11
    assert len(part) == 60 - 11
    np.testing.assert_allclose(other[:49], whole[:49], rtol=1e-5)
    np.testing.assert_allclose(part, whole[:49], rtol=1e-5)
    assert np.abs(other[49:] - whole[49:]).max() > 1


@pytest.mark.parametrize("kind", KINDS)
def test_evaluate_is_what_predict_says(trained, sample, kind):
    """MAE and RMSE in cars, over each step with twelve steps read and one to come."""
    model = trained[kind][0]
    series = [sample.test.x[0].between(0, 70), sample.test.x[0].between(80, 200)]
    errors = [
        forecast[:-1] - one.values[12:, 0]
        for one, forecast in zip(series, model.predict(series, verbose=0), strict=True)
    ]
    error = np.concatenate(errors)
    assert len(error) == 70 - 12 + 120 - 12
    measured = model.evaluate(series, None, return_dict=True, verbose=0)
    assert measured["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-4)
    assert measured["rmse"] == pytest.approx(np.sqrt(np.square(error).mean()), rel=1e-4)
    one_by_one = model.evaluate(series, batch_size=1, return_dict=True, verbose=0)
    assert one_by_one["rmse"] == pytest.approx(measured["rmse"], rel=1e-4)


def test_fit_keeps_the_best_epoch(trained, sample):
    model, history = trained["lstm"]
    assert set(history.history) >= {"loss", "mae", "rmse", "val_loss", "val_mae", "val_rmse"}
    measured = model.evaluate(sample.valid.x, return_dict=True, verbose=0)
    assert measured["rmse"] == pytest.approx(min(history.history["val_rmse"]), rel=1e-4)
    assert model.gradient_norm > 0
    assert isinstance(model.network, keras.Model)
    assert model.settings["recipe"] == "forecaster"


@pytest.mark.parametrize("horizon", [3])
def test_a_horizon_of_several_steps(sample, horizon):
    """A day like the one before it is forecast by its profile, at the right hour."""
    times = sample.train.x[0].times[0] + 60 * np.arange(24 * 20)
    values = 50 + 40 * np.sin(2 * np.pi * np.arange(24 * 20) / 24)
    model = small(horizon=horizon, smoothing=0.0, context=4)
    model.fit([Series(values, times)], epochs=1, verbose=0)
    forecast = model.predict(Series(values[:48], times[:48]), verbose=0)
    assert len(forecast) == 48 - 3
    np.testing.assert_allclose(forecast, values[3 + horizon : 48 + horizon], atol=0.01)


def test_series_without_times_and_more_columns(tmp_path):
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 2)).cumsum(0)
    values[40:44, 0] = np.nan
    model = small(target=1, epochs=1)
    model.fit(values, verbose=0)
    assert model.encoder.names == ("deviation", "measured", "column 0")
    forecast = model.predict(values, verbose=0)
    assert forecast.shape == (289,)
    assert np.isfinite(forecast).all()
    values[60, 1] = np.nan
    assert np.isfinite(model.evaluate(values, return_dict=True, verbose=0)["rmse"])
    assert model.predict([values[:5]], verbose=0)[0].shape == (0,)


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.deep("tensorflow")
def test_one_file_holds_all(trained, sample, tmp_path, kind):
    model = trained[kind][0]
    path = tmp_path / "traffic.keras"
    model.save(path)
    again = load(path)
    one = sample.test.x[0]
    np.testing.assert_array_equal(model.predict(one, verbose=0), again.predict(one, verbose=0))
    assert again.settings == model.settings
    assert (again.horizon, again.context) == (1, 12)
    if kind == "lstm":
        again.fit(sample.train.x, epochs=1, verbose=0)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda one: small().predict(one), "not trained yet: it has no scale"),
        (lambda one: small().save("model.keras"), "not trained yet"),
        (lambda one: small().fit(one, np.zeros(3)), "Series are their own targets"),
        (lambda one: small().fit([]), "The training set is empty"),
        (lambda one: small().fit([one, "abc"]), "The training set, series 1: .*no array of num"),
        (lambda one: small().fit(one.between(0, 12)), "no step to forecast: .* more than 12 steps"),
        (
            lambda one: small().fit(one, validation_data=one.between(0, 5)),
            "The validation set has no",
        ),
        (
            lambda one: small(hmm="input", hmm_observes="level").fit(one),
            "hmm_observes is 'level'",
        ),
    ],
    ids=["predict", "save", "y", "empty", "text", "short", "short validation", "hmm_observes"],
)
def test_an_untrained_model_refuses(act, message, sample):
    with pytest.raises(InputError, match=message):
        act(sample.test.x[0])


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda model: model.evaluate(np.zeros(50)), "Series 0 has no times"),
        (lambda model: model.predict(np.zeros((50, 3))), "Series 0 has 3 columns; expected 1"),
    ],
    ids=["no times", "other columns"],
)
def test_other_series_than_the_trained_ones_are_refused(act, message, trained):
    with pytest.raises(InputError, match=message):
        act(trained["lstm"][0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "lstn"}, "cell is 'lstn'.*Did you mean 'lstm'"),
        ({"cell": "hmm-lstm", "hmm": "inputs"}, "hmm is 'inputs'.*Did you mean 'input'"),
        ({"horizon": 0}, "horizon is 0"),
        ({"context": 0}, "context is 0"),
        ({"optimizer": "adma"}, "optimizer is 'adma'"),
    ],
    ids=["cell", "hmm", "horizon", "context", "optimizer"],
)
def test_settings_that_cannot_be_used_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        small(**settings)


def test_an_unknown_error_is_refused():
    with pytest.raises(InputError, match="kind is 'mse'"):
        ErrorInUnits("mse")


def test_only_joint_training_changes_the_hidden_markov_model(trained, sample):
    states = trained["hmm"][0].network.get_layer("states")
    assert (states.mode, states.units) == ("filtered", 3)
    encoder = trained["hmm"][0].encoder
    again = hidden_states(encoder.encode(sample.train.x), [0], states=3, trainable=True)
    moved = [
        np.abs(keras.ops.convert_to_numpy(mine) - keras.ops.convert_to_numpy(first)).max()
        for mine, first in zip(states.trainable_variables, again.trainable_variables, strict=True)
    ]
    assert max(moved) > 1e-3  # from where Baum-Welch had left it
    assert not hidden_states(encoder.encode(sample.train.x), [0], states=3).trainable_variables


def test_hidden_states_without_measurements(sample):
    """Where nothing was measured, nothing is observed; the forecast goes on from what was."""
    model = small(hmm="input", hmm_states=2, epochs=1)
    values = sample.train.x[0].values.copy()
    values[50:60] = np.nan
    one = Series(values, sample.train.x[0].times)
    model.fit(one, verbose=0)
    assert np.isfinite(model.predict(one, verbose=0)).all()
    assert np.isfinite(model.evaluate(one, return_dict=True, verbose=0)["rmse"])


def test_a_bad_fit_leaves_the_model_as_it_was(sample):
    model = small()
    with pytest.raises(InputError):
        model.fit(sample.train.x, validation_data=[np.zeros(50)])
    assert model.network is None
    assert not model.encoder.learned
