"""The data set `imdb`: the Large Movie Review Dataset of Maas et al. (2011).

The archive lists the address of each review's film in files beside the reviews, such as
``train/urls_pos.txt``: the line with number i belongs to the review with number i.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

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
_FILMS = re.compile(r"((?:train|test)/)urls_((?:neg|pos)\.txt)")
RELEASE = Release(
    "imdb",
    FILE_NAME,
    "aclImdb",
    re.compile(f"{_REVIEW.pattern}|{_FILMS.pattern}"),
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
_FORMAT = 2  # of the quick copy; raise it when its contents change


class _Folder(NamedTuple):
    """The reviews of a folder, and the number of the film of each; -1 where it is not known."""

    texts: list[str]
    films: np.ndarray


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
    if splits["train"].groups is None:
        notes.append(
            "The archive does not list the films of its reviews (train/urls_neg.txt and "
            "train/urls_pos.txt): validation is drawn at random, and reviews of one film are on "
            "both sides."
        )
    unlabelled = reviews["train/unsup"].texts
    return RELEASE.dataset(splits, classes=("neg", "pos"), unlabelled=unlabelled, notes=notes)


def _shuffled(negative: _Folder, positive: _Folder) -> Split:
    texts, films = negative.texts + positive.texts, np.append(negative.films, positive.films)
    labels = np.repeat([0, 1], [len(negative.texts), len(positive.texts)])
    # Always the same order, whatever the seed: "the first 1,000 test reviews" means one thing.
    order = np.random.default_rng(0).permutation(len(labels))
    return Split(texts, labels, None if (films < 0).any() else films).take(order)


def _read_archive() -> dict[str, _Folder]:
    found: dict[str, dict[int, str]] = {folder: {} for folder in RELEASE.counts}
    addresses: dict[str, list[str]] = {}
    for name, data, source in RELEASE.members():
        if match := _FILMS.fullmatch(name):
            folder = match[1] + match[2].removesuffix(".txt")
            addresses[folder] = [line.strip() for line in decode(data, source).splitlines()]
            RELEASE.check_count(folder, sum(map(bool, addresses[folder])), f"{source},")
            continue
        match = _REVIEW.fullmatch(name)
        assert match is not None  # members yields no other names
        if match[1] not in found:
            raise InputError(f"{source}: the data set has no such folder.")
        found[match[1]][int(match[2])] = decode(data, source)
    numbers: dict[str, int] = {}  # of films
    for rows in addresses.values():
        for address in rows:
            numbers.setdefault(address, len(numbers))
    folders = {}
    for folder, reviews in found.items():
        RELEASE.check_count(folder, len(reviews), f"{RELEASE.path()}, {folder},")
        order = sorted(reviews)  # so that the order in which an archive was packed does not matter
        films = np.full(len(order), -1)
        if rows := addresses.get(folder, []):
            if unknown := [i for i in order if i >= len(rows) or not rows[i]]:
                raise InputError(
                    f"{RELEASE.path()}, {folder}, has a review with number {unknown[0]}, and the "
                    f"list of its films no line {unknown[0] + 1}: it is another file, or cut short."
                )
            films = np.array([numbers[rows[i]] for i in order])
        folders[folder] = _Folder([reviews[i] for i in order], films)
    return folders


def _make_quick(path: Path, key: str, notes: list[str]) -> dict[str, _Folder]:
    """Read the archive and keep a quick copy."""
    reviews = _read_archive()
    try:
        _write_quick(path, key, reviews)
    except OSError as error:
        notes.append(f"No quick copy could be kept: {error}")
    return reviews


def _write_quick(path: Path, key: str, reviews: dict[str, _Folder]) -> None:
    folders = [reviews[folder] for folder in RELEASE.counts]
    data = [text.encode() for folder in folders for text in folder.texts]
    size = sum(map(len, data))
    with replacing(path, "the quick copy", size) as temporary:
        np.savez(
            temporary,
            key=np.array(key),
            counts=np.array([len(folder.texts) for folder in folders]),
            films=np.concatenate([folder.films for folder in folders]),
            ends=np.cumsum([len(text) for text in data]),
            data=np.frombuffer(b"".join(data), np.uint8),
        )


def _read_quick(path: Path, key: str, notes: list[str]) -> dict[str, _Folder] | None:
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
            films = kept["films"]
        starts = [0, *ends]
        texts = [data[start:end].decode() for start, end in zip(starts, ends, strict=False)]
        bounds = np.cumsum([0, *counts]).tolist()
        sizes = [*ends[-1:], len(counts), bounds[-1], len(films)]
        if sizes != [len(data), len(RELEASE.counts), len(ends), len(ends)]:
            raise ValueError("other sizes")
    except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error):
        notes.append(f"The quick copy {path} was damaged: it is made anew from the archive.")
        return None
    return {
        folder: _Folder(texts[start:end], films[start:end])
        for folder, start, end in zip(RELEASE.counts, bounds, bounds[1:], strict=False)
    }
