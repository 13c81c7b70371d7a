"""What holds for every layer over time: dtypes, masks, NaNs, empty batches, stateful batches."""

import keras
import numpy as np
import pytest
from autodiff import gradients
from deep import few_elsewhere
from keras import ops
from systems import ALL, DEEP, LINEAR, MASK, RECURRENT, SOME, B, D, T, U, built, draw, numpy, total

from rnnkit import layers
from rnnkit.errors import InputError
from rnnkit.recurrent.tied_embedding import TiedEmbedding

EVERY = pytest.mark.parametrize("name", ALL)
MOST = pytest.mark.parametrize("name", SOME)
X = draw(B, T, D)
ones = ops.ones


def pooling(name):
    return lambda x, mask=None: layers.MaskedPooling(name)(x, mask=mask)


# Other layers that read `(B, T, D)` and a mask.
READERS = {
    "mean+max": pooling("mean+max"),
    "last": pooling("last"),
    "DotAttention": lambda x, mask=None: fixed(layers.DotAttention, D)(ones((B, D)), x, mask=mask),
    "AdditiveAttention": lambda x, mask=None: fixed(layers.AdditiveAttention, D)(
        ones((B, 2, D)), x, mask=mask
    ),
    "AttentionDecoder": lambda x, mask=None: fixed(layers.AttentionDecoder, 2, 2)(
        ones((B, 2, 2)), x, memory_mask=mask
    ),
    "CRF": lambda x, mask=None: layers.CRF(D)(x, mask=mask),
    "HMMFeatures": lambda x, mask=None: layers.HMMFeatures(2, seed=0)(x, mask=mask),
    "WindowFeatures": lambda x, mask=None: layers.WindowFeatures("centred", window=3)(x, mask=mask),
    "LogMel": lambda x, mask=None: layers.LogMel(200, 2, window_ms=20)(x[..., :1], mask=mask)[0],
}


def fixed(kind, *sizes):
    """A layer that starts with the same weights each time."""
    keras.utils.set_random_seed(0)
    return kind(*sizes)


@pytest.mark.parametrize("dtype", few_elsewhere(["uint8", "int64", "bool"], "int64"))
@MOST
def test_whole_numbers_are_read_as_floats(name, dtype):
    x = (X > 0).astype(dtype) * (1 if dtype == "bool" else np.array(3, dtype))
    layer = built(ALL[name])
    np.testing.assert_allclose(numpy(layer(x)), numpy(layer(x.astype("float32"))), atol=1e-6)


@pytest.mark.parametrize("name", few_elsewhere(READERS, "mean+max", "AttentionDecoder"))
def test_other_layers_read_whole_numbers_as_floats(name):
    x = (2 * X).astype("int64")
    found, wanted = READERS[name](x), READERS[name](x.astype("float32"))
    np.testing.assert_allclose(numpy(found), numpy(wanted), atol=1e-6)


def test_scores_of_whole_numbers():
    table = TiedEmbedding(5, U)
    table.build()
    found, wanted = (table(np.ones((2, U), kind), reverse=True) for kind in ("int64", "float32"))
    np.testing.assert_allclose(numpy(found), numpy(wanted))


def everything(layer, x, **options):
    """Outputs, and all gradients of them."""
    by_x, by_weights = gradients(
        lambda x: total(layer(x, **options)), [x], layer.trainable_variables
    )
    return [*map(numpy, keras.tree.flatten(layer(x, **options))), *by_x, *by_weights]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in SOME),
        *((name, {"go_backwards": True}) for name in (*RECURRENT, *LINEAR) if DEEP),
        *((name, {"kernel": "portable"}) for name in RECURRENT if DEEP),
        *((name, {"memory": "sqrt"}) for name in ("LSTM", "JordanRNN") if DEEP),
    ],
    ids=str,
)
def test_nan_at_masked_steps_is_of_no_account(name, options):
    layer = built(ALL[name], return_sequences=True, return_state=True, **options)
    found = everything(layer, np.where(MASK[..., None], X, np.nan).astype("float32"), mask=MASK)
    wanted = everything(layer, np.where(MASK[..., None], X, 0).astype("float32"), mask=MASK)
    for one, other in zip(found, wanted, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("name", few_elsewhere(READERS, "mean+max", "AttentionDecoder"))
def test_nan_at_masked_steps_is_of_no_account_to_other_layers(name):
    x = np.where(MASK[..., None], X, np.nan).astype("float32")
    found, wanted = (READERS[name](v, MASK) for v in (x, np.nan_to_num(x)))
    np.testing.assert_allclose(numpy(found), numpy(wanted), atol=1e-6)


SHAPES = pytest.mark.parametrize("shape", [(B, 1), (1, T), (T,), (B, T, 1), (1, 1), (B, T + 1), ()])


@SHAPES
@EVERY
def test_masks_and_resets_of_other_shapes_are_refused(name, shape):
    layer, flags = built(ALL[name]), np.ones(shape, bool)
    for label, given in (("mask", {"mask": flags}), ("resets", {"resets": flags})):
        if label == "resets" and "Keras" in name:
            continue
        with pytest.raises(InputError, match=rf"{label} has the shape .*; expected \(3, 4\)"):
            layer(X, **given)


@SHAPES
@pytest.mark.parametrize("name", READERS)
def test_other_layers_refuse_masks_of_other_shapes(name, shape):
    with pytest.raises(InputError, match=r"mask.* has the shape .*; expected \(3, 4\)"):
        READERS[name](X, np.ones(shape, bool))


def test_labels_that_would_broadcast_are_refused():
    for shape in ((B, 1), (1, T), (T,)):
        with pytest.raises(InputError, match=r"labels have the shape .*expected \(3, 4\)"):
            layers.CRF(D).nll(X, np.zeros(shape, int))


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="graphs of unknown sizes")
@pytest.mark.parametrize("name", ["LSTM", "MinGRU", "Bidirectional of Keras"])
def test_sizes_that_a_graph_does_not_know_are_compared_when_it_runs(name):
    import tensorflow as tf

    layer = built(ALL[name], stateful=True)
    run = tf.function(
        lambda x, mask: layer(x, mask=mask),
        input_signature=[
            tf.TensorSpec((None, None, D), tf.float32),
            tf.TensorSpec((None, None), tf.bool),
        ],
        autograph=False,
    )
    assert run(X, MASK).shape[0] == B
    for x, mask in ((X, MASK[:, :1]), (X, MASK[:1]), (X[:2], MASK[:2])):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"(LSTM|MinGRU|GRU|Bidirectional):"
        ):
            run(x, mask)


@pytest.mark.parametrize(("rows", "steps"), few_elsewhere([(B, 0), (0, T), (0, 0)], (0, T)))
@MOST
def test_without_rows_or_steps_the_outputs_have_none_either(name, rows, steps):
    layer = built(ALL[name], return_sequences=True, return_state=True)
    width = numpy(layer(X)[0]).shape[-1]
    x = np.zeros((rows, steps, D), "float32")
    outputs, *states = map(numpy, layer(x, mask=np.ones((rows, steps), bool)))
    assert outputs.shape == (rows, steps, width)
    assert all(state.shape[0] == rows and not state.any() for state in states)
    last = built(ALL[name])(x)
    np.testing.assert_array_equal(numpy(last), np.zeros((rows, width)))


def test_no_steps_keep_the_given_states():
    states = [draw(B, U, seed=1), draw(B, U, seed=2)]
    layer = built(ALL["LSTM"], return_state=True)
    output, *found = layer(X[:, :0], initial_state=states)
    assert not numpy(output).any()
    for one, other in zip(found, states, strict=True):
        np.testing.assert_allclose(numpy(one), other)


@pytest.mark.parametrize("shape", [(B, 0, D), (0, T, D)])
@pytest.mark.parametrize("name", READERS)
def test_other_layers_answer_without_steps_or_refuse(name, shape):
    expected = shape[0]
    if "Attention" in name:
        x = np.zeros(shape, "float32")
        layer = fixed(layers.AttentionDecoder, 2, 2) if "Decoder" in name else None
        layer = layer or fixed(getattr(layers, name), D)
        memory = np.zeros((shape[0], T, D), "float32")
        assert numpy(layer(x, memory)).shape[:2] == shape[:2]
        with pytest.raises(InputError, match="memory has no step"):
            layer(memory, memory[:, :0])
        return
    try:
        found = READERS[name](np.zeros(shape, "float32"))
    except InputError as error:
        assert "expected at least one row" in str(error)  # noqa: PT017
    else:
        assert numpy(found).shape[0] == expected


@pytest.mark.parametrize(
    ("name", "memory"),
    [
        *((name, None) for name in SOME),
        *((name, "recompute") for name in ("LSTM", "GRU") if DEEP),
        ("GRU", "sqrt"),
        ("JordanRNN", "sqrt"),
    ],
)
def test_a_stateful_layer_has_the_gradients_of_given_states(name, memory):
    """Two batches of a stateful layer against one that is given the states of the first."""
    options = {} if memory is None else {"memory": memory}
    stateful = built(ALL[name], return_sequences=True, stateful=True, **options)
    plain = built(ALL[name], return_sequences=True, return_state=True)
    first, second = draw(B, T, D, seed=1), draw(B, T, D, seed=2)
    stateful(first)
    before = [numpy(state) for state in stateful.states]
    _, *states = plain(first)
    for one, other in zip(before, states, strict=True):
        np.testing.assert_allclose(one, numpy(other), atol=1e-5)
    weights = stateful.trainable_variables
    found = gradients(lambda x: total(stateful(x)), [second], weights)
    given = [numpy(state) for state in states]
    wanted = gradients(
        lambda x: total(plain(x, initial_state=given)[0]), [second], plain.trainable_variables
    )
    for one, other in zip([*found[0], *found[1]], [*wanted[0], *wanted[1]], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@EVERY
def test_a_stateful_layer_refuses_a_batch_of_another_size(name):
    layer = built(ALL[name], stateful=True)
    for rows in (1, B - 1, 2 * B):
        with pytest.raises(InputError, match=f"built for batches of {B} rows; this batch has"):
            layer(draw(rows, T, D))


@pytest.mark.parametrize("name", [*LINEAR, "Bidirectional", "AttentionDecoder"])
def test_layers_without_it_refuse_memory_by_name(name):
    sizes = [2, 2] if name == "AttentionDecoder" else [2]
    sizes = [layers.LSTM(2)] if name == "Bidirectional" else sizes
    with pytest.raises(InputError, match=rf"{name}: memory='sqrt' was given, .* does not take it"):
        getattr(layers, name)(*sizes, memory="sqrt")
