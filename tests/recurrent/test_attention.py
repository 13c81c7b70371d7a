"""Attention and the decoder around it (R10), against NumPy loops and finite differences."""

from __future__ import annotations

import autodiff
import keras
import numpy as np
import pytest
from keras import ops

from rnnkit.errors import InputError
from rnnkit.recurrent.attention import AdditiveAttention, DotAttention
from rnnkit.recurrent.attention_decoder import AttentionDecoder
from rnnkit.recurrent.pointer import PointerGenerator, ScheduledSampling
from rnnkit.recurrent.tied_embedding import TiedEmbedding, UnitVectors

B, T, S, D, E, U, A = 3, 4, 5, 2, 3, 4, 3
# A gap in the middle, nothing at all, padding on the left.
MASK = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 0, 1, 1, 1]], bool)
KINDS = [("gru", "dot"), ("lstm", "additive")]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def weigh(scores, mask):
    weights = np.zeros(S)
    if mask.any():
        powers = np.exp(scores[mask] - scores[mask].max())
        weights[mask] = powers / powers.sum()
    return weights


def score(kind, query, memory, w):
    if kind == "dot":
        return np.array([query @ (m @ w["memory_kernel"]) for m in memory])
    return np.array(
        [
            np.tanh(query @ w["query_kernel"] + m @ w["memory_kernel"] + w["bias"])
            @ w["score_kernel"][:, 0]
            for m in memory
        ]
    )


def decode(cell, kind, x, memory, starts, w):
    """The decoder's equations, a row and a step at a time, in float64."""
    told, looked = np.zeros((B, T, A)), np.zeros((B, T, S))
    inner = {key.removeprefix("attention/"): value for key, value in w.items()}
    if kind == "additive":
        inner["bias"] = w["attention/bias"]
    for b in range(B):
        a, states = np.zeros(A), [start[b] for start in starts]
        for t in range(T):
            z = x[b, t] @ w["kernel"] + w["bias"] + a @ w["feed_kernel"]
            h = states[0]
            if cell == "lstm":
                i, f, g, o = np.split(z + h @ w["recurrent_kernel"], 4)
                c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
                states = [sigmoid(o) * np.tanh(c), c]
            else:
                r = h @ w["recurrent_kernel"] + w["recurrent_bias"]
                update = sigmoid(z[:U] + r[:U])
                reset = sigmoid(z[U : 2 * U] + r[U : 2 * U])
                candidate = np.tanh(z[2 * U :] + reset * r[2 * U :])
                states = [update * h + (1 - update) * candidate]
            looked[b, t] = weigh(score(kind, states[0], memory[b], inner), MASK[b])
            context = looked[b, t] @ memory[b]
            a = np.tanh(context @ w["value_kernel"] + states[0] @ w["output_kernel"])
            told[b, t] = a
    return told, looked


@pytest.fixture(params=KINDS, ids=" ".join)
def decoder(request):
    cell, kind = request.param
    layer = AttentionDecoder(U, A, cell=cell, attention=kind)
    layer.build((None, None, D), (None, None, E))
    for i, variable in enumerate(layer.weights):
        variable.assign(draw(*variable.shape, seed=i).astype("float32") * 0.7)
    x, memory = draw(B, T, D, seed=50), draw(B, S, E, seed=51)
    starts = [draw(B, U, seed=52 + i) * 0.5 for i in range(layer.state_count)]
    weights = {
        variable.path.split("/", 1)[1]: ops.convert_to_numpy(variable).astype("float64")
        for variable in layer.weights
    }
    return layer, x, memory, starts, weights


def single(values):
    return [value.astype("float32") for value in values]


def test_decoder_values_and_gradients(decoder):
    layer, x, memory, starts, w = decoder
    told, looked = layer(*single([x, memory]), MASK, single(starts), return_attention=True)
    expected, expected_looked = decode(layer.cell, layer.attention, x, memory, starts, w)
    np.testing.assert_allclose(ops.convert_to_numpy(told), expected, atol=2e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(looked), expected_looked, atol=2e-6)
    assert not expected_looked[1].any()  # the row without a real step
    assert not expected_looked[0][:, 1].any()  # the gap

    side = draw(B, T, A, seed=60)

    def loss(x, memory, *starts):
        told = layer(x, memory, MASK, list(starts))
        return ops.sum(told * ops.convert_to_tensor(side.astype("float32")))

    arrays, variables = autodiff.gradients(
        loss, single([x, memory, *starts]), layer.trainable_variables
    )

    def slope(array):
        """Central differences in float64, of an array that `decode` reads."""
        found = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            kept, sides = array[place], []
            for change in (1e-5, -1e-5):
                array[place] = kept + change
                sides.append(
                    (decode(layer.cell, layer.attention, x, memory, starts, w)[0] * side).sum()
                )
            array[place] = kept
            found[place] = (sides[0] - sides[1]) / 2e-5
        return found

    for found, array in zip(arrays, [x, memory, *starts], strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), slope(array), atol=2e-5)
    names = [variable.path.split("/", 1)[1] for variable in layer.trainable_variables]
    for name, found in zip(names, variables, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), slope(w[name]), atol=5e-5)


def test_a_step_at_a_time(decoder):
    layer, x, memory, starts, _ = decoder
    x, memory, *starts = single([x, memory, *starts])
    whole = ops.convert_to_numpy(layer(x, memory, MASK, starts))
    seen, states = layer.prepare_memory(memory, MASK), layer.initial_states(x, starts)
    for t in range(T):
        states, _ = layer.step(layer.project(x[:, t]), states, seen, layer.parameters())
        np.testing.assert_allclose(ops.convert_to_numpy(states[0]), whole[:, t], atol=1e-6)


def test_masked_steps_of_the_memory_change_nothing(decoder):
    layer, x, memory, starts, _ = decoder
    x, memory, *starts = single([x, memory, *starts])
    found = layer(x, memory, MASK, starts)
    other = np.where(MASK[:, :, None], memory, 99).astype("float32")
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (found, layer(x, other, MASK, starts))))


@pytest.mark.parametrize("kind", ["dot", "additive"])
def test_attention_layers(kind):
    layer = DotAttention(U) if kind == "dot" else AdditiveAttention(A)
    query, memory = draw(B, T, U, seed=1), draw(B, S, E, seed=2)
    context, weights = layer(*single([query, memory]), mask=MASK, return_weights=True)
    w = {v.name: ops.convert_to_numpy(v).astype("float64") for v in layer.weights}
    for b, t in np.ndindex(B, T):
        expected = weigh(score(kind, query[b, t], memory[b], w), MASK[b])
        np.testing.assert_allclose(ops.convert_to_numpy(weights)[b, t], expected, atol=1e-6)
        np.testing.assert_allclose(
            ops.convert_to_numpy(context)[b, t], expected @ memory[b], atol=1e-6
        )
    one = layer(*single([query[:, 0], memory]), mask=MASK)
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (one, context[:, 0])), atol=1e-6)


def test_pointer_generator():
    scores, weights = draw(B, T, 7, seed=1), np.abs(draw(B, T, S, seed=2))
    weights /= weights.sum(-1, keepdims=True)
    source = np.array([[4, 5, 4, 4, 6], [1, 2, 3, 4, 5], [6, 6, 6, 6, 6]], "int32")  # 4 three times
    told, words = draw(B, T, A, seed=3), draw(B, T, D, seed=4)
    layer = PointerGenerator()
    found = layer(*single([scores, weights]), source, *single([told, words]))
    kernel, bias = (ops.convert_to_numpy(v).astype("float64") for v in layer.weights)
    for b, t in np.ndindex(B, T):
        gate = sigmoid(np.concatenate([told[b, t], words[b, t]]) @ kernel[:, 0] + bias[0])
        expected = gate * np.exp(scores[b, t]) / np.exp(scores[b, t]).sum()
        for s in range(S):
            expected[source[b, s]] += (1 - gate) * weights[b, t, s]
        assert expected.sum() == pytest.approx(1)
        np.testing.assert_allclose(np.exp(ops.convert_to_numpy(found)[b, t]), expected, atol=1e-6)


def test_scheduled_sampling():
    entering = np.array([[2, 5, 6, 0], [2, 7, 0, 0]], "int32")
    scores = np.eye(9, dtype="float32")[[[8, 4, 3, 3], [8, 3, 3, 3]]]
    layer = ScheduledSampling(0.999999, rise=1, seed=0)
    assert ops.convert_to_numpy(layer(entering, scores)).tolist() == entering.tolist()
    heard = ops.convert_to_numpy(layer(entering, scores, training=True)).tolist()
    assert [row[1:] for row in heard] == [[8, 4, 0], [8, 0, 0]]  # what it put out a step before
    rising = ScheduledSampling(0.999999, rise=10**6, seed=0)
    assert ops.convert_to_numpy(rising(entering, scores, training=True)).tolist() == (
        entering.tolist()
    )


def test_tied_embedding():
    table = TiedEmbedding(6, D, embeddings_initializer=UnitVectors(3))
    words = table(np.array([[1, 5]], "int32"))
    values = ops.convert_to_numpy(table.embeddings)
    np.testing.assert_allclose(ops.convert_to_numpy(words)[0], values[[1, 5]])
    table.bias.assign(np.arange(6.0))
    scores = ops.convert_to_numpy(table(words, reverse=True))[0]
    np.testing.assert_allclose(scores, values[[1, 5]] @ values.T + np.arange(6.0), atol=1e-6)
    assert np.square(ops.convert_to_numpy(UnitVectors(0)((50, 40)))).sum(1).mean() == (
        pytest.approx(1, abs=0.1)
    )


def test_a_model_of_the_layers_is_built_again_from_its_configuration():
    x, memory = keras.Input((None, D)), keras.Input((None, E))
    told, looked = AttentionDecoder(U, A, attention="additive")(x, memory, return_attention=True)
    model = keras.Model([x, memory], [told, looked, AdditiveAttention(A)(told, memory)])
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    inputs = single([draw(B, T, D), draw(B, S, E)])
    for one, other in zip(model(inputs), again(inputs), strict=True):
        np.testing.assert_allclose(*map(ops.convert_to_numpy, (one, other)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AttentionDecoder(U, A, cell="grru"), "cell is 'grru'.*Did you mean 'gru'"),
        (lambda: AttentionDecoder(U, A, attention="dott"), "attention is 'dott'.*mean 'dot'"),
        (lambda: DotAttention(0), "units is 0; expected an integer of at least 1"),
        (
            lambda: DotAttention(3)(np.ones((1, 2, 4)), np.ones((1, 2, 4))),
            "units is 3 and the queries have 4",
        ),
        (
            lambda: AttentionDecoder(U, A)(
                *single([draw(B, T, D), draw(B, S, E)]), initial_state=[np.ones((B, U))]
            ),
            r"initial_state has the shapes \[\(3, 4\)\]; expected 2",
        ),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
