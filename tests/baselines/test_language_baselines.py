"""Baselines of tags and texts: published figures, and probabilities computed by hand."""

from __future__ import annotations

import math

import pytest

from rnnkit import datasets
from rnnkit.baselines import copy_source, kneser_ney, most_frequent_tag
from rnnkit.baselines.language import KneserNey
from rnnkit.baselines.word_vectors import gensim_word2vec
from rnnkit.data.splits import Dataset, Split
from rnnkit.embeddings import SkipGram


@pytest.fixture
def real(data_folder, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "measure", "published"),
    [("uner_ewt", "f1", 50.7), ("ud_ewt", "accuracy", 89.3), ("wnut17", "f1", 0)],
)
def test_most_frequent_tag_reaches_the_published_figures(real, name, measure, published):
    found = most_frequent_tag(datasets.load(name))["test"]
    # How words with several tags in train were treated is not published.
    assert 100 * found[measure] == pytest.approx(published, abs=1.5)


@pytest.mark.data
def test_the_first_line_reaches_the_published_figures(real):
    found = copy_source(datasets.load("aeslc"), {"recipe": "summarizer"})["test"]
    assert list(found.values()) == pytest.approx([15.4, 6.6, 14.2], abs=0.5)


def test_names_are_found_the_longest_first():
    train = Split(
        [["New", "York", "Times"], ["York", "New", "York"]],
        [["B-ORG", "I-ORG", "I-ORG"], ["B-LOC", "B-LOC", "I-LOC"]],
    )
    test = Split(
        [["the", "New", "York", "Times", "of", "York", "and", "New", "York"]],
        [["O", "B-ORG", "I-ORG", "I-ORG", "O", "B-LOC", "O", "B-LOC", "B-LOC"]],
    )
    classes = ("B-LOC", "B-ORG", "I-LOC", "I-ORG", "O")
    found = most_frequent_tag(Dataset("x", train, train, test, classes))["test"]
    assert found["accuracy"] == pytest.approx(8 / 9)  # New York is one name here
    assert found["f1/ORG"] == 1
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx(2 / 4)


def test_tokens_per_second_are_those_of_all_epochs(monkeypatch):
    monkeypatch.setattr(SkipGram, "evaluate", lambda self, **options: {"analogies": 0.5})
    part = Split([["a", "b", "c"]] * 50, None)
    small = {"vector_size": 4, "min_count": 1, "epochs": 2, "sample": 0}
    found = gensim_word2vec(Dataset("x", part, part, part, ()), {"recipe": "word_vectors", **small})
    assert found["tokens_per_second"] * found["seconds"] == pytest.approx(2 * 150)
    assert found["test"] == {"analogies": 0.5}
    assert found["parameters"] == 2 * 3 * 4


def test_one_word_and_none_are_measured_too():
    train = Split([["Ann", "ran"]], [["NOUN", "VERB"]])
    for words, tags, right in (["ran"], ["VERB"], 1.0), (["ran"], ["NOUN"], 0.0), ([], [], 0.0):
        data = Dataset("x", train, train, Split([words], [tags]), ("NOUN", "VERB"))
        assert most_frequent_tag(data)["test"] == {"accuracy": right}


def test_probabilities_of_ngrams_by_hand():
    # Of "a b a c": ab, ba, ac once each: d = 3 / (3 + 0) = 1; before each token stand: a: 1 (b) and
    # the text's first, b: 1, c: 1, of 4 in all; their d = 2 / (2 + 2) = 1/2, shared among V = 4.
    model = KneserNey([list("abac")], order=2, size=4)
    below = {"a": (2 - 0.5) / 4 + 0.5 * 3 / 4 / 4, "b": 0.5 / 4 + 0.5 * 3 / 4 / 4}
    assert model.probability((), "a") == pytest.approx(below["a"])
    assert model.probability(("a",), "b") == pytest.approx((0 + 1 * 2 * below["b"]) / 2)
    assert model.probability(("x",), "b") == pytest.approx(below["b"])
    for before in ((), ("a",), ("b",), ("x",)):
        assert sum(model.probability(before, token) for token in "abcx") == pytest.approx(1)


def test_ngrams_are_measured_with_the_vocabulary_of_the_run():
    train = Split(["a b a b\na b a b"])
    data = Dataset("x", train, train, Split(["a b z"]))
    found = kneser_ney(data, {"unit": "word", "min_count": 1, "vocabulary_size": 5})["test"]
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]))
    in_characters = kneser_ney(data, {"unit": "character"})["test"]
    assert in_characters["bits_per_character"] == pytest.approx(in_characters["loss"] / math.log(2))


def test_ngrams_count_the_tokens_of_a_tokenizer_of_keras_hub(tmp_path):
    from keras_hub.tokenizers import ByteTokenizer, WordPieceTokenizer

    train = Split(["abab abba", "baab"], None)
    dataset = Dataset("x", train, train, Split(["abba ab"], None), ())
    characters = kneser_ney(dataset, {"recipe": "text_generator", "tokenizer": ByteTokenizer()})
    by_hand = KneserNey([list(text) for text in train.x], order=3, size=4)
    loss = by_hand.negative_log_likelihood(list("abba ab")) / 7
    assert characters["test"] == pytest.approx({"loss": loss, "perplexity": math.exp(loss)})
    WordPieceTokenizer(["[UNK]", "ab", "ba", "##ab", "##ba"]).save_to_preset(str(tmp_path))
    assert kneser_ney(dataset, {"recipe": "next_word", "tokenizer": str(tmp_path)})["test"]
