"""`rnnkit tune` hands its options on; how it ends. Searches: tests/study/test_tuning.py."""

from __future__ import annotations

import pytest

from rnnkit import study
from rnnkit.errors import InputError, StudyError


@pytest.fixture
def asked(rnnkit, monkeypatch):
    """Return the arguments of `study.tune` for a command line."""
    found = {}

    def tune(recipe, data, **options):
        found.update(recipe=recipe, data=data, **options)
        raise InputError("enough")

    monkeypatch.setattr(study, "tune", tune)

    def call(*args):
        answer = rnnkit("tune", *args)
        assert answer.code == 2
        return found

    return call


def test_options_are_handed_on(asked):
    found = asked(
        *("forecaster", "--data", "my.csv", "--time", "when", "--epochs", "3", "--horizon", "2"),
        *("--search", "units=8..64", "--search", "learning-rate", "--search", "cell=lstm,gru"),
        *("--trials", "7", "--pruner", "none", "--storage", "sqlite:///a.db", "--seed", "3"),
        *("--engine", "ray", "--workers", "2", "--engine-option", "num_gpus=1", "--out", "here"),
        *("--ray-address", "head:6379", "--study-name", "mine", "--quiet"),
    )
    assert found["search"] == {"units": "8..64", "learning-rate": None, "cell": "lstm,gru"}
    assert found["settings"] == {"epochs": 3, "horizon": 2}
    assert found["data_options"] == {"time": "when"}
    assert found["engine_options"] == {"num_gpus": 1}
    expected = {"recipe": "forecaster", "data": "my.csv", "trials": 7, "pruner": "none", "seed": 3}
    expected |= {"engine": "ray", "workers": 2, "ray_address": "head:6379", "verbose": 0}
    expected |= {"storage": "sqlite:///a.db", "study_name": "mine"}
    assert expected.items() <= found.items()


def test_a_setting_that_is_searched_twice_is_refused(rnnkit):
    answer = rnnkit("tune", "gru_sentiment", "--search", "units=1..2", "--search", "units=3..4")
    assert answer.code == 2
    assert "--search names 'units' twice" in answer.text


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (StudyError("No trial was completed."), 1, "Error: No trial was completed."),
        (InputError("search is 'unit'"), 2, "Error: --search is 'unit'"),
        (KeyboardInterrupt(), 130, "give the same command with --out here"),
    ],
)
def test_how_it_ends(rnnkit, monkeypatch, error, code, message):
    def tune(*args, **options):
        raise error

    monkeypatch.setattr(study, "tune", tune)
    answer = rnnkit("tune", "gru_sentiment", "--out", "here")
    assert answer.code == code
    assert message in answer.text
