"""FrameLabeller: series of any length in, a class for each step out, and what it refuses."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from rnnkit.data.series import Series
from rnnkit.errors import InputError
from rnnkit.recipes.frames import frame_labeller
from rnnkit.tasks import load
from rnnkit.tasks.series.frame_labeller import windows_of
from rnnkit.tasks.series.frame_networks import frame_network

pytestmark = pytest.mark.one_backend  # but for the tests marked every_backend

SMALL = {"units": 6, "dropout": 0.0, "learning_rate": 0.03, "batch_size": 4, "window": 32}


@pytest.fixture(scope="module")
def runs():
    """Values that rise, fall or stay, far from zero: one step by itself says nothing."""
    rng = np.random.default_rng(0)
    x, y = [], []
    for i in range(16):
        kinds = rng.permutation([0, 1, 2] * 2).repeat(
            rng.integers(4, 6, 6)
        )  # 24 to 30 steps: one bucket
        steps = np.array([0.0, 1.0, -1.0])[kinds] + rng.normal(0, 0.1, len(kinds))
        x.append(np.stack([1000 + np.cumsum(steps), np.full(len(kinds), float(i % 3))], axis=1))
        y.append(np.array(["stays", "rises", "falls"])[kinds])
    return x, y


@pytest.fixture(scope="module", params=["lstm", "dense"])
def model(request, runs):
    """One with an output a step, and one with a CRF: a feed-forward network is soon compiled."""
    output = {"lstm": "softmax", "dense": "crf"}[request.param]
    model = frame_labeller(
        **SMALL, cell=request.param, output=output, features="slope", feature_window=2, context=3
    )
    model.fit(*runs, epochs=15, verbose=0)
    return model


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow")
def test_learns_and_measures_every_step_once(model, runs):
    x, y = runs
    scores = model.evaluate(x, y, batch_size=16, return_dict=True, verbose=0)
    assert set(scores) == {"loss", "accuracy", "precision", "recall", "f1"}
    truth = np.concatenate(y)
    probabilities = np.concatenate(model.predict(x, verbose=0))
    assert probabilities.shape == (len(truth), 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    guess = np.array(model.classes)[probabilities.argmax(axis=1)]
    assert model.classes == ("falls", "rises", "stays")
    assert scores["accuracy"] == pytest.approx((guess == truth).mean(), abs=1e-6)
    assert scores["accuracy"] > 0.85
    assert scores["f1"] == pytest.approx(f1_score(truth, guess, average="macro"), abs=1e-6)
    if len(model.network.inputs) == 2:  # the loss of a CRF is that of all labels together
        # All series are in one batch: it is the mean over its real steps.
        expected = log_loss(truth, probabilities, labels=model.classes)
        assert scores["loss"] == pytest.approx(expected, rel=1e-4)
    assert (np.concatenate(model.predict_labels(x)) == truth).mean() > 0.85


@pytest.mark.parametrize("features", [None, "values,slope"])
def test_the_scale_of_the_features_is_learned(runs, features):
    """In other units, and from another zero, all is as it was."""
    x, y = [row[:, :1] - 1000 for row in runs[0]], runs[1]
    other = [row * 64 - 512 for row in x]
    answers = []
    for rows in (x, other):
        model = frame_labeller(**SMALL, cell="dense", features=features, context=3, epochs=1)
        model.fit(rows, y, verbose=0)
        answers.append(np.concatenate(model.predict(rows, verbose=0)))
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-3)


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow")
def test_answers_do_not_depend_on_the_company(model, runs):
    x, _ = runs
    together, labels = model.predict(x, verbose=0), model.predict_labels(x)
    alone = model.predict(x[3], verbose=0)
    assert alone.shape == (len(x[3]), 3)
    np.testing.assert_allclose(alone, together[3], atol=1e-5)
    assert model.predict_labels(Series(x[3])) == labels[3]
    assert model.predict([], verbose=0) == []


def test_a_series_far_longer_than_a_window_is_labelled_whole(model, runs):
    x, _ = runs
    long = np.concatenate([x[0] - x[0][0], *(row - row[0] for row in x[1:])])
    assert len(model.predict_labels(long)) == len(long) > 10 * SMALL["window"]


def test_the_file_holds_it_all(model, runs, tmp_path):
    x, y = runs
    model.save(tmp_path / "runs.keras")
    again = load(tmp_path / "runs.keras")
    for mine, theirs in zip(model.predict(x, verbose=0), again.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    assert again.predict_labels(x) == model.predict_labels(x)
    assert (again.classes, again.window) == (model.classes, 32)
    assert again.settings["recipe"] == "frame_labeller"
    again.fit(x, y, epochs=1, verbose=0)


def test_the_decoded_labels_are_the_likeliest_of_all(model, runs, tmp_path):
    """Viterbi against every labelling of three steps."""
    x, _ = runs
    if len(model.network.inputs) == 2:
        pytest.skip("a softmax decodes each step by itself")
    model.save(tmp_path / "runs.keras")
    model = load(tmp_path / "runs.keras")
    crf, network = model.network.get_layer("crf"), model.network
    rng = np.random.default_rng(0)
    crf.set_weights([rng.normal(0, 2, weight.shape) for weight in crf.get_weights()])
    named = {weight.name: keras.ops.convert_to_numpy(weight) for weight in crf.weights}
    potentials = keras.Model(network.inputs, network.get_layer("potentials").output)
    row = np.zeros((1, 8, 2), "float32")
    row[0, :3] = x[0][:3]
    mask = np.arange(8)[None] < 3
    u = potentials.predict_on_batch((row, mask, np.full((1, 8), -1, "int32")))[0]
    best = max(
        np.ndindex(3, 3, 3),
        key=lambda path: (
            named["start"][path[0]]
            + named["end"][path[2]]
            + sum(u[t, label] for t, label in enumerate(path))
            + sum(named["transitions"][a, b] for a, b in itertools.pairwise(path))
        ),
    )
    assert model.predict_labels(x[0][:3]) == [model.classes[i] for i in best]


@pytest.mark.parametrize("cell", ["gru", "dense"])
def test_one_direction_never_sees_what_is_to_come(runs, cell):
    x, _ = runs
    network = frame_network(
        x, 3, cell=cell, bidirectional=False, units=4, context=4, features="centred,slope,spread"
    )
    row, mask = x[0][None, :16].astype("float32"), np.ones((1, 16), bool)
    whole = network.predict_on_batch((row, mask))
    row[:, 10:] += 7
    np.testing.assert_array_equal(network.predict_on_batch((row, mask))[:, :10], whole[:, :10])
    row[:, 9] += 7
    assert not np.array_equal(network.predict_on_batch((row, mask))[:, 9], whole[:, 9])


def test_windows_overlap_by_half_and_leave_no_step_out():
    rows = [np.arange(n) for n in (10, 4, 3, 1)]
    cut, labels = windows_of(rows, rows, 4)
    assert [row.tolist() for row in cut[:4]] == [
        [0, 1, 2, 3],
        [2, 3, 4, 5],
        [4, 5, 6, 7],
        [6, 7, 8, 9],
    ]
    assert [row.tolist() for row in cut[4:]] == [[0, 1, 2, 3], [0, 1, 2], [0]]
    assert all(np.array_equal(a, b) for a, b in zip(cut, labels, strict=True))
    assert {i for row in windows_of(rows[:1], rows[:1], 1)[0] for i in row} == set(range(10))


def test_held_out_series_choose_the_weights(runs):
    x, y = runs
    model = frame_labeller(**SMALL, cell="dense", context=3)
    history = model.fit(x[:4], y[:4], validation_data=(x[4], y[4]), epochs=3, verbose=0).history
    measured = model.evaluate(x[4], y[4], verbose=0, return_dict=True)["loss"]
    assert measured == pytest.approx(min(history["val_loss"]), rel=1e-4)


@pytest.mark.parametrize("method", ["predict", "predict_labels"])
def test_an_untrained_model_says_so(runs, method):
    with pytest.raises(InputError, match=r"[cC]all fit"):
        getattr(frame_labeller(**SMALL), method)(runs[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: ([], []), "The training set holds no series"),
        (lambda x, y: (x, y[:3]), "has labels for 3 of 16 series"),
        (lambda x, y: (x, None), "labels are missing"),
        (lambda x, y: (x[0], y[0][:4]), r"series\[0\]: the labels have the shape \(4,\)"),
        (lambda x, y: (x[0], ["stays"] * len(x[0])), "All training labels are 'stays'"),
        (lambda x, y: ("text", y), "The series are str"),
    ],
    ids=["no series", "few labels", "no labels", "short labels", "one class", "text"],
)
def test_what_cannot_be_learned_from_is_refused_by_name(runs, change, message):
    model = frame_labeller(**SMALL)
    with pytest.raises(InputError, match=message):
        model.fit(*change(*runs))
    assert model.network is None


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"cell": "dens"}, "cell is 'dens'.*Did you mean 'dense'"),
        ({"output": "cfr"}, "output is 'cfr'; expected one of"),
        ({"features": "slope,spred"}, "features is 'spred'.*Did you mean 'spread'"),
        ({"window": 0}, "window is 0"),
        ({"classes": "a,a"}, "expected two or more different names"),
    ],
    ids=["cell", "output", "features", "window", "classes"],
)
def test_settings_that_cannot_be_used_are_refused_by_name(setting, message):
    with pytest.raises(InputError, match=message):
        frame_labeller(**setting)
