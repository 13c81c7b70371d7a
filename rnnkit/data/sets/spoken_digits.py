"""The data sets `spoken_digits` and `spoken_digits_by_speaker`: waveforms of "zero" to "nine"."""

from __future__ import annotations

import functools
import io
import re
import wave
from pathlib import Path

import numpy as np

from rnnkit.data.release import Release
from rnnkit.data.splits import Dataset, Split
from rnnkit.errors import InputError, suggest

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

    Recordings 0 to 4 of each digit by each speaker are test: the speakers are those of train.

    From ``fsdd.tar.xz`` in ``$RNNKIT_DATA`` or the cache, with the folder ``recordings`` of its
    public home in a folder ``fsdd``.

    Raises:
        InputError: the archive is missing (the message says where to fetch it), is damaged, or is
            not the one expected.
    """
    recordings = _recordings()
    test = [i for i, (_, _, number, _) in enumerate(recordings) if number < TEST]
    rest = [i for i, (_, _, number, _) in enumerate(recordings) if number >= TEST]
    empty = Split([], np.zeros(0, np.int64))
    return Dataset(
        name=RELEASE.name,
        train=_split(recordings, rest),
        valid=empty,
        test=_split(recordings, test),
        classes=CLASSES,
        about=RELEASE.about,
        notes=["Train and test have the same speakers; those of spoken_digits_by_speaker differ."],
    )


def read_by_speaker(speaker: str = "yweweler") -> Dataset:
    """Read the waveforms, with all recordings of one speaker as test; valid is empty.

    Args:
        speaker: the speaker of the test split: one of `SPEAKERS`.

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
        about=RELEASE.about,
        notes=[f"The speaker of test, {speaker}, is not in train and valid."],
    )


def read_wav(data: bytes, source: str, rate: int | None = None) -> np.ndarray:
    """Return the samples of a WAV file of 16 bits, `(T, channels)` float32 in -1..1.

    Args:
        data: the contents of the file.
        source: the name of the file in messages.
        rate: the expected number of samples per second; None = any.

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
            channels, raw = file.getnchannels(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise InputError(f"{source} is not a WAV file: {error}.") from error
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


def _split(recordings: list[tuple[int, str, int, np.ndarray]], rows: list[int]) -> Split:
    # A fixed order with digits and speakers shuffled.
    order = np.random.default_rng(0).permutation(rows)
    return Split([recordings[i][3] for i in order], np.array([recordings[i][0] for i in order]))
