"""Spans and their scores, as seqeval counts them."""

from __future__ import annotations

import random
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval import metrics
from seqeval.metrics.sequence_labeling import get_entities

from rnnkit.monitor.spans import extract_spans, is_iob2, span_scores, to_iob2

TAGS = ["O", "B-PER", "I-PER", "B-creative-work", "I-creative-work", "I-LOC"]
SENTENCES = st.lists(
    st.lists(st.sampled_from(TAGS), min_size=1, max_size=9), min_size=1, max_size=6
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(TAGS), max_size=12))
def test_spans_are_those_of_seqeval(tags):
    expected = [(kind, start, end + 1) for kind, start, end in get_entities(tags)] if tags else []
    assert [tuple(span) for span in extract_spans(tags)] == expected
    # Correct tags mark the same spans, and need no correction.
    assert extract_spans(to_iob2(tags)) == extract_spans(tags)
    assert to_iob2(to_iob2(tags)) == to_iob2(tags)


@settings(max_examples=100, deadline=None)
@given(SENTENCES, st.integers(0, 10**6))
def test_scores_are_those_of_seqeval(true, seed):
    draw = random.Random(seed)
    predicted = [[draw.choice([tag, *TAGS]) for tag in row] for row in true]
    scores = span_scores(true, predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what there is none to divide by
        assert scores["precision"] == pytest.approx(metrics.precision_score(true, predicted))
        assert scores["recall"] == pytest.approx(metrics.recall_score(true, predicted))
        assert scores["f1"] == pytest.approx(metrics.f1_score(true, predicted))
        try:
            report = metrics.classification_report(true, predicted, output_dict=True)
        except ValueError:  # seqeval's, where there is no span at all
            report = {}
    kinds = {kind for kind in report if not kind.endswith(" avg")}
    assert {name[3:] for name in scores if name.startswith("f1/")} == kinds
    for kind in kinds:
        assert scores[f"f1/{kind}"] == pytest.approx(report[kind]["f1-score"])


def test_a_span_never_runs_from_one_sentence_into_the_next():
    assert span_scores([["B-PER"], ["I-PER"]], [["B-PER"], ["B-PER"]])["f1"] == 1.0


@pytest.mark.parametrize(
    ("tags", "answer"),
    [
        (["O", "B-PER"], True),
        (["O"], False),
        ([], False),
        (["B-"], False),
        (["O", "B-PER", "S-PER"], False),
        (["NOUN", "O"], False),
    ],
)
def test_which_tags_mark_spans(tags, answer):
    assert is_iob2(tags) is answer
