"""The functional Keras networks inside `Forecaster`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.backend.initializers import Seeded
from rnnkit.data.series_encoding import Encoded
from rnnkit.errors import InputError, suggest
from rnnkit.hmm.layers.features import HMMFeatures
from rnnkit.tasks.networks import CELLS, FORMS

MEASURED = 1  # the column that says whether a step was measured


@keras.saving.register_keras_serializable(package="rnnkit")
class Observed(keras.layers.Layer):
    """Pick what a hidden Markov model observes of `(B, T, F)`; NaN where nothing was measured.

    Args:
        columns: the numbers of the columns.

    Example:
        >>> known = np.array([[[5.0, 1.0, 7.0], [0.0, 0.0, 7.0]]])
        >>> keras.ops.convert_to_numpy(Observed([0, 2])(known))[0].tolist()
        [[5.0, 7.0], [nan, nan]]
    """

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

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {**super().get_config(), "columns": self.columns}


def hidden_states(
    encoded: Sequence[Encoded],
    columns: Sequence[int],
    *,
    states: int = 6,
    likelihood_weight: float = 0.0,
    trainable: bool = False,
    seed: int = 0,
) -> HMMFeatures:
    """Fit a Gaussian hidden Markov model to training series by Baum-Welch.

    Args:
        encoded: the series.
        columns: what the model observes of them.
        states: K, the number of hidden states.
        likelihood_weight: of the model's log-likelihood as a second loss.
        trainable: let the network's training change the model.
        seed: of its first parameters.

    Returns:
        A layer that gives `P(z_t | x_1..x_t)`, which no later step changes.
    """
    layer = HMMFeatures(
        states,
        covariance_type="full",
        likelihood_weight=likelihood_weight,
        trainable=trainable,
        seed=seed,
        name="states",
    )
    sequences = [
        np.where(one.x[:, MEASURED : MEASURED + 1] > 0.5, one.x[:, list(columns)], np.nan)
        for one in encoded
    ]
    layer.adapt([one.astype("float32") for one in sequences], n_iter=40)
    return layer


def recurrent_forecaster(
    features: int,
    *,
    cell: str = "lstm",
    layers: int = 1,
    units: int = 64,
    dropout: float = 0.0,
    states: HMMFeatures | None = None,
    columns: Sequence[int] = (0,),
    form: str = "input",
    line: tuple[np.ndarray, float] | None = None,
    seed: int = 0,
) -> keras.Model:
    """Build what is known at each step -> recurrent layers -> a forecast at each step.

    With a line the network starts as that line and learns what it lacks.

    Args:
        features: numbers that are known at a step.
        cell: "rnn", "lstm" or "gru".
        layers: recurrent layers on top of each other.
        units: size of each layer's state.
        dropout: share of each layer's output that is dropped.
        states: a hidden Markov model of the series, see `hidden_states`; None = no such thing.
        columns: what it observes.
        form: where its posteriors go: "input" or "joint", beside what the first layer reads;
            "output", beside what the last layer puts out.
        line: first weights of a linear path from the last deviations to the forecast, see
            `rnnkit.data.autoregression.fit_autoregression`; None = no such path.
        seed: of the first weights (the same on every backend) and of the dropout.

    Returns:
        A functional model, `(B, T, features)` to `(B, T, 1)`; nothing looks ahead.

    Raises:
        InputError: an unknown cell or form, no layer.

    Source: Krakovna and Doshi-Velez 2016, arXiv:1606.05320 (the hybrids).

    Example:
        >>> recurrent_forecaster(8, cell="gru", units=4).output_shape
        (None, None, 1)
    """
    if cell not in CELLS:
        raise InputError(f"cell is {cell!r}; expected one of {list(CELLS)}.{suggest(cell, CELLS)}")
    if layers < 1:
        raise InputError(f"layers is {layers}; expected at least 1.")
    if form not in FORMS:
        raise InputError(f"form is {form!r}; expected one of {FORMS}.{suggest(form, FORMS)}")
    seeds = itertools.count(1000 * seed)
    known = keras.Input((None, features), name="known")
    x: Any = known
    posteriors = None if states is None else states(Observed(columns, name="observed")(known))
    if posteriors is not None and form != "output":
        x = keras.layers.Concatenate(name="known_and_states")([x, posteriors])
    for _ in range(layers):
        x = CELLS[cell](
            units,
            return_sequences=True,
            kernel_initializer=Seeded("glorot_uniform", next(seeds)),
            recurrent_initializer=Seeded("orthogonal", next(seeds)),
        )(x)
        if dropout:
            x = keras.layers.Dropout(dropout, seed=next(seeds))(x)
    if posteriors is not None and form == "output":
        x = keras.layers.Concatenate(name="output_and_states")([x, posteriors])
    first = Seeded("glorot_uniform", next(seeds)) if line is None else "zeros"
    forecast = keras.layers.Dense(1, kernel_initializer=first, dtype="float32", name="forecast")(x)
    if line is not None:
        weights, bias = line
        path = keras.layers.Conv1D(1, len(weights), padding="causal", dtype="float32", name="line")
        forecast = keras.layers.Add(name="sum")([forecast, path(known[..., :1])])
        path.set_weights([weights.reshape(-1, 1, 1), np.array([bias])])
    return keras.Model(known, forecast, name=f"{'hmm_' if states else ''}{cell}_forecaster")
