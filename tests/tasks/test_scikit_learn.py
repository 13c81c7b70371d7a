"""Tasks in the hands of scikit-learn."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from rnnkit import datasets, recipes, tasks
from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend

TEXTS = ["a fine film", "a dull film", "fine acting", "dull acting"] * 6
LABELS = np.array(["pos", "neg"] * 12)
SERIES = [np.linspace(0, i % 2, 5)[:, None] for i in range(24)]
MODELS = {
    "bag_of_words_sentiment": ({"ngrams": 1, "min_count": 1, "epochs": 3}, TEXTS),
    "gru_sentiment": (
        {"units": 4, "embedding": "random", "embedding_size": 4, "min_count": 1, "epochs": 2},
        TEXTS,
    ),
    "sequence_classifier": ({"units": 4, "epochs": 2}, SERIES),
}


@pytest.fixture(params=MODELS)
def case(request):
    settings, x = MODELS[request.param]
    return recipes.find(request.param)(**settings), x


def test_parameters_are_the_settings_of_the_recipe(case):
    model, x = case
    assert {"recipe": model.settings["recipe"], **model.get_params()} == model.settings
    assert is_classifier(model)
    model.fit(x, LABELS, verbose=0)
    check_is_fitted(model)
    assert model.set_params() is model
    check_is_fitted(model)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        check_is_fitted(twin)
    assert not hasattr(twin, "classes_")
    assert model.set_params(epochs=4) is model
    assert model.settings["epochs"] == model.epochs == 4
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    assert len(model.fit(x, LABELS, verbose=0).history["loss"]) == 4
    twin.set_params(epochs=4).fit(x, LABELS, verbose=0)
    np.testing.assert_array_equal(twin.predict_proba(x), model.predict_proba(x))
    assert len(model.trainable_variables) == len(twin.trainable_variables)


def test_settings_that_do_not_exist_or_fit_are_refused_and_nothing_changes():
    model = recipes.gru_sentiment(units=4)
    with pytest.raises(InputError, match=r"no setting 'unit'.*Did you mean 'units'"):
        model.set_params(unit=3)
    with pytest.raises(InputError, match="dropout is 7"):
        model.set_params(dropout=7.0)
    with pytest.raises(InputError, match="preset chooses the defaults"):
        model.set_params(preset="classic")
    assert model.settings["units"] == 4
    with pytest.raises(InputError, match="no recipe made it"):
        tasks.SequenceClassifier(lambda *known: None).set_params(units=3)


@pytest.mark.parametrize("labels", [LABELS, np.array([5, 3] * 12), np.array([2, 0, 1] * 8)])
def test_probabilities_stand_in_the_order_of_the_users_labels(case, labels):
    model, x = case
    model.fit(x, labels, verbose=0)
    assert model.classes_.tolist() == sorted(set(labels.tolist()))
    shares = model.predict_proba(x)
    assert shares.shape == (24, len(model.classes_))
    np.testing.assert_allclose(shares.sum(1), 1)
    best = model.classes_[shares.argmax(1)]
    assert best.astype(str).tolist() == model.predict_labels(x)
    assert model.score(x, labels) == accuracy_score(labels, best)
    weights = np.arange(24.0)
    assert model.score(x, labels, weights) == pytest.approx(
        accuracy_score(labels, best, sample_weight=weights)
    )


def test_cross_validation(case):
    model, x = case
    assert cross_val_score(model, x, LABELS, cv=2).shape == (2,)
    shares = cross_val_predict(model, x, LABELS, cv=2, method="predict_proba")
    assert shares.shape == (24, 2)
    assert model.network is None


def test_scorers_of_probabilities_work_and_those_of_labels_fail_aloud():
    settings, x = MODELS["bag_of_words_sentiment"]
    model = recipes.bag_of_words_sentiment(**settings)
    scores = cross_val_score(model, x, LABELS, cv=2, scoring="neg_log_loss")
    assert np.isfinite(scores).all()
    for scoring in ("f1_macro", "accuracy"):
        with pytest.raises(InputError, match=r"Give scikit-learn task.as_classifier\(\)"):
            cross_val_score(model, x, LABELS, cv=2, scoring=scoring, error_score="raise")
    with pytest.raises(InputError, match="for labels"):
        cross_val_predict(model, x, LABELS, cv=2)
    with pytest.raises(InputError, match="for labels"):
        VotingClassifier([("a", model)], voting="hard").fit(x, LABELS).predict(x)
    with pytest.raises(InputError, match="for labels"):
        Pipeline([("model", model)]).fit(x, LABELS).predict(x)


@pytest.mark.parametrize("labels", [LABELS, np.array([2, 0, 1] * 8)])
def test_a_classifier_around_a_task_predicts_labels(case, labels):
    task, x = case
    model = task.as_classifier()
    assert is_classifier(model)
    with pytest.raises(NotFittedError):
        model.predict(x)
    assert not hasattr(model, "classes_")
    assert model.get_params()["task__epochs"] == task.epochs
    assert model.fit(x, labels) is model
    assert task.network is None
    task.fit(x, labels, verbose=0)
    best = task.classes_[task.predict_proba(x).argmax(1)]
    np.testing.assert_array_equal(model.predict(x), best)
    np.testing.assert_array_equal(task.as_classifier().predict(x), best)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(x), best)
    assert model.score(x, labels) == task.score(x, labels)


def test_scorers_and_ensembles_of_labels_take_the_classifier():
    settings, x = MODELS["bag_of_words_sentiment"]
    task = recipes.bag_of_words_sentiment(**settings)
    model = task.as_classifier()
    labels = cross_val_predict(model, x, LABELS, cv=2)
    shares = cross_val_predict(task, x, LABELS, cv=2, method="predict_proba")
    np.testing.assert_array_equal(labels, np.array(["neg", "pos"])[shares.argmax(1)])
    scoring = ["f1_macro", "accuracy", "roc_auc"]
    search = GridSearchCV(model, {"task__epochs": [1, 3]}, cv=2, scoring=scoring, refit="f1_macro")
    search.fit(x, LABELS)
    assert search.best_estimator_.task.epochs == search.best_params_["task__epochs"]
    assert set(search.predict(x)) <= set(LABELS)
    vote = VotingClassifier([("a", model), ("b", clone(model))], voting="hard").fit(x, LABELS)
    np.testing.assert_array_equal(vote.predict(x), model.fit(x, LABELS).predict(x))
    assert task.network is None


@pytest.mark.deep
@pytest.mark.parametrize("jobs", [1, 2])
def test_grid_search(jobs):
    settings, x = MODELS["bag_of_words_sentiment"]
    model = recipes.bag_of_words_sentiment(**settings)
    grid = {"epochs": [1, 3], "l2": [0.0]}
    search = GridSearchCV(model, grid, cv=2, n_jobs=jobs).fit(x, LABELS)
    assert search.best_estimator_.settings["epochs"] == search.best_params_["epochs"]
    assert search.predict_proba(x).shape == (24, 2)
    assert search.score(x, LABELS) == search.best_estimator_.score(x, LABELS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_the_end_of_a_pipeline_and_a_part_of_ensembles():
    settings, x = MODELS["bag_of_words_sentiment"]
    model = recipes.bag_of_words_sentiment(**settings)
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = Pipeline([("lower", lower), ("model", model)]).set_params(model__epochs=2)
    pipeline.fit([text.upper() for text in x], LABELS)
    assert pipeline.score(x, LABELS) == model.score(x, LABELS)
    assert model.settings["epochs"] == 2
    vote = VotingClassifier([("a", model), ("b", clone(model))], voting="soft").fit(x, LABELS)
    assert set(vote.predict(x)) <= set(LABELS)
    calibrated = CalibratedClassifierCV(clone(model), cv=2).fit(x, LABELS)
    np.testing.assert_allclose(calibrated.predict_proba(x).sum(1), 1)


def test_numbers_with_names_are_predicted_as_the_numbers_that_scorers_compare():
    data = datasets.load(recipes.sample_for("gru_sentiment"), limit=16).train
    model = recipes.gru_sentiment(**MODELS["gru_sentiment"][0]).as_classifier()
    scores = cross_val_score(model, data.x, data.y, cv=2, scoring="f1_macro", error_score="raise")
    assert np.isfinite(scores).all()
    assert model.fit(data.x, data.y).classes_.tolist() == [0, 1]
    assert model.task_.classes_.tolist() == ["neg", "pos"]


def test_a_loaded_task_is_cloned_by_the_recipe_that_its_settings_name(tmp_path):
    settings, x = MODELS["sequence_classifier"]
    model = recipes.sequence_classifier(**settings)
    model.fit(x, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    twin = clone(tasks.load(tmp_path / "model.keras"))
    assert twin.get_params() == model.get_params()
    twin.fit(x, LABELS, verbose=0)
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))
