"""The slow twin of every kernel against the NumPy loops: masks, resets, both directions."""

import functools

import parity
import pytest

from rnnkit import layers

BUILD = {
    "SimpleRNN": functools.partial(layers.SimpleRNN, parity.U, kernel="portable"),
    "LSTM": functools.partial(layers.LSTM, parity.U, kernel="portable"),
    "GRU": functools.partial(layers.GRU, parity.U, kernel="portable"),
    "GRU before": functools.partial(layers.GRU, parity.U, reset_after=False, kernel="portable"),
}


@pytest.mark.parametrize("name", BUILD)
def test_outputs_and_states(name):
    parity.check_values(name, BUILD[name], backwards=True)


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("name", BUILD)
def test_gradients(name, backwards):
    parity.check_gradients(name, BUILD[name], backwards)
