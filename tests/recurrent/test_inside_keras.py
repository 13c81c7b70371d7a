"""The layers inside Keras's own: TimeDistributed, Sequential, export."""

import keras
import numpy as np
import pytest
from keras import ops

from rnnkit import layers

B, N, T, D, U = 2, 3, 4, 2, 5


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def numpy(tensor):
    return ops.convert_to_numpy(ops.stop_gradient(tensor))


def test_time_distributed_around_a_layer():
    """Sentences of words: the inner layer reads each of N sentences on its own."""
    inner = layers.LSTM(U)
    inputs = keras.Input((N, T, D))
    model = keras.Model(inputs, keras.layers.TimeDistributed(inner)(inputs))
    x = draw(B, N, T, D)
    found = model.predict_on_batch(x)
    assert found.shape == (B, N, U)
    wanted = numpy(inner(x.reshape(B * N, T, D))).reshape(B, N, U)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.deep("tensorflow", "jax")
def test_time_distributed_inside_a_sequence_keeps_the_mask():
    def build(steps):  # Keras 3.15 on TensorFlow takes B for T where T is unknown: so it is given
        keras.utils.set_random_seed(0)
        return keras.Sequential(
            [
                keras.Input((steps,), dtype="int32"),
                keras.layers.Embedding(5, D, mask_zero=True),
                layers.GRU(U, return_sequences=True),
                keras.layers.TimeDistributed(keras.layers.Dense(3)),
                layers.Bidirectional(layers.SimpleRNN(U)),
            ]
        )

    tokens = np.array([[3, 1, 2, 0], [2, 2, 0, 0]])
    model, shorter = build(4), build(3)
    model.compile("sgd", "mse")
    assert np.isfinite(model.train_on_batch(tokens, draw(B, 2 * U)))
    shorter.set_weights(model.get_weights())
    wanted = shorter.predict_on_batch(tokens[:, :3])  # one column of padding less
    np.testing.assert_allclose(model.predict_on_batch(tokens), wanted, atol=1e-5)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="a SavedModel of TensorFlow")
def test_export_with_a_mask_and_any_number_of_steps(tmp_path):
    import tensorflow as tf

    tokens = np.array([[3, 1, 2, 0], [2, 2, 0, 0]], "int32")
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, D, mask_zero=True)(inputs)
    x = layers.Bidirectional(layers.LSTM(U, return_sequences=True))(x)
    model = keras.Model(inputs, layers.GRU(U)(x))
    wanted = numpy(model(tokens))
    model.export(str(tmp_path / "exported"), verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(exported.serve(tokens).numpy(), wanted, atol=1e-5)
    longer = np.concatenate([tokens, np.zeros((2, 3), "int32")], axis=1)
    np.testing.assert_allclose(exported.serve(longer).numpy(), wanted, atol=1e-5)
