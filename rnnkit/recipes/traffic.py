"""How many cars will have passed five minutes, or an hour, from now? (S9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnkit.errors import InputError, suggest

if TYPE_CHECKING:
    from rnnkit.tasks.series.forecaster import Forecaster

CELLS = ("lstm", "gru", "rnn")
MODELS = (*CELLS, *(f"hmm-{cell}" for cell in CELLS))


def traffic_forecaster(
    *,
    model: str = "lstm",
    hmm: str | None = None,
    hmm_states: int = 4,
    hmm_observes: str = "deviation",
    hmm_weight: float = 0.1,
    horizon: int = 1,
    target: int = 0,
    layers: int = 1,
    units: int = 64,
    dropout: float = 0.0,
    linear: bool = True,
    profile: str | None = "auto",
    smoothing: float = 5.0,
    harmonics: int = 4,
    context: int = 12,
    window: int = 96,
    warm_up: int = 48,
    optimizer: str = "adam",
    learning_rate: float = 3e-3,
    learning_rate_schedule: str = "cosine",
    clip_norm: float | None = 1.0,
    batch_size: int = 16,
    epochs: int | None = None,
    seed: int = 0,
) -> Forecaster:
    """Forecast a series h steps ahead with a recurrent network that knows the time of the day.

    The network runs along a series and forecasts at each step; what it reads and forecasts is the
    deviation from what is usual at that time, learned from the training series.

    Args:
        model: "lstm", "gru", "rnn", or with a hidden Markov model "hmm-lstm", "hmm-gru", "hmm-rnn".
        hmm: what a hidden Markov model, fitted to the training series, does: None = there is none;
            "input" = its posteriors (of the states, given the past alone) go beside what the
            network reads; "output" = beside what it puts out; "joint" = as "input", and both learn
            together, with the model's log-likelihood as a second loss. "hmm-lstm" alone is "input".
        hmm_states: the number of its states.
        hmm_observes: what it observes, separated by commas: "deviation", and other names that
            `SeriesEncoder.names` lists.
        hmm_weight: of the log-likelihood of a step in the loss, when they learn together.
        horizon: how many steps ahead to forecast.
        target: the number of the column to forecast.
        layers: recurrent layers on top of each other.
        units: size of each layer's state.
        dropout: share of each layer's output that is dropped.
        linear: add a linear path from the last `context` deviations to the forecast; it starts as
            the least-squares fit, and the network learns what that lacks.
        profile: what is usual is learned for the times of the "day", or of the "week"; None = not
            at all; "auto" = of the week where train has six weeks or more, else of the day.
        smoothing: minutes over which the profile is smoothed.
        harmonics: sines and cosines of the time of day that the network reads, pairs of them.
        context: a forecast is made from the step on at which this many steps have been read.
        window: steps of the pieces that the network is trained on.
        warm_up: steps before a piece that it only reads.
        optimizer: the name of a Keras optimizer.
        learning_rate: its first learning rate.
        learning_rate_schedule: "constant", or, after a short rise, "linear" or "cosine" to zero.
        clip_norm: gradients are clipped to this global norm; None = not at all.
        batch_size: pieces of a batch.
        epochs: how often `fit` goes through the series, where it is not told; None = enough for
            200 batches, 40 at least.
        seed: of the first weights, the order and places of the pieces and the dropout.

    Returns:
        `Forecaster`: a Keras model whose `fit`, `evaluate` and `predict` take series.

    Raises:
        InputError: a setting that cannot be used.

    Example:
        >>> from rnnkit import datasets
        >>> traffic = datasets.load("traffic_sample", limit=200)
        >>> forecaster = traffic_forecaster(model="gru", units=8, epochs=2)
        >>> history = forecaster.fit(traffic.train.x, verbose=0)
        >>> sorted(forecaster.evaluate(traffic.test.x, return_dict=True, verbose=0))
        ['loss', 'mae', 'rmse']
    """
    settings: dict[str, Any] = dict(locals())
    from rnnkit.data.autoregression import fit_autoregression
    from rnnkit.data.series_encoding import SeriesEncoder
    from rnnkit.tasks.series.forecast_networks import FORMS, hidden_states, recurrent_forecaster
    from rnnkit.tasks.series.forecaster import Forecaster
    from rnnkit.tasks.training.optimizers import optimizer_factory

    if model not in MODELS:
        raise InputError(f"model is {model!r}; expected one of {MODELS}.{suggest(model, MODELS)}")
    cell = model.removeprefix("hmm-")
    form = hmm or ("input" if cell != model else None)
    if form is not None and form not in FORMS:
        raise InputError(f"hmm is {hmm!r}; expected None or one of {FORMS}.{suggest(form, FORMS)}")
    make_optimizer = optimizer_factory(optimizer, learning_rate, clip_norm)

    def build_network(encoder: SeriesEncoder, encoded: Any) -> Any:
        network: dict[str, Any] = {}
        if form is not None:
            columns = _columns(hmm_observes, encoder.names)
            states = hidden_states(
                encoded,
                columns,
                states=hmm_states,
                trainable=form == "joint",
                likelihood_weight=hmm_weight if form == "joint" else 0.0,
                seed=seed,
            )
            network = {"states": states, "columns": columns, "form": form}
        return recurrent_forecaster(
            len(encoder.names),
            cell=cell,
            layers=layers,
            units=units,
            dropout=dropout,
            line=fit_autoregression(encoded, context) if linear else None,
            seed=seed,
            **network,
        )

    return Forecaster(
        build_network,
        encoder=SeriesEncoder(
            target=target,
            horizon=horizon,
            profile=profile,
            smoothing=smoothing,
            harmonics=harmonics,
        ),
        context=context,
        window=window,
        warm_up=warm_up,
        optimizer=make_optimizer,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        learning_rate_schedule=learning_rate_schedule,
        settings={"recipe": "traffic_forecaster", **settings},
    )


def _columns(wanted: str, names: tuple[str, ...]) -> list[int]:
    found = []
    for name in (part.strip() for part in wanted.split(",")):
        if name not in names:
            raise InputError(
                f"hmm_observes is {wanted!r}; of these series it may hold {', '.join(names)}."
                f"{suggest(name, names)}"
            )
        found.append(names.index(name))
    return found
