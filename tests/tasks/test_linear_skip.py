"""The causal convolution as a matrix product, against that of Keras."""

import keras
import numpy as np
import pytest

from rnnkit.tasks.series.forecast_networks import LinearSkip


@pytest.mark.parametrize(("channels", "outputs", "reach"), [(1, 1, 12), (3, 2, 4), (2, 3, 1)])
def test_a_linear_skip_is_a_causal_convolution(channels, outputs, reach):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 7, channels)).astype("float32")
    own = LinearSkip(outputs, reach)
    plain = keras.layers.Conv1D(outputs, reach, padding="causal", data_format="channels_last")
    own.build(x.shape)
    plain.build(x.shape)
    weights = [rng.normal(size=weight.shape) for weight in own.weights]
    own.set_weights(weights)
    plain.set_weights(weights)
    for steps in (7, 1):  # also fewer steps than are read
        found, wanted = own(x[:, :steps]), plain(x[:, :steps])
        found, wanted = map(keras.ops.convert_to_numpy, (found, wanted))
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    again = LinearSkip.from_config(own.get_config())
    assert again.get_config() == own.get_config()


def test_its_gradients_are_those_of_keras():
    if keras.config.backend() != "torch":
        pytest.skip("elsewhere it is the convolution of Keras")
    import torch

    x = torch.randn(2, 5, 3, requires_grad=True)
    own, plain = LinearSkip(2, 4), keras.layers.Conv1D(2, 4, padding="causal")
    gradients = []
    for layer in (own, plain):
        layer.build(x.shape)
        layer.set_weights(own.get_weights())
        inputs = [x, *(weight.value for weight in layer.weights)]
        gradients.append(torch.autograd.grad(layer(x).square().sum(), inputs))
    for found, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
