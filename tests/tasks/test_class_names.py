"""Names of classes: from the data set, through fit and the saved file, to the answers."""

import pickle

import numpy as np
import pytest

from rnnkit import datasets, recipes
from rnnkit.data.splits import ClassLabels
from rnnkit.errors import InputError
from rnnkit.tasks import load
from rnnkit.tasks.labels import to_numbers

pytestmark = pytest.mark.one_backend

SMALL = {
    "bag_of_words_sentiment": {"ngrams": 1},
    "gru_sentiment": {"units": 2, "embedding": "random", "embedding_size": 4},
    "sequence_classifier": {"units": 2},
    "frame_labeller": {"units": 2},
}
BUILT = {"epochs": 1, "initial_epoch": 1, "verbose": 0}  # no epoch is left to train


@pytest.mark.parametrize("name", SMALL)
def test_names_survive_from_the_data_set_to_the_answers(name, tmp_path):
    data = datasets.load(recipes.sample_for(name), limit=24)
    model = recipes.find(name)(**SMALL[name])
    model.fit(data.train.x, data.train.y, validation_data=(data.valid.x, data.valid.y), **BUILT)
    assert model.classes == data.classes
    model.save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    assert again.classes == data.classes
    answers = again.predict_labels(data.test.x[:3])
    flat = [a for one in answers for a in ([one] if isinstance(one, str) else one)]
    assert set(flat) <= set(data.classes)
    # Plain indices mean the same, and so do the names themselves.
    scores = [
        again.evaluate(data.test.x, y, return_dict=True, verbose=0)
        for y in (
            data.test.y,
            plain(data.test.y, np.asarray),
            plain(data.test.y, lambda labels: np.array(labels.names)),
        )
    ]
    assert scores[0] == scores[1] == scores[2]


def plain(y, change):
    return [change(row) for row in y] if isinstance(y, list) else change(y)


def test_indices_without_names_stay_numbers():
    data = datasets.load("sample", limit=24)
    model = recipes.gru_sentiment(**SMALL["gru_sentiment"])
    model.fit(data.train.x, np.asarray(data.train.y), **BUILT)
    assert model.classes == ("0", "1")
    model.evaluate(data.test.x, data.test.y, verbose=0)  # the names are not known, the numbers are


def test_labels_are_an_array_of_whole_numbers():
    labels = ClassLabels([2, 0, 1, 1], ("a", "b", "c"))
    for some in (labels[1:], labels[[3, 0]], labels[labels > 0], labels.reshape(2, 2), labels.T):
        assert some.classes == ("a", "b", "c")
    assert labels[[3, 0]].names == ["b", "c"]
    for plain_array in (labels == 1, labels + 1, np.concatenate([labels] * 2)):
        assert type(plain_array) is np.ndarray
    assert np.unique(labels).tolist() == [0, 1, 2]
    assert labels.sum() == 4
    assert isinstance(labels.mean(), float)
    again = pickle.loads(pickle.dumps(labels))
    assert again.classes == labels.classes
    np.testing.assert_array_equal(again, [2, 0, 1, 1])


def test_labels_are_found_by_name():
    labels = ClassLabels([0, 1, 1], ("pos", "neg"))
    assert to_numbers(labels, ["neg", "pos"], "test").tolist() == [1, 0, 0]
    assert to_numbers(labels, ["neg", "so-so", "pos"], "test").tolist() == [2, 0, 0]
    assert to_numbers(labels, ["bad", "good"], "test").tolist() == [0, 1, 1]  # the user's own names
    with pytest.raises(InputError, match=r"test labels hold 'pos'; expected one of \['neg', 'x'\]"):
        to_numbers(labels, ["neg", "x"], "test")
    with pytest.raises(InputError, match="test labels hold 'pos'"):
        to_numbers(labels, ["x", "y", "z"], "test")
