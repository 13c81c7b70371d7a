"""The guide's tables of the calls of Keras and scikit-learn that each task takes, cell by cell."""

import copy
import pickle
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline
from small_tasks import examples, make

from rnnkit import tasks

pytestmark = pytest.mark.one_backend

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "keras_and_scikit_learn.md"
COLUMNS = {
    "texts": "gru_sentiment",
    "series": "sequence_classifier",
    "tags": "name_tagger",
    "steps": "frame_labeller",
    "forecasts": "forecaster",
    "language": "next_word",
    "translation": "translator",
}
REFUSALS = (AttributeError, TypeError, ValueError, NotImplementedError)  # InputError: a ValueError


def fit(model, data, **options):
    new = copy.deepcopy(model.untrained())
    new.fit(*data, **{"epochs": 0, "verbose": 0, **options})
    assert new.network is not None
    return new


def same_weights(one, other):
    for own, its in zip(one.network.get_weights(), other.network.get_weights(), strict=True):
        np.testing.assert_array_equal(own, its)


def fit_one_epoch(model, data, folder):
    history = fit(model, data, epochs=1).history
    assert np.isfinite(history.history["loss"]).all()


def evaluate(model, data, folder):
    assert "loss" in model.evaluate(*data, return_dict=True, verbose=0)


def save(model, data, folder):
    model.save(folder / "model.keras")
    same_weights(tasks.load(folder / "model.keras"), model)


def weights(model, data, folder):
    twin = fit(model, data)
    twin.set_weights(model.get_weights())
    same_weights(twin, model)


def cloned(model, data, folder):
    assert keras.models.clone_model(model).settings == model.settings


def compiled(model, data, folder):
    new = model.untrained()
    new.compile("sgd", **model.compile_options())
    new.fit(*data, epochs=0, verbose=0)
    assert type(new.optimizer).__name__ == "SGD"


KERAS = {
    "fit": fit_one_epoch,
    "evaluate": evaluate,
    "predict": lambda model, data, folder: model.predict(data[0], verbose=0),
    "validation_data": lambda model, data, folder: fit(
        model, data, validation_data=data if len(data) == 2 else data[0]
    ),
    "validation_split": lambda model, data, folder: fit(model, data, validation_split=0.5),
    "sample_weight": lambda model, data, folder: fit(
        model, data, sample_weight=np.ones(len(data[0]))
    ),
    "class_weight": lambda model, data, folder: fit(model, data, class_weight="balanced"),
    "compile": compiled,
    "save": save,
    "get_weights, set_weights": weights,
    "copy.deepcopy": lambda model, data, folder: same_weights(copy.deepcopy(model), model),
    "pickle": lambda model, data, folder: same_weights(pickle.loads(pickle.dumps(model)), model),
    "keras.models.clone_model": cloned,
    "summary": lambda model, data, folder: model.summary(print_fn=lambda line: None),
}


def cross_val(model, data, folder):
    scores = cross_val_score(model, *data, cv=2, error_score="raise")
    assert np.isfinite(scores).all()


def cross_val_probabilities(model, data, folder):
    shares = cross_val_predict(model, *data, cv=2, method="predict_proba")
    np.testing.assert_allclose(shares.sum(1), 1)


def cross_val_labels(model, data, folder):
    found = cross_val_predict(model.as_classifier(), *data, cv=2)
    assert set(found) <= set(data[1])


def grid_search(model, data, folder):
    search = GridSearchCV(model, {"seed": [3]}, cv=2, error_score="raise", refit=False)
    assert search.fit(*data).best_params_ == {"seed": 3}


def pipeline(model, data, folder):
    Pipeline([("same", "passthrough"), ("model", clone(model))]).fit(*data)


def voting(model, data, folder):
    vote = VotingClassifier([("one", model)], voting="soft").fit(*data)
    assert len(vote.predict(data[0])) == len(data[0])


def changed(model, data, folder):
    new = clone(model)
    assert new.set_params(seed=5) is new
    assert new.get_params()["seed"] == 5
    assert new.network is None


SCIKIT_LEARN = {
    "get_params": lambda model, data, folder: model.get_params()["seed"] + 1,
    "set_params": changed,
    "clone": lambda model, data, folder: clone(model).get_params() == model.get_params() or 1 / 0,
    "score": lambda model, data, folder: float(model.score(*data)),
    "classes_": lambda model, data, folder: model.classes_,
    "predict_proba": lambda model, data, folder: model.predict_proba(data[0]),
    "as_classifier": lambda model, data, folder: model.as_classifier().predict(data[0]),
    "cross_val_score": cross_val,
    'cross_val_predict(method="predict_proba")': cross_val_probabilities,
    "cross_val_predict of as_classifier()": cross_val_labels,
    "GridSearchCV": grid_search,
    "Pipeline": pipeline,
    'VotingClassifier(voting="soft")': voting,
    "CalibratedClassifierCV": lambda model, data, folder: CalibratedClassifierCV(
        clone(model), cv=2, ensemble=False
    ).fit(*data),
}
CALLS = {**KERAS, **SCIKIT_LEARN}


def cells():
    """Each cell of the guide's two tables: call, column, and what it says."""
    found = {}
    for line in GUIDE.read_text(encoding="utf-8").splitlines():
        row = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(row) == len(COLUMNS) + 1 and re.fullmatch("`.*`", row[0]):
            found |= {
                (row[0].replace("`", ""), column): cell
                for column, cell in zip(COLUMNS, row[1:], strict=True)
            }
    return found


@pytest.fixture(scope="module")
def trained():
    made = {}

    def find(column):
        if column not in made:
            name = COLUMNS[column]
            data = examples(name, limit=8 if name not in ("forecaster", "frame_labeller") else None)
            if hasattr(data[-1], "names"):
                data = data[0], np.array(list(data[1].names))
            model = make(name, epochs=1)
            model.fit(*data, epochs=0, verbose=0)
            made[column] = model, data
        return made[column]

    return find


def test_the_guide_has_a_row_for_every_call():
    assert cells().keys() == {(call, column) for call in CALLS for column in COLUMNS}
    assert set(cells().values()) <= {"yes", "no"}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_call_does_what_its_cell_says(trained, column, call, tmp_path):
    model, data = trained(column)
    if cells()[call, column] == "yes":
        CALLS[call](model, data, tmp_path)
    else:
        with pytest.raises(REFUSALS):
            CALLS[call](model, data, tmp_path)
    assert model.network is not None
