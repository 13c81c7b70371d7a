"""Forecaster of series, with a profile by time of day or week where they have times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnkit.errors import InputError, suggest
from rnnkit.options import pick
from rnnkit.recipes.recipe import Settings, recipe, training_arguments
from rnnkit.settings.forecasting import (
    ForecastModelOptions,
    ForecastNetworkOptions,
    ForecastWindowOptions,
    SeriesEncoderOptions,
)
from rnnkit.settings.training import TrainingOptions

if TYPE_CHECKING:
    from rnnkit.data.forecast_outputs import MultiSeriesEncoder
    from rnnkit.data.series_encoding import SeriesEncoder
    from rnnkit.tasks import Forecaster


def _forecaster(settings: Settings) -> Forecaster:
    from rnnkit.data.autoregression import fit_autoregression
    from rnnkit.data.forecast_outputs import MultiSeriesEncoder, make_encoder
    from rnnkit.tasks import Forecaster, recurrent_forecaster

    cell = settings["cell"].removeprefix("hmm-")
    hmm = settings["hmm"] or ("input" if cell != settings["cell"] else None)
    network = {**pick(settings, ForecastNetworkOptions), "cell": cell}

    def build_network(encoder: SeriesEncoder | MultiSeriesEncoder, encoded: Any) -> Any:
        linear = settings["linear_skip"]
        if isinstance(encoder, MultiSeriesEncoder):
            several = _outputs(encoder, encoded, settings)
            hybrid = {} if hmm is None else _hybrid(hmm, encoder, encoded, settings)
            return recurrent_forecaster(len(encoder.names), **several, **network, **hybrid)
        line = fit_autoregression(encoded, settings["context"]) if linear else None
        hybrid = {} if hmm is None else _hybrid(hmm, encoder, encoded, settings)
        return recurrent_forecaster(len(encoder.names), linear_skip=line, **network, **hybrid)

    return Forecaster(
        build_network,
        encoder=make_encoder(
            several=settings["quantiles"] is not None, **pick(settings, SeriesEncoderOptions)
        ),
        **pick(settings, ForecastWindowOptions),
        **training_arguments(settings),
    )


def _outputs(encoder: MultiSeriesEncoder, encoded: Any, settings: Settings) -> dict[str, Any]:
    """Return the arguments of `recurrent_forecaster` for several outputs.

    Each quantile starts as the linear autoregression plus that quantile of its residuals.
    """
    from rnnkit.data.autoregression import fit_vector_autoregression

    quantiles = settings["quantiles"] or ()
    found: dict[str, Any] = {
        "outputs": len(encoder.parts),
        "quantiles": len(quantiles),
        "deviations": encoder.deviations,
    }
    if settings["linear_skip"]:
        weights, bias, residuals = fit_vector_autoregression(
            encoded, settings["context"], encoder.deviations
        )
        if quantiles:
            import numpy as np

            weights = weights.repeat(len(quantiles), axis=-1)
            bias = np.concatenate(
                [b + np.quantile(r, quantiles) for b, r in zip(bias, residuals, strict=True)]
            )
        found["linear_skip"] = weights, bias
    return found


def _hybrid(hmm: str, encoder: Any, encoded: Any, settings: Settings) -> dict[str, Any]:
    """Fit the hidden Markov model; return the arguments of `recurrent_forecaster` for it."""
    from rnnkit.tasks.series.forecast_networks import hidden_states

    columns = _columns(settings["hmm_observes"], encoder.names)
    states = hidden_states(
        encoded,
        columns,
        states=settings["hmm_states"],
        trainable=hmm == "joint",
        likelihood_weight=settings["hmm_weight"] if hmm == "joint" else 0.0,
        seed=settings["seed"],
    )
    return {"states": states, "columns": columns, "hmm": hmm}


def _columns(observed: str, names: tuple[str, ...]) -> list[int]:
    columns = []
    for name in (part.strip() for part in observed.split(",")):
        if name not in names:
            raise InputError(
                f"hmm_observes is {observed!r}; expected some of {', '.join(names)}."
                f"{suggest(name, names)}"
            )
        columns.append(names.index(name))
    return columns


forecaster = recipe(
    "forecaster",
    "Forecaster of a series h steps ahead, with a seasonal profile and a recurrent network.",
    _forecaster,
    groups=(ForecastModelOptions, SeriesEncoderOptions, ForecastWindowOptions, TrainingOptions),
    defaults={"hmm_states": 4, "dropout": 0.0, "learning_rate": 3e-3, "batch_size": 16},
    renamed={"model": "cell", "linear": "linear_skip"},
    text="""
The network reads a series step by step and forecasts at each step. Its inputs and outputs are
deviations from the profile, which is computed from the training series. The posteriors of a hidden
Markov model are filtered: they depend on past steps only. Without `epochs`, `fit` trains for 200
batches, and for 40 epochs at least.

Returns:
    `Forecaster`: a Keras model whose `fit`, `evaluate` and `predict` take series.

Example:
    >>> from rnnkit import datasets
    >>> traffic = datasets.load("traffic_sample", limit=200)
    >>> model = forecaster(cell="gru", units=8, epochs=2)
    >>> history = model.fit(traffic.train.x, verbose=0)
    >>> sorted(model.evaluate(traffic.test.x, return_dict=True, verbose=0))
    ['loss', 'mae', 'rmse']
""",
)
