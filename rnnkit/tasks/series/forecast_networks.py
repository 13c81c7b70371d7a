"""The network of a forecaster, with or without a hidden Markov model and a linear skip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Unpack, get_args

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.config import SavedArguments
from rnnkit.data.series_encoding import Encoded
from rnnkit.deprecation import renamed_class, takes_old_options
from rnnkit.errors import check_choice
from rnnkit.hmm.layers.features import HMMFeatures
from rnnkit.options import pick, takes
from rnnkit.settings.forecasting import ForecastNetworkOptions
from rnnkit.settings.series import Hybrid
from rnnkit.settings.stack import StackOptions
from rnnkit.tasks.recurrent_stack import Seeds, drop, recurrent_stack
from rnnkit.tasks.series.forecast_scores import SortedQuantiles

MEASURED = 1  # the feature that is 1 where the step was measured


@keras.saving.register_keras_serializable(package="rnnkit")
class HMMObservations(SavedArguments, keras.layers.Layer):
    """Select the observations of a hidden Markov model from `(B, T, F)`; NaN where unmeasured.

    Args:
        columns: numbers of the features.

    Example:
        >>> known = np.array([[[5.0, 1.0, 7.0], [0.0, 0.0, 7.0]]])
        >>> keras.ops.convert_to_numpy(HMMObservations([0, 2])(known))[0].tolist()
        [[5.0, 7.0], [nan, nan]]
    """

    config_keys: ClassVar = ("columns",)

    def __init__(self, columns: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.columns = [int(column) for column in columns]

    def call(self, known: Any) -> Any:
        """Return `(B, T, columns)`."""
        there = known[..., MEASURED : MEASURED + 1] > 0.5
        picked = ops.stack([known[..., column] for column in self.columns], axis=-1)
        return ops.where(there, picked, ops.full_like(picked, np.nan))

    def compute_output_shape(self, known_shape: Any) -> Any:
        """Return `(B, T, columns)`."""
        return (*known_shape[:-1], len(self.columns))


renamed_class("Observed", HMMObservations)


@keras.saving.register_keras_serializable(package="rnnkit")
class LinearSkip(keras.layers.Conv1D):
    """Linear autoregression beside a recurrent network: `b + Σ_k x_{t-K+1+k} W_k`.

    A causal convolution with the weights of `keras.layers.Conv1D`, faster on PyTorch.

    Args:
        filters: number of outputs.
        kernel_size: K, the number of steps that are read.

    Source: Lai et al. 2018, arXiv:1703.07015.

    Example:
        >>> tuple(LinearSkip(2, 12)(keras.ops.ones((1, 5, 1))).shape)
        (1, 5, 2)
    """

    def __init__(self, filters: int, kernel_size: int, **options: Any) -> None:
        options = {"padding": "causal", "data_format": "channels_last", **options}
        super().__init__(filters, kernel_size, **options)

    def call(self, inputs: Any) -> Any:
        """Return `(B, T, O)`."""
        weights = ops.convert_to_tensor(self.kernel), ops.convert_to_tensor(self.bias)
        found = native.causal_convolution(inputs, *weights)
        return super().call(inputs) if found is None else found


def hidden_states(
    encoded: Sequence[Encoded], columns: Sequence[int], *, states: int = 6, **options: Any
) -> HMMFeatures:
    """Fit a Gaussian hidden Markov model to training series by Baum-Welch.

    Args:
        encoded: the series.
        columns: the features that the model observes.
        states: K, the number of hidden states.
        **options: `trainable` (False), `likelihood_weight` (0) and `seed` (0) of `HMMFeatures`.

    Returns:
        A layer whose outputs are the filtered posteriors `P(z_t | x_1..x_t)`.
    """
    options = {"trainable": False, "seed": 0, **options}
    layer = HMMFeatures(states, covariance_type="full", name="states", **options)
    sequences = [
        np.where(one.x[:, MEASURED : MEASURED + 1] > 0.5, one.x[:, list(columns)], np.nan)
        for one in encoded
    ]
    layer.adapt([one.astype("float32") for one in sequences], n_iter=40)
    return layer


@takes_old_options(form="hmm", line="linear_skip")
@takes(ForecastNetworkOptions, dropout=0.0)
def recurrent_forecaster(
    features: int,
    *,
    states: HMMFeatures | None = None,
    columns: Sequence[int] = (0,),
    hmm: Hybrid = "input",
    linear_skip: tuple[np.ndarray, Any] | None = None,
    outputs: int = 1,
    quantiles: int = 0,
    deviations: Sequence[int] = (0,),
    **options: Unpack[ForecastNetworkOptions],
) -> keras.Model:
    """Build features of each step -> recurrent layers -> a forecast at each step.

    Args:
        features: number of input features at a step.
        states: a hidden Markov model of the series, see `hidden_states`; None = without one.
        columns: the features that it observes.
        hmm: where its posteriors go: "input" or "joint", concatenated to the inputs of the first
            layer; "output", to the outputs of the last layer.
        linear_skip: initial weights and bias of a linear autoregression that is added to the
            output, see `rnnkit.data.autoregression.fit_autoregression`; None = without one.
        outputs: pairs of a horizon and a target.
        quantiles: quantiles of each output, sorted so that they never cross; 0 = one value.
        deviations: the features that the linear autoregression reads.

    Returns:
        A functional model, `(B, T, features)` to `(B, T, outputs)`, or `(B, T, outputs·quantiles)`;
        no forecast depends on later steps.

    Raises:
        InputError: a setting out of range.

    Source: Krakovna and Doshi-Velez 2016, arXiv:1606.05320 (the hybrids).

    Example:
        >>> recurrent_forecaster(8, cell="gru", units=4).output_shape
        (None, None, 1)
    """
    check_choice("hmm", hmm, get_args(Hybrid))
    seeds = Seeds(options["seed"])
    inputs = keras.Input((None, features), name="known")
    x: Any = inputs
    posteriors = None
    if states is not None:
        posteriors = states(HMMObservations(columns, name="observed")(inputs))
    if posteriors is not None and hmm != "output":
        x = keras.layers.Concatenate(name="known_and_states")([x, posteriors])
    x = recurrent_stack(x, seeds, seed_layers=False, **pick(options, StackOptions))
    x = drop(x, options["dropout"], seeds)
    if posteriors is not None and hmm == "output":
        x = keras.layers.Concatenate(name="output_and_states")([x, posteriors])
    kernel = seeds.glorot() if linear_skip is None else "zeros"
    width = outputs * max(1, quantiles)
    x = keras.layers.Dense(width, kernel_initializer=kernel, dtype="float32", name="forecast")(x)
    if linear_skip is not None:
        weights, bias = linear_skip
        path = LinearSkip(width, len(weights), dtype="float32", name="line")
        read: Any = inputs[..., :1]
        if len(deviations) > 1:
            read = ops.concatenate([inputs[..., i : i + 1] for i in deviations], axis=-1)
        x = keras.layers.Add(name="sum")([x, path(read)])
        path.set_weights([weights.reshape(-1, len(deviations), width), np.reshape(bias, (width,))])
    if quantiles > 1:
        x = SortedQuantiles(quantiles, dtype="float32", name="quantiles")(x)
    return keras.Model(inputs, x, name=f"{'hmm_' if states else ''}{options['cell']}_forecaster")
