"""Settings of a stack of recurrent layers."""

from __future__ import annotations

import functools
from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option

Cell = Literal["rnn", "lstm", "gru", "mingru", "minlstm", "rglru"]
CELL_HELP = (
    'recurrent layer: "rnn" (Elman), "lstm", "gru"; or a linear recurrence, whose gates read the '
    'input alone: "mingru", "minlstm", "rglru" (of Griffin).'
)
Pooling = Literal["last", "mean", "max", "mean+max"]
rate = functools.partial(Option, least=0, below=1)  # of dropout


class CellOption(TypedDict, total=False):
    """The kind of recurrent layer."""

    cell: Annotated[Cell, Option("lstm", CELL_HELP)]


class LayerOptions(TypedDict, total=False):
    """Depth and width of a network, and dropout between its layers."""

    layers: Annotated[int, Option(1, "number of layers.", least=1)]
    units: Annotated[int, Option(64, "units of each layer (of each direction).", least=1)]
    dropout: Annotated[float, rate(0.5, "dropout rate between layers and after the last one.")]


class StackOptions(CellOption, LayerOptions, total=False):
    """A stack of recurrent layers; see `rnnkit.tasks.recurrent_stack`."""


class BidirectionalOption(TypedDict, total=False):
    """One direction or both."""

    bidirectional: Annotated[
        bool, Option(False, "run in both directions; else no output depends on later steps.")
    ]


class RecurrentDropoutOption(TypedDict, total=False):
    """Dropout within recurrent layers."""

    recurrent_dropout: Annotated[
        float, rate(0.0, "dropout rate of the recurrent state; see `rnnkit.layers.LSTM`.")
    ]


class PooledStackOptions(StackOptions, BidirectionalOption, RecurrentDropoutOption, total=False):
    """A stack of recurrent layers, and the pooling of its outputs over time."""

    pooling: Annotated[
        Pooling, Option("last", 'over unmasked steps: "last" state, "mean", "max", "mean+max".')
    ]
