"""Records of a run that are damaged or were changed: an InputError that names file and value."""

from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path

import pytest

from rnnkit import study
from rnnkit.errors import InputError
from rnnkit.study.run_folder import RunFolder

SAVED = Path(__file__).parents[1] / "saved" / "run"
pytestmark = pytest.mark.filterwarnings(
    "ignore:class in a saved file .* is now called:DeprecationWarning"
)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(SAVED, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def refused(folder, path, match=None):
    with pytest.raises(InputError, match=match) as error:
        study.open_run(folder.path)
    message = str(error.value)
    assert message.startswith(f"{path} is damaged: ")
    assert len(message) < len(str(path)) + 400
    assert "\n" not in message


NO_RECORDS = [
    "",
    "[1]",
    "3",
    "null",
    '"text"',
    "[" * 100_000,
    '{"a": ' * 5000,
    "{",
    '{"seed": 1' + "0" * 5000 + "}",
    "\x00",
    "{}",
]


@pytest.mark.parametrize("text", NO_RECORDS, ids=range(len(NO_RECORDS)))
@pytest.mark.parametrize("name", ["settings", "results"])
def test_a_record_that_is_none(folder, name, text):
    path = getattr(folder, name)
    path.write_text(text)
    refused(folder, path)
    path.write_bytes(b"\xff\xfe{}")
    refused(folder, path)


def places(value, where=()):
    """Every place of a nested record."""
    yield where
    if isinstance(value, dict):
        for key, one in value.items():
            yield from places(one, (*where, key))


def changed(record, where, value):
    record = copy.deepcopy(record)
    inside = record
    for key in where[:-1]:
        inside = inside[key]
    inside[where[-1]] = value
    return json.dumps(record)


WRONG = [[1], "x", -5, 1e308, {"a": {"b": 1}}, float("nan"), 10**400]


@pytest.mark.parametrize("name", ["settings", "results"])
def test_a_value_of_another_type_is_refused_or_the_run_still_evaluates(folder, name):
    """Whatever stands in a record: no other error than an InputError, when it is read."""
    path = getattr(folder, name)
    record = json.loads(path.read_text("utf-8"))
    number = 0
    for where in places(record):
        if not where:
            continue
        for value in WRONG:
            path.write_text(changed(record, where, value))
            try:
                study.open_run(folder.path)
            except InputError as error:
                assert str(path) in str(error)  # noqa: PT017
                number += 1
    assert number > 60


@pytest.mark.parametrize(
    ("name", "where", "value", "message"),
    [
        ("settings", ("recipe",), "no_such", "no recipe 'no_such'"),
        ("settings", ("recipe",), ["lstm"], "recipe is list; expected text"),
        ("settings", ("seed",), -1, "seed is -1; expected an integer of at least 0"),
        ("settings", ("seed",), True, "seed is True"),
        ("settings", ("patience",), 0, "patience is 0; expected an integer of at least 1 or null"),
        ("settings", ("data", "x"), 1, "data has no 'x'"),
        ("settings", ("data", "limit"), "40", "data.limit is '40'"),
        ("settings", ("data",), "sample", "data is 'sample'; expected an object"),
        ("settings", ("given", "epochs"), 0, "epochs is 0; expected an integer of at least 1"),
        ("settings", ("settings", "dropout"), 7.5, "dropout is 7.5; expected a number"),
        ("settings", ("settings", "units"), "many", "units is 'many'; expected an integer"),
        ("results", ("test", "accuracy"), "high", "test is dict; expected an object of finite"),
        ("results", ("test",), [0.5], "test is list; expected an object of finite numbers"),
        ("results", ("parameters",), 1.5, "parameters is 1.5; expected an integer"),
        ("results", ("examples", "train"), None, "examples is dict; expected an object of int"),
    ],
)
def test_the_message_names_the_value(folder, name, where, value, message):
    path = getattr(folder, name)
    path.write_text(changed(json.loads(path.read_text("utf-8")), where, value))
    refused(folder, path, re.escape(message))


@pytest.mark.parametrize(
    "text",
    [
        "epoch,loss\n1,x\n",
        "epoch,loss\n1,2,3\n",
        "epoch,loss\n1\n",
        "epoch\nnan\n",
        "epoch,loss,loss\n1,2,3\n",
        'epoch\n"1',
        "epoch,seconds\n1,-2\n",
        "\x00\n1\n\xff",
    ],
)
def test_damaged_metrics(folder, text):
    folder.metrics.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"metrics.csv.*Train the run again"):
        folder.epochs()


def test_damaged_baselines_are_measured_anew_and_that_is_said(tmp_path):
    options = {"seeds": 1, "epochs": 1, "limit": 32, "verbose": 0, "out": tmp_path / "a"}
    study.compare(["bag_of_words_sentiment"], "sample", **options)
    record = tmp_path / "a" / "baselines.json"
    good = record.read_text("utf-8")
    for text in ("", "[]", good[:-20], good.replace('"test"', '"tost"')):
        record.write_text(text, encoding="utf-8")
        said = []
        study.compare(["bag_of_words_sentiment"], "sample", announce=said.append, **options)
        assert any("baselines.json is damaged" in line and "anew" in line for line in said)
        again = json.loads(record.read_text("utf-8"))
        assert again["results"].keys() == json.loads(good)["results"].keys()
    (tmp_path / "a" / "study.json").write_text("[")
    with pytest.raises(InputError, match=r"study.json is damaged.*another folder"):
        study.compare(["bag_of_words_sentiment"], "sample", **options)


def test_a_model_of_another_run_is_refused(folder):
    record = json.loads(folder.settings.read_text("utf-8"))
    for recipe in ("word_vectors", "text_generator", "lstm_sentiment"):
        other = {**record, "recipe": recipe, "given": {}, "settings": {}}
        folder.settings.write_text(json.dumps(other))
        for ask in (study.evaluate, study.ask):
            with pytest.raises(InputError):
                ask(study.open_run(folder.path))
        with pytest.raises(InputError, match=f"says {recipe}, and .* is a bag_of_words_sentiment"):
            _ = study.open_run(folder.path).model
