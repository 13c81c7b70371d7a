"""R7: layers one upon the other, against the NumPy loops one upon the other."""

import autodiff
import keras
import numpy as np
import oracles
import pytest
from keras import ops
from parity import MASK, RESETS, B, D, T, U, draw, numpy

from rnnkit.backend import explain_kernels
from rnnkit.backend.masking import forward_fill
from rnnkit.errors import InputError
from rnnkit.layers import GRU, LSTM, Bidirectional, SimpleRNN
from rnnkit.recurrent.stack import Stack

CELLS = [oracles.LSTM, oracles.GRUAfter, oracles.SimpleRNN]
STATES = [draw(B, U, seed=i + 20) for i in range(4)]  # two of the LSTM, one of each other
BY = [draw(B, T, U, seed=30), *(draw(B, U, seed=i + 31) for i in range(4))]


def three(**options):
    """LSTM, GRU and SimpleRNN stacked, with drawn weights, and these weights by layer."""
    rng = np.random.default_rng(1)
    top = {"return_sequences": True, "return_state": True}
    stack = Stack([LSTM(U), GRU(U), SimpleRNN(U, **top)], **options)
    stack.build((B, T, D))
    weights = [
        oracles.draw_weights(cell, w, U, rng) for cell, w in zip(CELLS, [D, U, U], strict=True)
    ]
    stack.set_weights([w for part in weights for w in part])
    return stack, weights


def turned(array, backwards):
    return array[:, ::-1] if backwards else array


def repeats(mask, resets):
    """The matrices (T, T) of each row that let masked steps repeat the last real step."""
    rows = np.zeros((*mask.shape, mask.shape[1]))
    for row, step in np.ndindex(mask.shape):
        begin = max([0, *(np.flatnonzero(resets[row, : step + 1]))])
        real = [s for s in range(begin, step + 1) if mask[row, s]]
        if real:
            rows[row, step, real[-1]] = 1
    return rows


def oracle(x, weights, backwards, residual):
    """Outputs, states and gradients (by x, weights, first states) of the three layers."""
    x, mask, resets = (turned(a, backwards) for a in (x, MASK, RESETS))
    firsts = [STATES[:2], STATES[2:3], STATES[3:]]
    records, lasts = [], []
    for place, (cell, own, first) in enumerate(zip(CELLS, weights, firsts, strict=True)):
        outputs, last, record = oracles.run(cell, x, own, mask, first, resets=resets)
        x = outputs + x if residual and place else outputs
        records.append(record)
        lasts += last
    repeat = repeats(mask, resets)
    by = BY[0]
    if residual:
        x, by = repeat @ x, np.swapaxes(repeat, 1, 2) @ by
    d_firsts, d_weights = [], []
    for place, ends in ((2, BY[4:]), (1, BY[3:4]), (0, BY[1:3])):
        dx, dw, d_first = oracles.gradients(CELLS[place], records[place], by, ends)
        by = dx + by if residual and place else dx
        d_firsts, d_weights = d_first + d_firsts, dw + d_weights
    return [x, *lasts], [turned(by, backwards), *d_weights, *d_firsts]


WAYS = pytest.mark.parametrize(("backwards", "residual"), [(False, False), (True, True)])


@WAYS
def test_outputs_states_and_gradients(backwards, residual):
    stack, weights = three(go_backwards=backwards, residual=residual)
    x = draw(B, T, D)
    wanted, slopes = oracle(x, weights, backwards, residual)
    found = stack(x, initial_state=STATES, mask=MASK, resets=RESETS)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(numpy(one), other, atol=1e-5)

    def loss(x, *states):
        found = stack(x, initial_state=list(states), mask=MASK, resets=RESETS)
        return sum(ops.sum(ops.multiply(f, b)) for f, b in zip(found, BY, strict=True))

    (dx, *first), dw = autodiff.gradients(loss, [x, *STATES], stack.trainable_variables)
    for one, other in zip([dx, *dw, *first], slopes, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=1e-4)


def test_forward_fill():
    values = np.arange(B * T, dtype="float32").reshape(B, T, 1) + 1
    for resets in (None, RESETS):
        matrix = repeats(MASK, np.zeros((B, T), bool) if resets is None else resets)
        flags = [None if a is None else ops.convert_to_tensor(a) for a in (MASK, resets)]
        found = numpy(forward_fill(ops.convert_to_tensor(values), *flags))
        np.testing.assert_array_equal(found, matrix @ values)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_what_masked_steps_put_out_with_residual_connections(sequences, zero):
    options = {"return_sequences": sequences, "zero_output_for_mask": zero}
    stack = Stack([SimpleRNN(U), SimpleRNN(U, **options)], residual=True)
    x = draw(B, T, D)
    stack.build(x.shape)
    stack.set_weights([w + 0.1 for w in stack.get_weights()])
    first, second = (SimpleRNN(U, return_sequences=True) for _ in range(2))
    for layer, width, weights in ((first, D, slice(3)), (second, U, slice(3, 6))):
        layer.build((B, T, width))
        layer.set_weights(stack.get_weights()[weights])
    below = first(x, mask=MASK)
    wanted = numpy(below) + numpy(second(below, mask=MASK))
    wanted = repeats(MASK, np.zeros((B, T), bool)) @ wanted
    wanted = wanted * MASK[..., None] if zero else wanted
    found = numpy(stack(x, mask=MASK))
    np.testing.assert_allclose(found, wanted if sequences else wanted[:, -1], atol=1e-5)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.deep("jax")
def test_stateful_in_masked_pieces_equals_the_whole(residual):
    """The third row has no real step in its first piece, the second and fourth begin masked."""
    options = {"return_sequences": True}
    whole = Stack(SimpleRNN(U, **options), depth=2, residual=residual)
    pieces = Stack(SimpleRNN(U, stateful=True, **options), depth=2, residual=residual)
    x = draw(B, T, D)
    wanted = numpy(whole(x, mask=MASK))
    pieces.build((B, None, D))
    for one, other in zip(pieces.layers, whole.layers, strict=True):
        for part, value in zip(one.trainable_variables, other.get_weights(), strict=True):
            part.assign(value)
    found = [numpy(pieces(x[:, a:b], mask=MASK[:, a:b])) for a, b in ((0, 2), (2, T))]
    np.testing.assert_allclose(np.concatenate(found, axis=1), wanted, atol=1e-5)
    kept = [w for w in pieces.weights if w.name.startswith(("state_", "last_output"))]
    assert len(kept) == 2 + residual
    assert all(numpy(w).any() for w in kept)
    pieces.reset_state()
    assert not any(numpy(w).any() for w in kept)
    assert len(pieces.states) == 2
    assert whole.states is None


def test_bidirectional_layers_inside():
    options = {"return_sequences": True}
    both = [Bidirectional(SimpleRNN(3)), Bidirectional(SimpleRNN(3), "sum")]
    stack = Stack([*both, GRU(U, **options)])
    assert stack.compute_output_shape((B, T, D)) == (B, T, U)
    x = draw(B, T, D)
    found = numpy(stack(x, mask=MASK))
    y = x
    for layer in stack.layers:
        y = layer(y, mask=MASK)
    np.testing.assert_allclose(found, numpy(y), atol=1e-6)
    found, y = numpy(stack(x, resets=RESETS)), x
    for layer in stack.layers:
        y = layer(y, resets=RESETS)
    np.testing.assert_allclose(found, numpy(y), atol=1e-6)


def test_inside_bidirectional():
    stack = Stack([LSTM(3), SimpleRNN(U, return_sequences=True, return_state=True)])
    both = Bidirectional(stack)
    x = draw(B, T, D)
    states = [draw(B, size, seed=size) for size in [3, 3, U] * 2]
    found = [numpy(part) for part in both(x, initial_state=states, mask=MASK)]
    half = len(both.get_weights()) // 2
    for place, ends in ((0, states[:3]), (1, states[3:])):
        one = Stack([LSTM(3), SimpleRNN(U, return_sequences=True, return_state=True)])
        one.build(x.shape)
        one.set_weights(both.get_weights()[place * half : (place + 1) * half])
        y, *last = one(turned(x, place), initial_state=ends, mask=turned(MASK, place))
        wanted = turned(numpy(y), place) * MASK[..., None]
        np.testing.assert_allclose(found[0][..., place * U :][..., :U], wanted, atol=1e-5)
        for state, other in zip(found[1 + 3 * place :], last, strict=False):
            np.testing.assert_allclose(state, numpy(other), atol=1e-5)


@pytest.mark.deep("tensorflow", "jax")
def test_a_model_learns_is_saved_and_loaded(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(9, U, mask_zero=True)(ids)
    both = [Bidirectional(SimpleRNN(2)), Bidirectional(SimpleRNN(2, return_sequences=True))]
    x = Stack(both, residual=True, dropout=0.2, seed=1)(x)
    assert x._keras_mask is not None
    x = Stack(SimpleRNN(3, seed=2), depth=1, go_backwards=True)(x)
    model = keras.Model(ids, keras.layers.Dense(1)(x))
    model.compile(keras.optimizers.Adam(0.05), "mse")
    rows = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0], [0, 5, 0, 6]])
    history = model.fit(rows, np.array([1.0, -1, 0, 2]), epochs=6, verbose=0, batch_size=4)
    assert history.history["loss"][-1] < history.history["loss"][0]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for one, other in zip(model.layers, again.layers, strict=True):
        assert one.get_config() == other.get_config()
        for weight, same in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, same)


def test_dropout_acts_between_the_layers_alone():
    """Layers that copy what they read: y_t = x_t."""
    options = {"activation": "linear", "return_sequences": True}
    stack = Stack(SimpleRNN(64, **options), depth=2, dropout=0.5, seed=3)
    stack.build((None, None, 64))
    eye, none = np.eye(64), np.zeros((64, 64))
    stack.set_weights([eye, none, none[0]] * 2)
    x = np.ones((8, 3, 64), "float32")
    np.testing.assert_array_equal(numpy(stack(x)), x)
    found = numpy(stack(x, training=True))
    assert set(np.unique(found)) == {0, 2}  # dropped once, not twice
    assert (found == 0).mean() == pytest.approx(0.5, abs=0.1)
    np.testing.assert_array_equal(found, np.repeat(found[:, :1], 3, axis=1))
    # Around the second layer goes what was not dropped: 1 + (0 or 2).
    around = Stack(stack.layers, dropout=0.5, seed=3, residual=True)
    around.build((None, None, 64))
    around.set_weights([w for layer in stack.layers for w in layer.get_weights()])
    np.testing.assert_array_equal(numpy(around(x, training=True)), 1 + found)


def test_copies_have_weights_names_and_dropout_of_their_own():
    layer = GRU(U, dropout=0.5, seed=7, name="gru")
    stack = Stack(layer, depth=3)
    stack.build((B, T, U))
    assert [part.name for part in stack.layers] == ["gru_0", "gru_1", "gru_2"]
    assert [part.seed for part in stack.layers] == [7, 8, 9]
    assert not np.allclose(stack.layers[0].get_weights()[0], stack.layers[1].get_weights()[0])
    assert not layer.built
    assert [part.return_sequences for part in stack.layers] == [True, True, False]
    assert [part.return_sequences for part in Stack([stack, layer]).layers] == [True, False]
    assert len(explain_kernels(stack)) == 3


def test_mixed_precision():
    full, low = (Stack(SimpleRNN(U, dtype=t), 2, residual=True) for t in (None, "mixed_bfloat16"))
    x = draw(B, T, D)
    full.build(x.shape)
    low.build(x.shape)
    low.set_weights(full.get_weights())
    found = low(x, mask=MASK)
    assert keras.backend.standardize_dtype(found.dtype) == low.compute_dtype == "bfloat16"
    found = numpy(ops.cast(found, "float32"))
    np.testing.assert_allclose(found, numpy(full(x, mask=MASK)), atol=0.05)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Stack([]), "got a list of 0 layers"),
        (lambda: Stack([GRU(4)], depth=2), "got a list of 1 layers and depth=2"),
        (lambda: Stack(GRU(4)), "depth, the number of copies of the one layer, is None; expected"),
        (lambda: Stack(GRU(4), depth=0), "depth, .* is 0; expected"),
        (lambda: Stack([keras.layers.Dense(4)]), "expected recurrent layers"),
        (lambda: Stack([GRU(4), GRU(4, go_backwards=True)]), r"layer 1 \(.*\) has go_backwards"),
        (lambda: Stack([GRU(4, stateful=True), GRU(4)]), "layer 0 .* has stateful=True, the last"),
        (lambda: Stack([Bidirectional(GRU(4), None), GRU(4)]), "merge_mode=None"),
        (
            lambda: Stack([GRU(4), GRU(4)], dropout=1),
            r"dropout is 1; expected a number of at least 0",
        ),
        (
            lambda: Stack([GRU(4), GRU(4), GRU(5)], residual=True)(draw(B, T, D)),
            r"got the widths \[4, 4, 5\]. The output of layer 2 ",
        ),
        (
            lambda: Stack([GRU(4), Bidirectional(GRU(2))], residual=True),
            "a Bidirectional last layer that returns the last output only",
        ),
        (
            lambda: Stack([LSTM(4), GRU(4)])(draw(B, T, D), initial_state=[draw(B, 4)] * 2),
            r"initial_state has 2 states; expected 3, .* sizes \[4, 4, 4\]",
        ),
        (
            lambda: Stack(GRU(4), depth=2, residual=True)(draw(B, T, D), mask=MASK[:, 1:]),
            r"the mask has the shape \(9, 4\); expected \(9, 5\)",
        ),
    ],
)
def test_what_cannot_be_is_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()
