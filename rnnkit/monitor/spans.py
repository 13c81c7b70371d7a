"""Spans of IOB2 tags, and their precision, recall and F1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rnnkit.deprecation import renamed_names


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


def extract_spans(tags: Sequence[str]) -> list[Span]:
    """Return the spans of the IOB2 tags of one sentence.

    "B-X" starts a span of type X, "I-X" continues it or (as in `conlleval`, seqeval) starts one.

    Source: Tjong Kim Sang and De Meulder 2003, the CoNLL-2003 shared task.

    Example:
        >>> extract_spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
        [Span(type='PER', start=0, end=2), Span(type='LOC', start=3, end=4), \
Span(type='LOC', start=4, end=5)]
    """
    found: list[Span] = []
    previous = "O"
    for position, tag in enumerate(tags):
        kind = tag[2:]
        if tag != "O":
            if tag[0] == "I" and previous[2:] == kind and previous != "O":
                found[-1] = found[-1]._replace(end=position + 1)
            else:
                found.append(Span(kind, position, position + 1))
        previous = tag
    return found


def to_iob2(tags: Sequence[str]) -> list[str]:
    """Convert IOB1 tags to IOB2: the same spans, each of which starts with "B-".

    Example:
        >>> to_iob2(["I-PER", "I-PER", "O", "I-LOC"])
        ['B-PER', 'I-PER', 'O', 'B-LOC']
    """
    correct = list(tags)
    for span in extract_spans(tags):
        correct[span.start] = f"B-{span.type}"
    return correct


def span_scores(
    true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> dict[str, float]:
    r"""Return micro-averaged precision, recall and F1 of spans, and the F1 of each type.

    With TP the spans of `predicted` that are in `true` with the same words and type,
    `precision = TP / |predicted|`, `recall = TP / |true|`, `F1 = 2 TP / (|predicted| + |true|)`,
    over all sentences and types (micro average); 0 for a denominator of 0.

    Args:
        true: the tags of each sentence.
        predicted: the tags of the model, as many.

    Returns:
        "precision", "recall", "f1", and "f1/TYPE" for each type in either.

    Source: the default mode of seqeval (Nakayama 2018, github.com/chakki-works/seqeval).

    Example:
        >>> span_scores([["B-PER", "I-PER"], ["B-LOC"]], [["B-PER", "O"], ["B-LOC"]])
        {'precision': 0.5, 'recall': 0.5, 'f1': 0.5, 'f1/LOC': 1.0, 'f1/PER': 0.0}
    """
    expected, found, correct = (Counter[str]() for _ in range(3))
    for tags, answers in zip(true, predicted, strict=True):
        true_spans, predicted_spans = extract_spans(tags), extract_spans(answers)
        expected.update(span.type for span in true_spans)
        found.update(span.type for span in predicted_spans)
        correct.update(span.type for span in set(true_spans) & set(predicted_spans))

    def ratio(part: int, whole: int) -> float:
        return part / whole if whole else 0.0

    hits = correct.total()
    scores = {
        "precision": ratio(hits, found.total()),
        "recall": ratio(hits, expected.total()),
        "f1": ratio(2 * hits, found.total() + expected.total()),
    }
    for kind in sorted(set(expected) | set(found)):
        scores[f"f1/{kind}"] = ratio(2 * correct[kind], found[kind] + expected[kind])
    return scores


__getattr__ = renamed_names(__name__, {"spans": "extract_spans", "as_iob2": "to_iob2"})
