"""Settings of a stack of recurrent layers."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option

Cell = Literal["rnn", "lstm", "gru"]
Pooling = Literal["last", "mean", "max", "mean+max"]


class CellOption(TypedDict, total=False):
    """The kind of recurrent layer."""

    cell: Annotated[
        Cell, Option("lstm", 'recurrent layer: "rnn" (Elman network), "lstm" or "gru".')
    ]


class LayerOptions(TypedDict, total=False):
    """Depth and width of a network, and dropout between its layers."""

    layers: Annotated[int, Option(1, "number of layers.", least=1)]
    units: Annotated[
        int, Option(64, "units of each layer; of each direction, where there are two.", least=1)
    ]
    dropout: Annotated[
        float, Option(0.5, "dropout rate between layers and after the last one.", least=0, below=1)
    ]


class StackOptions(CellOption, LayerOptions, total=False):
    """A stack of recurrent layers; see `rnnkit.tasks.recurrent_stack`."""


class BidirectionalOption(TypedDict, total=False):
    """One direction or both."""

    bidirectional: Annotated[
        bool,
        Option(
            False,
            "run each layer in both directions; without it no output depends on later steps.",
        ),
    ]


class RecurrentDropoutOption(TypedDict, total=False):
    """Dropout within recurrent layers."""

    recurrent_dropout: Annotated[
        float,
        Option(
            0.0,
            "dropout rate of the state in the recurrent product; see `rnnkit.layers.LSTM`.",
            least=0,
            below=1,
        ),
    ]


class PoolingOption(TypedDict, total=False):
    """How the outputs of all steps become one vector."""

    pooling: Annotated[
        Pooling,
        Option(
            "last",
            'pooling over the unmasked steps: "last" (final state), "mean", "max" or "mean+max".',
        ),
    ]


class PooledStackOptions(
    StackOptions, BidirectionalOption, RecurrentDropoutOption, PoolingOption, total=False
):
    """A stack of recurrent layers, and the pooling of its outputs over time."""
