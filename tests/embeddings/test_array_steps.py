"""word2vec's steps in Numba's loop: those on tensors, the same on every backend, chosen by rule."""

import os

import numpy as np
import pytest
from deep import DEEP

import rnnkit.backend
from rnnkit.backend.numba import word2vec as loops
from rnnkit.embeddings import CBOW, SkipGram, train_word_vectors
from rnnkit.embeddings.options import word2vec_options
from rnnkit.embeddings.training import step_choice
from rnnkit.embeddings.training.encoded_corpus import encode_corpus
from rnnkit.embeddings.training.step_choice import NOT_INSTALLED, choose_steps
from rnnkit.embeddings.training.trainer import KerasTrainer, initial_tables
from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend
EXAMPLES = 60 if os.environ.get("RNNKIT_DEEP") else 6
METHODS, LOSSES = ("skip-gram", "cbow"), ("negative-sampling", "hierarchical-softmax")


def texts(rng, words, count=40):
    """Texts of one to nine words by Zipf's law, so that some words have no context."""
    chances = 1 / np.arange(1, words + 1)
    chances /= chances.sum()
    names = np.array([f"w{i}" for i in range(words)])
    return [rng.choice(names, rng.integers(1, 10), p=chances).tolist() for _ in range(count)]


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_both_kinds_of_steps_learn_the_same(seed):
    rng = np.random.default_rng(seed)
    options = word2vec_options(
        method=METHODS[seed % 2],
        loss=LOSSES[seed // 2 % 2],
        vector_size=int(rng.choice([1, 15, 16, 17, 40])),
        window=int(rng.integers(1, 5)),
        negative=int(rng.integers(1, 20)),
        min_count=1,
        sample=float(rng.choice([0, 0.05])),
        alpha=0.3,
        batch_size=int(rng.choice([1, 7, 64])),
        epochs=2,
        seed=seed,
    )
    corpus = encode_corpus(texts(rng, int(rng.choice([5, 60]))), 1)
    start = initial_tables(len(corpus.frequencies), options)
    start[1][:] = rng.normal(0, 0.5, start[1].shape)
    trainers = [KerasTrainer(corpus, options, start, steps) for steps in ("numba", "tensors")]
    found = [[part.loss for part in trainer.epoch(1)] for trainer in trainers]
    np.testing.assert_allclose(*found, rtol=2e-5)
    for mine, theirs, before in zip(*(one.tables() for one in trainers), start, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-5)
        assert np.abs(mine - before).max() > 1e-3


def test_the_loop_in_python_is_the_compiled_one():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 9, (2, 3, 4), "int32")
    contexts = rng.integers(-1, 9, 3 * 4 * (2 + 4), "int32")
    noise, none = rng.integers(0, 9, (2, 3, 4, 5), "int32"), np.zeros(0, "int32")
    empty = none.reshape(0, 0)
    scales = rng.uniform(0.5, 1, (2, 9)).astype("float32")
    for cbow in (False, True):
        results = []
        for run in (loops.train_block, loops.train_block.py_func):
            tables = [np.random.default_rng(1).normal(size=(9, 16)).astype("float32") for _ in "vo"]
            block = (words, contexts, noise, empty, empty.astype(bool), none, cbow, 0, 4)
            results.append((*run(*tables, *scales, np.float32(0.1), *block), *tables))
        for mine, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


def test_the_losses_of_scores_of_every_size():
    scores = np.concatenate([np.linspace(-30, 30, 2001), [-1e4, -150, -88, 88, 150, 1e4, 0]])
    labels = np.arange(len(scores)) % 2.0
    given = np.zeros(len(scores) + 16, "float32")
    given[: len(scores)] = scores
    y, slopes = np.zeros_like(given), np.zeros_like(given)
    y[: len(scores)] = labels
    exact = np.float64(given[: len(scores)])
    loss = loops._logistic(given, y, slopes, 0, len(scores))
    wanted = (np.logaddexp(0, exact) - labels * exact).sum()
    assert loss == pytest.approx(wanted, rel=1e-6)
    sigmoid = np.exp(-np.logaddexp(0, -exact))
    np.testing.assert_allclose(slopes[: len(scores)], sigmoid - labels, atol=2e-7)
    for bad in (np.nan, np.inf, -np.inf):
        given[3] = bad
        assert not np.isfinite(loops._logistic(given, y, slopes, 0, len(scores)))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", [SkipGram, CBOW])
def test_one_worker_repeats_itself_and_two_learn_as_much(kind, loss):
    corpus = texts(np.random.default_rng(0), 300, 2000)
    settings = {"vector_size": 20, "min_count": 1, "loss": loss, "epochs": 3, "seed": 3}

    def train(**options):
        model = kind(**settings, **options)
        return model, model.fit(corpus, verbose=0).history["loss"]

    (one, losses), (same, _), (two, theirs) = train(), train(workers=1), train(workers=2)
    np.testing.assert_array_equal(one.vectors_table(), same.vectors_table())
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(theirs, losses, rtol=0.02)
    assert not np.array_equal(two.vectors_table(), np.zeros_like(two.vectors_table()))


BACKENDS = """
import json, sys
from rnnkit.embeddings import CBOW, SkipGram
kept = "numba" in sys.modules
found = []
for kind, loss in ((SkipGram, "negative-sampling"), (CBOW, "hierarchical-softmax")):
    model = kind(vector_size=10, min_count=1, loss=loss, epochs=2)
    kept |= "numba" in sys.modules and not found
    model.explain_steps()
    model.fit(json.loads(sys.argv[1]), verbose=0)
    found.append(model.vectors_table().tolist())
print(json.dumps([kept, found]))
"""


def test_every_backend_learns_the_same_vectors_and_numba_is_imported_when_steps_are_chosen(
    fresh_python,
):
    corpus, wanted = texts(np.random.default_rng(0), 30), []
    for kind, loss in ((SkipGram, LOSSES[0]), (CBOW, LOSSES[1])):
        model = kind(vector_size=10, min_count=1, loss=loss, epochs=2)
        model.fit(corpus, verbose=0)
        wanted.append(model.vectors_table().tolist())
    others = sorted({*rnnkit.backend.installed()} - {rnnkit.backend.name})
    for name in others if DEEP else others[:1]:
        early, found = fresh_python(BACKENDS, corpus, KERAS_BACKEND=name).value
        assert not early
        assert found == wanted


@pytest.mark.parametrize(
    ("wanted", "device", "installed", "kind", "reason"),
    [
        ("auto", "cpu", True, "numba", ""),
        ("auto", "gpu", True, "tensors", "the device is gpu"),
        ("auto", "cpu", False, "tensors", NOT_INSTALLED),
        ("tensors", "cpu", True, "tensors", "steps='tensors' was requested"),
        ("tensors", "cpu", False, "tensors", "steps='tensors' was requested"),
        ("numba", "cpu", True, "numba", ""),
    ],
)
def test_the_rule_says_where_steps_run(wanted, device, installed, kind, reason):
    choice = choose_steps(wanted, device=device, installed=installed)
    assert (choice.kind, choice.passed_over) == (kind, reason)
    assert str(choice).partition("\n  not numba: ")[2] == reason
    assert bool(choice.notice) == (reason == NOT_INSTALLED)
    assert choice.backend == ("numba" if kind == "numba" else rnnkit.backend.name)


def test_what_cannot_run_is_refused():
    with pytest.raises(InputError, match="needs Numba and a CPU, and the device is gpu"):
        choose_steps("numba", device="gpu", installed=True)
    with pytest.raises(InputError, match=r"numba is not installed \(pip .*steps='auto'"):
        choose_steps("numba", device="cpu", installed=False)
    with pytest.raises(InputError, match="steps is 'nubma'"):
        choose_steps("nubma")


def test_without_numba_the_training_says_what_would_be_faster(monkeypatch, capsys):
    corpus, settings = [["a", "b", "c"]] * 20, {"vector_size": 4, "epochs": 1}
    train_word_vectors(corpus, **settings, trainer="keras", cache=False)
    assert "Numba" not in capsys.readouterr().err
    monkeypatch.setattr(step_choice, "_installed", lambda: False)
    train_word_vectors(corpus, **settings, trainer="keras", cache=False)
    (line,) = [part for part in capsys.readouterr().err.splitlines() if "Numba" in part]
    assert line.startswith("rnnkit: word2vec runs as")
    assert "pip install 'rnnkit[fast]'" in line
    model = SkipGram(**settings)
    model.fit(corpus, verbose=0)
    assert "numba" not in capsys.readouterr().err
    assert NOT_INSTALLED in model.explain_steps()
