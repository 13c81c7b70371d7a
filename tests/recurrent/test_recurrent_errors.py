"""What cannot be used is refused by name: what came, what was expected, what to do."""

import keras
import numpy as np
import pytest

from rnnkit import layers
from rnnkit.errors import InputError

B, T, D, U = 3, 5, 2, 4
KINDS = pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.LSTM, layers.GRU])
X = np.zeros((B, T, D), "float32")


@pytest.mark.parametrize("units", [0, -1, 2.5, True, None, "8"])
@KINDS
def test_units(kind, units):
    with pytest.raises(InputError, match=f"{kind.__name__}: units is {units!r}; expected"):
        kind(units)


@pytest.mark.parametrize("rate", [1.0, -0.1, 2, float("nan"), None, "0.5"])
@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
@KINDS
def test_dropout(kind, name, rate):
    expected = "expected a number of at least 0 and below 1"
    with pytest.raises(InputError, match=f"{name} is {rate!r}; {expected}"):
        kind(U, **{name: rate})


@KINDS
def test_an_unknown_option(kind):
    with pytest.raises((TypeError, ValueError), match="return_sequence"):
        kind(U, return_sequence=True)


@pytest.mark.parametrize("shape", [(B, T + 1), (B, T, 1), (B,), (B - 1, T)])
def test_a_mask_of_another_shape(shape):
    with pytest.raises(InputError, match=r"the mask has the shape .*expected \(3, 5\)"):
        layers.LSTM(U)(X, mask=np.ones(shape, bool))


@pytest.mark.parametrize(
    "shapes",
    [[(B, U)], [(B, U)] * 3, [(B, U), (B, U + 1)], [(B + 1, U), (B + 1, U)], [(B, 1, U)] * 2],
)
def test_states_of_another_shape_or_number(shapes):
    states = [np.zeros(shape, "float32") for shape in shapes]
    with pytest.raises(InputError, match=r"initial_state has the shapes .*expected \[\(3, 4\)"):
        layers.LSTM(U)(X, initial_state=states)


@KINDS
def test_inputs_of_another_rank(kind):
    with pytest.raises(ValueError, match="ndim=3"):
        kind(U)(X[0])


def test_an_unknown_number_of_features():
    with pytest.raises(InputError, match="the number of input features is unknown"):
        layers.GRU(U)(keras.Input((None, None)))


def test_unrolling_an_unknown_number_of_steps():
    with pytest.raises(InputError, match=r"unroll=True needs a fixed number of steps"):
        layers.GRU(U, unroll=True)(keras.Input((None, D)))


def test_stateful_without_a_batch_size():
    with pytest.raises(InputError, match=r"stateful=True needs a fixed batch size.*batch_shape"):
        layers.GRU(U, stateful=True)(keras.Input((T, D)))


def test_stateful_with_another_batch_size():
    layer = layers.GRU(U, stateful=True)
    layer(X)
    with pytest.raises(InputError, match="built for batches of 3 rows; this batch has 2"):
        layer(X[:2])
