"""All Keras layers of rnnkit: `from rnnkit.layers import LSTM`."""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
from rnnkit.bags import EmbeddingBag, LogOpinionPool, NaiveBayesLogits
from rnnkit.features import LogMel, WindowFeatures
from rnnkit.heads import MaskedPooling
from rnnkit.hmm.layers.crf import CRF
from rnnkit.hmm.layers.features import HMMFeatures
from rnnkit.options import expand_signature
from rnnkit.recurrent.attention import AdditiveAttention, DotAttention
from rnnkit.recurrent.attention_decoder import AttentionDecoder
from rnnkit.recurrent.gru import GRU
from rnnkit.recurrent.jordan import JordanRNN
from rnnkit.recurrent.lstm import LSTM
from rnnkit.recurrent.lstm_variants import CoupledLSTM, LayerNormLSTM, PeepholeLSTM, ProjectedLSTM
from rnnkit.recurrent.minimal import MinGRU, MinLSTM
from rnnkit.recurrent.rglru import RGLRU
from rnnkit.recurrent.rglru_block import RGLRUBlock
from rnnkit.recurrent.simple import SimpleRNN
from rnnkit.recurrent.stack import Stack
from rnnkit.recurrent.wrappers import Bidirectional

__all__ = [
    "CRF",
    "GRU",
    "LSTM",
    "RGLRU",
    "AdditiveAttention",
    "AttentionDecoder",
    "Bidirectional",
    "CoupledLSTM",
    "DotAttention",
    "EmbeddingBag",
    "HMMFeatures",
    "JordanRNN",
    "LayerNormLSTM",
    "LogMel",
    "LogOpinionPool",
    "MaskedPooling",
    "MinGRU",
    "MinLSTM",
    "NaiveBayesLogits",
    "PeepholeLSTM",
    "ProjectedLSTM",
    "RGLRUBlock",
    "SimpleRNN",
    "Stack",
    "WindowFeatures",
]

for _layer in (CRF, HMMFeatures):
    expand_signature(_layer)
