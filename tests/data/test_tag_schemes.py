"""Tags of every scheme mean the same spans, in files, classes and metrics."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval import metrics
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB2, IOBES, IOE2, Entities

from rnnkit.baselines.taggers import most_frequent_tag
from rnnkit.data.conll import from_path
from rnnkit.data.splits import Dataset, Split
from rnnkit.data.tag_schemes import (
    check_scheme,
    converted,
    detect_scheme,
    extract_spans,
    iob2_classes,
    to_iob2,
)
from rnnkit.errors import InputError
from rnnkit.monitor.spans import span_scores
from rnnkit.recipes import name_tagger
from rnnkit.tasks import load

pytestmark = pytest.mark.one_backend
MANY = 5_000 if os.environ.get("RNNKIT_DEEP") else 60
# (first, inside, last, single) of a span; IOB1 and IOE1 depend on the span beside it.
LETTERS = {"iob2": "BIIB", "bioes": "BIES", "bilou": "BILU", "bmes": "BMES"}
SEQEVAL = {"iob2": IOB2, "bioes": IOBES, "bilou": BILOU, "ioe2": IOE2}


def written(spans, length, scheme):
    """Tags of spans `(start, end, type)` in a scheme, by its definition."""
    tags = ["O"] * length
    for start, end, kind in spans:
        follows = any((b, k) == (start, kind) for _, b, k in spans)
        precedes = any((a, k) == (end, kind) for a, _, k in spans)
        for i in range(start, end):
            if scheme == "iob1":
                letter = "B" if i == start and follows else "I"
            elif scheme in ("ioe1", "ioe2"):
                letter = "E" if i == end - 1 and (precedes or scheme == "ioe2") else "I"
            else:
                place = 3 if end - start == 1 else 0 if i == start else 2 if i == end - 1 else 1
                letter = LETTERS[scheme][place]
            tags[i] = f"{letter}-{kind}"
    return tags


@st.composite
def sentence(draw):
    spans, place = [], 0
    for _ in range(draw(st.integers(0, 4))):
        start = place + draw(st.integers(0, 2))
        place = start + draw(st.integers(1, 4))
        spans.append((start, place, draw(st.sampled_from(["PER", "LOC", "creative-work"]))))
    return spans, place + draw(st.integers(0, 2))


@settings(max_examples=MANY, deadline=None)
@given(sentence())
def test_every_scheme_says_the_same(drawn):
    spans, length = drawn
    right = written(spans, length, "iob2")
    for scheme in ("iob1", "ioe1", "ioe2", *LETTERS):
        tags = written(spans, length, scheme)
        assert [(s.start, s.end, s.type) for s in extract_spans(tags)] == spans
        assert to_iob2(tags) == right
        known = SEQEVAL.get(scheme)
        if known and length:
            found = [(e.start, e.end, e.tag) for e in Entities([tags], known).entities[0]]
            assert found == spans


@settings(max_examples=MANY, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("OBIES"), st.sampled_from(["X", "Y"])), min_size=1, max_size=12
    )
)
def test_tags_that_follow_no_rule_are_read_as_seqeval_reads_them(drawn):
    tags = ["O" if letter == "O" else f"{letter}-{kind}" for letter, kind in drawn]
    spans = [(kind, start, end + 1) for kind, start, end in get_entities(tags)]
    assert [tuple(span) for span in extract_spans(tags)] == spans
    assert extract_spans(to_iob2(tags)) == extract_spans(tags)
    other = [tag.replace("E-", "L-").replace("S-", "U-").replace("I-", "M-") for tag in tags]
    assert extract_spans(other) == extract_spans(tags)


@settings(max_examples=MANY, deadline=None)
@given(st.lists(sentence(), min_size=1, max_size=4), st.sampled_from(["iob1", *LETTERS]))
def test_scores_do_not_depend_on_the_scheme(drawn, scheme):
    drawn = [(spans, length) for spans, length in drawn if length]
    true = [written(*one, scheme) for one in drawn]
    guess = [written(spans[1:], length, "iob2") for spans, length in drawn]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what there is none to divide by
        f1 = metrics.f1_score([written(*one, "iob2") for one in drawn] or [["O"]], guess or [["O"]])
    assert span_scores(true, guess)["f1"] == pytest.approx(f1)


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        ([["I-PER", "I-PER", "O"]], "iob1"),
        ([["B-PER", "I-PER"], ["O"]], "iob2"),
        ([["O", "S-PER"]], "bioes"),
        ([["O", "U-PER"]], "bilou"),
        ([["B-PER", "E-PER"]], "bioes"),
        ([["B-PER", "L-PER"]], "bilou"),
        ([["B-PER", "M-PER", "E-PER"]], "bmes"),
        ([["O", "I-PER", "E-PER"]], "bioes"),
        ([["O"]], None),
        ([["S-ADJ", "S-N"]], None),  # words of a tag set that has hyphens
        ([["O", "S-PER", "U-PER"]], None),
        ([["B-PER", "NOUN"]], None),
        ([["B-", "O"]], None),
        ([[]], None),
    ],
)
def test_the_scheme_is_found_from_the_tags(rows, scheme):
    assert detect_scheme(rows) == scheme


def test_classes_get_what_iob2_needs():
    assert iob2_classes(["I-LOC", "I-PER", "O"]) == ("I-LOC", "I-PER", "O", "B-LOC", "B-PER")
    assert iob2_classes(["O", "B-X", "E-X", "S-X", "S-Y"]) == ("O", "B-X", "I-X", "B-Y")
    for kept in (("O", "B-X"), ("NOUN", "VERB"), ()):
        assert iob2_classes(kept) == kept


def test_tags_of_another_scheme_than_the_named_one_are_refused(tmp_path):
    for scheme in (None, "plain"):
        check_scheme([["S-PER", "NOUN"]], scheme, "x")
    with pytest.raises(InputError, match=r"mine.conll: 'S-PER' \(sentence 1, word 1\) is no tag"):
        check_scheme([["O"], ["O", "S-PER"]], "iob1", "mine.conll")
    with pytest.raises(InputError, match="tag_scheme is 'bio'; expected one of"):
        check_scheme([], "bio", "x")
    path = tmp_path / "mine.conll"
    path.write_text("Ann\tS-PER\nran\tO\n\n" * 20)
    with pytest.raises(InputError, match=r"mine.conll: 'S-PER' .* tag_scheme"):
        from_path(path, tag_scheme="iob2")
    with pytest.raises(InputError, match="tag_scheme is 'bio'"):
        name_tagger(tag_scheme="bio")


# Files, models and baselines.

SPANS = [([(0, 2, "PER"), (3, 4, "PER")], 4), ([(0, 1, "LOC"), (1, 3, "LOC")], 4)] * 12
WORDS = [["Ann", "Smith", "met", "Bob"], ["Rome", "New", "York", "grow"]] * 12


def tagged(scheme):
    return [written(spans, length, scheme) for spans, length in SPANS]


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes", "bilou", "bmes"])
def test_a_file_is_read_as_iob2(tmp_path, scheme):
    path = tmp_path / "mine.conll"
    rows = zip(WORDS, tagged(scheme), strict=True)
    text = ["".join(f"{w}\t{t}\n" for w, t in zip(*row, strict=True)) for row in rows]
    path.write_text("\n".join(text))
    data = from_path(path)
    assert data.classes == ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")
    assert data.train.y[0] in (tagged("iob2")[0], tagged("iob2")[1])
    assert bool(data.notes) == (scheme != "iob2")
    assert from_path(path, tag_scheme=scheme).train.y == data.train.y
    plain = from_path(path, tag_scheme="plain")
    assert (plain.train.y == data.train.y) == (scheme == "iob2")


def test_a_baseline_reads_every_scheme():
    def answers(scheme):
        split = Split(WORDS, tagged(scheme))
        names = tuple(sorted({tag for row in split.y for tag in row}))
        return most_frequent_tag(Dataset("x", split, split, split, names))["test"]

    assert answers("bioes") == answers("iob1") == answers("iob2")
    assert answers("bilou")["f1"] == 1.0


def test_a_tagger_learns_and_measures_every_scheme_alike(tmp_path):
    sizes = {"units": 2, "embedding_size": 2, "character_units": 2, "word_length": 3, "epochs": 1}
    scores = []
    for scheme, classes in (
        ("iob2", None),
        ("bioes", None),
        ("iob1", ("I-PER", "I-LOC", "O", "B-LOC")),
    ):
        model = name_tagger(**sizes, dropout=0.0, classes=classes)
        options = {"verbose": 0, "initial_epoch": 1, "epochs": 1}  # nothing is learned
        model.fit(WORDS, tagged(scheme), **options)
        assert set(model.classes) == {"B-LOC", "B-PER", "I-LOC", "I-PER", "O"}
        found = [
            model.evaluate(WORDS, tagged(other), return_dict=True, verbose=0)
            for other in ("iob1", "iob2", "bioes", "bilou")
        ]
        assert all(one == found[0] for one in found)
        assert "f1" in found[0]
        scores.append(found[0])
    for name in scores[0]:
        np.testing.assert_allclose(scores[0][name], scores[1][name], rtol=1e-6)
    truth = [tag for row in tagged("iob2") for tag in row]
    answers = [tag for row in model.predict(WORDS) for tag in row]
    assert scores[-1]["accuracy"] == np.mean([a == b for a, b in zip(truth, answers, strict=True)])
    model.save(tmp_path / "model.keras")
    assert load(tmp_path / "model.keras").marks_spans()
    with pytest.raises(InputError, match="hold 'NOUN'; the model knows"):
        model.evaluate(WORDS[:1], [["NOUN"] * 4], verbose=0)


def test_plain_tags_mark_no_spans():
    sizes = {"units": 2, "embedding_size": 2, "characters": None, "epochs": 1}
    model = name_tagger(**sizes, tag_scheme="plain")
    model.fit(WORDS, tagged("iob1"), verbose=0, initial_epoch=1, epochs=1)
    assert set(model.classes) == {"I-LOC", "I-PER", "O", "B-LOC"}
    assert set(model.evaluate(WORDS, tagged("iob1"), return_dict=True, verbose=0)) == {
        "loss",
        "accuracy",
    }
    assert model.monitored_metric == "val_accuracy"
    assert converted([["O", "S-X"], ["S"]]) == [["O", "B-X"], ["S"]]
