"""Data sets of text pairs: translation and summarization."""

from __future__ import annotations

import re
from dataclasses import replace

from rnnkit.data.release import Release
from rnnkit.data.splits import Dataset, Split
from rnnkit.data.tables import decode, json_records
from rnnkit.errors import InputError

LANGUAGES = {"de": "German", "en": "English", "fr": "French"}

_MULTI30K_FILES = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
_SECTION = re.compile(r"^@(subject|ann\d+)$", re.MULTILINE)

MULTI30K = Release(
    "multi30k",
    counts={"train": 29_000, "valid": 1_014, "test": 1_000},
    unit="pairs",
    hint="Its home is https://github.com/multi30k/dataset, where the files are not packed so.",
)
AESLC = Release(
    "aeslc",
    folder="aeslc/enron_subject_line",
    files=re.compile(r"(?:train|dev|test)/[^/]+\.subject"),
    counts={"train": 14_436, "valid": 1_960, "test": 1_906},
    unit="pairs",
    hint="Its home is https://github.com/ryanzhumich/AESLC, where the files are not packed so.",
    about="E-mails of the Enron corpus and their subject lines: 14,436 to train, 1,960 held out, "
    "1,906 to test. Zhang and Tetreault 2019, CC BY-NC-SA 4.0.",
)
SCITLDR = Release(
    "scitldr",
    files={"train": "train.jsonl", "valid": "dev.jsonl", "test": "test.jsonl"},
    counts={"train": 1_992, "valid": 619, "test": 618},
    unit="pairs",
    hint="Its home is https://github.com/allenai/scitldr, where the files are not packed so.",
    about="Abstracts of papers on machine learning and summaries of one sentence: 1,992 to train, "
    "619 held out, 618 to test. Cachola et al. 2020, Apache-2.0.",
)


def read_multi30k(source: str = "de", target: str = "en") -> Dataset:
    """Read captions of photographs in two of three languages.

    Args:
        source: "de", "en" or "fr": the language of x.
        target: another of them: the language of y.
    """
    if {source, target} - set(LANGUAGES) or source == target:
        raise InputError(f"multi30k from {source!r} to {target!r}: expected two of de, en, fr.")
    files = {
        f"{part} {language}": f"{stem}.{language}"
        for part, stem in _MULTI30K_FILES.items()
        for language in (source, target)
    }
    lines: dict[str, list[str]] = {}
    for key, (data, where) in replace(MULTI30K, files=files).read().items():
        text = decode(data, where).removesuffix("\n")
        lines[key] = [line.strip() for line in text.split("\n")]
        MULTI30K.check_count(key.split()[0], len(lines[key]), where)
    splits = {
        part: Split(lines[f"{part} {source}"], lines[f"{part} {target}"])
        for part in _MULTI30K_FILES
    }
    about = (
        f"Captions of photographs, {LANGUAGES[source]} to {LANGUAGES[target]}: 29,000 pairs to "
        "train, 1,014 held out, 1,000 to test (test 2016). Elliott et al. 2016, for research."
    )
    suffix = "" if (source, target) == ("de", "en") else f"_{source}_{target}"
    return MULTI30K.dataset(splits, name=f"multi30k{suffix}", about=about)


def read_aeslc(annotated: bool = False) -> Dataset:
    """Read e-mails and their subject lines.

    Args:
        annotated: valid and test have four references: the writer's subject and three annotators'.
    """
    rows: dict[str, list[tuple[str, str, list[str]]]] = {"train": [], "dev": [], "test": []}
    for name, (data, source) in AESLC.read().items():
        mail, *sections = _SECTION.split(decode(data, source))
        subjects = dict(zip(sections[::2], map(_squeezed, sections[1::2]), strict=True))
        if not mail.strip() or not subjects.get("subject"):
            raise InputError(f"{source}: expected an e-mail and, below @subject, its subject.")
        others = [text for key, text in sorted(subjects.items()) if key != "subject" and text]
        rows[name.split("/")[0]].append((name, mail.strip(), [subjects["subject"], *others]))
    splits = {}
    for part, folder in (("train", "train"), ("valid", "dev"), ("test", "test")):
        AESLC.check_count(part, len(rows[folder]), f"{AESLC.path()}, {folder},")
        ordered = sorted(rows[folder])
        y = [subjects if annotated else subjects[0] for _, _, subjects in ordered]
        splits[part] = Split([mail for _, mail, _ in ordered], y)
    if annotated:
        note = "Valid and test have four references, three of them by annotators."
        return AESLC.dataset(splits, name="aeslc_annotated", notes=[note])
    note = "The reference is the writer's subject; aeslc_annotated adds three annotators'."
    return AESLC.dataset(splits, notes=[note])


def read_scitldr() -> Dataset:
    """Read abstracts of papers and summaries of one sentence.

    The first target, by the authors, is trained on; all targets of a paper are references.
    """
    splits = {}
    for part, (data, source) in SCITLDR.read().items():
        x, y = [], []
        for where, record in json_records(decode(data, source), source):
            try:
                x.append(" ".join(map(_squeezed, record["source"])))
                y.append([text for text in map(_squeezed, record["target"]) if text])
            except (KeyError, TypeError, AttributeError) as error:
                raise InputError(f"{where} is not as expected: {error}.") from error
        SCITLDR.check_count(part, len(x), source)
        splits[part] = Split(x, y)
    return SCITLDR.dataset(splits)


def _squeezed(text: str) -> str:
    return " ".join(text.split())
