"""The data set `names`: family names of eighteen languages, to tell apart or to invent more of."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from rnnkit.data.archive import find, missing_dataset_error, read_members
from rnnkit.data.splits import Dataset, Split, stratified_split
from rnnkit.data.text import check_text
from rnnkit.errors import InputError

ARCHIVE = "names.tar.xz"
LANGUAGES, LINES = 18, 20_050
SHARES = [0.1, 0.1]  # valid, test
SEED = 20_240_304
ABOUT = (
    "Family names of 18 languages, written in Latin letters, as S. Robertson gathered them for a "
    "tutorial of PyTorch. MIT licence."
)


def read() -> Dataset:
    """Read the names; x are names and y languages. A tenth each is held out, by a seeded draw.

    Raises:
        InputError: the archive is not there, is damaged, or holds other files.

    Example:
        >>> read().classes[:4]  # doctest: +SKIP
        ('Arabic', 'Chinese', 'Czech', 'Dutch')
    """
    archive = find(ARCHIVE)
    if archive is None:
        raise missing_dataset_error("names", ARCHIVE)
    wanted = re.compile(r"pytorch_names/data/names/\w+\.txt")
    found: dict[str, list[str]] = {}
    for path, data in read_members(archive, "names", wanted):
        language = path.rpartition("/")[2].removesuffix(".txt")
        found[language] = [name.strip() for name in check_text(data, path).splitlines()]
    lines = sum(map(len, found.values()))
    if len(found) != LANGUAGES or lines != LINES:
        raise InputError(
            f"{archive} holds {lines:,} names of {len(found)} languages; expected {LINES:,} of "
            f"{LANGUAGES}."
        )
    return from_lists(found)


def from_lists(found: dict[str, list[str]]) -> Dataset:
    """Make the data set of the names of each language.

    Example:
        >>> data = from_lists({"Irish": ["Kane"] * 9 + ["Aodh"], "Polish": ["Kane", "Nowak"]})
        >>> len(data.train), data.notes[0]
        (4, '8 names stood more than once among those of their language; each is kept once.')
    """
    classes = tuple(sorted(found))
    pairs = [
        (name, label) for label, key in enumerate(classes) for name in dict.fromkeys(found[key])
    ]
    repeated = sum(map(len, found.values())) - len(pairs)
    shared = sum(count > 1 for count in Counter(name for name, _ in pairs).values())
    whole = Split([name for name, _ in pairs], np.array([label for _, label in pairs]))
    piles = stratified_split(whole.y, SHARES, np.random.default_rng(SEED))
    valid, test, train = (whole.take(pile) for pile in piles)
    return Dataset(
        "names",
        train,
        valid,
        test,
        classes=classes,
        about=ABOUT,
        notes=[
            f"{repeated:,} names stood more than once among those of their language; each is kept "
            "once.",
            f"{shared:,} names belong to more than one language: the same name may stand in train "
            "under one and in test under another.",
        ],
    )
