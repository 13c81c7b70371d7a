"""Settings of a stack of recurrent layers."""

from __future__ import annotations

import functools
from typing import Annotated, Literal, TypedDict, get_args

from rnnkit.errors import InputError
from rnnkit.options import Option

LinearCell = Literal["mingru", "minlstm", "rglru"]
Cell = Literal["rnn", "lstm", "gru", LinearCell]
CELL_HELP = (
    'recurrent layer: "rnn" (Elman), "lstm", "gru"; or a linear recurrence, whose gates read the '
    'input alone: "mingru", "minlstm", "rglru" (of Griffin).'
)
Pooling = Literal["last", "mean", "max", "mean+max"]
rate = functools.partial(Option, least=0, below=1)  # of dropout


def has_recurrent_kernel(cell: str) -> bool:
    """Return whether the layer multiplies its state by a kernel; linear recurrences do not.

    Example:
        >>> has_recurrent_kernel("gru"), has_recurrent_kernel("mingru")
        (True, False)
    """
    return cell not in get_args(LinearCell)


def check_recurrent_dropout(cell: str, rate: float) -> None:
    """Refuse dropout of the state where no kernel reads it.

    Example:
        >>> check_recurrent_dropout("gru", 0.2)
        >>> check_recurrent_dropout("mingru", 0.2)
        Traceback (most recent call last):
        rnnkit.errors.InputError: recurrent_dropout is 0.2, and mingru has no recurrent kernel, ...
    """
    if rate and not has_recurrent_kernel(cell):
        raise InputError(
            f"recurrent_dropout is {rate}, and {cell} has no recurrent kernel, before which a "
            "state could be dropped. Set recurrent_dropout=0, or choose the cell lstm, gru or rnn."
        )


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
