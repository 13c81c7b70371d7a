"""The data set `japanese_vowels`, and the `.ts` format of labelled series."""

from __future__ import annotations

import numpy as np

from rnnkit.data.release import Release
from rnnkit.data.splits import Dataset, Split
from rnnkit.data.tables import decode, split_lines
from rnnkit.errors import InputError

_FILES = {"train": "JapaneseVowels_TRAIN.ts", "test": "JapaneseVowels_TEST.ts"}
VOWELS = Release(
    "japanese_vowels",
    "timeseries.tar.xz",
    "timeseries/JapaneseVowels",
    _FILES,
    separate=_FILES,
    counts={"train": 270, "test": 370},
    unit="series",
    home="https://www.timeseriesclassification.com/aeon-toolkit/JapaneseVowels.zip",
    about="Nine men say two Japanese vowels one after the other: 12 cepstral coefficients in each "
    "of 7 to 29 steps; which of them speaks? 270 utterances to train, 370 to test. Kudo, Toyama "
    "and Shimbo 1999, UCI machine learning repository 128, CC BY 4.0.",
)


def read_vowels() -> Dataset:
    """Read the utterances, in the order of the files; valid is empty."""
    splits: dict[str, Split] = {}
    classes: tuple[str, ...] = ()
    for part, (data, source) in VOWELS.read().items():
        x, names, classes = parse_ts(data, source)
        VOWELS.check_count(part, len(x), source)
        splits[part] = Split(x, np.array([classes.index(name) for name in names]))
    return VOWELS.dataset(splits, classes=classes)


def parse_ts(data: bytes, source: str) -> tuple[list[np.ndarray], list[str], tuple[str, ...]]:
    r"""Read a `.ts` file: a series in each line, its dimensions separated by ``:``, the label last.

    Returns:
        The series, each `(T, D)` float32; the label of each; the names of all labels.

    Example:
        >>> text = b"@classLabel true up down\n@data\n1,2,3:5,5,5:up\n2,1:5,6:down\n"
        >>> x, labels, classes = parse_ts(text, "tiny.ts")
        >>> x[0].T.tolist(), labels, classes
        ([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]], ['up', 'down'], ('up', 'down'))
    """
    x: list[np.ndarray] = []
    labels: list[str] = []
    classes: tuple[str, ...] = ()
    inside = False  # below the header's last line
    for number, line in enumerate(split_lines(decode(data, source)), start=1):
        line, where = line.strip(), f"{source}, line {number}"
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            word, _, rest = line.partition(" ")
            inside |= word.lower() == "@data"
            if word.lower() == "@classlabel":
                classes = tuple(rest.split()[1:])
            continue
        *dimensions, label = line.split(":")
        try:
            values = np.array([[float(v) for v in d.split(",")] for d in dimensions], "float32").T
        except ValueError as error:  # not a number, or dimensions of unequal lengths
            raise InputError(f"{where} cannot be read: {error}.") from error
        wanted = values.ndim == 2 and np.isfinite(values).all()
        if not inside or label not in classes or not wanted:
            raise InputError(
                f"{where} is not a series with a label: expected, below @data, "
                f"numbers between commas, ':' between dimensions, one of {classes} at the end."
            )
        if x and values.shape[1] != x[0].shape[1]:
            raise InputError(
                f"{where} has {values.shape[1]} dimensions, the first {x[0].shape[1]}."
            )
        x.append(values)
        labels.append(label)
    return x, labels, classes
