"""Linear recurrences as the recurrent layer of tasks: the cells mingru, minlstm and rglru."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from rnnkit.errors import InputError
from rnnkit.layers import RGLRU, Bidirectional, MinGRU, MinLSTM
from rnnkit.recipes import frame_labeller, next_word, pos_tagger, rglru_sentiment
from rnnkit.tasks import load, recurrent_classifier
from rnnkit.tasks.language.language_networks import language_network
from rnnkit.tasks.recurrent_stack import Seeds, recurrent_stack
from rnnkit.tasks.series.frame_networks import frame_network

WALK = [np.ones((4, 2))]
CELLS = {"mingru": MinGRU, "minlstm": MinLSTM, "rglru": RGLRU}


def layers_of(network):
    """Layers of a network, the two directions of a bidirectional one as two."""
    for layer in network.layers:
        both = isinstance(layer, Bidirectional)
        yield from (layer.forward_layer, layer.backward_layer) if both else (layer,)


@pytest.mark.one_backend
@pytest.mark.parametrize("seed_layers", [True, False])
def test_no_two_layers_draw_the_same_weights(seed_layers):
    inputs = keras.Input((None, 3))
    options = {"cell": "rglru", "layers": 2, "units": 3, "bidirectional": True}
    outputs = recurrent_stack(inputs, Seeds(0), seed_layers=seed_layers, **options)
    network = keras.Model(inputs, outputs)
    drawn = {}
    for layer in layers_of(network):
        for weight in layer.weights if isinstance(layer, RGLRU) else ():
            if np.ptp(value := keras.ops.convert_to_numpy(weight)):  # biases are zeros
                drawn.setdefault((weight.name, value.shape), []).append(value.tobytes())
    assert {len(values) for values in drawn.values()} <= {2, 4}
    assert len(drawn) >= 3
    assert all(len({*values}) == len(values) for values in drawn.values())


@pytest.mark.one_backend
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "build",
    [
        lambda cell: recurrent_classifier(20, 1, cell=cell, layers=2, units=3),
        lambda cell: language_network(20, cell=cell, layers=2, units=3, weight_dropout=0.2),
        lambda cell: frame_network(WALK, 2, cell=cell, layers=2, bidirectional=False),
    ],
    ids=["texts", "language", "frames"],
)
def test_every_layer_is_of_the_cell(build, cell):
    found = [layer for layer in layers_of(build(cell)) if isinstance(layer, tuple(CELLS.values()))]
    assert [type(layer) for layer in found] == [CELLS[cell]] * 2


@pytest.mark.parametrize("cell", CELLS)
def test_two_windows_with_the_state_carried_are_one(cell):
    network = language_network(20, cell=cell, units=4, embedding_size=3)
    ids = np.random.default_rng(0).integers(2, 20, (2, 9)).astype("int32")
    state = np.zeros((2, 4), "float32")
    whole, _ = network([ids, state])
    first, state = network([ids[:, :5], state])
    second, _ = network([ids[:, 5:], keras.ops.convert_to_numpy(state)])
    parts = np.concatenate([keras.ops.convert_to_numpy(part) for part in (first, second)], axis=1)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(whole), parts, atol=1e-6)


def test_initial_decays_are_those_of_numpy_on_every_backend():
    entering = keras.Input((None, 3))
    leaving = recurrent_stack(entering, Seeds(7), cell="rglru", units=5)
    (layer,) = (one for one in keras.Model(entering, leaving).layers if isinstance(one, RGLRU))
    drawn = np.random.default_rng(layer.seed).uniform(0.9, 0.999, 5)
    found = keras.ops.convert_to_numpy(layer.decay_parameter)
    np.testing.assert_allclose(np.exp(-8 * np.logaddexp(0, found)), drawn, atol=1e-5)


@pytest.mark.one_backend
def test_dropout_of_the_state_is_refused_where_no_kernel_reads_it():
    with pytest.raises(
        InputError, match=r"recurrent_dropout is 0\.2, and minlstm has no recurrent"
    ):
        recurrent_classifier(20, 1, cell="minlstm", recurrent_dropout=0.2)
    with pytest.raises(InputError, match="and rglru has no recurrent"):  # before there are data
        rglru_sentiment(recurrent_dropout=0.1)
    with pytest.raises(InputError, match="and mingru has no recurrent"):
        frame_labeller(cell="mingru", recurrent_dropout=0.1)


@pytest.mark.one_backend
def test_a_saved_classifier_answers_as_before(tmp_path):
    texts, labels = ["good film", "bad film", "a good one", "a bad one"] * 20, [1, 0] * 40
    small = {"units": 4, "embedding": "random", "embedding_size": 4, "embedding_dropout": 0.0}
    model = rglru_sentiment(**small, dropout=0.0, min_count=1, learning_rate=0.05)
    losses = model.fit(texts, labels, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        load(tmp_path / "model.keras").predict(texts, verbose=0), model.predict(texts, verbose=0)
    )


@pytest.mark.one_backend
def test_language_models_taggers_and_frame_labellers_take_the_cells():
    words = "a b c d e f g h\n" * 30
    model = next_word(cell="minlstm", units=8, embedding_size=8, window=8)
    losses = model.fit(words, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert len(model.generate("a b", length=5)) == 1
    tagger = pos_tagger(cell="mingru", units=4, embedding="random", embedding_size=4)
    tagger.fit([["a", "b"]] * 8, [["X", "Y"]] * 8, epochs=1, verbose=0)
    frames = frame_labeller(cell="rglru", units=4)
    frames.fit([np.ones((6, 2), "float32")] * 4, [[0, 1] * 3] * 4, epochs=1, verbose=0)
