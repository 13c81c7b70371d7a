"""Spans out of IOB2 tags, and how many of them were found: precision, recall, F1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """The words ``words[start:end]``, of a type such as "PER"."""

    type: str
    start: int
    end: int


def is_iob2(tags: Iterable[str]) -> bool:
    """Say whether these are tags of spans: "O", "B-TYPE", "I-TYPE", and not "O" alone.

    Example:
        >>> is_iob2(["O", "B-PER"]), is_iob2(["NOUN", "VERB"]), is_iob2(["O"])
        (True, False, False)
    """
    tags = set(tags)
    return bool(tags - {"O"}) and all(
        tag == "O" or (tag[:2] in ("B-", "I-") and len(tag) > 2) for tag in tags
    )


def spans(tags: Sequence[str]) -> list[Span]:
    """Return the spans that the IOB2 tags of one sentence mark.

    "B-X" begins a span of type X, "I-X" goes on with it. An "I-X" that follows neither begins one,
    as `conlleval` and seqeval have it.

    Args:
        tags: one for each word.

    Source: Tjong Kim Sang and De Meulder 2003, the CoNLL-2003 shared task.

    Example:
        >>> spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
        [Span(type='PER', start=0, end=2), Span(type='LOC', start=3, end=4), \
Span(type='LOC', start=4, end=5)]
    """
    found: list[Span] = []
    before = "O"
    for place, tag in enumerate(tags):
        kind = tag[2:]
        if tag != "O":
            if tag[0] == "I" and before[2:] == kind and before != "O":
                found[-1] = found[-1]._replace(end=place + 1)
            else:
                found.append(Span(kind, place, place + 1))
        before = tag
    return found


def as_iob2(tags: Sequence[str]) -> list[str]:
    """Return tags that mark the same spans, each of which begins with its "B-".

    Example:
        >>> as_iob2(["I-PER", "I-PER", "O", "I-LOC"])
        ['B-PER', 'I-PER', 'O', 'B-LOC']
    """
    correct = list(tags)
    for span in spans(tags):
        correct[span.start] = f"B-{span.type}"
    return correct


def span_scores(
    true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> dict[str, float]:
    r"""Return precision, recall and F1 of the spans, and the F1 of each type.

    With TP the spans of `predicted` that stand in `true` with the same words and the same type,
    `precision = TP / |predicted|`, `recall = TP / |true|`, `F1 = 2 TP / (|predicted| + |true|)`,
    over all sentences and types together (micro); 0 where there is nothing to divide by.

    Args:
        true: the tags of each sentence.
        predicted: those of the model, as many.

    Returns:
        "precision", "recall", "f1", and "f1/TYPE" for each type in either.

    Source: as seqeval counts by default (Nakayama 2018, github.com/chakki-works/seqeval).

    Example:
        >>> span_scores([["B-PER", "I-PER"], ["B-LOC"]], [["B-PER", "O"], ["B-LOC"]])
        {'precision': 0.5, 'recall': 0.5, 'f1': 0.5, 'f1/LOC': 1.0, 'f1/PER': 0.0}
    """
    here: Counter[str] = Counter()
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for tags, answers in zip(true, predicted, strict=True):
        these, those = spans(tags), spans(answers)
        here.update(span.type for span in these)
        found.update(span.type for span in those)
        right.update(span.type for span in set(these) & set(those))

    def share(part: int, whole: int) -> float:
        return part / whole if whole else 0.0

    hits = right.total()
    scores = {
        "precision": share(hits, found.total()),
        "recall": share(hits, here.total()),
        "f1": share(2 * hits, found.total() + here.total()),
    }
    for kind in sorted(set(here) | set(found)):
        scores[f"f1/{kind}"] = share(2 * right[kind], found[kind] + here[kind])
    return scores
