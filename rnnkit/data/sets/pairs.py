"""Data sets of text pairs: translations, and long texts with short ones."""

from __future__ import annotations

import re
from pathlib import Path

from rnnkit.data.archive import find, missing_dataset_error, read_members
from rnnkit.data.splits import Dataset, Split
from rnnkit.data.tables import decode, json_records
from rnnkit.errors import InputError

LANGUAGES = {"de": "German", "en": "English", "fr": "French"}

_MULTI30K = "multi30k.tar.xz"
_MULTI30K_HOME = "https://github.com/multi30k/dataset"
_MULTI30K_FILES = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
_MULTI30K_SIZES = {"train": 29_000, "valid": 1_014, "test": 1_000}

_AESLC = "aeslc.tar.xz"
_AESLC_HOME = "https://github.com/ryanzhumich/AESLC"
_AESLC_SIZES = {"train": 14_436, "valid": 1_960, "test": 1_906}
_SECTION = re.compile(r"^@(subject|ann\d+)$", re.MULTILINE)

_SCITLDR = "scitldr.tar.xz"
_SCITLDR_HOME = "https://github.com/allenai/scitldr"
_SCITLDR_SIZES = {"train": 1_992, "valid": 619, "test": 618}


def read_multi30k(source: str = "de", target: str = "en") -> Dataset:
    """Read captions of photographs in two of three languages, from ``multi30k.tar.xz``.

    Args:
        source: "de", "en" or "fr": the language of x.
        target: another of them: the language of y.

    Raises:
        InputError: another language, or the archive is not in ``$RNNKIT_DATA`` or the cache, is
            damaged or not the one expected.

    Example:
        >>> read_multi30k().train.y[2]  # doctest: +SKIP
        'A little girl climbing into a wooden playhouse.'
    """
    if {source, target} - set(LANGUAGES) or source == target:
        raise InputError(
            f"multi30k from {source!r} to {target!r}: expected two of {', '.join(LANGUAGES)}."
        )
    archive = _locate(_MULTI30K, "multi30k", _MULTI30K_HOME)
    stems = "|".join(_MULTI30K_FILES.values())
    wanted = re.compile(rf"({stems})\.({source}|{target})")
    found = {
        name: decode(data, f"{archive}, {name}").removesuffix("\n").split("\n")
        for name, data in read_members(archive, "multi30k", wanted)
    }
    splits = {}
    for part, stem in _MULTI30K_FILES.items():
        x, y = (found.get(f"{stem}.{language}", []) for language in (source, target))
        _check_size(archive, part, min(len(x), len(y)), _MULTI30K_SIZES[part])
        _check_size(archive, part, max(len(x), len(y)), _MULTI30K_SIZES[part])
        splits[part] = Split([line.strip() for line in x], [line.strip() for line in y])
    return Dataset(
        "multi30k" if (source, target) == ("de", "en") else f"multi30k_{source}_{target}",
        splits["train"],
        splits["valid"],
        splits["test"],
        about=(
            f"Captions of photographs, {LANGUAGES[source]} to {LANGUAGES[target]}: 29,000 pairs to "
            "train, 1,014 held out, 1,000 to test (test 2016). Elliott et al. 2016, for research."
        ),
    )


def read_aeslc(annotated: bool = False) -> Dataset:
    """Read e-mails and their subject lines, from ``aeslc.tar.xz``.

    Args:
        annotated: valid and test have, beside the subject that the writer gave, those that three
            readers gave; a prediction is then held against the nearest of the four.

    Raises:
        InputError: the archive is not in ``$RNNKIT_DATA`` or the cache, is damaged or not the one
            expected.

    Example:
        >>> read_aeslc().train.y[1]  # doctest: +SKIP
        'Service Agreement'
    """
    archive = _locate(_AESLC, "aeslc", _AESLC_HOME)
    rows: dict[str, list[tuple[str, str, list[str]]]] = {"train": [], "dev": [], "test": []}
    wanted = re.compile(r"enron_subject_line/(train|dev|test)/[^/]+\.subject")
    for name, data in read_members(archive, "aeslc", wanted):
        mail, *sections = _SECTION.split(decode(data, f"{archive}, {name}"))
        subjects = dict(zip(sections[::2], map(_squeezed, sections[1::2]), strict=True))
        if not mail.strip() or not subjects.get("subject"):
            raise InputError(f"{archive}, {name}: expected an e-mail and, below @subject, its own.")
        others = [text for key, text in sorted(subjects.items()) if key != "subject" and text]
        rows[name.split("/")[1]].append((name, mail.strip(), [subjects["subject"], *others]))
    splits = {}
    for part, folder in (("train", "train"), ("valid", "dev"), ("test", "test")):
        _check_size(archive, part, len(rows[folder]), _AESLC_SIZES[part])
        ordered = sorted(rows[folder])
        y = [subjects if annotated else subjects[0] for _, _, subjects in ordered]
        splits[part] = Split([mail for _, mail, _ in ordered], y)
    return Dataset(
        "aeslc_annotated" if annotated else "aeslc",
        splits["train"],
        splits["valid"],
        splits["test"],
        about=(
            "E-mails of the Enron corpus and their subject lines: 14,436 to train, 1,960 held out, "
            "1,906 to test. Zhang and Tetreault 2019, CC BY-NC-SA 4.0."
        ),
        notes=["Three readers' subjects beside the writer's are references of valid and test."]
        if annotated
        else [
            "The reference is the writer's own subject; aeslc_annotated has three readers', too."
        ],
    )


def read_scitldr() -> Dataset:
    """Read abstracts of papers and summaries in a sentence, from ``scitldr.tar.xz``.

    The first target, the authors', is learned; all that a paper has are references.

    Raises:
        InputError: the archive is not in ``$RNNKIT_DATA`` or the cache, is damaged or not the one
            expected.

    Example:
        >>> len(read_scitldr().train)  # doctest: +SKIP
        1992
    """
    archive = _locate(_SCITLDR, "scitldr", _SCITLDR_HOME)
    names = {"train": "train.jsonl", "valid": "dev.jsonl", "test": "test.jsonl"}
    found = dict(read_members(archive, "scitldr", re.compile(r"(train|dev|test)\.jsonl")))
    splits = {}
    for part, name in names.items():
        x, y = [], []
        source = f"{archive}, {name}"
        for where, record in json_records(decode(found.get(name, b""), source), source):
            try:
                x.append(" ".join(map(_squeezed, record["source"])))
                y.append([text for text in map(_squeezed, record["target"]) if text])
            except (KeyError, TypeError, AttributeError) as error:
                raise InputError(f"{where} is not as expected: {error}.") from error
        _check_size(archive, part, len(x), _SCITLDR_SIZES[part])
        splits[part] = Split(x, y)
    return Dataset(
        "scitldr",
        splits["train"],
        splits["valid"],
        splits["test"],
        about=(
            "Abstracts of papers on machine learning and what they say in a sentence: 1,992 to "
            "train, 619 held out, 618 to test. Cachola et al. 2020, Apache-2.0."
        ),
    )


def _locate(archive: str, name: str, home: str) -> Path:
    path = find(archive)
    if path is None:
        raise missing_dataset_error(
            name, archive, more=f" Its home is {home}, where the files are not packed so."
        )
    return path


def _check_size(archive: Path, part: str, came: int, expected: int) -> None:
    if came != expected:
        raise InputError(f"{archive} holds {came:,} pairs of {part}; expected {expected:,}.")


def _squeezed(text: str) -> str:
    return " ".join(text.split())
