"""Precision, recall and F1 of the spans that tags mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rnnkit.data.tag_schemes import Span, extract_spans, is_iob2, to_iob2
from rnnkit.deprecation import renamed_names

__all__ = ["Span", "extract_spans", "is_iob2", "span_scores", "to_iob2"]


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
