"""R11: MinGRU, MinLSTM, RG-LRU and its block against NumPy loops, in one piece and step by step."""

from functools import cache, partial

import autodiff
import keras
import numpy as np
import oracles_linear as oracles
import pytest
from deep import few_elsewhere
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rnnkit.errors import InputError
from rnnkit.recurrent.convolution import causal_convolution
from rnnkit.recurrent.minimal import MinGRU, MinLSTM
from rnnkit.recurrent.rglru import RGLRU, bounded_sqrt
from rnnkit.recurrent.rglru_block import RGLRUBlock
from rnnkit.recurrent.wrappers import Bidirectional

T, U = 5, 4
SIGNED = {"activation": "positive", "signed": True}
POSITIVE = {"g": oracles.positive, "signed": True}
# name: layer, its oracle, features D
SYSTEMS = {
    "MinGRU": (MinGRU, oracles.min_gru, 3),
    "MinGRU signed": (partial(MinGRU, **SIGNED), partial(oracles.min_gru, **POSITIVE), 3),
    "MinLSTM": (MinLSTM, oracles.min_lstm, 3),
    "MinLSTM signed": (partial(MinLSTM, **SIGNED), partial(oracles.min_lstm, **POSITIVE), 3),
    "RGLRU": (RGLRU, oracles.rg_lru, 3),
    "RGLRU blocks": (partial(RGLRU, blocks=2, project=False), oracles.rg_lru, U),
    "RGLRUBlock": (partial(RGLRUBlock, inner=2, blocks=2, reach=3, expansion=2), oracles.block, U),
}
EVERY = pytest.mark.parametrize("name", SYSTEMS)
# Where only what they share is at stake, one of each file: compiling is what takes time.
EACH_FILE = pytest.mark.parametrize("name", ["MinLSTM", "RGLRU", "RGLRUBlock"])
PATTERNS = [
    [1, 1, 1, 1, 1],
    [1, 1, 0, 0, 0],  # right-padded
    [0, 0, 0, 1, 1],  # left-padded
    [1, 0, 0, 1, 0],  # gaps
    [0, 1, 0, 1, 1],
    [0, 0, 0, 0, 0],  # an empty row
]
MASK = np.array(PATTERNS, bool)
B = len(PATTERNS)
RESETS = np.random.default_rng(9).random((B, T)) < 0.25


def numpy(value):
    return ops.convert_to_numpy(value)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def make(name, **options):
    """A built layer with drawn weights, its oracle, and these weights."""
    kind, step, width = SYSTEMS[name]
    layer = kind(U, **options)
    layer.build((B, T, width))
    rng = np.random.default_rng(1)
    weights = []
    for variable in layer.trainable_variables:
        around = -4 if variable.name == "decay" else 0  # so that states live for some steps
        weights.append((around + 0.6 * rng.normal(size=variable.shape)).astype("float32"))
        variable.assign(weights[-1])
    return layer, step, weights


def compiled(function):
    """On JAX, compile: there every small operation by itself takes its time."""
    if keras.config.backend() != "jax":
        return function
    import jax

    return jax.jit(function)


def call(layer, x, states, mask, resets):
    """Call a layer with everything it takes."""
    run = compiled(
        lambda x, states, mask, resets: layer(x, initial_state=states, mask=mask, resets=resets)
    )
    return run(x, states, mask, resets)


def given_states(layer):
    return [draw(B, size, seed=i + 5) for i, size in enumerate(layer.state_size)]


@EVERY
@pytest.mark.parametrize(
    ("backwards", "zero_output"), [(False, False), (True, True)], ids=["forwards", "backwards"]
)
def test_outputs_and_states_for_every_mask_and_reset(name, backwards, zero_output):
    options = {"go_backwards": backwards, "zero_output_for_mask": zero_output}
    layer, step, weights = make(name, return_sequences=True, return_state=True, **options)
    x, states = draw(B, T, SYSTEMS[name][2]), given_states(layer)
    wanted, last = oracles.run(step, x, states, weights, MASK, RESETS, backwards, zero_output)
    output, *found = call(layer, x, states, MASK, RESETS)
    np.testing.assert_allclose(numpy(output), wanted, atol=1e-5)
    for one, other in zip(found, last, strict=True):
        np.testing.assert_allclose(numpy(one), other, atol=1e-5)


@EACH_FILE
def test_the_last_output_alone_without_mask_or_given_states(name):
    layer, step, weights = make(name)
    x = draw(B, T, SYSTEMS[name][2])
    states = [np.zeros((B, size)) for size in layer.state_size]
    wanted, _ = oracles.run(step, x, states, weights)
    np.testing.assert_allclose(numpy(compiled(layer)(x)), wanted[:, -1], atol=1e-5)


@EVERY
def test_gradients_are_the_slopes_of_the_loop(name):
    """By the inputs, the first states and every weight, from all outputs and the last states."""
    backwards = name in ("MinGRU signed", "RGLRU blocks")
    layer, step, weights = make(
        name, return_sequences=True, return_state=True, go_backwards=backwards
    )
    rows = slice(2, 4)  # left-padded, and gaps: slopes take their time
    mask, resets = MASK[rows], RESETS[rows]
    x, states = draw(2, T, SYSTEMS[name][2]), [state[rows] for state in given_states(layer)]
    by = [draw(2, T, U, seed=20), *(draw(*s.shape, seed=21 + i) for i, s in enumerate(states))]

    def loss(x, *states):
        found = call(layer, x, list(states), mask, resets)
        return sum(ops.sum(ops.multiply(one, other)) for one, other in zip(found, by, strict=True))

    def wanted_loss(x, *rest):
        first, weights = rest[: len(states)], rest[len(states) :]
        outputs, last = oracles.run(step, x, first, weights, mask, resets, backwards)
        return sum(np.sum(one * other) for one, other in zip([outputs, *last], by, strict=True))

    by_arrays, by_weights = autodiff.gradients(loss, [x, *states], layer.trainable_variables)
    slopes = oracles.slopes(wanted_loss, [x, *states, *weights])
    for found, wanted in zip([*by_arrays, *by_weights], slopes, strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-4, rtol=2e-4)


@EACH_FILE
def test_step_by_step_from_any_state_equals_the_whole(name):
    """The recurrence computed for all steps at once, and fed one step at a time."""
    layer, _, _ = make(name, return_sequences=True, return_state=True)
    x, states = draw(B, T, SYSTEMS[name][2], seed=3), given_states(layer)
    wanted, *last = call(layer, x, states, MASK, RESETS)
    step = compiled(lambda x, s, mask, resets: layer(x, initial_state=s, mask=mask, resets=resets))
    steps, now = [], states
    for t in range(T):
        at = slice(t, t + 1)
        output, *now = step(x[:, at], now, MASK[:, at], RESETS[:, at])
        steps.append(numpy(output))
    np.testing.assert_allclose(
        np.concatenate(steps, 1)[MASK], numpy(wanted)[MASK], atol=1e-5, rtol=1e-5
    )
    for one, other in zip(now, last, strict=True):
        np.testing.assert_allclose(numpy(one), numpy(other), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", few_elsewhere(["MinGRU", "RGLRUBlock"], "MinGRU"))
def test_a_stateful_layer_takes_pieces_and_a_reset_equals_a_fresh_start(name):
    layer, _, _ = make(name, return_sequences=True, stateful=True)
    x = draw(B, T, SYSTEMS[name][2])
    first = numpy(layer(x))
    layer.reset_state()
    pieces = [numpy(layer(x[:, :2])), numpy(layer(x[:, 2:]))]
    np.testing.assert_allclose(np.concatenate(pieces, 1), first, atol=1e-5)
    resets = np.zeros((B, T), bool)
    resets[:3, 0] = True  # the others go on
    found = numpy(layer(x, resets=resets))
    np.testing.assert_allclose(found[:3], first[:3], atol=1e-5)
    assert not np.allclose(found[3:], first[3:], atol=1e-3)


@cache
def last_state(name, backwards):
    """Sequences and mask -> last output and states; compiled once for each shape."""
    layer, _, _ = make(name, return_state=True, go_backwards=backwards)
    return compiled(lambda x, mask: layer(x, mask=mask))


@settings(max_examples=8, deadline=None)
@given(
    places=st.lists(st.integers(0, T + 2), min_size=T, max_size=T, unique=True),
    name=st.sampled_from(["RGLRU", "RGLRUBlock"]),
    backwards=st.booleans(),
)
def test_padding_anywhere_changes_nothing(places, name, backwards):
    network, width = last_state(name, backwards), SYSTEMS[name][2]
    places = sorted(places)
    x, padded = draw(2, T, width), 9 * draw(2, T + 3, width, seed=1)
    padded[:, places] = x
    mask = np.zeros((2, T + 3), bool)
    mask[:, places] = True
    full = np.ones((2, T), bool)
    for found, wanted in zip(network(padded, mask), network(x, full), strict=True):
        np.testing.assert_allclose(numpy(found), numpy(wanted), atol=1e-5)


def test_the_convolution_alone_goes_on_where_it_ended():
    x, kernel = draw(2, 7, 3), draw(4, 3, seed=1)
    start = np.zeros((2, 3, 3), "float32")
    whole, end = causal_convolution(*map(ops.convert_to_tensor, (x, kernel, start)))
    padded = np.concatenate([start, x], 1)
    wanted = sum(kernel[k] * padded[:, 3 - k : 10 - k] for k in range(4))
    np.testing.assert_allclose(numpy(whole), wanted, atol=1e-5)
    np.testing.assert_array_equal(numpy(end), x[:, -3:])
    before, pieces = ops.convert_to_tensor(start), []
    for t in range(7):
        piece, before = causal_convolution(
            ops.convert_to_tensor(x[:, t : t + 1]), ops.convert_to_tensor(kernel), before
        )
        pieces.append(numpy(piece))
    np.testing.assert_allclose(np.concatenate(pieces, 1), wanted, atol=1e-5)


def test_the_decay_starts_in_its_bounds_and_forgets_nothing_at_a_shut_gate():
    layer = RGLRU(500, seed=1, gate_initializer="zeros", kernel_initializer="zeros")
    layer.build((None, None, 3))
    a = np.exp(-8 * np.log1p(np.exp(numpy(layer.decay_parameter).astype("float64"))))
    assert a.min() == pytest.approx(0.9, abs=0.002)
    assert a.max() == pytest.approx(0.999, abs=0.002)
    assert a.mean() == pytest.approx(0.9495, abs=0.01)
    assert len(layer.get_config()["decay"]) == 2


def test_a_gate_that_is_shut_gives_no_infinite_gradient():
    """At a = 1 the slope of sqrt(1 - a²) is infinite, and 0 times infinity no number."""
    (slope,), _ = autodiff.gradients(lambda x: ops.sum(bounded_sqrt(x)), [[0.0, 1e-12, 0.25]])
    np.testing.assert_allclose(slope, [1000, 1000, 1], rtol=1e-5)
    layer, _, _ = make("RGLRU")
    layer.gate_bias.assign(np.full((2, U), -200.0))
    (dx,), dw = autodiff.gradients(
        compiled(lambda x: ops.sum(layer(x, initial_state=ops.ones((B, U))))),
        [draw(B, T, 3)],
        layer.trainable_variables,
    )
    assert all(np.isfinite(value).all() for value in (dx, *dw))


def test_both_gates_shut_is_no_zero_by_zero():
    layer, _, _ = make("MinLSTM", return_sequences=True)
    kernel, _ = layer.get_weights()
    layer.set_weights([kernel, np.repeat([-200.0, -200.0, 1.0], U)])
    assert np.isfinite(numpy(layer(draw(B, T, 3)))).all()


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.parametrize("name", ["MinGRU signed", "RGLRU blocks", "RGLRUBlock"])
def test_a_model_saves_loads_and_trains(name, tmp_path):
    keras.utils.set_random_seed(0)
    kind, _, width = SYSTEMS[name]
    options = {} if name == "RGLRUBlock" else {"kernel_regularizer": keras.regularizers.L2(1e-3)}
    inputs = keras.Input((None, width))
    layer = kind(U, return_sequences=True, dropout=0.1, **options)
    x = layer(keras.layers.Masking()(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(x[:, -1]))
    model.compile(keras.optimizers.Adam(0.03), "mse")
    sequences = draw(8, T, width)
    sequences[:4, 3:] = 0
    labels = sequences.mean((1, 2))[:, None]
    losses = model.fit(sequences, labels, epochs=12, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < 0.95 * losses[0]
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert loaded.layers[2].get_config() == layer.get_config()
    found, wanted = (numpy(compiled(one)(sequences)) for one in (loaded, model))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@EACH_FILE
def test_mixed_precision(name):
    policy = "mixed_bfloat16" if name == "MinLSTM" else "mixed_float16"
    full, _, _ = make(name, return_sequences=True, return_state=True)
    low, _, _ = make(name, return_sequences=True, return_state=True, dtype=policy)
    x = draw(B, T, SYSTEMS[name][2])
    pairs = [compiled(lambda x, one=one: one(x, mask=MASK))(x) for one in (low, full)]
    for found, wanted in zip(*pairs, strict=True):
        assert keras.backend.standardize_dtype(found.dtype) == policy.removeprefix("mixed_")
        scale = 1 + np.abs(numpy(wanted)).max()
        values = numpy(ops.cast(found, "float32"))
        np.testing.assert_allclose(values / scale, numpy(wanted) / scale, atol=0.03)


def test_both_directions():
    layer = Bidirectional(MinGRU(U, return_sequences=True))
    x = draw(B, T, 3)
    both = numpy(layer(x, mask=MASK))
    alone = MinGRU(U, return_sequences=True, go_backwards=True)
    alone.build(x.shape)
    alone.set_weights(layer.get_weights()[2:])
    backward = numpy(alone(x, mask=MASK))[:, ::-1]
    np.testing.assert_allclose(both[..., U:][MASK], backward[MASK], atol=1e-6)


@pytest.mark.parametrize(
    ("make_layer", "width", "said"),
    [
        (lambda: MinGRU(0), 3, "units is 0"),
        (lambda: RGLRU(4, blocks=3), 3, "blocks is 3; expected a number that divides"),
        (lambda: RGLRU(4, project=False), 3, "as many features as units"),
        (lambda: RGLRU(4, decay=(0.5, 1.0)), 3, "between 0 and 1"),
        (lambda: RGLRUBlock(4), 3, "the input has 3 features; expected 4"),
        (lambda: RGLRUBlock(4, reach=1), 4, "reach is 1"),
    ],
)
def test_bad_input_says_what_came_and_what_was_expected(make_layer, width, said):
    with pytest.raises(InputError, match=said):
        make_layer().build((None, None, width))


def test_the_signed_form_learns_the_parity_of_bits_for_sequences_four_times_as_long():
    """The unsigned one stays at chance: `benchmarks/parity.py` prints both."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)

    def bits(rows, steps):
        x = rng.integers(0, 2, size=(rows, steps, 1))
        return x.astype("float32"), (np.cumsum(x, axis=1) % 2).astype("float32")

    inputs = keras.Input((None, 1))
    hidden = MinGRU(8, "tanh", signed=True, return_sequences=True)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    model.compile(keras.optimizers.Adam(0.05), keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(*bits(150 * 32, 40), batch_size=32, verbose=0)
    x, y = bits(128, 160)
    right = (model.predict(x, batch_size=128, verbose=0) > 0) == (y > 0.5)
    assert right.mean() > 0.99
