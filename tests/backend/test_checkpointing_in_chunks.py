"""`memory="sqrt"`: values and gradients are those of `memory="store"`, whatever the pass reads."""

import autodiff
import keras
import numpy as np
import pytest
from keras import ops

from rnnkit.layers import GRU, LSTM, SimpleRNN

STEPS = 11  # chunks of 4 steps, the last one shorter
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(3, STEPS, 2)).astype("float32")
MASK = RANDOM.random((3, STEPS)) < 0.7
MASK[2] = False
RESETS = RANDOM.random((3, STEPS)) < 0.3


def results(layer, **given):
    """Outputs and the gradients by the inputs and the weights, on the same weights each time."""
    layer.build(X.shape)
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=w.shape) for w in layer.get_weights()])
    x = ops.convert_to_tensor(X)
    slopes = autodiff.gradients(
        lambda x: ops.sum(ops.sin(layer(x, **given))), [X], layer.trainable_variables
    )
    return [layer(x, **given), *slopes[0], *slopes[1]]


@pytest.mark.parametrize(
    ("kind", "options", "given"),
    [
        (LSTM, {"return_sequences": True}, {"mask": MASK}),
        (GRU, {"return_sequences": True, "go_backwards": True}, {}),
        (GRU, {"zoneout": 0.3}, {"mask": MASK, "resets": RESETS}),
    ],
    ids=["masked", "backwards", "portable"],
)
def test_chunks_change_nothing(kind, options, given):
    given = {name: ops.convert_to_tensor(flags) for name, flags in given.items()}
    stored = results(kind(3, **options), **given)
    chunked = results(kind(3, memory="sqrt", **options), **given)
    for one, other in zip(stored, chunked, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(one), ops.convert_to_numpy(other), atol=1e-5, rtol=1e-5
        )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="open sizes are TensorFlow's")
def test_a_graph_of_open_sizes_learns_in_chunks():
    losses = []
    for memory in ("store", "sqrt"):
        inputs = keras.Input((None, 2))
        model = keras.Model(inputs, SimpleRNN(3, memory=memory, return_sequences=True)(inputs))
        random = np.random.default_rng(1)
        model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
        model.compile("sgd", "mse", jit_compile=False)
        cuts = (X, X[:2, :1])
        losses.append([model.train_on_batch(x, np.ones((*x.shape[:2], 3))) for x in cuts])
    np.testing.assert_allclose(*losses, rtol=1e-5)
