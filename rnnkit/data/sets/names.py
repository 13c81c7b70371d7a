"""The data set `names`: family names of eighteen languages, to classify or to generate."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from rnnkit.data.release import Release
from rnnkit.data.splits import Dataset, Split, stratified_split
from rnnkit.data.tables import decode
from rnnkit.errors import InputError

LANGUAGES, LINES = 18, 20_050
SHARES = [0.1, 0.1]  # valid, test
SEED = 20_240_304
RELEASE = Release(
    "names",
    folder="names/pytorch_names/data/names",
    files=re.compile(r"\w+\.txt"),
    about="Family names of 18 languages in Latin letters, collected by S. Robertson for a tutorial "
    "of PyTorch. MIT licence.",
)


def read() -> Dataset:
    """Read the names; x are names and y languages. Valid and test are a tenth each."""
    found = {
        name.removesuffix(".txt"): [line.strip() for line in decode(data, source).splitlines()]
        for name, (data, source) in RELEASE.read().items()
    }
    lines = sum(map(len, found.values()))
    if len(found) != LANGUAGES or lines != LINES:
        raise InputError(
            f"{RELEASE.path()} holds {lines:,} names of {len(found)} languages; expected "
            f"{LINES:,} of {LANGUAGES}."
        )
    return from_lists(found)


def from_lists(found: dict[str, list[str]]) -> Dataset:
    """Make the data set from the names of each language.

    Example:
        >>> data = from_lists({"Irish": ["Kane"] * 9 + ["Aodh"], "Polish": ["Kane", "Nowak"]})
        >>> len(data.train), data.notes[0]
        (4, '8 names occurred more than once in their language; each is kept once.')
    """
    classes = tuple(sorted(found))
    pairs = [(name, i) for i, key in enumerate(classes) for name in dict.fromkeys(found[key])]
    repeated = sum(map(len, found.values())) - len(pairs)
    shared = sum(count > 1 for count in Counter(name for name, _ in pairs).values())
    whole = Split([name for name, _ in pairs], np.array([label for _, label in pairs]))
    parts = stratified_split(whole.y, SHARES, np.random.default_rng(SEED))
    splits = dict(zip(("valid", "test", "train"), map(whole.take, parts), strict=True))
    notes = [
        f"{repeated:,} names occurred more than once in their language; each is kept once.",
        f"{shared:,} names belong to more than one language: the same name may be in train with "
        "one and in test with another.",
    ]
    return RELEASE.dataset(splits, classes=classes, notes=notes)
