"""The data sets of tagged sentences: `uner_ewt`, `wnut17` (names), `ud_ewt` (parts of speech)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rnnkit.data.conll import Tagged, dataset, parse_conll, parse_conllu
from rnnkit.data.packed import contents_of
from rnnkit.data.splits import Dataset, Split
from rnnkit.errors import InputError


@dataclass(frozen=True)
class _Set:
    """Where a data set lies, what is in it, and how it is read."""

    name: str
    files: dict[str, str]
    counts: dict[str, int]
    parse: Callable[[bytes, str], Tagged]
    home: str
    about: str


_UNER = _Set(
    "uner_ewt",
    {part: f"en_ewt-ud-{part}.conll" for part in ("train", "dev", "test")},
    {"train": 12_543, "dev": 2_001, "test": 2_077},
    parse_conll,
    "https://github.com/UniversalNER/UNER_English-EWT",
    "Names of persons, organisations and places (IOB2) in English web texts: weblogs, newsgroups, "
    "e-mails, reviews, questions. Mayhew et al. 2024, Universal NER v1, CC BY-SA 4.0.",
)
_WNUT = _Set(
    "wnut17",
    {
        "train": "wnut17train.conll",
        "dev": "emerging.dev.conll",
        "test": "emerging.test.annotated",
    },
    {"train": 3_394, "dev": 1_009, "test": 1_287},
    parse_conll,
    "https://github.com/leondz/emerging_entities_17",
    "Names of six types (IOB2) in tweets, comments and posts, chosen so that hardly a name of test "
    "stands in train. Derczynski et al. 2017, WNUT shared task on emerging entities, CC BY 4.0.",
)
_UD = _Set(
    "ud_ewt",
    {part: f"en_ewt-ud-{part}.conllu" for part in ("train", "dev", "test")},
    {"train": 12_544, "dev": 2_001, "test": 2_077},
    parse_conllu,
    "https://github.com/UniversalDependencies/UD_English-EWT",
    "Universal parts of speech in English web texts. Silveira et al. 2014, UD English EWT 2.16, "
    "CC BY-SA 4.0.",
)


def read_uner() -> Dataset:
    """Read `uner_ewt`: names in web texts, three types.

    From ``uner_ewt.tar.xz`` in ``$RNNKIT_DATA`` or the cache; its files have four columns: word,
    UPOS, XPOS, name in IOB2.

    Raises:
        InputError: it is not there (the message says where to fetch it), damaged, or another one.

    Example:
        >>> read_uner().classes  # doctest: +SKIP
        ('B-LOC', 'B-ORG', 'B-PER', 'I-LOC', 'I-ORG', 'I-PER', 'O')
    """
    return _read(_UNER)


def read_wnut() -> Dataset:
    """Read `wnut17`: emerging names in tweets and comments, six types.

    From ``wnut17.tar.xz``, or the three files of its public home, in ``$RNNKIT_DATA`` or the cache.

    Raises:
        InputError: it is not there (the message says where to fetch it), damaged, or another one.

    Example:
        >>> len(read_wnut().train)  # doctest: +SKIP
        3394
    """
    return _read(_WNUT)


def read_ud() -> Dataset:
    """Read `ud_ewt`: universal parts of speech in web texts.

    From ``ud_ewt.tar.xz``, or the three files of its public home, in ``$RNNKIT_DATA`` or the cache.

    Raises:
        InputError: it is not there (the message says where to fetch it), damaged, or another one.

    Example:
        >>> len(read_ud().train)  # doctest: +SKIP
        12544
    """
    return _read(_UD)


def _read(which: _Set) -> Dataset:
    contents = contents_of(
        which.name,
        which.files,
        archive=f"{which.name}.tar.xz",
        folder=which.name,
        home=which.home,
    )
    splits = {}
    for part, (data, source) in contents.items():
        splits[part] = Split(*which.parse(data, source))
        if len(splits[part]) != which.counts[part]:
            raise InputError(
                f"{source} holds {len(splits[part]):,} sentences; expected {which.counts[part]:,}. "
                f"Fetch it again from {which.home}."
            )
    return dataset(which.name, splits["train"], splits["dev"], splits["test"], about=which.about)
