"""SequenceClassifier: series of unequal length in, classes out, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from rnnkit.data.series import Series
from rnnkit.errors import InputError
from rnnkit.recipes import sequence_classifier
from rnnkit.tasks import load, recurrent_series_classifier

SMALL = {"units": 6, "dropout": 0.0, "learning_rate": 0.03, "batch_size": 20}


@pytest.fixture(scope="module")
def walks():
    """Walks up and walks down, far from zero, of lengths that share one bucket."""
    rng = np.random.default_rng(0)
    x, y = [], []
    for i in range(60):
        length = 4 + i % 5
        slope = 5.0 if i % 2 else -5.0
        walk = 1000 + slope * (np.arange(length) - length / 2) + rng.normal(0, 1, length)
        x.append(np.stack([walk, np.full(length, 3.0)], axis=1))  # and a feature that never changes
        y.append("up" if i % 2 else "down")
    return x, y


@pytest.fixture(scope="module")
def model(walks):
    model = sequence_classifier(**SMALL, epochs=12)
    model.fit(*walks, validation_data=walks, verbose=0)
    return model


def test_learns_series_of_any_scale_and_length(model, walks):
    x, y = walks
    scores = model.evaluate(x, y, return_dict=True, verbose=0)
    assert scores["accuracy"] == 1.0
    assert set(scores) == {"loss", "accuracy", "precision", "recall", "f1"}
    assert model.predict_labels(x) == y
    assert model.tokens_per_epoch == sum(map(len, x))


def test_answers_do_not_depend_on_the_company(model, walks):
    x, _ = walks
    together = model.predict(x, verbose=0)
    assert together.shape == (60, 1)
    for i in (0, 4, 7):
        np.testing.assert_allclose(model.predict(x[i], verbose=0), together[i : i + 1], atol=1e-5)
    as_series = model.predict([Series(x[0]), x[1].tolist()], verbose=0)
    np.testing.assert_allclose(as_series, together[:2], atol=1e-5)
    assert model.predict([], verbose=0).shape == (0, 1)


def test_a_constant_feature_that_changes_later_does_no_harm(model, walks):
    odd = walks[0][0] + np.array([0.0, 1.0])
    assert np.isfinite(model.predict(odd, verbose=0)).all()


@pytest.mark.one_backend
def test_the_file_holds_the_scale(model, walks, tmp_path):
    x, y = walks
    model.save(tmp_path / "walks.keras")
    again = load(tmp_path / "walks.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    assert again.classes == ("down", "up")
    assert again.settings["units"] == 6
    assert again.settings["recipe"] == "sequence_classifier"
    again.fit(x, y, epochs=1, verbose=0)


def test_hidden_states_learn_with_the_network(walks, tmp_path):
    x, y = walks
    x = [row[:, :1] for row in x]
    model = sequence_classifier(**SMALL, cell="gru", hmm="joint", hmm_states=3, epochs=8)
    model.fit(x, y, verbose=0)
    assert model.evaluate(x, y, return_dict=True, verbose=0)["accuracy"] > 0.9
    alone = model.predict(x[0], verbose=0)
    np.testing.assert_allclose(model.predict(x, verbose=0)[:1], alone, atol=1e-5)
    model.save(tmp_path / "hmm.keras")
    again = load(tmp_path / "hmm.keras")
    np.testing.assert_allclose(again.predict(x[0], verbose=0), alone, atol=1e-5)


@pytest.mark.parametrize(("hmm", "width"), [("input", 1 + 3), ("output", 1), ("joint", 1 + 3)])
def test_where_the_hidden_states_go(walks, hmm, width):
    x = [row[:, :1].astype("float32") for row in walks[0][:20]]
    network = recurrent_series_classifier(
        x, 4, cell="gru", units=5, pooling="mean", hmm=hmm, hmm_states=3, dropout=0.0
    )
    states = network.get_layer("states")
    assert bool(states.trainable_weights) == (hmm == "joint")
    assert (
        next(layer for layer in network.layers if layer.name.startswith("gru")).input[0].shape[-1]
        == width
    )
    assert network.get_layer("probabilities").kernel.shape[0] == 5 + 3 * (hmm == "output")
    # The model was fitted to what the network reads: standardised, padding left out.
    steps = (np.concatenate(x) - np.concatenate(x).mean()) / np.concatenate(x).std()
    assert steps.min() < states.means().min() < -0.5
    assert 0.5 < states.means().max() < steps.max()


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ("text", "The series are str"),
        ([np.zeros((3, 2)), "text"], r"series\[1\] is"),
        ([np.zeros((3, 2)), np.zeros((0, 2))], r"series\[1\] is .* at least one step"),
        ([np.zeros((3, 2)), np.zeros((3, 2, 1))], r"series\[1\] is .*\(3, 2, 1\)"),
        ([np.zeros((3, 2)), np.array([[1.0, np.nan]])], r"series\[1\] holds nan at step 0, f.* 1"),
        ([np.zeros((3, 2)), np.zeros((3, 3))], r"series\[1\] has 3 features, series\[0\] has 2"),
    ],
)
@pytest.mark.parametrize("verb", ["predict", "evaluate", "fit"])
def test_what_is_no_series_is_refused_by_name(model, verb, x, message):
    asked = sequence_classifier(**SMALL) if verb == "fit" else model
    labels = () if verb == "predict" else ([0, 1],)
    with pytest.raises(InputError, match=message):
        getattr(asked, verb)(x, *labels)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([], [], r"holds no series\. Give at least one series"),
        ([np.zeros((3, 2))] * 4, ["up"] * 4, "a classifier needs series of at least two classes"),
    ],
    ids=["no series", "one class"],
)
def test_training_sets_that_cannot_be_used(x, y, message):
    model = sequence_classifier(**SMALL)
    with pytest.raises(InputError, match=message):
        model.fit(x, y)
    assert model.network is None


def test_series_of_another_width_are_refused(model):
    with pytest.raises(InputError, match="has 1 features; the model learned from series of 2"):
        model.predict([np.zeros((3, 1))])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"hmm": "inputs"}, r"hmm is 'inputs'.*mean 'input'"), ({"cell": "lstn"}, "cell is 'lstn'")],
    ids=["hmm", "cell"],
)
def test_settings_that_cannot_be_used(walks, settings, message):
    with pytest.raises(InputError, match=message):
        sequence_classifier(**settings).fit(*walks)


def test_an_untrained_model_does_not_predict(walks):
    with pytest.raises(InputError, match=r"[cC]all fit"):
        sequence_classifier(**SMALL).predict(walks[0])


def test_an_untrained_model_is_not_saved(tmp_path):
    with pytest.raises(InputError, match=r"[cC]all fit"):
        sequence_classifier(**SMALL).save(tmp_path / "x.keras")
    assert not list(tmp_path.iterdir())
