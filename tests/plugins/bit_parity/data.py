"""Bit strings, and whether the number of their ones is even or odd."""

from pathlib import Path

import numpy as np

from rnnkit.data.datasets import DataKind, Dataset, Split

CLASSES = ("even", "odd")


def bits_sample():
    """Generate bit strings of 1 to 8 bits."""
    random = np.random.default_rng(0)
    lengths = random.integers(1, 9, 600)
    texts = ["".join(random.choice(["0", "1"], length)) for length in lengths]
    return _dataset("bits_sample", texts)


def open_bits(path):
    """Read a text file with a bit string on each line."""
    return _dataset(str(path), Path(path).read_text(encoding="utf-8").split())


def _dataset(name, texts):
    labels = np.array([text.count("1") % 2 for text in texts])
    tenth = len(texts) // 10
    ends = {"train": (2 * tenth, None), "valid": (tenth, 2 * tenth), "test": (0, tenth)}
    splits = {
        split: Split(texts[start:end], labels[start:end]) for split, (start, end) in ends.items()
    }
    return Dataset(name, **splits, classes=CLASSES)


KIND = DataKind(
    "bit strings",
    {"bits_sample": bits_sample},
    open_files=open_bits,
    file_formats="a text file with a bit string on each line",
)
