"""Settings of frame labellers: window features, context, output layer."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option
from rnnkit.settings.stack import (
    CELL_HELP,
    BidirectionalOption,
    Cell,
    LayerOptions,
    RecurrentDropoutOption,
    rate,
)
from rnnkit.settings.training import SeedOption


class FrameCellOption(TypedDict, total=False):
    """The kind of layer."""

    cell: Annotated[
        Literal[Cell, "dense"],
        Option("lstm", CELL_HELP + ' "dense": a feed-forward network on a window of steps.'),
    ]


class FrameNetworkOptions(
    FrameCellOption,
    LayerOptions,
    BidirectionalOption,
    RecurrentDropoutOption,
    SeedOption,
    total=False,
):
    """The network of a frame labeller."""

    context: Annotated[
        int, Option(15, 'window of "dense"; centred if bidirectional, else causal.', least=1)
    ]
    features: Annotated[
        str | list[str] | None,
        Option(
            None,
            "features that replace the values, separated by commas, computed in a window around "
            'each step: "values", "centred" (minus the mean of the series), "slope", "spread", '
            '"steps"; see `rnnkit.features.WindowFeatures`. None = the values themselves.',
        ),
    ]
    feature_window: Annotated[int, Option(9, "steps in the window of the features.", least=1)]
    input_dropout: Annotated[float, rate(0.0, "dropout rate of features, one mask per series.")]
    output: Annotated[
        Literal["softmax", "crf"],
        Option("softmax", '"softmax" at each step; "crf", a conditional random field.'),
    ]


class FrameWindowOption(TypedDict, total=False):
    """The windows of training."""

    window: Annotated[
        int | None, Option(200, "steps of the training windows; None = whole series.", least=1)
    ]
