"""Tests of the text classifier that trains its own teachers, and of the recipe best_sentiment."""

import functools

import keras
import numpy as np
import pytest

from rnnkit.backend.numba.available import missing
from rnnkit.recipes import best_sentiment
from rnnkit.recipes.distillation import _members
from rnnkit.tasks import (
    DocumentVectorClassifier,
    NGramTextClassifier,
    TextClassifier,
    recurrent_classifier,
)

TEXTS = ["a good film , great fun and well acted", "a bad film , an awful bore and badly acted"] * 6
LABELS = ["pos", "neg"] * 6
VALID = (TEXTS[:4], LABELS[:4])
UNLABELLED = ["great fun", "an awful bore", "well acted", "badly acted"]


def small(**options):
    options = {"units": 2, "embedding": "random", "embedding_size": 4, "min_count": 1} | options
    return best_sentiment(**options)


class Counting(TextClassifier):
    """A teacher that notes how often it was trained; without a fit it has no probabilities."""

    trained = 0

    def fit(self, *args, **options):
        type(self).trained += 1
        return super().fit(*args, **options)


def student(count=1, **options):
    """A student whose teachers count their trainings."""
    Counting.trained = 0
    model = small(teachers=0, **options)
    network = functools.partial(recurrent_classifier, cell="gru", units=2, embedding_size=4)

    def build():
        return Counting(network, epochs=1)

    model.__dict__["_build_teachers"] = (build,) * count
    return model


@pytest.mark.one_backend
def test_the_members_take_turns():
    members = [make() for make in _members({**small().settings, **FIXED, "teachers": 4})]
    kinds = [NGramTextClassifier, TextClassifier, DocumentVectorClassifier, NGramTextClassifier]
    if missing() is not None:
        kinds.remove(DocumentVectorClassifier)
    assert [type(member) for member in members] == kinds
    assert [member.counterfactuals for member in members[:2]] == [0.0, 0.5]
    assert len({member.seed for member in members}) == len(members)


FIXED = {
    "cell": "lstm",
    "bidirectional": True,
    "tokenizer": None,
    "ngram_order": 0,
    "ngram_min_count": 2,
    "ngram_vocabulary_size": None,
    "ngram_embedding_size": 0,
}


def test_the_recipe_learns_from_an_ensemble_and_is_one_model_in_one_file(tmp_path, capsys):
    """Raw text in, a probability out, before and after saving; the teachers are not in the file."""
    model = small(epochs=1)
    model.fit(TEXTS, LABELS, validation_data=VALID, unlabelled=UNLABELLED, verbose=0)
    assert not capsys.readouterr().err.strip()
    p = model.predict(TEXTS[:2], verbose=0)
    assert p.shape == (2, 1)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(TEXTS[:2], verbose=0), p, rtol=1e-6)
    assert loaded.classes == ("neg", "pos")


@pytest.mark.one_backend
def test_teachers_label_the_unlabelled_texts_too():
    model, seen = student(), {}
    teach = model.teach

    def asked(teacher, *args):
        seen["teacher"], seen["taught"] = teacher, teach(teacher, *args)
        return seen["taught"]

    model.teach = asked
    model.fit(TEXTS, LABELS, unlabelled=UNLABELLED, epochs=1, verbose=0)
    train, targets, _ = seen["taught"]
    assert list(train.x) == TEXTS + UNLABELLED
    # Labels have half of the weight; of an unlabelled text the predictions have all.
    p = seen["teacher"].predict(TEXTS + UNLABELLED)
    labels = np.array([[label == "pos"] for label in LABELS])
    np.testing.assert_allclose(targets[: len(TEXTS)], (labels + p[: len(TEXTS)]) / 2, rtol=1e-5)
    np.testing.assert_allclose(targets[len(TEXTS) :], p[len(TEXTS) :], rtol=1e-5)


@pytest.mark.one_backend
def test_teachers_are_trained_once_and_not_where_one_is_given():
    model = student(count=2)
    model.fit(TEXTS, LABELS, epochs=1, verbose=0)
    assert Counting.trained == 2
    model.fit(TEXTS, LABELS, epochs=1, verbose=0)  # a trained network goes on with the labels
    assert Counting.trained == 2
    model = student()
    model.fit(TEXTS, LABELS, epochs=1, verbose=0, teacher=lambda x: np.full((len(x), 1), 0.5))
    assert Counting.trained == 0


@pytest.mark.one_backend
def test_a_training_that_goes_on_does_not_train_the_teachers_again(tmp_path):
    keras.saving.register_keras_serializable("tests")(Counting)
    first = student()
    first.fit(TEXTS, LABELS, epochs=1, verbose=0, checkpoints=tmp_path / "parts")
    assert Counting.trained == 1
    again = student()
    again.fit(TEXTS, LABELS, epochs=2, verbose=0, checkpoints=tmp_path / "parts")
    assert Counting.trained == 0
    assert (tmp_path / "parts" / "teacher-1" / "model.keras").is_file()


@pytest.mark.one_backend
def test_without_teachers_it_is_an_ordinary_classifier():
    """The same numbers as the network alone, with the same settings."""
    options = {"counterfactuals": 0.0, "teachers": 0, "epochs": 1}
    model = small(**options)
    model.fit(TEXTS, LABELS, verbose=0)
    assert type(model).__name__ == "DistilledTextClassifier"
    assert model.predict(TEXTS[:1], verbose=0).shape == (1, 1)
