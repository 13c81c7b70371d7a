"""Which class does a whole series of measurements belong to? Many steps in, one answer out (S4)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from rnnkit.recipes.family import listed

if TYPE_CHECKING:
    from rnnkit.tasks import SequenceClassifier


def sequence_classifier(
    *,
    cell: str = "lstm",
    bidirectional: bool = False,
    layers: int = 1,
    units: int = 64,
    recurrent_dropout: float = 0.0,
    dropout: float = 0.5,
    pooling: str = "mean+max",
    features: str | None = None,
    rate: int = 8000,
    mels: int = 40,
    window_ms: float = 25.0,
    hop_ms: float = 10.0,
    centred: bool = True,
    hmm: str | None = None,
    hmm_states: int = 8,
    hmm_weight: float = 0.1,
    optimizer: str = "adam",
    learning_rate: float = 5e-3,
    learning_rate_schedule: str = "cosine",
    clip_norm: float | None = 1.0,
    batch_size: int = 32,
    epochs: int | None = 40,
    max_length: int | None = None,
    truncate: str = "tail",
    classes: str | tuple[str, ...] | None = None,
    seed: int = 0,
) -> SequenceClassifier:
    """Classify whole series of numbers with a recurrent network.

    Args:
        cell: "rnn", "lstm" or "gru".
        bidirectional: run each layer in both directions.
        layers: recurrent layers on top of each other.
        units: size of each layer's state.
        recurrent_dropout: share of the state dropped on its way into the recurrent product.
        dropout: share of the pooled vector that is dropped, and of what passes between layers.
        pooling: "last", "mean", "max" or "mean+max", over the real steps.
        features: None, or "log-mel", where the series are waveforms `(T,)`: the logarithm of the
            energy in bands, a frame after the other; see `rnnkit.features.LogMel`.
        rate: samples a second of the waveforms.
        mels: bands of the log-mel features.
        window_ms: length of a frame of them in milliseconds.
        hop_ms: from the beginning of one frame to the next.
        centred: subtract each band's mean over the series, and with it how loud it was recorded,
            and much of who speaks.
        hmm: None, or a hidden Markov model that learns from the series first, and whose posteriors
            the network gets: "input", beside the values of each step; "output", beside the pooled
            vector; "joint", as "input", and trained on with the network.
        hmm_states: how many hidden states it has.
        hmm_weight: of its log-likelihood of a step in the loss, when they learn together.
        optimizer: the name of a Keras optimizer.
        learning_rate: its first learning rate.
        learning_rate_schedule: "constant", or, after a short rise, "linear" or "cosine" to zero.
        clip_norm: gradients are clipped to this global norm; None = not at all.
        batch_size: series of a batch.
        epochs: how often `fit` goes through the series, where it is not told; None = from their
            number: enough for 2,000 batches, 3 to 15.
        max_length: longer series are cut to this many steps; None = never.
        truncate: which end a cut keeps: "head", "tail", "both".
        classes: names of the classes in the order of the labels, as a tuple or separated by commas;
            learned from the labels when left out.
        seed: of the first weights, the order of the batches and the dropout.

    Returns:
        `SequenceClassifier`: a Keras model whose `fit`, `evaluate` and `predict` take lists of
        arrays `(T, D)`.

    Raises:
        InputError: a setting that cannot be used.

    Example:
        >>> import numpy as np
        >>> rising, falling = np.linspace(0, 1, 9)[:, None], np.linspace(1, 0, 7)[:, None]
        >>> model = sequence_classifier(units=4, epochs=2)
        >>> history = model.fit([rising, falling] * 8, [1, 0] * 8, verbose=0)
        >>> model.predict(rising, verbose=0).shape
        (1, 1)
    """
    settings = dict(locals())
    from rnnkit.tasks import SequenceClassifier, recurrent_series_classifier
    from rnnkit.tasks.series.fronts import front_of
    from rnnkit.tasks.training.optimizers import optimizer_factory

    make_optimizer = optimizer_factory(optimizer, learning_rate, clip_norm)
    front_of(features, rate=rate, mels=mels, window_ms=window_ms, hop_ms=hop_ms)  # and so does this
    return SequenceClassifier(
        functools.partial(
            recurrent_series_classifier,
            cell=cell,
            bidirectional=bidirectional,
            layers=layers,
            units=units,
            recurrent_dropout=recurrent_dropout,
            dropout=dropout,
            pooling=pooling,
            features=features,
            rate=rate,
            mels=mels,
            window_ms=window_ms,
            hop_ms=hop_ms,
            centred=centred,
            hmm=hmm,
            hmm_states=hmm_states,
            hmm_weight=hmm_weight,
            seed=seed,
        ),
        classes=listed(classes),
        optimizer=make_optimizer,
        max_length=max_length,
        truncate=truncate,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        learning_rate_schedule=learning_rate_schedule,
        settings={"recipe": "sequence_classifier", **settings},
    )
