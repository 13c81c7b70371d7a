"""Settings of series classifiers: log-mel features, hidden Markov models beside the network."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option
from rnnkit.settings.stack import PooledStackOptions
from rnnkit.settings.training import SeedOption

Hybrid = Literal["input", "output", "joint"]


class InputFeatureOptions(TypedDict, total=False):
    """Features computed from the series; see `rnnkit.features.LogMel`."""

    features: Annotated[
        Literal["log-mel"] | None,
        Option(None, "log-mel spectrogram of waveforms `(T,)`; None = the values themselves."),
    ]
    sample_rate: Annotated[int, Option(8000, "samples per second of waveforms.", least=1)]
    mel_bins: Annotated[int, Option(40, "bands of the log-mel spectrogram.", least=1)]
    window_ms: Annotated[float, Option(25.0, "length of its frames in milliseconds.", above=0)]
    hop_ms: Annotated[float, Option(10.0, "distance between its frames in milliseconds.", above=0)]
    subtract_mean: Annotated[
        bool,
        Option(
            True,
            "subtract the mean of each band (cepstral mean normalization): removes loudness and "
            "the channel.",
        ),
    ]


class HMMOptions(TypedDict, total=False):
    """A hidden Markov model beside a recurrent network."""

    hmm: Annotated[
        Hybrid | None,
        Option(
            None,
            "Gaussian hidden Markov model, fitted to the training series first, whose state "
            'posteriors the network gets: "input", concatenated to its inputs; "output", to its '
            'last layer; "joint", as "input", and trained with the network; None = no such model.',
        ),
    ]
    hmm_states: Annotated[int, Option(8, "its number of hidden states.", least=1)]
    hmm_weight: Annotated[
        float, Option(0.1, '"joint": weight of its log-likelihood per step in the loss.', least=0)
    ]


class SeriesNetworkOptions(
    PooledStackOptions, InputFeatureOptions, HMMOptions, SeedOption, total=False
):
    """The network of a series classifier."""
