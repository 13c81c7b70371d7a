"""The data sets `spoken_digits` and `spoken_digits_by_speaker`: waveforms of "zero" to "nine"."""

from __future__ import annotations

import functools
import io
import re
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rnnkit.data.release import Release
from rnnkit.data.splits import Dataset, Split
from rnnkit.errors import InputError, check_choice

RATE = 8000
TEST = 5  # recordings 0 to 4 of each digit by each speaker
CLASSES = tuple("0123456789")
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")

_NAME = re.compile(r"(\d)_([a-z]+)_(\d{1,3})\.wav")
RELEASE = Release(
    "spoken_digits",
    "fsdd.tar.xz",
    "fsdd/recordings",
    _NAME,
    counts={"all": 3000},
    unit="recordings",
    hint="Its home is https://github.com/Jakobovski/free-spoken-digit-dataset: pack the folder "
    "recordings of it as fsdd/recordings.",
    about="Free Spoken Digit Dataset: six speakers say each English digit fifty times; waveforms "
    "of 8 kHz and 16 bits, most of a third to half a second. Jackson et al., CC BY-SA 4.0.",
)


def read() -> Dataset:
    """Read the waveforms, each `(T, 1)` float32 in -1..1, with the official split; valid is empty.

    Recordings 0 to 4 of each digit by each speaker are test: the speakers are those of train. The
    archive has the folder ``recordings`` of the public home in a folder ``fsdd``.
    """
    note = "Train and test have the same speakers; those of spoken_digits_by_speaker differ."
    return _dataset(RELEASE.name, lambda _, number: number < TEST, note)


def read_by_speaker(speaker: str = "yweweler") -> Dataset:
    """Read the waveforms, with all recordings of one speaker as test; valid is empty.

    Args:
        speaker: the speaker of the test split: one of `SPEAKERS`.
    """
    check_choice("speaker", speaker, SPEAKERS)
    note = f"The speaker of test, {speaker}, is not in train and valid."
    return _dataset("spoken_digits_by_speaker", lambda who, _: who == speaker, note)


def read_wav(data: bytes, source: str, rate: int | None = None) -> np.ndarray:
    """Return the samples of a WAV file of 16 bits, `(T, channels)` float32 in -1..1.

    `rate` is the expected number of samples per second; None = any.

    Raises:
        InputError: not a WAV file of 16 bits, without a sample, or of another rate.

    Example:
        >>> file = io.BytesIO()
        >>> with wave.open(file, "wb") as writer:
        ...     writer.setparams((1, 2, 8000, 0, "NONE", ""))
        ...     writer.writeframes(np.array([0, 16384, -32768], "<i2").tobytes())
        >>> read_wav(file.getvalue(), "tiny.wav").T.tolist()
        [[0.0, 0.5, -1.0]]
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            found = (file.getsampwidth(), file.getframerate())
            channels, frames = file.getnchannels(), file.getnframes()
            raw = file.readframes(frames)
    except (wave.Error, EOFError, RuntimeError) as error:  # the last for chunks in a wrong place
        raise InputError(f"{source} is not a WAV file: {error or 'damaged chunks'}.") from error
    if found[0] != 2 or rate not in (None, found[1]) or len(raw) < 2 * channels:
        raise InputError(
            f"{source} has {8 * found[0]} bits, {found[1]} samples per second, {len(raw)} bytes; "
            f"expected 16 bits{'' if rate is None else f', {rate} samples per second'}, a sample."
        )
    samples = np.frombuffer(raw[: len(raw) // (2 * channels) * 2 * channels], "<i2")
    return (samples.reshape(-1, channels) / 32768).astype("float32")


def _recordings() -> list[tuple[int, str, int, np.ndarray]]:
    """Return digit, speaker, number and waveform of each recording, in the order of these."""
    path = RELEASE.path()
    status = path.stat()
    return _read_archive(path, (status.st_size, status.st_mtime_ns))


@functools.lru_cache(maxsize=1)  # read once for all splits by speaker
def _read_archive(path: Path, state: tuple[int, int]) -> list[tuple[int, str, int, np.ndarray]]:
    del state  # a part of the cache key: a replaced file is read again
    found = []
    for name, data, source in RELEASE.members():
        match = _NAME.fullmatch(name)
        assert match is not None  # members yields no other names
        samples = read_wav(data, source, RATE)
        found.append((int(match[1]), match[2], int(match[3]), samples))
    RELEASE.check_count("all", len(found), path)
    if {who for _, who, _, _ in found} != set(SPEAKERS):
        raise InputError(f"{path} has other speakers; expected {', '.join(SPEAKERS)}.")
    return sorted(found, key=lambda row: row[:3])


def _dataset(name: str, in_test: Callable[[str, int], bool], note: str) -> Dataset:
    """Return the data set whose test has the recordings that a rule of speaker and number picks."""
    parts: dict[str, list[tuple[int, np.ndarray]]] = {"train": [], "test": []}
    for digit, who, number, samples in _recordings():
        parts["test" if in_test(who, number) else "train"].append((digit, samples))
    splits = {}
    for part, rows in parts.items():
        # A fixed order with digits and speakers shuffled.
        order = np.random.default_rng(0).permutation(len(rows))
        splits[part] = Split([rows[i][1] for i in order], np.array([rows[i][0] for i in order]))
    return RELEASE.dataset(splits, name=name, classes=CLASSES, notes=[note])
