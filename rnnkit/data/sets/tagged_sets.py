"""The data sets of tagged sentences: `uner_ewt`, `wnut17` (names), `ud_ewt` (parts of speech)."""

from __future__ import annotations

from collections.abc import Callable

from rnnkit.data.conll import Tagged, dataset, parse_conll, parse_conllu
from rnnkit.data.release import Release
from rnnkit.data.splits import Dataset, Split


def _release(
    name: str, files: dict[str, str], counts: dict[str, int], home: str, about: str
) -> Release:
    return Release(
        name, files=files, separate=files, counts=counts, unit="sentences", home=home, about=about
    )


UNER = _release(
    "uner_ewt",
    {part: f"en_ewt-ud-{part}.conll" for part in ("train", "dev", "test")},
    {"train": 12_543, "dev": 2_001, "test": 2_077},
    "https://github.com/UniversalNER/UNER_English-EWT",
    "Names of persons, organisations and places (IOB2) in English web texts: weblogs, newsgroups, "
    "e-mails, reviews, questions. Mayhew et al. 2024, Universal NER v1, CC BY-SA 4.0.",
)
WNUT = _release(
    "wnut17",
    {"train": "wnut17train.conll", "dev": "emerging.dev.conll", "test": "emerging.test.annotated"},
    {"train": 3_394, "dev": 1_009, "test": 1_287},
    "https://github.com/leondz/emerging_entities_17",
    "Names of six types (IOB2) in tweets, comments and posts; hardly a name of test occurs in "
    "train. Derczynski et al. 2017, WNUT shared task on emerging entities, CC BY 4.0.",
)
UD = _release(
    "ud_ewt",
    {part: f"en_ewt-ud-{part}.conllu" for part in ("train", "dev", "test")},
    {"train": 12_544, "dev": 2_001, "test": 2_077},
    "https://github.com/UniversalDependencies/UD_English-EWT",
    "Universal parts of speech in English web texts. Silveira et al. 2014, UD English EWT 2.16, "
    "CC BY-SA 4.0.",
)


def read_uner() -> Dataset:
    """Read `uner_ewt`: names in web texts, three types (persons, organisations, places).

    The files have four columns: word, UPOS, XPOS, name in IOB2.
    """
    return _read(UNER, parse_conll)


def read_wnut() -> Dataset:
    """Read `wnut17`: emerging names in tweets and comments, six types."""
    return _read(WNUT, parse_conll)


def read_ud() -> Dataset:
    """Read `ud_ewt`: universal parts of speech in web texts."""
    return _read(UD, parse_conllu)


def _read(release: Release, parse: Callable[[bytes, str], Tagged]) -> Dataset:
    splits = {}
    for part, (data, source) in release.read().items():
        splits[part] = Split(*parse(data, source))
        release.check_count(part, len(splits[part]), source)
    return dataset(release.name, splits["train"], splits["dev"], splits["test"], release.about)
