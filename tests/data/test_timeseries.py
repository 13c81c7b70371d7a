"""Whole series with a label each: the reader of `.ts`, japanese_vowels, the generated sample."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from rnnkit.data import datasets
from rnnkit.data.samples import sequences_sample
from rnnkit.data.sets import timeseries
from rnnkit.errors import InputError

HEAD = "#a remark\n@problemName tiny\n@classLabel true 1 2\n@data\n"
TRAIN = HEAD + "1,2,3:4,5,6:1\n7,8:9,10:2\n" * 10
TEST = HEAD + "1,2:3,4:2\n"


def pack(path, files):
    with tarfile.open(path, "w:xz") as file:
        for name, text in files.items():
            info = tarfile.TarInfo(f"timeseries/JapaneseVowels/{name}")
            info.size = len(text.encode())
            file.addfile(info, io.BytesIO(text.encode()))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(tmp_path))
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path / "cache"))
    vowels = replace(timeseries.VOWELS, counts={"train": 20, "test": 1})
    monkeypatch.setattr(timeseries, "VOWELS", vowels)
    return tmp_path


def test_vowels_from_the_archive_or_from_two_files(folder):
    files = {"JapaneseVowels_TRAIN.ts": TRAIN, "JapaneseVowels_TEST.ts": TEST}
    pack(folder / "timeseries.tar.xz", files)
    packed = datasets.load("japanese_vowels", valid_fraction=0.2)
    (folder / "timeseries.tar.xz").unlink()
    for name, text in files.items():
        (folder / name).write_text(text)
    loose = datasets.load("japanese_vowels", valid_fraction=0.2)
    for data in (packed, loose):
        assert data.classes == ("1", "2")
        assert (len(data.train), len(data.valid), len(data.test)) == (16, 4, 1)
        assert sorted(data.valid.y.tolist()) == [0, 0, 1, 1]  # each class alike
        np.testing.assert_array_equal(data.test.x[0], [[1, 3], [2, 4]])  # steps first
        for series, label in zip(data.train.x, data.train.y, strict=True):
            assert series.shape == ((3, 2) if label == 0 else (2, 2))


def test_limit_keeps_the_classes_in_proportion(folder):
    (folder / "JapaneseVowels_TRAIN.ts").write_text(TRAIN)
    (folder / "JapaneseVowels_TEST.ts").write_text(TEST)
    data = datasets.load("japanese_vowels", limit=6)
    assert np.bincount(data.train.y).tolist() == [3, 3]
    with pytest.raises(InputError, match="drop_overlap is for texts"):
        datasets.load("japanese_vowels", drop_overlap=True)


def test_what_is_not_there_is_said_with_its_home(folder):
    with pytest.raises(InputError, match=r"fetch https://.*JapaneseVowels_TRAIN.ts"):
        datasets.load("japanese_vowels")
    pack(folder / "timeseries.tar.xz", {"JapaneseVowels_TRAIN.ts": TRAIN})
    with pytest.raises(InputError, match="does not contain JapaneseVowels_TEST"):
        datasets.load("japanese_vowels")
    pack(
        folder / "timeseries.tar.xz",
        {"JapaneseVowels_TRAIN.ts": TEST, "JapaneseVowels_TEST.ts": TEST},
    )
    with pytest.raises(InputError, match="holds 1 series; expected 20"):
        datasets.load("japanese_vowels")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("1,x:3,4:1", "line 5 cannot be read.*'x'"),
        ("1,2:3:1", "line 5 cannot be read"),
        ("1,2:3,4:3", "line 5 is not a series with a label"),
        ("1,nan:3,4:1", "line 5 is not a series"),
        ("up", "line 5 is not a series"),
        ("1,2:3,4:1\n1,2:1", "line 6 has 1 dimensions, the first 2"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(lines, message):
    with pytest.raises(InputError, match=f"tiny.ts, {message}"):
        timeseries.parse_ts((HEAD + lines).encode(), "tiny.ts")
    with pytest.raises(InputError, match=r"tiny\.ts, line 1 is not a series"):
        timeseries.parse_ts(b"1,2:3,4:1", "tiny.ts")


def test_the_sample_is_always_the_same_and_only_order_decides():
    data, again = sequences_sample.read(), datasets.load("sequences_sample")
    np.testing.assert_array_equal(data.test.x[5], again.test.x[5])
    assert (len(data.train), len(data.valid), len(data.test)) == (600, 150, 300)
    assert np.bincount(data.test.y).tolist() == [100, 100, 100]
    assert {x.shape[1] for x in data.train.x} == {2}
    assert 20 <= min(map(len, data.train.x)) < max(map(len, data.train.x)) <= 60
    # The way round is the sign of the area that the point sweeps, which the order makes.
    swept = np.array([np.sum(x[:-1, 0] * x[1:, 1] - x[:-1, 1] * x[1:, 0]) for x in data.test.x])
    assert np.all(swept[data.test.y == 0] < 0)
    assert np.all(swept[data.test.y == 1] > 0)
    means = np.array([x.mean(0) for x in data.train.x])
    assert np.abs(means[data.train.y == 0].mean(0)).max() < 0.1


def test_names_and_kinds():
    assert datasets.names("texts") == ["sample", "imdb", "names"]
    assert set(datasets.names()) >= {"japanese_vowels", "sequences_sample", "sample", "imdb"}
    assert datasets.kind_of("japanese_vowels") == "labelled series"
    with pytest.raises(InputError, match="Did you mean 'japanese_vowels'"):
        datasets.kind_of("japanese_vowel")


@pytest.mark.data
def test_the_real_vowels(data_folder, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))
    if not (data_folder / timeseries.VOWELS.archive).is_file():
        pytest.skip("timeseries.tar.xz is not there")
    data = timeseries.read_vowels()
    assert np.bincount(data.train.y).tolist() == [30] * 9
    assert np.bincount(data.test.y).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    lengths = [len(x) for x in data.train.x + data.test.x]
    assert (min(lengths), max(lengths)) == (7, 29)
    assert data.train.x[0].shape == (20, 12)
    assert data.train.x[0][0, :2].tolist() == pytest.approx([1.860936, -0.207383])
