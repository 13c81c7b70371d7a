"""Data that changed since a run was trained on them: said, and not mixed with what is new."""

import dataclasses
import json
import warnings

import numpy as np
import pytest

from rnnkit import study
from rnnkit.data.datasets import load, names
from rnnkit.errors import InputError
from rnnkit.study.data_fingerprint import different, fingerprint

SAMPLES = [name for name in names() if name.endswith("sample") and name != "words_sample"]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_has_one_that_sees_every_example(name):
    data = load(name, limit=20)
    found = fingerprint(data)
    assert list(found) == ["train", "valid", "test"]
    assert fingerprint(load(name, limit=20)) == found
    one = data.test.x[-1]
    other = np.asarray(one) if not isinstance(one, str) else one
    if dataclasses.is_dataclass(one):
        values = one.values.copy()
        values[-1] += np.ptp(values) or 1.0
        other = dataclasses.replace(one, values=values)
    elif isinstance(one, str):
        other = one + "."
    else:
        other = np.concatenate([other[1:], other[:1]]) if len(other) > 1 else other[:0]
    changed = dataclasses.replace(data.test, x=[*data.test.x[:-1], other])
    assert different({"fingerprint": found}, dataclasses.replace(data, test=changed)) == "test"


def test_targets_and_the_borders_of_texts_belong_to_it():
    data = load("sample", limit=20)
    found = fingerprint(data)
    y = np.array(data.train.y)
    y[0] = 1 - y[0]
    x = list(data.train.x)
    x[:2] = [x[0] + x[1][:1], x[1][1:]]
    for train in (dataclasses.replace(data.train, y=y), dataclasses.replace(data.train, x=x)):
        assert fingerprint(dataclasses.replace(data, train=train)) != found


def test_the_last_digits_of_numbers_do_not():
    data = load("traffic_sample", limit=200)
    near = [dataclasses.replace(one, values=one.values * (1 + 1e-15)) for one in data.train.x]
    changed = dataclasses.replace(data, train=dataclasses.replace(data.train, x=near))
    assert fingerprint(changed) == fingerprint(data)


def test_objects_of_others_have_none():
    data = load("sample", limit=20)
    assert not fingerprint(object())
    train = dataclasses.replace(data.train, x=[object()])
    assert list(fingerprint(dataclasses.replace(data, train=train))) == ["valid", "test"]


@pytest.fixture(scope="module")
def small():
    settings = {"units": 2, "embedding": "random", "embedding_size": 2}
    return {"data": "sample", "limit": 16, "epochs": 1, "settings": settings, "verbose": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, small):
    path = tmp_path_factory.mktemp("study") / "study"
    study.compare(["rnn_sentiment"], seeds=1, out=path, baselines=False, **small)
    return path


def change(run, splits):
    """Let the record of a run say that these splits were others."""
    path = run / "settings.json"
    record = json.loads(path.read_text())
    kept = path.read_bytes()
    if splits is None:
        del record["fingerprint"]
    else:
        record["fingerprint"] |= dict.fromkeys(splits, "0123456789abcdef")
    path.write_text(json.dumps(record))
    return kept


@pytest.mark.parametrize("splits", [(), None, ("train",), ("test",)])
def test_measuring_on_another_test_split_is_said(folder, splits):
    run = folder / "rnn_sentiment-seed0"
    kept = change(run, splits)
    try:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            study.evaluate(study.open_run(run))
        said = [str(one.message) for one in seen if "other examples" in str(one.message)]
        assert len(said) == (splits == ("test",))
        assert all("sample held other examples" in one and str(run) in one for one in said)
    finally:
        (run / "settings.json").write_bytes(kept)


def test_training_on_with_other_examples_is_refused(folder, small):
    run = folder / "rnn_sentiment-seed0"
    kept = change(run, ("train", "test"))
    files = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    try:
        with pytest.raises(InputError, match=r"\(in train and test\).*Train a new run"):
            study.resume(run, epochs=2, verbose=0)
        with pytest.raises(InputError, match="Give another folder for a new study"):
            study.compare(["rnn_sentiment"], seeds=2, out=folder, baselines=False, **small)
        assert not (folder / "rnn_sentiment-seed1").exists()
        now = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
        assert {k: v for k, v in now.items() if ".lock" not in k.name} == files
    finally:
        (run / "settings.json").write_bytes(kept)
