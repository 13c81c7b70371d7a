"""Settings of forecasters: target and horizon, profile, windows, hidden Markov model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option
from rnnkit.settings.series import HMMOptions
from rnnkit.settings.stack import CELL_HELP, Cell, LayerOptions, StackOptions
from rnnkit.settings.training import SeedOption

DAY = 24 * 60


class ForecastNetworkOptions(StackOptions, SeedOption, total=False):
    """The recurrent layers of a forecaster."""


class ForecastCellOption(TypedDict, total=False):
    """The kind of recurrent layer, and whether there is a hidden Markov model."""

    cell: Annotated[
        Literal[Cell, "hmm-lstm", "hmm-gru", "hmm-rnn"],
        Option("lstm", CELL_HELP + ' "hmm-lstm" and so on are short for hmm="input".'),
    ]


class ForecastModelOptions(ForecastCellOption, LayerOptions, HMMOptions, total=False):
    """The parts of a forecaster's network that a recipe chooses."""

    hmm_observes: Annotated[
        str,
        Option(
            "deviation",
            'observations of the HMM: some of `SeriesEncoder.names`, such as "deviation", with '
            "commas.",
        ),
    ]
    linear_skip: Annotated[
        bool,
        Option(
            True,
            "add a linear autoregression on `context` steps, set by least squares; the network "
            "learns the residual.",
        ),
    ]


class SeriesEncoderOptions(TypedDict, total=False):
    """Scaling and profile; see `rnnkit.data.series_encoding.SeriesEncoder`."""

    target: Annotated[
        int | Sequence[int | str] | str,
        Option(0, "column to forecast: its number or name, or several with commas.", least=0),
    ]
    horizon: Annotated[
        int | Sequence[int],
        Option(1, "steps ahead to forecast, or several, as in 1,6,12.", least=1),
    ]
    profile: Annotated[
        Literal["day", "week", "auto"] | None,
        Option(
            "auto",
            'mean by time of "day" or "week" that is subtracted; "auto" = week if the training set '
            "has six or more of them, else day; None = no profile.",
        ),
    ]
    smoothing: Annotated[
        float, Option(5.0, "minutes of the Gaussian smoothing of the profile.", least=0, most=DAY)
    ]
    harmonics: Annotated[int, Option(4, "sine and cosine pairs of the time of day.", least=0)]


class ForecastWindowOptions(TypedDict, total=False):
    """The windows of training."""

    context: Annotated[int, Option(12, "steps before the first forecast of a series.", least=1)]
    window: Annotated[int, Option(96, "steps of the windows used in training.", least=1)]
    warm_up: Annotated[int, Option(48, "steps before a window, read without a loss.", least=0)]
    quantiles: Annotated[
        Sequence[float] | None,
        Option(
            None,
            "quantiles to forecast, as in 0.1,0.5,0.9, by the pinball loss; None = the mean alone.",
            above=0,
            below=1,
        ),
    ]
