"""The data sets `spoken_digits` and `spoken_digits_by_speaker`: waveforms of "zero" to "nine"."""

from __future__ import annotations

import functools
import io
import re
import wave
from pathlib import Path

import numpy as np

from rnnkit.data.archive import find, missing_dataset_error, read_members
from rnnkit.data.splits import Dataset, Split
from rnnkit.errors import InputError, suggest

ARCHIVE = "fsdd.tar.xz"
HOME = "https://github.com/Jakobovski/free-spoken-digit-dataset"
RATE = 8000
COUNT = 3000
TEST = 5  # recordings 0 to 4 of each digit by each speaker
CLASSES = tuple("0123456789")
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
ABOUT = (
    "Free Spoken Digit Dataset: six speakers say each English digit fifty times, waveforms of "
    "8 kHz and 16 bits, most of a third to half a second. Jackson et al., CC BY-SA 4.0."
)

_NAME = re.compile(r"recordings/(\d)_([a-z]+)_(\d{1,3})\.wav")


def read() -> Dataset:
    """Read the waveforms, each `(T, 1)` float32 in -1..1, with the official split; valid is empty.

    Recordings 0 to 4 of each digit by each speaker are test: the speakers are those of train.

    From ``fsdd.tar.xz`` in ``$RNNKIT_DATA`` or the cache, with the folder ``recordings`` of its
    public home in a folder ``fsdd``.

    Raises:
        InputError: if the archive is not there (the message says where to fetch it), is damaged, or
            is not the one expected.
    """
    recordings = _recordings()
    test = [i for i, (_, _, number, _) in enumerate(recordings) if number < TEST]
    rest = [i for i, (_, _, number, _) in enumerate(recordings) if number >= TEST]
    empty = Split([], np.zeros(0, np.int64))
    return Dataset(
        name="spoken_digits",
        train=_split(recordings, rest),
        valid=empty,
        test=_split(recordings, test),
        classes=CLASSES,
        about=ABOUT,
        notes=["Test has the speakers of train: see spoken_digits_by_speaker for one of its own."],
    )


def read_by_speaker(speaker: str = "yweweler") -> Dataset:
    """Read the waveforms, with all of one speaker's as test; valid is empty.

    Args:
        speaker: who is kept out of train: one of `SPEAKERS`.

    Raises:
        InputError: an unknown speaker, or as `read`.
    """
    if speaker not in SPEAKERS:
        raise InputError(
            f"speaker is {speaker!r}; expected one of {', '.join(SPEAKERS)}."
            f"{suggest(speaker, SPEAKERS)}"
        )
    recordings = _recordings()
    test = [i for i, (_, who, _, _) in enumerate(recordings) if who == speaker]
    rest = [i for i, (_, who, _, _) in enumerate(recordings) if who != speaker]
    return Dataset(
        name="spoken_digits_by_speaker",
        train=_split(recordings, rest),
        valid=Split([], np.zeros(0, np.int64)),
        test=_split(recordings, test),
        classes=CLASSES,
        about=ABOUT,
        notes=[f"Test is {speaker}, whom train and valid do not have."],
    )


def read_wav(data: bytes, source: str, rate: int | None = None) -> np.ndarray:
    """Return the samples of a WAV file of 16 bits, `(T, channels)` float32 in -1..1.

    Args:
        data: the contents of the file.
        source: what messages call it.
        rate: samples a second that are expected; None = any.

    Raises:
        InputError: no WAV file of 16 bits, no sample in it, or of another rate.

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
            channels, raw = file.getnchannels(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise InputError(f"{source} is no WAV file: {error}.") from error
    if found[0] != 2 or rate not in (None, found[1]) or len(raw) < 2 * channels:
        raise InputError(
            f"{source} has {8 * found[0]} bits, {found[1]} samples a second, {len(raw)} bytes; "
            f"expected 16 bits{'' if rate is None else f', {rate} samples a second'}, a sample."
        )
    samples = np.frombuffer(raw[: len(raw) // (2 * channels) * 2 * channels], "<i2")
    return (samples.reshape(-1, channels) / 32768).astype("float32")


def _recordings() -> list[tuple[int, str, int, np.ndarray]]:
    """Return digit, speaker, number and waveform of each recording, in the order of these."""
    path = find(ARCHIVE)
    if path is None:
        put = f"{ARCHIVE}, with its folder recordings packed as fsdd/recordings,"
        raise missing_dataset_error("spoken_digits", put, fetch=HOME)
    status = path.stat()
    return _read_archive(path, (status.st_size, status.st_mtime_ns))


@functools.lru_cache(maxsize=1)  # leaving out one speaker after the other reads it once
def _read_archive(path: Path, state: tuple[int, int]) -> list[tuple[int, str, int, np.ndarray]]:
    del state  # a part of the key: a file that was replaced is read again
    found = []
    for name, data in read_members(path, "fsdd", _NAME):
        match = _NAME.fullmatch(name)
        assert match is not None  # read_members yields nothing else
        samples = read_wav(data, f"{path}, {name}", RATE)
        found.append((int(match[1]), match[2], int(match[3]), samples))
    if len(found) != COUNT or {who for _, who, _, _ in found} != set(SPEAKERS):
        raise InputError(
            f"{path} holds {len(found):,} recordings; expected {COUNT:,}, of {', '.join(SPEAKERS)}."
        )
    return sorted(found, key=lambda row: row[:3])


def _split(recordings: list[tuple[int, str, int, np.ndarray]], rows: list[int]) -> Split:
    # Always the same order, whatever the seed, and digits and speakers mixed.
    order = np.random.default_rng(0).permutation(rows)
    return Split([recordings[i][3] for i in order], np.array([recordings[i][0] for i in order]))
