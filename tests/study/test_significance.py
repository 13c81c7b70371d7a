"""Which differences of recipes mean something: from kept answers to the sentences of a report."""

import numpy as np
import pytest
from finished_runs import CLASSES, Study, classified
from sklearn.metrics import f1_score

from rnnkit.errors import InputError
from rnnkit.study.kept_answers import bleu_of_sums, measures, read_answers
from rnnkit.study.significance import Pair, PairTests, pair_tests
from rnnkit.study.significance_report import lines, sentence
from rnnkit.tasks.text_to_text import text_scores


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path)


def with_three(study, seeds=3, size=1000):
    truth = np.random.default_rng(0).integers(0, 2, size).astype("int32")
    for number, (recipe, accuracy) in enumerate([("rnn", 0.7), ("gru", 0.9), ("lstm", 0.9)]):
        for seed in range(seeds):
            study.add(recipe, seed, classified(truth, accuracy, 10 * number + seed))
    return truth


def test_a_large_difference_is_supported_and_none_is_not(study):
    with_three(study)
    tests = pair_tests(study, draws=2000)
    assert (tests.examples, tests.notes) == (1000, [])
    assert {pair.measure for pair in tests.pairs} == {"accuracy", "f1"}
    for measure in ("accuracy", "f1"):
        assert tests.difference("rnn", "gru", measure).better == "gru"
        assert tests.difference("lstm", "rnn", measure).better == "lstm"
        assert tests.difference("gru", "lstm", measure).better is None
    pair = tests.difference("gru", "rnn", "accuracy")
    assert pair.low < pair.difference < pair.high
    assert pair.difference == pytest.approx(0.2, abs=0.03)
    assert pair.mcnemar < 1e-6 < 0.05 < tests.difference("gru", "lstm", "accuracy").mcnemar
    assert pair.p <= pair.corrected
    text = "\n".join(lines(tests))
    assert "gru is better than rnn: +" in text
    assert "no difference that these data support" in text
    assert [one.seeds for one in tests.intervals] == [3] * 6


def test_one_seed_is_said_to_be_one(study):
    with_three(study, seeds=1)
    tests = pair_tests(study, draws=500)
    assert tests.notes[0].startswith("One seed of rnn, gru, lstm: ")
    assert "; one seed of rnn and gru: another may differ" in "\n".join(lines(tests, ["TF-IDF"]))
    told = "\n".join(lines(tests, ["TF-IDF"]))
    assert "- Not tested, as their answers are not kept: TF-IDF." in told


def test_a_difference_between_seeds_is_none_between_recipes(study):
    truth = np.random.default_rng(0).integers(0, 2, 2000)
    for number, recipe in enumerate(("rnn", "lstm")):
        for seed, accuracy in enumerate((0.6, 0.9, 0.7 + 0.05 * number)):
            study.add(recipe, seed, classified(truth, accuracy, 10 * number + seed))
    pair = pair_tests(study, draws=1000).difference("rnn", "lstm", "accuracy")
    assert pair.better is None
    assert pair.high - pair.low > 0.3


def test_less_is_better_for_errors(study):
    rng = np.random.default_rng(1)
    error = rng.random(100)
    for recipe, scale in (("first", 2.0), ("second", 1.0)):
        kept = {"absolute_error": scale * error, "squared_error": scale * error**2}
        study.add(recipe, 0, {**kept, "targets": np.full(100, 3.0)})
    tests = pair_tests(study, draws=500)
    assert tests.difference("first", "second", "mae").better == "second"
    assert tests.difference("first", "second", "mae").mcnemar is None
    assert "second is better than first: −0.1" in "\n".join(lines(tests))
    with pytest.raises(InputError, match=r"were not tested in 'f1'\. Tested: first and second"):
        tests.difference("first", "second", "f1")


def test_runs_that_cannot_be_tested_are_named(study):
    truth = with_three(study, seeds=2, size=60)
    study["rnn-seed1"].folder.answers.unlink()
    study["gru-seed1"].results["test"]["accuracy"] += 0.05
    study["lstm-seed1"].folder.answers.write_bytes(b"PK\x03\x04 and nothing")
    study.add("jordan", 0, classified(1 - truth, 0.8, 1))
    study.add("elman", 0, {"words": truth + 1, "words_right": truth})
    tests = pair_tests(study, draws=200)
    said = {note.partition(" ")[0]: note for note in tests.notes}
    assert "is missing: the run was made by an earlier version" in said["rnn-seed1"]
    assert "they are of another model" in said["gru-seed1"]
    assert "is damaged" in said["lstm-seed1"]
    assert "not measured on the same examples" in said["jordan-seed0"]
    assert "not measured on the same examples" in said["elman-seed0"]
    assert [one.recipe for one in tests.intervals[:3]] == ["rnn", "gru", "lstm"]
    assert all(one.seeds == 1 for one in tests.intervals)


def test_without_answers_or_with_few_there_is_no_test_and_a_reason(study):
    assert list(lines(None)) == list(lines(pair_tests({}))) == []
    study.add("rnn", 0, classified(np.array([0, 1] * 5), 1.0, 0))
    tests = pair_tests(study)
    assert (tests.intervals, tests.pairs) == ([], [])
    assert "the test split has 10 examples" in "\n".join(lines(tests))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"truth": np.array([0, 1, 2])}, "truth holds a number that is no class"),
        ({"truth": np.array([0.0, 1.0, 1.0])}, "truth holds a number"),
        ({"truth": np.array([0, 1])}, "different lengths"),
        ({"probabilities": np.full((3, 2), 0.5)}, "do not fit 2 classes"),
        ({"probabilities": np.full((3, 1), np.nan)}, "not finite"),
        ({"probabilities": np.array(["a", "b", "c"])}, "no table of numbers"),
        ({"truth": None}, "lacks|hold"),
        ({"classes": np.array([{"a": 1}, None])}, "Python objects"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, change, what):
    kept = {**classified(np.array([0, 1, 1]), 1.0, 0), **change}
    kept = {name: array for name, array in kept.items() if array is not None}
    np.savez(tmp_path / "test_answers.npz", **kept)
    if "truth" not in kept:
        assert measures(read_answers(tmp_path / "test_answers.npz")) == {}
        return
    with pytest.raises(InputError, match=rf"test_answers.npz is damaged: .*{what}.*Train the run"):
        read_answers(tmp_path / "test_answers.npz")


def test_damaged_files_never_end_a_comparison(study):
    folder = study.add("rnn", 0, classified(np.arange(60) % 2, 0.9, 0))
    whole = folder.answers.read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), rng.integers(1, 6)):
            data[place] = rng.integers(256)
        folder.answers.write_bytes(
            bytes(data[: rng.integers(1, len(data))]) if rng.random() < 0.3 else bytes(data)
        )
        tests = pair_tests(study, draws=10)
        assert tests.notes


# What the sums give, against other implementations.


@pytest.mark.parametrize("classes", [CLASSES, np.array(["a", "b", "c", "d"])])
def test_accuracy_and_f1_are_those_of_scikit_learn(classes):
    truth = np.random.default_rng(0).integers(0, len(classes), 200)
    kept = classified(truth, 0.7, 5, classes)
    found = measures(kept)
    outputs = kept["probabilities"]
    guess = outputs.argmax(1) if len(classes) > 2 else (outputs[:, 0] > 0.5).astype(int)
    average = "macro" if len(classes) > 2 else "binary"
    assert found["accuracy"].value == pytest.approx((guess == truth).mean())
    assert found["f1"].value == pytest.approx(f1_score(truth, guess, average=average))


@pytest.mark.parametrize(
    ("texts", "references"),
    [
        (["the cat sat on the mat", "a dog"], [["the cat sat on a mat"], ["a dog", "the dog"]]),
        (["the cat sat here", "no"], [["the dog was not here"], ["yes"]]),  # no 2-gram is right
        (["", "a b"], [["the cat"], ["x y"]]),
        (["it is a very long text for this"], [["it is a very long text"]]),
    ],
)
def test_bleu_of_summed_counts_is_that_of_sacrebleu(texts, references):
    counts = text_scores.bleu_of_examples(texts, references)["bleu"]
    expected = text_scores.bleu(texts, references).values["bleu"]
    assert float(bleu_of_sums(counts.sum(0))) == pytest.approx(expected, abs=0.006)


def test_rouge_of_examples_has_the_mean_of_all():
    texts, references = ["meetings moved", "the party"], [["meeting moved to Friday"], ["a party"]]
    found = measures(text_scores.rouge_of_examples(texts, references))
    expected = text_scores.rouge(texts, references).values
    assert {name: round(one.value, 2) for name, one in found.items()} == pytest.approx(expected)


def test_sentences():
    pair = Pair("accuracy", "rnn", "lstm", -0.012, -0.016, -0.008, 2e-4, 2e-4, "lstm")
    assert sentence(pair) == "lstm is better than rnn: +1.2 points (0.8 to 1.6)"
    unclear = pair._replace(better=None, p=0.04, corrected=0.12)
    assert sentence(unclear, 3) == (
        "no difference that these data support, once corrected for 3 pairs"
    )
    assert PairTests(pairs=[pair]).difference("lstm", "rnn", "accuracy")[3:6] == (
        0.012, 0.008, 0.016
    )  # fmt: skip
