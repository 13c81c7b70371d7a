"""The data set `imdb`: the Large Movie Review Dataset of Maas et al. (2011)."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from rnnkit.atomic import replacing
from rnnkit.data.archive import cache_folder
from rnnkit.data.release import Release
from rnnkit.data.splits import Split, TextDataset
from rnnkit.data.tables import decode
from rnnkit.errors import InputError
from rnnkit.locks import read_or_build
from rnnkit.untrusted import check_arrays

FILE_NAME = "aclImdb_v1.tar.gz"
_REVIEW = re.compile(r"((?:train|test)/(?:neg|pos|unsup))/(\d{1,6})_\d{1,2}\.txt")
RELEASE = Release(
    "imdb",
    FILE_NAME,
    "aclImdb",
    _REVIEW,
    downloads={
        FILE_NAME: (
            f"https://ai.stanford.edu/~amaas/data/sentiment/{FILE_NAME}",
            "7c2ac02c03563afcf9b574c7e56c153a",  # of 84,125,825 bytes
        )
    },
    counts=dict.fromkeys(("train/neg", "train/pos", "test/neg", "test/pos"), 12_500)
    | {"train/unsup": 50_000},
    unit="reviews",
    about="Film reviews from IMDB, polar ones only, at most 30 of a film; 25,000 to train, 25,000 "
    "to test, 50,000 without a label. Maas et al., Learning Word Vectors for Sentiment Analysis, "
    "ACL 2011. The archive states no licence.",
)
_FORMAT = 1  # of the quick copy; raise it when its contents change


def read() -> TextDataset:
    """Read the reviews, train and test each in a fixed, shuffled order; valid is empty.

    The archive is downloaded where it is missing. A copy in the cache is read in a second, not ten.
    """
    path = RELEASE.path()
    quick = cache_folder() / "imdb.npz"
    status = path.stat()
    key = f"{_FORMAT} {status.st_size} {status.st_mtime_ns}"
    notes: list[str] = []
    reviews = read_or_build(
        quick,
        "the quick copy of imdb",
        read=lambda: _read_quick(quick, key, notes),
        build=lambda: _make_quick(quick, key, notes),
    )
    splits = {
        part: _shuffled(reviews[f"{part}/neg"], reviews[f"{part}/pos"])
        for part in ("train", "test")
    }
    unlabelled = reviews["train/unsup"]
    return RELEASE.dataset(splits, classes=("neg", "pos"), unlabelled=unlabelled, notes=notes)


def _shuffled(negative: list[str], positive: list[str]) -> Split:
    labels = np.repeat([0, 1], [len(negative), len(positive)])
    # Always the same order, whatever the seed: "the first 1,000 test reviews" means one thing.
    order = np.random.default_rng(0).permutation(len(labels))
    return Split(negative + positive, labels).take(order)


def _read_archive() -> dict[str, list[str]]:
    found: dict[str, dict[int, str]] = {folder: {} for folder in RELEASE.counts}
    for name, data, source in RELEASE.members():
        match = _REVIEW.fullmatch(name)
        assert match is not None  # members yields no other names
        if match[1] not in found:
            raise InputError(f"{source}: the data set has no such folder.")
        found[match[1]][int(match[2])] = decode(data, source)
    for folder, reviews in found.items():
        RELEASE.check_count(folder, len(reviews), f"{RELEASE.path()}, {folder},")
    # By number, so that the order in which an archive was packed makes no difference.
    return {folder: [rows[i] for i in sorted(rows)] for folder, rows in found.items()}


def _make_quick(path: Path, key: str, notes: list[str]) -> dict[str, list[str]]:
    """Read the archive and keep a quick copy."""
    reviews = _read_archive()
    try:
        _write_quick(path, key, reviews)
    except OSError as error:
        notes.append(f"No quick copy could be kept: {error}")
    return reviews


def _write_quick(path: Path, key: str, reviews: dict[str, list[str]]) -> None:
    data = [text.encode() for folder in RELEASE.counts for text in reviews[folder]]
    size = sum(map(len, data))
    with replacing(path, "the quick copy", size) as temporary:
        np.savez(
            temporary,
            key=np.array(key),
            counts=np.array([len(reviews[folder]) for folder in RELEASE.counts]),
            ends=np.cumsum([len(text) for text in data]),
            data=np.frombuffer(b"".join(data), np.uint8),
        )


def _read_quick(path: Path, key: str, notes: list[str]) -> dict[str, list[str]] | None:
    """Return the reviews that `_write_quick` wrote under this key, or None.

    NumPy writes a zip archive, which holds a checksum of each array.
    """
    if not path.is_file():
        return None
    try:
        check_arrays(path)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if str(kept["key"]) != key:
                return None
            counts, ends, data = kept["counts"], kept["ends"].tolist(), kept["data"].tobytes()
        starts = [0, *ends]
        texts = [data[start:end].decode() for start, end in zip(starts, ends, strict=False)]
        bounds = np.cumsum([0, *counts]).tolist()
        if [*ends[-1:], len(counts)] != [len(data), len(RELEASE.counts)] or bounds[-1] != len(ends):
            raise ValueError("other sizes")
    except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error):
        notes.append(f"The quick copy {path} was damaged: it is made anew from the archive.")
        return None
    return {
        folder: texts[start:end]
        for folder, start, end in zip(RELEASE.counts, bounds, bounds[1:], strict=False)
    }
