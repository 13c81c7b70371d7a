"""Readers of spoken digits, gesture phases and the room; the generated frames."""

from __future__ import annotations

import io
import tarfile
import wave
from dataclasses import replace

import numpy as np
import pytest

from rnnkit.data.samples import frames_sample
from rnnkit.data.sets import gesture, spoken_digits
from rnnkit.data.wave_batches import WaveBatches
from rnnkit.errors import InputError


def pack(path, files):
    with tarfile.open(path, "w:xz") as file:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))


def wav(samples, rate=8000, width=2):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, width, rate, 0, "NONE", ""))
        writer.writeframes(np.array(samples, "<i2").tobytes())
    return file.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(tmp_path))
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def digits(folder, monkeypatch):
    """Two speakers who say two digits seven times; the samples tell which is which."""
    release = replace(spoken_digits.RELEASE, counts={"all": 28})
    monkeypatch.setattr(spoken_digits, "RELEASE", release)
    monkeypatch.setattr(spoken_digits, "SPEAKERS", ("george", "theo"))
    files = {
        f"fsdd/recordings/{digit}_{who}_{i}.wav": wav([digit * 100 + i, -(2**15), 10 * len(who)])
        for digit in (0, 7)
        for who in ("george", "theo")
        for i in range(7)
    }
    pack(folder / "fsdd.tar.xz", {**files, "fsdd/README.md": b"a remark"})
    return folder


def test_spoken_digits_keep_the_official_split(digits):
    data = spoken_digits.read()
    assert (len(data.train), len(data.valid), len(data.test)) == (8, 0, 20)
    for split, numbers in ((data.train, {5, 6}), (data.test, {0, 1, 2, 3, 4})):
        found = set()
        for x, label in zip(split.x, split.y, strict=True):
            assert x.shape == (3, 1)
            assert x.dtype == np.float32
            assert x[1, 0] == -1
            digit, number = divmod(round(float(x[0, 0]) * 32768), 100)
            assert data.classes[label] == str(digit)
            found.add(number)
        assert found == numbers


def test_a_speaker_who_is_left_out_is_the_test(digits):
    data = spoken_digits.read_by_speaker("theo")
    assert {round(float(x[2, 0]) * 32768) for x in data.test.x} == {10 * len("theo")}
    assert {round(float(x[2, 0]) * 32768) for x in data.train.x} == {10 * len("george")}
    with pytest.raises(InputError, match=r"speaker is 'teo'.*Did you mean 'theo'"):
        spoken_digits.read_by_speaker("teo")


def test_recordings_that_cannot_be_used(folder, digits, monkeypatch):
    release = replace(spoken_digits.RELEASE, counts={"all": 29})
    monkeypatch.setattr(spoken_digits, "RELEASE", release)
    pack(folder / "fsdd.tar.xz", {"fsdd/recordings/1_theo_0.wav": wav([1, 2])})
    with pytest.raises(InputError, match="holds 1 recordings; expected 29"):
        spoken_digits.read()
    one = replace(release, counts={"all": 1})
    monkeypatch.setattr(spoken_digits, "RELEASE", one)
    with pytest.raises(InputError, match="has other speakers; expected george, theo"):
        spoken_digits.read()
    pack(folder / "fsdd.tar.xz", {"fsdd/recordings/1_theo_0.wav": b"RIFF, not so"})
    with pytest.raises(InputError, match=r"1_theo_0.wav is not a WAV file"):
        spoken_digits.read()
    (folder / "fsdd.tar.xz").unlink()
    with pytest.raises(
        InputError, match=r"spoken_digits is not there: put fsdd\.tar\.xz .* home is https"
    ):
        spoken_digits.read()
    with pytest.raises(
        InputError, match=r"has 16 bits, 16000 samples per second.*expected 16 bits, "
    ):
        spoken_digits.read_wav(wav([1], rate=16_000), "x.wav", 8000)
    assert spoken_digits.read_wav(wav([1], rate=16_000), "x.wav").shape == (1, 1)


def test_waves_are_padded_to_powers_of_two():
    rows = [np.full((n, 1), n, "float32") for n in (700, 1100, 2048)]
    batches = WaveBatches(rows, [0, 1, 2], batch_size=1)
    assert [batches[i][0][0].shape for i in range(3)] == [(1, n, 1) for n in (1024, 2048, 2048)]
    for i, row in enumerate(rows):
        (values, mask), labels, _ = batches[i]
        np.testing.assert_array_equal(values[mask], row)
        assert labels.tolist() == [i]


def frames(first, times):
    """Lines of frames: the first coordinate counts on, so that a lost frame shows."""
    return "".join(
        f"{first + i},{','.join(['1.5'] * 17)},{time},{gesture.PHASES[i % 5].lower()}\n"
        for i, time in enumerate(times)
    )


def test_gesture_phases_are_held_out_by_time_and_cut_at_gaps(folder, monkeypatch):
    few = replace(gesture.GESTURE, counts={"train": 40, "test": 3})
    monkeypatch.setattr(gesture, "GESTURE", few)
    times = np.arange(40) * 30 + np.where(np.arange(40) >= 34, 40_000, 0)
    header = ",".join("abcdefghijklmnopqr") + ",timestamp,phase\n"
    files = {"a1_raw.csv": header + frames(0, times), "a2_raw.csv": frames(100, [5, 45, 85])}
    pack(
        folder / "timeseries.tar.xz",
        {f"timeseries/gesture_phase/{name}": text.encode() for name, text in files.items()},
    )
    packed = gesture.read_gesture()
    (folder / "timeseries.tar.xz").unlink()
    for name, text in files.items():
        (folder / name).write_text(text)
    for data in (packed, gesture.read_gesture()):
        # Blocks of 4 frames: the third and the seventh are valid; a gap before frame 34.
        assert [x[:, 0].astype(int).tolist() for x in data.valid.x] == [
            list(range(8, 12)),
            list(range(24, 28)),
        ]
        assert [x[:, 0].astype(int).tolist() for x in data.train.x] == [
            list(range(8)),
            list(range(12, 24)),
            list(range(28, 34)),
            list(range(34, 40)),
        ]
        np.testing.assert_allclose(data.test.x[0][:, -1], [0, 0.04, 0.04], rtol=1e-6)
        assert data.train.x[3][0, -1] == 0  # the seconds of a gap say nothing
        for split in (data.train, data.valid, data.test):
            for x, y in zip(split.x, split.y, strict=True):
                assert x.shape == (len(y), 19)
                assert y.tolist() == (x[:, 0].astype(int) % 100 % 5).tolist()
    with pytest.raises(InputError, match=r"tiny, line 2 is not a frame .'1,2,Rest'.: expected 18 "):
        gesture.parse_gesture((frames(0, [1]) + "1,2,Rest\n").encode(), "tiny")
    with pytest.raises(InputError, match=r"tiny, line 1 is not a frame .*rust'"):
        gesture.parse_gesture(frames(0, [1]).replace("rest", "rust").encode(), "tiny")
    (folder / "a2_raw.csv").write_text(frames(0, [1]))
    with pytest.raises(InputError, match=r"a2_raw.csv holds 1 steps; expected 3"):
        gesture.read_gesture()
    (folder / "a2_raw.csv").unlink()
    with pytest.raises(InputError, match="gesture_phase is not there: fetch https"):
        gesture.read_gesture()


@pytest.mark.data
def test_the_real_files(data_folder, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))
    data = gesture.read_gesture()
    assert sum(map(len, data.train.x)) + sum(map(len, data.valid.x)) == 1747
    labels = np.concatenate(data.test.y)
    assert (labels == data.classes.index("Rest")).mean() == pytest.approx(0.390, abs=5e-4)
    room = gesture.read_room()
    assert [len(split.x[0]) for split in (room.train, room.valid, room.test)] == [8143, 2665, 9752]
    # One threshold on the light answers nearly all of it.
    assert ((room.test.x[0][:, 2] > 365) == room.test.y[0]).mean() > 0.98
    digits = spoken_digits.read()
    assert (len(digits.train), len(digits.test)) == (2700, 300)
    assert np.bincount(digits.test.y).tolist() == [30] * 10


def test_the_generated_frames_are_the_same_every_time():
    one, other = frames_sample.read(), frames_sample.read()
    for split, again in ((one.train, other.train), (one.test, other.test)):
        for x, y, x2, y2 in zip(split.x, split.y, again.x, again.y, strict=True):
            np.testing.assert_array_equal(x, x2)
            np.testing.assert_array_equal(y, y2)
            assert len(x) == len(y)
    assert len(np.unique(np.concatenate(one.train.y))) == len(one.classes) == 3
