"""Every Keras layer of the kit, in one place: `from rnnkit.layers import LSTM`."""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
from rnnkit.heads import MaskedPooling
from rnnkit.recurrent.gru import GRU
from rnnkit.recurrent.lstm import LSTM
from rnnkit.recurrent.simple import SimpleRNN
from rnnkit.recurrent.wrappers import Bidirectional

__all__ = ["GRU", "LSTM", "Bidirectional", "MaskedPooling", "SimpleRNN"]
