"""Backtests: nothing after a fold changes its errors, each origin learns what lies before it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from rnnkit.baselines import persistence
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit
from rnnkit.errors import InputError
from rnnkit.recipes import forecaster
from rnnkit.study import backtest

MAKE = partial(forecaster, units=3, context=4, horizon=(1, 3), window=24, warm_up=4)


@pytest.fixture(scope="module")
def waves():
    t = np.arange(200)
    return Series(np.sin(t / 4) + np.random.default_rng(0).normal(0, 0.1, 200))


def test_later_values_change_no_earlier_fold(waves):
    options = {"folds": 2, "step": 40, "epochs": 1, "verbose": 0}
    rows = backtest(MAKE, waves, **options)
    values = waves.values.copy()
    values[160:] = 7
    changed = backtest(MAKE, Series(values), **options)
    assert {row.origin for row in rows} == {120, 160}
    for row, other in zip(rows, changed, strict=True):
        assert (row.origin, row.model) == (other.origin, other.model)
        if row.origin == 120:
            assert row.errors == pytest.approx(other.errors, rel=1e-6)
        else:
            assert row.errors["mae"] != pytest.approx(other.errors["mae"], rel=1e-3)
        assert set(row.errors) == {f"{k}{h}" for k in ("mae", "rmse") for h in ("", "_h1", "_h3")}


def test_a_trained_model_is_used_as_it_is(waves):
    model = MAKE()
    model.fit(waves.between(0, 120), epochs=1, verbose=0)
    rows = backtest(model, waves, folds=2, step=40)
    for row in rows:
        part = waves.between(row.origin, row.origin + 40)
        if row.model == "forecaster":
            measured = model.evaluate(part, return_dict=True, verbose=0)
            assert row.errors["mae_h3"] == pytest.approx(measured["mae_h3"])
        if row.model == "persistence":
            splits = [SeriesSplit(x) for x in ([waves.between(0, row.origin)], [], [part])]
            data = SeriesDataset("data", *splits, (), 0, 1, "")
            settings = {"horizon": (1, 3), "context": 4}
            assert row.errors == persistence(data, settings)["test"]


@pytest.mark.parametrize("step", [1, 7])
def test_the_folds_are_the_last_steps(waves, step):
    """A model that returns what it is given: where the fold begins, and its length."""

    class Model:
        network = True

        def evaluate(self, fold, **options):
            places = [int(np.flatnonzero(waves.values == one)[0]) for one in fold[0].values]
            return {"loss": 0.0, "first": places[0], "steps": len(places)}

    rows = backtest(Model(), waves, folds=3, step=step, baselines=False)
    wanted = [(200 - left * step, 200 - left * step, step) for left in (3, 2, 1)]
    assert [(r.origin, r.errors["first"], r.errors["steps"]) for r in rows] == wanted


def test_what_cannot_be_cut_is_refused(waves):
    with pytest.raises(InputError, match="leave nothing to train on"):
        backtest(MAKE, waves, folds=4, step=50)
    groups = [Series(np.zeros(50), name="a"), Series(np.zeros(50), name="b")]
    with pytest.raises(InputError, match="several groups"):
        backtest(MAKE, groups)
