"""The network of a series classifier, with or without a hidden Markov model beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import keras
import numpy as np

from rnnkit import layers as kit
from rnnkit.deprecation import takes_old_options
from rnnkit.hmm.layers.features import HMMFeatures
from rnnkit.options import pick, takes
from rnnkit.settings.series import InputFeatureOptions, SeriesNetworkOptions
from rnnkit.settings.stack import PooledStackOptions
from rnnkit.tasks.recurrent_stack import Seeds, class_probabilities, drop, pooled_stack
from rnnkit.tasks.series import input_features


@takes_old_options(rate="sample_rate", mels="mel_bins", centred="subtract_mean")
@takes(SeriesNetworkOptions, pooling="mean+max")
def recurrent_series_classifier(
    series: Sequence[np.ndarray], outputs: int, **options: Unpack[SeriesNetworkOptions]
) -> keras.Model:
    """Build series -> standardization -> recurrent layers -> pooling over time -> probabilities.

    With `features` these are computed first, and everything after works on their frames. With
    `hmm`, a hidden Markov model is fitted to the series by Baum-Welch; the network gets its
    smoothed posteriors `P(z_t | x_1..x_T)`, as series are classified when they are complete.

    Args:
        series: arrays `(T, D)` that mean and standard deviation of each feature are computed from.
        outputs: 1 for a sigmoid unit, more for a softmax.

    Returns:
        A functional model, `(values, mask)`, `(B, T, D)` and boolean `(B, T)`, to `(B, outputs)`
        probabilities.

    Raises:
        InputError: a setting out of range.

    Source: Krakovna and Doshi-Velez 2016, arXiv:1606.05320 (the hybrids).

    Example:
        >>> network = recurrent_series_classifier([np.eye(3)], 4, units=8)
        >>> network.input_shape, network.output_shape
        ([(None, None, 3), (None, None)], (None, 4))
    """
    seeds, hmm = Seeds(options["seed"]), options["hmm"]
    values = keras.Input((None, np.shape(series[0])[1]), name="values")
    mask = values_mask = keras.Input((None,), dtype="bool", name="mask")
    x: Any = values
    layer = input_features.feature_layer(**pick(options, InputFeatureOptions))
    if layer is not None:
        series = input_features.extract_features(layer, series)
        x, mask = layer(values, mask=values_mask)
    mean, scale = input_features.fit_scaler(series)
    x = input_features.standardization(mean, scale)(x)
    posteriors = None
    if hmm is not None:
        states = HMMFeatures(
            options["hmm_states"],
            mode="smoothed",
            covariance_type="full",
            trainable=hmm == "joint",
            likelihood_weight=options["hmm_weight"] if hmm == "joint" else 0.0,
            seed=seeds.next(),
            name="states",
        )
        states.adapt([((row - mean) / scale).astype("float32") for row in series])
        posteriors = states(x, mask=mask)
        if hmm != "output":
            x = keras.layers.Concatenate(name="values_and_states")([x, posteriors])
    x = pooled_stack(x, seeds, mask=mask, **pick(options, PooledStackOptions))
    if hmm == "output":
        pooled = kit.MaskedPooling("mean", name="shares_of_states")(posteriors, mask=mask)
        x = keras.layers.Concatenate(name="pooled_and_states")([x, pooled])
    x = drop(x, options["dropout"], seeds)
    x = class_probabilities(x, outputs, seeds)
    return keras.Model([values, values_mask], x, name=f"{options['cell']}_series_classifier")
