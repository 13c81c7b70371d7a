"""Forecasts, errors and classes do not depend on the units of the series, nor on where 0 is."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest

from rnnkit import baselines
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit
from rnnkit.errors import InputError
from rnnkit.recipes import forecaster, frame_labeller, sequence_classifier
from rnnkit.study import backtest

DEEP = bool(os.environ.get("RNNKIT_DEEP"))
UNITS = [(1e-6, 0.0), (1e6, 0.0), (1.0, 1e8), (1.0, 1.2e8)]
UNITS += [(10.0**power, shift) for power in range(-6, 7) for shift in (0.0, 1e4, -1e6)] * DEEP
BASELINES = {
    "last value": baselines.persistence,
    "seasonal naive": baselines.seasonal_naive,
    "autoregression": baselines.linear_autoregression,
}
START = np.datetime64("2024-01-01T00:00", "m")


def meter(factor=1.0, shift=0.0, count=160, columns=1):
    """Return a meter that moves by about 1, times a factor, with a day of 24 steps."""
    random = np.random.default_rng(1)
    steps = np.arange(count)
    found = [np.sin(steps / 24 * 2 * np.pi + i) for i in range(columns)]
    values = np.stack(found, 1) + 0.3 * random.normal(size=(count, columns)).cumsum(0) / 3
    values = np.round(values * 1024) / 1024  # exact in float64 beside 1e8, too
    return Series(factor * values + shift, START + 60 * steps, columns=tuple("ab"[:columns]))


def splits(one):
    parts = (one.between(0, 96), one.between(96, 128), one.between(128, 160))
    return SeriesDataset("meter", *(SeriesSplit([p]) for p in parts), one.columns, 0, 60, "A meter")


def fitted(one, **options):
    make = partial(forecaster, cell="gru", units=3, window=32, context=4, batch_size=4, **options)
    model = make()
    model.fit([one.between(0, 96)], epochs=1, verbose=0)
    return model


def relative_forecasts(model, one, factor, shift):
    return (model.predict(one.between(96, 160), verbose=0) - shift) / factor


@pytest.fixture(scope="module", params=[{}, {"horizon": (1, 3), "quantiles": (0.1, 0.5, 0.9)}])
def options(request):
    return request.param


@pytest.fixture(scope="module")
def plain(options):
    model = fitted(meter(), **options)
    errors = model.evaluate([meter().between(96, 160)], return_dict=True, verbose=0)
    return relative_forecasts(model, meter(), 1.0, 0.0), errors


@pytest.mark.one_backend
@pytest.mark.parametrize(("factor", "shift"), UNITS)
def test_forecasts_in_any_unit(options, plain, factor, shift):
    one = meter(factor, shift)
    model = fitted(one, **options)
    forecasts, errors = plain
    np.testing.assert_allclose(relative_forecasts(model, one, factor, shift), forecasts, atol=2e-4)
    found = model.evaluate([one.between(96, 160)], return_dict=True, verbose=0)
    for name, value in errors.items():
        unit = factor if name.startswith(("mae", "rmse")) else 1.0
        assert found[name] / unit == pytest.approx(value, rel=2e-3, abs=0.02 if unit == 1 else 0)
    # What evaluate says is what NumPy says of the forecasts.
    if not options:
        error = model.predict(one.between(96, 160), verbose=0)[:-1] - one.values[100:160, 0]
        assert found["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-4)


@pytest.mark.one_backend
@pytest.mark.parametrize(("factor", "shift"), UNITS)
@pytest.mark.parametrize("name", BASELINES)
def test_baselines_in_any_unit(name, factor, shift):
    settings = {"horizon": (1, 3), "context": 4}
    plain = BASELINES[name](splits(meter()), settings)["test"]
    found = BASELINES[name](splits(meter(factor, shift)), settings)["test"]
    assert {key: value / factor for key, value in found.items()} == pytest.approx(plain, rel=1e-5)


@pytest.mark.one_backend
def test_exponential_smoothing_and_backtests_in_any_unit():
    pytest.importorskip("statsmodels")
    make = partial(forecaster, cell="rnn", units=2, context=4, window=32)
    rows = [backtest(make, meter(*u), folds=2, epochs=1, verbose=0) for u in ((1, 0), (1e-6, 1e2))]
    for plain, found in zip(*rows, strict=True):
        assert (plain.origin, plain.model) == (found.origin, found.model)
        scaled = {key: 1e6 * value for key, value in found.errors.items()}
        assert scaled == pytest.approx(plain.errors, rel=2e-3)


@pytest.mark.one_backend
def test_columns_of_other_scales_and_constants():
    two = meter(columns=2)
    values = two.values
    plain = fitted(two)
    wide = replace(two, values=values * [1.0, 1e-4] + [0.0, 1e4])
    model = fitted(wide)
    expected = relative_forecasts(plain, two, 1, 0)
    np.testing.assert_allclose(relative_forecasts(model, wide, 1, 0), expected, atol=2e-4)
    for constant in (0.1, 1e8, 0.0):
        flat = replace(two, values=np.full_like(values, constant))
        found = fitted(flat).predict(flat, verbose=0)
        np.testing.assert_allclose(found, constant, rtol=1e-6, atol=1e-6)


@pytest.mark.one_backend
def test_a_column_without_a_measurement_is_refused_by_name():
    two = meter(columns=2)
    model = forecaster(units=2)
    with pytest.raises(InputError, match=r"no measurement in column 'b' \(number 1\)"):
        model.fit(replace(two, values=two.values * [1, np.nan]), verbose=0)
    assert model.network is None
    with pytest.raises(InputError, match="no measurement in column 0: nothing can be learned"):
        model.fit(np.full((50, 1), np.nan), verbose=0)


LABELLED = {
    "sequence_classifier": partial(sequence_classifier, units=3, batch_size=8, epochs=2),
    "frame_labeller": partial(frame_labeller, units=3, batch_size=8, epochs=2, window=12),
}


def labelled(name):
    random = np.random.default_rng(0)
    x = [np.round(random.normal(size=(12, 2)) * 1024) / 1024 for _ in range(16)]
    y = [f"{'ab'[i % 2]}" for i in range(16)]
    return x, y if name == "sequence_classifier" else [[label] * 12 for label in y]


def asked(model, one):
    """Return forecasts and errors of a model that is called step by step, without compilation."""
    encoded = model.encode(one)
    x, y, _ = model.make_batches([one], encoded)[0]
    outputs = model(keras.ops.convert_to_tensor(x))
    errors = model.compile_options()["metrics"][0]
    errors.update_state(keras.ops.convert_to_tensor(y), outputs)
    scaled = keras.ops.convert_to_numpy(outputs)[0][: len(one)]
    measured = {name: float(value) for name, value in errors.result().items()}
    return model._unscale(scaled, encoded[0]), measured


def test_forecasts_in_any_unit_on_each_backend():
    found = []
    for factor, shift in ((1.0, 0.0), (1e-6, 0.0), (1.0, 1.2e8)):
        one = meter(factor, shift)
        quantiles = {"quantiles": (0.1, 0.5, 0.9), "horizon": (1, 3)}
        model = forecaster(cell="rnn", units=3, context=4, **quantiles)
        model.fit(one.between(0, 96), epochs=0, verbose=0)
        forecasts, errors = asked(model, one)
        unit = {k: factor if k.startswith(("mae", "rmse")) else 1 for k in errors}
        found.append(((forecasts - shift) / factor, {k: v / unit[k] for k, v in errors.items()}))
        point, came = forecasts[3:-1, 0, 0, 1], one.values[4:, 0]
        assert errors["mae_h1"] == pytest.approx(np.abs(point - came).mean(), rel=1e-4)
    for forecasts, errors in found[1:]:
        np.testing.assert_allclose(forecasts, found[0][0], atol=1e-5)
        assert errors == pytest.approx(found[0][1], rel=1e-4, abs=0.01)


@pytest.mark.parametrize("name", LABELLED)
def test_classes_in_any_unit_on_each_backend(name):
    x, y = labelled(name)
    found = []
    for factor, shift in ((1.0, 0.0), (1e-6, 0.0), (1.0, 1e8)):
        moved = [row * factor + shift for row in x]
        model = LABELLED[name](cell="rnn")
        model.fit(moved, y, epochs=0, verbose=0)
        values = keras.ops.convert_to_tensor(np.stack(model.encode(moved)))
        outputs = model.network([values, keras.ops.ones(values.shape[:2], "bool")])
        found.append(keras.ops.convert_to_numpy(outputs))
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)
    np.testing.assert_allclose(found[2], found[0], atol=1e-5)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", LABELLED)
def test_classes_in_any_unit(name, tmp_path):
    x, y = labelled(name)
    model = LABELLED[name]()
    model.fit(x, y, verbose=0)
    plain = model.predict(x, verbose=0)
    changes = [([1e4, 1.0], [0, 0]), ([1, 1], [1e8, 1e8]), ([1e-6, 1e6], [0, 1e8])]
    changes += [([factor, 1.0], [shift, 0.0]) for factor, shift in UNITS] * DEEP
    for factor, shift in changes:
        moved = [row * factor + shift for row in x]
        model = LABELLED[name]()
        model.fit(moved, y, verbose=0)
        found = model.predict(moved, verbose=0)
        np.testing.assert_allclose(np.stack(found), np.stack(plain), atol=2e-3)
    model.save(tmp_path / "model.keras")
    from rnnkit import tasks

    again = tasks.load(tmp_path / "model.keras").predict(moved, verbose=0)
    np.testing.assert_allclose(np.stack(again), np.stack(found), atol=1e-6)
