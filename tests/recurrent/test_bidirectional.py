"""R8: both directions, against its Keras twin and against two layers run by hand."""

import keras
import numpy as np
import pytest
from deep import mostly_deep
from keras import ops

from rnnkit import layers
from rnnkit.errors import InputError

B, T, D, U = 3, 5, 2, 4
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [1, 0, 0, 0, 0]], bool)


def inputs():
    return np.random.default_rng(0).normal(size=(B, T, D)).astype("float32")


def numpy(value):
    parts = value if type(value) in (list, tuple) else [value]
    return [ops.convert_to_numpy(part) for part in parts]


def assert_same(ours, theirs):
    for one, other in zip(numpy(ours), numpy(theirs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def twins(cell, merge_mode, **options):
    pair = [
        kit.Bidirectional(getattr(kit, cell)(U, **options), merge_mode=merge_mode)
        for kit in (layers, keras.layers)
    ]
    for layer in pair:
        layer.build((B, T, D))
    pair[0].set_weights(pair[1].get_weights())
    return pair


@pytest.mark.parametrize(
    ("merge_mode", "sequences", "masked"),
    [
        ("concat", True, True),
        ("concat", False, True),
        ("sum", True, False),
        ("mul", False, True),
        ("ave", True, True),
        (None, True, True),
        (None, False, False),
    ],
)
def test_every_merge_mode_equals_the_twin(merge_mode, sequences, masked):
    """With a GRU: its one state keeps clear of what Keras does with an LSTM's mask on JAX."""
    mask = MASK if masked else None
    options = {"return_sequences": sequences, "return_state": merge_mode in ("concat", None)}
    ours, theirs = twins("GRU", merge_mode, **options)
    found = ours(inputs(), mask=mask)
    assert_same(found, theirs(inputs(), mask=mask))
    shapes = ours.compute_output_shape((B, T, D))
    shapes = shapes if type(shapes[0]) is tuple else [shapes]
    assert [part.shape for part in numpy(found)] == list(shapes)


@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM"])
def test_equals_two_layers_run_by_hand(cell):
    layer = layers.Bidirectional(getattr(layers, cell)(U, return_sequences=True))
    found = numpy(layer(inputs(), mask=MASK))[0]
    forward = getattr(layers, cell)(U, return_sequences=True)
    forward.build((B, T, D))
    half = len(layer.get_weights()) // 2
    forward.set_weights(layer.get_weights()[:half])
    wanted = numpy(forward(inputs(), mask=MASK))[0] * MASK[..., None]
    np.testing.assert_allclose(found[..., :U], wanted, atol=1e-6)
    forward.set_weights(layer.get_weights()[half:])
    turned = numpy(forward(inputs()[:, ::-1], mask=MASK[:, ::-1]))[0][:, ::-1] * MASK[..., None]
    np.testing.assert_allclose(found[..., U:], turned, atol=1e-6)


def test_weights_names_and_order():
    ours, theirs = twins("LSTM", "concat")
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert ours.forward_layer.name.startswith("forward_lstm")
    assert ours.backward_layer.name.startswith("backward_lstm")


def test_states_in_and_out():
    ours, theirs = twins("LSTM", "concat", return_state=True)
    rng = np.random.default_rng(1)
    states = [rng.normal(size=(B, U)).astype("float32") for _ in range(4)]
    assert_same(ours(inputs(), initial_state=states), theirs(inputs(), initial_state=states))
    with pytest.raises(InputError, match="initial_state"):
        ours(inputs(), initial_state=states[:3])


def test_a_backward_layer_of_its_own():
    def build(kit):
        return kit.Bidirectional(
            kit.LSTM(U, return_sequences=True),
            backward_layer=kit.GRU(3, return_sequences=True, go_backwards=True),
        )

    ours, theirs = build(layers), build(keras.layers)
    ours.build((B, T, D))
    theirs.build((B, T, D))
    ours.set_weights(theirs.get_weights())
    found = ours(inputs())
    assert_same(found, theirs(inputs()))
    assert ours.compute_output_shape((B, T, D)) == (B, T, U + 3) == tuple(found.shape)
    again = layers.Bidirectional.from_config(ours.get_config())
    assert type(again.backward_layer) is layers.GRU
    assert again.backward_layer.units == 3


def test_start_weights():
    ours, _ = twins("GRU", "sum")
    again = layers.Bidirectional(layers.GRU(U), merge_mode="sum", weights=ours.get_weights())
    assert_same(again(inputs()), ours(inputs()))


def test_the_mask_is_passed_on():
    x = keras.layers.Embedding(9, D, mask_zero=True)(np.array([[1, 2, 0], [3, 0, 0]]))
    layer = layers.Bidirectional(layers.LSTM(U, return_sequences=True))
    assert layer(x)._keras_mask is not None
    assert getattr(layers.Bidirectional(layers.LSTM(U))(x), "_keras_mask", None) is None
    # Beside given states, too: Keras hands the mask over under another name then.
    states = [ops.ones((2, U))] * 4
    by_hand = layer(
        ops.convert_to_numpy(x), initial_state=states, mask=np.array([[1, 1, 0], [1, 0, 0]], bool)
    )
    assert_same(layer(x, initial_state=states), by_hand)


def test_zeros_for_masked_steps_follow_the_twin():
    for sequences in (False, True):
        ours, theirs = twins("GRU", "concat", return_sequences=sequences, zero_output_for_mask=True)
        assert_same(ours(inputs(), mask=MASK), theirs(inputs(), mask=MASK))


@pytest.mark.parametrize("merge_mode", mostly_deep(["ave", None], "ave"))
def test_a_model_saved_and_loaded(merge_mode, tmp_path):
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(9, D, mask_zero=True)(ids)
    x = layers.Bidirectional(layers.GRU(U, return_sequences=True))(x)
    outputs = layers.Bidirectional(layers.LSTM(U), merge_mode)(x)
    model = keras.Model(ids, outputs)
    rows = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert_same(again.predict_on_batch(rows), model.predict_on_batch(rows))
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert again.layers[-1].forward_layer.name == model.layers[-1].forward_layer.name


def test_stateful():
    layer = layers.Bidirectional(layers.GRU(U, stateful=True))
    x = inputs()
    first = numpy(layer(x))[0]
    assert len(layer.states) == 2
    assert not np.allclose(numpy(layer(x))[0], first)
    layer.reset_state()
    np.testing.assert_allclose(numpy(layer(x))[0], first, atol=1e-6)
    assert layers.Bidirectional(layers.GRU(U)).states is None


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: layers.Bidirectional(layers.GRU(U), merge_mode="max"), "merge_mode is 'max'"),
        (lambda: layers.Bidirectional(keras.layers.Dense(U)), "expected recurrent layers"),
        (lambda: layers.Bidirectional("lstm"), "expected recurrent layers"),
        (
            lambda: layers.Bidirectional(layers.GRU(U), backward_layer=layers.GRU(U)),
            "run in the other direction",
        ),
        (
            lambda: layers.Bidirectional(
                layers.GRU(U),
                backward_layer=layers.GRU(U, go_backwards=True, return_sequences=True),
            ),
            "return_sequences is False in the forward layer and True",
        ),
    ],
)
def test_what_does_not_fit_is_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", [layers.GRU, layers.MinGRU])
def test_outputs_in_the_order_of_the_inputs(kind, masked):
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    mask = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1]], bool) if masked else None
    layer = kind(4, go_backwards=True, return_sequences=True)
    turned = ops.flip(layer(x, mask=mask), axis=1)
    found = layer(x, mask=mask, in_order=True)
    np.testing.assert_array_equal(*map(ops.convert_to_numpy, (found, turned)))
    last = kind(4, go_backwards=True)
    assert last(x, in_order=True).shape == (2, 4)


def test_a_layer_with_a_call_of_its_own_is_turned_around():
    @keras.saving.register_keras_serializable(package="tests of bidirectional layers")
    class Own(layers.GRU):
        def call(self, sequences, initial_state=None, mask=None, training=False):
            return super().call(sequences, initial_state, mask, training)

    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    own = layers.Bidirectional(Own(4, return_sequences=True))
    plain = layers.Bidirectional(layers.GRU(4, return_sequences=True))
    own.build(x.shape), plain.build(x.shape)
    own.set_weights(plain.get_weights())
    np.testing.assert_allclose(*(ops.convert_to_numpy(f(x)) for f in (own, plain)), rtol=1e-6)
