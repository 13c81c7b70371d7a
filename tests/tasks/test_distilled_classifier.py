"""Tests of the text classifier that trains its own teachers, and of the recipe best_sentiment."""

import functools
import time

import keras
import numpy as np
import pytest

from rnnkit.errors import InputError
from rnnkit.recipes import best_sentiment
from rnnkit.tasks import NGramTextClassifier, TextClassifier, recurrent_classifier
from rnnkit.tasks.texts.augmentation import DerivedText
from rnnkit.training.checkpoints import Checkpoints
from rnnkit.training.costs import CostsCallback

TEXTS = ["a good film , great fun and well acted", "a bad film , an awful bore and badly acted"] * 6
LABELS = ["pos", "neg"] * 6
VALID = (TEXTS[:4], LABELS[:4])
UNLABELLED = ["great fun", "an awful bore", "well acted", "badly acted"]
SMALL = {"units": 2, "embedding": "random", "embedding_size": 4, "min_count": 1}
SMALL |= {"ngram_min_count": 1, "document_vector_size": 0, "synthetic_reviews": 0.0}


def small(**options):
    return best_sentiment(**SMALL | options)


class Counting(TextClassifier):
    """A teacher that notes how often it was trained; without a fit it has no probabilities."""

    trained = 0
    killed = False  # in the middle of its training
    lasts = 0.0  # seconds

    def fit(self, *args, callbacks=(), **options):
        type(self).trained += 1
        time.sleep(self.lasts)
        return super().fit(*args, callbacks=[Kill(), *callbacks], **options)


class Kill(keras.callbacks.Callback):
    """End the process after an epoch, if told to: nothing is caught, nothing tidied up."""

    def on_epoch_end(self, epoch, logs=None):
        if Counting.killed:
            raise SystemExit


def student(count=1, teacher_epochs=1, **options):
    """A student whose teachers count their trainings."""
    Counting.trained = 0
    model = small(teachers=0, **options)
    network = functools.partial(recurrent_classifier, cell="gru", units=2, embedding_size=4)

    def build():
        return Counting(network, epochs=teacher_epochs)

    model.__dict__["_build_teachers"] = (build,) * count
    model.trains_teacher = True
    return model


@pytest.mark.one_backend
def test_the_members_take_turns():
    model = small(teachers=4, document_vector_size=7, synthetic_reviews=0.1)
    members = [make() for make in model.__dict__["_build_teachers"]]
    assert [type(one) for one in members] == [NGramTextClassifier, *[TextClassifier] * 3]
    assert [member.counterfactuals for member in members] == [0.0, 0.5, 0.0, 0.5]
    assert [member.synthetic_reviews for member in members] == [0.0, 1.0, 0.0, 1.0]
    plain = small(synthetic_reviews=0.0).__dict__["_build_teachers"][1]()
    assert plain.synthetic_reviews == 0.0
    assert members[0].document_vector_size == 7
    assert len({member.seed for member in members}) == len(members)


@pytest.mark.one_backend
def test_the_linear_models_are_those_of_the_first_member(monkeypatch):
    pytest.importorskip("numba")
    fitted = []
    monkeypatch.setattr(
        NGramTextClassifier,
        "fit_constants",
        lambda *args, fit=NGramTextClassifier.fit_constants: fitted.append(args[0]) or fit(*args),
    )
    model = small(document_vector_size=4, epochs=1)
    model.fit(TEXTS, LABELS, validation_data=VALID, unlabelled=UNLABELLED, verbose=0)
    (member, *_), own = fitted, model.linear_models
    assert type(member) is NGramTextClassifier
    assert model not in fitted
    for one, theirs in zip(own, member.linear_models, strict=True):
        for found, expected in zip(one.get_weights(), theirs.get_weights(), strict=True):
            assert np.any(found)
            np.testing.assert_array_equal(found, expected)
    assert model.ngram_vocabulary.ngrams() == member.ngram_vocabulary.ngrams()


def test_the_recipe_learns_from_an_ensemble_and_is_one_model_in_one_file(tmp_path, capsys):
    """Raw text in, a probability out, before and after saving; the teachers are not in the file."""
    model = small(epochs=1)
    model.fit(TEXTS, LABELS, validation_data=VALID, unlabelled=UNLABELLED, verbose=0)
    assert "rnnkit" not in capsys.readouterr().err
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
def test_passages_are_learned_as_the_teacher_labels_them():
    model, seen = student(passages=1.0), {}
    teach = model.teach
    model.teach = lambda *args: seen.setdefault("taught", teach(*args))
    long = " ".join(f"Sentence {i} is here." for i in range(9))
    model.fit([*TEXTS, long], [*LABELS, "pos"], unlabelled=[long], epochs=1, verbose=0)
    train, targets, _ = seen["taught"]
    *rest, one, two = train.x
    assert rest == [*TEXTS, long, long]
    assert one in long
    assert two in long
    assert {type(text) for text in rest} == {str}
    assert type(one) is type(two) is DerivedText
    assert len(targets) == len(train.x)


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
def test_the_seconds_of_teachers_count_wherever_they_were_trained(tmp_path, monkeypatch):
    """One teacher in a first process, and a part of the other."""
    keras.saving.register_keras_serializable("tests")(Counting)
    monkeypatch.setattr(Counting, "lasts", 0.5)
    monkeypatch.setattr(Kill, "on_epoch_end", lambda self, *_: kill_second())

    def kill_second():
        if Counting.trained == 2 and Counting.killed:
            raise SystemExit

    options = {"epochs": 1, "verbose": 0, "checkpoints": Checkpoints(tmp_path, minutes=1e-9)}
    monkeypatch.setattr(Counting, "killed", True)
    with pytest.raises(SystemExit):
        student(count=2, teacher_epochs=2).fit(TEXTS, LABELS, **options)
    monkeypatch.setattr(Counting, "killed", False)
    monkeypatch.setattr(Counting, "lasts", 0.0)
    counted, began = CostsCallback(), time.perf_counter()
    student(count=2, teacher_epochs=2).fit(TEXTS, LABELS, callbacks=[counted], **options)
    here = time.perf_counter() - began
    assert here + 0.5 < counted.costs.seconds < here + 60
    # A network under way has the seconds of its teachers in its own checkpoint.
    again = CostsCallback()
    student(count=2, teacher_epochs=2).fit(TEXTS, LABELS, callbacks=[again], **options)
    assert counted.costs.earlier["seconds"] < again.costs.earlier["seconds"] < here + 60


@pytest.mark.one_backend
def test_a_teacher_that_was_killed_goes_on_and_is_not_taken_for_a_trained_one(tmp_path):
    keras.saving.register_keras_serializable("tests")(Counting)
    whole = student(teacher_epochs=2)
    whole.fit(TEXTS, LABELS, epochs=1, verbose=0)
    options = {"epochs": 1, "verbose": 0, "checkpoints": tmp_path}
    Counting.killed = True
    with pytest.raises(SystemExit):
        student(teacher_epochs=2).fit(TEXTS, LABELS, **options)
    Counting.killed = False
    assert not (tmp_path / "teacher-1" / "model.keras").exists()
    again = student(teacher_epochs=2)
    again.fit(TEXTS, LABELS, **options)
    assert Counting.trained == 1
    expected = whole.predict(TEXTS[:2], verbose=0)
    np.testing.assert_allclose(again.predict(TEXTS[:2], verbose=0), expected, atol=1e-6)


@pytest.mark.one_backend
def test_teachers_of_other_data_or_settings_are_refused(tmp_path):
    keras.saving.register_keras_serializable("tests")(Counting)
    options = {"epochs": 1, "verbose": 0, "checkpoints": tmp_path}
    student().fit(TEXTS, LABELS, **options)
    with pytest.raises(InputError, match="another training data"):
        student().fit(TEXTS, LABELS[::-1], **options)
    with pytest.raises(InputError, match="another training data"):
        student().fit(TEXTS, LABELS, unlabelled=UNLABELLED, **options)
    with pytest.raises(InputError, match=r"another units \(2, and now 3\)"):
        student(units=3).fit(TEXTS, LABELS, **options)
    assert Counting.trained == 0


@pytest.mark.one_backend
def test_without_teachers_it_is_an_ordinary_classifier():
    """The same numbers as the network alone, with the same settings."""
    options = {"counterfactuals": 0.0, "teachers": 0, "epochs": 1}
    model = small(**options)
    model.fit(TEXTS, LABELS, verbose=0)
    assert type(model).__name__ == "DistilledTextClassifier"
    assert model.predict(TEXTS[:1], verbose=0).shape == (1, 1)
    with pytest.raises(InputError, match=r"label_weight is 0\.2, and there is no teacher"):
        small(**options, label_weight=0.2).fit(TEXTS, LABELS, verbose=0)
    with pytest.raises(InputError, match="use bilstm_sentiment"):
        small(ngram_order=0)
