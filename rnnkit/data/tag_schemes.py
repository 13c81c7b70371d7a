"""Schemes in which tags mark spans: IOB1, IOB2, BIOES, BILOU and their kin, read as IOB2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

from rnnkit.errors import InputError, quote
from rnnkit.settings.tagging import TagScheme

# The letters before a tag's type. B begins a span, S and U are all of one, I and M continue it, E
# and L end it.
PREFIXES = {
    "iob1": "BI",
    "iob2": "BI",
    "bioes": "BIES",
    "bilou": "BILU",
    "bmes": "BMES",
    "ioe": "IE",
}
_TAG = re.compile(r"O|[BIESLUM]-.+", re.DOTALL)


class Span(NamedTuple):
    """The span ``words[start:end]`` of a type such as "PER"."""

    type: str
    start: int
    end: int


def is_iob2(tags: Iterable[str]) -> bool:
    """Return whether the tags are IOB2: only "O", "B-TYPE", "I-TYPE", and at least one of a span.

    Example:
        >>> is_iob2(["O", "B-PER"]), is_iob2(["NOUN", "VERB"]), is_iob2(["O"])
        (True, False, False)
    """
    tags = set(tags)
    return bool(tags - {"O"}) and all(
        tag == "O" or (tag[:2] in ("B-", "I-") and len(tag) > 2) for tag in tags
    )


def detect_scheme(rows: Iterable[Sequence[str]]) -> str | None:
    """Return the scheme of the tags of sentences, or None where they mark no spans.

    All tags have to be of one scheme. Tags that only single words bear ("S-PER", "U-PER") are one
    where "O" stands beside them.

    Example:
        >>> detect_scheme([["I-PER", "O"]]), detect_scheme([["B-PER", "E-PER", "O", "S-LOC"]])
        ('iob1', 'bioes')
        >>> detect_scheme([["NOUN", "VERB"]])
    """
    rows = list(rows)
    tags = {tag for row in rows for tag in row}
    letters = {tag[0] for tag in tags if tag != "O"}
    if not letters or not all(map(_TAG.fullmatch, tags)):
        return None
    if letters <= set("BI"):
        return "iob2" if all(to_iob2(row) == list(row) for row in rows) else "iob1"
    if "O" not in tags and "B" not in letters:
        return None
    return next((name for name, known in PREFIXES.items() if letters <= set(known)), None)


def extract_spans(tags: Sequence[str]) -> list[Span]:
    """Return the spans of the tags of one sentence, of any scheme.

    "B-X" and "S-X" start a span of type X. "I-X" and "E-X" continue one or (as in `conlleval` and
    seqeval) start one, where there is none of the type to continue. After "E-X" and "S-X" the span
    is complete. L is read as E, U as S, and M as I.

    Source: Tjong Kim Sang and De Meulder 2003, the CoNLL-2003 shared task.

    Example:
        >>> extract_spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
        [Span(type='PER', start=0, end=2), Span(type='LOC', start=3, end=4), \
Span(type='LOC', start=4, end=5)]
    """
    found: list[Span] = []
    open_type: str | None = None
    for position, tag in enumerate(tags):
        if tag == "O":
            open_type = None
            continue
        letter, kind = tag[0], tag[2:]
        if letter in "IMEL" and kind == open_type:
            found[-1] = found[-1]._replace(end=position + 1)
        else:
            found.append(Span(kind, position, position + 1))
        open_type = None if letter in "ELSU" else kind
    return found


def to_iob2(tags: Sequence[str]) -> list[str]:
    """Return tags of another scheme as IOB2: the same spans, each of which starts with "B-".

    Example:
        >>> to_iob2(["I-PER", "I-PER", "O", "I-LOC"]), to_iob2(["B-PER", "E-PER", "S-LOC"])
        (['B-PER', 'I-PER', 'O', 'B-LOC'], ['B-PER', 'I-PER', 'B-LOC'])
    """
    correct = list(tags)
    for span in extract_spans(tags):
        correct[span.start] = f"B-{span.type}"
        correct[span.start + 1 : span.end] = [f"I-{span.type}"] * (span.end - span.start - 1)
    return correct


def iob2_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of tags of a scheme as IOB2, in which every type has a "B-"; others as is.

    Example:
        >>> iob2_classes(["I-PER", "O"]), iob2_classes(["O", "S-PER"]), iob2_classes(["NOUN"])
        (('I-PER', 'O', 'B-PER'), ('O', 'B-PER'), ('NOUN',))
    """
    if detect_scheme([classes]) is None:
        return tuple(classes)
    letters = dict(zip("OBIMELSU", "OBIIIIBB", strict=True))
    found = [tag if tag == "O" else f"{letters[tag[0]]}-{tag[2:]}" for tag in classes]
    begun = [f"B-{tag[2:]}" for tag in found if tag[0] == "I"]
    return tuple(dict.fromkeys([*found, *begun]))


def check_scheme(rows: Iterable[Sequence[str]], scheme: str | None, name: str) -> None:
    """Refuse a tag that is none of a scheme that was named; None and "plain" allow all.

    Args:
        rows: the tags of each sentence.
        scheme: see `rnnkit.settings.tagging.TagScheme`.
        name: of the sentences, for the message.

    Raises:
        InputError: another tag, or no such scheme.

    Example:
        >>> check_scheme([["O", "S-PER"]], "iob2", "my.conll")
        Traceback (most recent call last):
        rnnkit.errors.InputError: my.conll: 'S-PER' (sentence 0, word 1) is no tag of iob2, which \
has O, B-TYPE, I-TYPE. Name another tag_scheme, or leave it out: it is found from the tags.
    """
    if scheme is not None and scheme not in get_args(TagScheme):
        raise InputError(f"tag_scheme is {quote(scheme)}; expected one of {get_args(TagScheme)}.")
    if scheme in (None, "plain"):
        return
    known = PREFIXES[scheme]
    for i, row in enumerate(rows):
        for j, tag in enumerate(row):
            if tag != "O" and (tag[0] not in known or not _TAG.fullmatch(tag)):
                shown = ", ".join(["O", *(f"{letter}-TYPE" for letter in known)])
                raise InputError(
                    f"{name}: {quote(tag)} (sentence {i}, word {j}) is no tag of {scheme}, which "
                    f"has {shown}. Name another tag_scheme, or leave it out: it is found from the "
                    "tags."
                )


def converted(rows: list[list[str]]) -> list[list[str]]:
    """Return the tags of sentences as IOB2; tags that are of no scheme stay as they are.

    Example:
        >>> converted([["I-PER", "O"], ["NOUN"]])
        [['B-PER', 'O'], ['NOUN']]
    """
    return [to_iob2(row) if all(map(_TAG.fullmatch, row)) else row for row in rows]
