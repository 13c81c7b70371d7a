"""Series of several groups: scales, errors in the user's units, names of groups and columns."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest

from rnnkit import baselines, study, tasks
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit
from rnnkit.errors import InputError
from rnnkit.recipes import forecaster, frame_labeller, sequence_classifier

START = np.datetime64("2024-01-01T00:00", "m")
LEVELS = {"small": (20.0, 4.0), "large": (9000.0, 1500.0)}
MAKE = partial(forecaster, cell="gru", units=4, context=4, window=32, batch_size=4)


def station(name, count=120, seed=0, columns=("cars", "rain")):
    """Return a station: the same movement on a level and in units of its own; rain is shared."""
    random = np.random.default_rng([seed, len(name)])
    level, unit = LEVELS[name]
    steps = np.arange(count)
    moves = np.sin(steps / 24 * 2 * np.pi) + 0.2 * random.normal(size=count)
    values = np.stack([level + unit * moves, random.normal(size=count)], 1)
    return Series(values, START + 60 * steps, name, columns)


def both(begin, end):
    return [station(name).between(begin, end) for name in LEVELS]


@pytest.fixture(scope="module", params=[{}, {"horizon": (1, 3), "quantiles": (0.1, 0.5, 0.9)}])
def trained(request):
    model = MAKE(**request.param, epochs=20)
    model.fit(both(0, 96), validation_data=both(96, 120), verbose=0)
    return model


@pytest.mark.one_backend
def test_the_small_station_is_learned_beside_the_large(trained):
    found = trained.evaluate(both(72, 120), return_dict=True, verbose=0)
    assert trained.monitored_metric == "val_scaled_rmse"
    assert found["scaled_rmse"] < 1.5
    # Errors are the same fraction of each station's own movement; the noise alone is 0.2 of it.
    shares = [found[f"mae/{name}"] / unit for name, (_, unit) in LEVELS.items()]
    assert max(shares) < 0.35
    assert max(shares) < 1.5 * min(shares)
    # What NumPy says of the forecasts, in the units of each.
    several = trained.quantiles is not None
    errors = {}
    for one in both(72, 120):
        forecasts = trained.predict(one, verbose=0)
        parts = zip((1, 3), forecasts[:, :, 0, 1].T, strict=True) if several else [(1, forecasts)]
        came = [row[: len(row) - h] - one.values[3 + h :, 0] for h, row in parts]
        errors[one.name] = np.concatenate(came)
        assert found[f"mae/{one.name}"] == pytest.approx(np.abs(errors[one.name]).mean(), rel=1e-4)
    every = np.concatenate(list(errors.values()))
    assert found["mae"] == pytest.approx(np.abs(every).mean(), rel=1e-4)
    assert found["rmse"] == pytest.approx(np.sqrt(np.square(every).mean()), rel=1e-4)


@pytest.mark.one_backend
def test_scales_are_saved_with_the_model_and_unknown_groups_refused(trained, tmp_path):
    trained.save(tmp_path / "model.keras")
    again = tasks.load(tmp_path / "model.keras")
    for one in both(90, 120):
        np.testing.assert_allclose(again.predict(one), trained.predict(one), rtol=1e-5)
    assert set(again.encoder.groups) == set(LEVELS)
    for name, message in (("smal", "group 'smal' is unknown.*'small'"), (None, "has no group")):
        other = Series(both(90, 120)[0].values, both(90, 120)[0].times, name)
        with pytest.raises(InputError, match=message):
            again.predict(other)
    test = again.evaluate(both(90, 120), return_dict=True, verbose=0)
    assert test == pytest.approx(trained.evaluate(both(90, 120), return_dict=True, verbose=0))


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "baseline", [baselines.persistence, baselines.seasonal_naive, baselines.linear_autoregression]
)
def test_baselines_of_groups(baseline):
    splits = map(SeriesSplit, (both(0, 96), [], both(72, 120)))
    data = SeriesDataset("two", *splits, ("cars", "rain"), 0, 60, "Two stations.")
    test = baseline(data, {"context": 4})["test"]
    assert {"mae/small", "mae/large", "scaled_rmse"} < set(test)
    assert test["mae/small"] < LEVELS["small"][1] < 200 < test["mae/large"]
    if baseline is baselines.persistence:
        moved = np.abs(np.diff(both(72, 120)[0].values[3:, 0]))
        assert test["mae/small"] == pytest.approx(moved.mean())


def test_units_of_groups_in_the_loss_and_errors_on_each_backend():
    model = MAKE(cell="rnn", horizon=(1, 3))
    model.fit(both(0, 96), epochs=0, verbose=0)
    encoded = model.encode(both(0, 60))
    x, y, weights = model.make_batches(both(0, 60), encoded)[0]
    assert y.shape[-1] == 4  # two targets, and the shares of their scales
    outputs = model(keras.ops.convert_to_tensor(x))
    made = model.compile_options()
    loss, (errors,) = made["loss"], made["metrics"]
    errors.update_state(keras.ops.convert_to_tensor(y), outputs)
    found = {name: float(value) for name, value in errors.result().items()}
    value = loss(keras.ops.convert_to_tensor(y), outputs, weights)
    assert np.isfinite(keras.ops.convert_to_numpy(value))
    outputs = keras.ops.convert_to_numpy(outputs)
    scaled, units = [], []
    for one, target in zip(encoded, outputs, strict=True):
        counts = one.counts(4)
        error = (target[: len(counts)] - one.target)[counts]
        scaled.append(error)
        units.append(np.broadcast_to(one.scale, counts.shape)[counts] * error)
    assert found["mae"] == pytest.approx(np.abs(np.concatenate(units)).mean(), rel=1e-4)
    square = np.square(np.concatenate(scaled)).mean()
    assert found["scaled_rmse"] == pytest.approx(np.sqrt(square), rel=1e-4)


@pytest.mark.one_backend
def test_columns_are_compared_by_name():
    labels = ["on", "off"] * 4
    makers = {
        "forecaster": lambda m, x: m.fit(x, epochs=1, verbose=0),
        "frames": lambda m, x: m.fit(x, [labels[i] for i in np.arange(96) % 8], verbose=0),
        "series": lambda m, x: m.fit([x] * 8, labels, verbose=0),
    }
    models = {
        "forecaster": MAKE(),
        "frames": frame_labeller(units=3, epochs=1),
        "series": sequence_classifier(units=3, epochs=1),
    }
    one = station("small").between(0, 96)
    swapped = Series(one.values[:, ::-1], one.times, one.name, ("rain", "cars"))
    other = Series(one.values, one.times, one.name, ("cars", "snow"))
    plain = Series(one.values, one.times, one.name)
    for name, model in models.items():
        makers[name](model, one)
        assert model.column_names == ["cars", "rain"]
        expected = model.predict(one, verbose=0)
        for same in (swapped, plain):
            np.testing.assert_allclose(model.predict(same, verbose=0), expected, rtol=1e-5)
        with pytest.raises(InputError, match=r"has the columns 'cars', 'snow'.*'cars', 'rain'"):
            model.predict(other, verbose=0)


@pytest.mark.one_backend
def test_a_saved_file_reads_tables_by_name(trained, tmp_path):
    path = tmp_path / "model.keras"
    trained.save(path)
    lines = ["rain,when,station,note,cars"]
    for one in both(90, 110):
        rows = zip(one.times, one.values, strict=True)
        lines += [
            f"{r[1]!r},{t},{one.name},x,{r[0]!r}" for t, r in ((t, r.tolist()) for t, r in rows)
        ]
    table = tmp_path / "new.csv"
    table.write_text("\n".join(lines).replace("T", " "))
    series, names = study.series_reader(path)(str(table))
    assert names == [f"{table}, large", f"{table}, small"]
    for found, one in zip(series, both(90, 110)[::-1], strict=True):
        np.testing.assert_array_equal(found.values, one.values)
        np.testing.assert_allclose(trained.predict(found), trained.predict(one))
    table.write_text("\n".join(lines).replace("rain", "snow").replace("T", " "))
    with pytest.raises(InputError, match="no column 'rain', which the model learned from"):
        study.series_reader(path)(str(table))
    table.write_text("\n".join(lines).replace("small", "tiny").replace("T", " "))
    with pytest.raises(InputError, match=r"there are none\. Name the column with group"):
        study.series_reader(path)(str(table))
