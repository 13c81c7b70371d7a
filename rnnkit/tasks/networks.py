"""The functional Keras networks inside the tasks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from rnnkit import layers as kit
from rnnkit.backend.initializers import Seeded
from rnnkit.errors import InputError, suggest
from rnnkit.hmm.layers.features import HMMFeatures
from rnnkit.tasks.series.fronts import front_of, rows_of, scale_of, standardisation

FORMS = ("input", "output", "joint")
HYBRIDS = (None, *FORMS)
CELLS = {"rnn": kit.SimpleRNN, "lstm": kit.LSTM, "gru": kit.GRU}


def recurrent_classifier(
    vocabulary_size: int,
    outputs: int,
    *,
    cell: str = "lstm",
    bidirectional: bool = False,
    layers: int = 1,
    units: int = 64,
    embedding_size: int = 100,
    embedding_trainable: bool = True,
    word_dropout: float = 0.0,
    embedding_dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    dropout: float = 0.5,
    pooling: str = "last",
    seed: int = 0,
) -> keras.Model:
    """Build token ids -> embedding -> recurrent layers -> pooling over time -> probabilities.

    Args:
        vocabulary_size: number of token ids; 0 is padding and masked.
        outputs: 1 for a sigmoid unit, more for a softmax.
        cell: "rnn", "lstm" or "gru".
        bidirectional: run each layer in both directions.
        layers: recurrent layers on top of each other.
        units: size of each layer's state.
        embedding_size: size of a word's vector.
        embedding_trainable: whether the words' vectors learn with the network, or stay as they are.
        word_dropout: share of the words whose whole vector is dropped, anew at each place.
        embedding_dropout: share of the numbers in the words' vectors that are dropped.
        recurrent_dropout: see `rnnkit.layers.LSTM`.
        dropout: share of the pooled vector that is dropped, and of what passes between layers.
        pooling: "last", "mean", "max" or "mean+max", over the real steps.
        seed: of the first weights (the same on every backend) and of the dropout.

    Returns:
        A functional model, `(B, T)` ids to `(B, outputs)` probabilities.

    Raises:
        InputError: an unknown cell, no layer.

    Example:
        >>> recurrent_classifier(100, 1, cell="gru", units=8).output_shape
        (None, 1)
    """
    seeds = itertools.count(1000 * seed)
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = keras.layers.Embedding(
        vocabulary_size,
        embedding_size,
        mask_zero=True,
        trainable=embedding_trainable,
        embeddings_initializer=Seeded("uniform", next(seeds)),
        name="embedding",
    )(ids)
    x = _drop(x, word_dropout, seeds, noise_shape=(None, None, 1))
    x = _drop(x, embedding_dropout, seeds)
    x = _read(
        x,
        None,
        seeds,
        cell=cell,
        bidirectional=bidirectional,
        layers=layers,
        units=units,
        recurrent_dropout=recurrent_dropout,
        dropout=dropout,
        pooling=pooling,
    )
    return keras.Model(ids, _answer(x, outputs, dropout, seeds), name=f"{cell}_classifier")


def recurrent_series_classifier(
    series: Sequence[np.ndarray],
    outputs: int,
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
    seed: int = 0,
) -> keras.Model:
    """Build series -> standardisation -> recurrent layers -> pooling over time -> probabilities.

    With `features` these come before the standardisation, and everything after works on frames.
    With `hmm`, a hidden Markov model is fitted to the series by Baum-Welch first; the network gets
    its posteriors `P(z_t | x_1..x_T)`: the series are whole, so there is no future to be kept out.

    Args:
        series: arrays `(T, D)` to learn each feature's mean and standard deviation from.
        outputs: 1 for a sigmoid unit, more for a softmax.
        cell: "rnn", "lstm" or "gru".
        bidirectional: run each layer in both directions.
        layers: recurrent layers on top of each other.
        units: size of each layer's state.
        recurrent_dropout: see `rnnkit.layers.LSTM`.
        dropout: share of the pooled vector that is dropped, and of what passes between layers.
        pooling: "last", "mean", "max" or "mean+max", over the real steps.
        features: "log-mel", where the series are waveforms; None = the values as they are.
        rate: samples a second of the waveforms; for this and the next four see
            `rnnkit.features.LogMel`.
        mels: bands.
        window_ms: length of a frame in milliseconds.
        hop_ms: from one frame to the next.
        centred: subtract each band's mean over the series.
        hmm: "input", the posteriors stand beside the values; "output", their mean over time stands
            beside the pooled vector; "joint", as "input", and the model is trained on with the
            network; None = no such thing.
        hmm_states: K, its hidden states.
        hmm_weight: of its log-likelihood of a step in the loss, when they learn together.
        seed: of the first weights (the same on every backend) and of the dropout.

    Returns:
        A functional model, `(values, mask)`, `(B, T, D)` and boolean `(B, T)`, to `(B, outputs)`
        probabilities.

    Raises:
        InputError: an unknown cell or form of `hmm`, no layer.

    Source: Krakovna and Doshi-Velez 2016, arXiv:1606.05320 (the hybrids).

    Example:
        >>> network = recurrent_series_classifier([np.eye(3)], 4, units=8)
        >>> network.input_shape, network.output_shape
        ([(None, None, 3), (None, None)], (None, 4))
    """
    if hmm not in HYBRIDS:
        raise InputError(f"hmm is {hmm!r}; expected one of {HYBRIDS}.{suggest(str(hmm), FORMS)}")
    seeds = itertools.count(1000 * seed)
    values = keras.Input((None, np.shape(series[0])[1]), name="values")
    mask = given = keras.Input((None,), dtype="bool", name="mask")
    x, rows = values, series
    front = front_of(
        features, rate=rate, mels=mels, window_ms=window_ms, hop_ms=hop_ms, centred=centred
    )
    if front is not None:
        rows = rows_of(front, series)
        x, mask = front(values, mask=given)
    mean, scale = scale_of(rows)
    x = standardisation(mean, scale)(x)
    states = None
    if hmm is not None:
        layer = HMMFeatures(
            hmm_states,
            mode="smoothed",
            covariance_type="full",
            trainable=hmm == "joint",
            likelihood_weight=hmm_weight if hmm == "joint" else 0.0,
            seed=next(seeds),
            name="states",
        )
        layer.adapt([((row - mean) / scale).astype("float32") for row in rows])
        states = layer(x, mask=mask)
        if hmm != "output":
            x = keras.layers.Concatenate(name="values_and_states")([x, states])
    x = _read(
        x,
        mask,
        seeds,
        cell=cell,
        bidirectional=bidirectional,
        layers=layers,
        units=units,
        recurrent_dropout=recurrent_dropout,
        dropout=dropout,
        pooling=pooling,
    )
    if hmm == "output":
        shares = kit.MaskedPooling("mean", name="shares_of_states")(states, mask=mask)
        x = keras.layers.Concatenate(name="pooled_and_states")([x, shares])
    return keras.Model(
        [values, given], _answer(x, outputs, dropout, seeds), name=f"{cell}_series_classifier"
    )


def _drop(x: Any, rate: float, seeds: Iterator[int], **shape: Any) -> Any:
    return keras.layers.Dropout(rate, seed=next(seeds), **shape)(x) if rate else x


def _read(
    x: Any,
    mask: Any,
    seeds: Iterator[int],
    *,
    cell: str,
    bidirectional: bool,
    layers: int,
    units: int,
    recurrent_dropout: float,
    dropout: float,
    pooling: str,
) -> Any:
    """Run the recurrent layers over `(B, T, D)` and pool what they give over time."""
    # The last state is all that "last" pooling of one direction needs; no sequence is stored.
    x = recurrent_stack(
        x,
        mask,
        seeds,
        cell=cell,
        bidirectional=bidirectional,
        layers=layers,
        units=units,
        recurrent_dropout=recurrent_dropout,
        dropout=dropout,
        sequences=pooling != "last",
    )
    if pooling == "last":
        return x
    pool = kit.MaskedPooling(pooling, name="pooling")
    return pool(x) if mask is None else pool(x, mask=mask)


def recurrent_stack(
    x: Any,
    mask: Any,
    seeds: Iterator[int],
    *,
    cell: str,
    bidirectional: bool = False,
    layers: int = 1,
    units: int = 64,
    recurrent_dropout: float = 0.0,
    dropout: float = 0.0,
    sequences: bool = True,
) -> Any:
    """Run recurrent layers over `(B, T, D)`.

    Args:
        x: a Keras tensor.
        mask: boolean `(B, T)`; None = the one that x carries, if any.
        seeds: where each weight's seed comes from.
        cell: "rnn", "lstm" or "gru".
        bidirectional: run each layer in both directions.
        layers: recurrent layers on top of each other.
        units: size of each layer's state.
        recurrent_dropout: see `rnnkit.layers.LSTM`.
        dropout: share of what passes between layers that is dropped.
        sequences: give the output of every step, `(B, T, U)`; or the last state, `(B, U)`.

    Raises:
        InputError: an unknown cell, no layer.

    Example:
        >>> x = keras.Input((None, 3))
        >>> recurrent_stack(x, None, itertools.count(), cell="gru", layers=2, units=4).shape
        (None, None, 4)
    """
    if cell not in CELLS:
        raise InputError(f"cell is {cell!r}; expected one of {list(CELLS)}.{suggest(cell, CELLS)}")
    if layers < 1:
        raise InputError(f"layers is {layers}; expected at least 1.")

    def recurrent(all_steps: bool, **direction: bool) -> keras.layers.Layer:
        return CELLS[cell](
            units,
            return_sequences=all_steps,
            recurrent_dropout=recurrent_dropout,
            kernel_initializer=Seeded("glorot_uniform", next(seeds)),
            recurrent_initializer=Seeded("orthogonal", next(seeds)),
            seed=next(seeds),
            **direction,
        )

    for depth in range(layers):
        all_steps = depth < layers - 1 or sequences
        if depth:
            x = _drop(x, dropout, seeds)
        layer = recurrent(all_steps)
        if bidirectional:
            layer = kit.Bidirectional(layer, backward_layer=recurrent(all_steps, go_backwards=True))
        x = layer(x) if mask is None else layer(x, mask=mask)
    return x


def _answer(x: Any, outputs: int, dropout: float, seeds: Iterator[int]) -> Any:
    """Turn one vector a row into probabilities."""
    x = _drop(x, dropout, seeds)
    return keras.layers.Dense(
        outputs,
        activation="sigmoid" if outputs == 1 else "softmax",
        kernel_initializer=Seeded("glorot_uniform", next(seeds)),
        dtype="float32",
        name="probabilities",
    )(x)
