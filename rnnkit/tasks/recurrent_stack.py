"""Stacks of recurrent layers, and what surrounds them in the networks of the tasks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import keras

from rnnkit import layers as kit
from rnnkit.backend import native
from rnnkit.backend.initializers import Seeded
from rnnkit.options import pick, takes
from rnnkit.settings.stack import (
    BidirectionalOption,
    PooledStackOptions,
    RecurrentDropoutOption,
    StackOptions,
    check_recurrent_dropout,
    has_recurrent_kernel,
)

CELLS: dict[str, Any] = {
    **{"rnn": kit.SimpleRNN, "lstm": kit.LSTM, "gru": kit.GRU},
    **{"mingru": kit.MinGRU, "minlstm": kit.MinLSTM, "rglru": kit.RGLRU},
}
DRAW_DECAY = {"rglru"}  # from the seed of the layer: two layers must not share it


@keras.saving.register_keras_serializable(package="rnnkit")
class Dropout(keras.layers.Dropout):
    """Dropout of single numbers, as `keras.layers.Dropout`, faster on PyTorch.

    Example:
        >>> import numpy as np
        >>> found = Dropout(0.5, seed=1)(np.ones((1, 99)), training=True)
        >>> sorted(set(keras.ops.convert_to_numpy(found)[0].tolist()))
        [0.0, 2.0]
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs, in training with some numbers set to 0."""
        if not training or not self.rate or self.noise_shape is not None:
            return super().call(inputs, training=training)
        return native.dropout(inputs, self.rate, self.seed_generator)


class Seeds:
    """The seeds of a network: the next one for each initializer and each dropout layer.

    Example:
        >>> seeds = Seeds(2)
        >>> seeds.next(), seeds.glorot().seed
        (2000, 2001)
    """

    def __init__(self, seed: int) -> None:
        self._seeds = itertools.count(1000 * seed)

    def next(self) -> int:
        """Return the next seed."""
        return next(self._seeds)

    def glorot(self) -> Seeded:
        """Return a Glorot uniform initializer."""
        return Seeded("glorot_uniform", self.next())

    def orthogonal(self) -> Seeded:
        """Return an orthogonal initializer."""
        return Seeded("orthogonal", self.next())

    def uniform(self) -> Seeded:
        """Return the uniform initializer of embeddings."""
        return Seeded("uniform", self.next())

    def dropout(self, rate: float, **options: Any) -> Dropout:
        """Return a dropout layer; `options` are those of `keras.layers.Dropout`."""
        return Dropout(rate, seed=self.next(), **options)


class RecurrentStackOptions(StackOptions, BidirectionalOption, RecurrentDropoutOption, total=False):
    """The settings of `recurrent_stack`."""


def _own_arguments(cell: str, recurrent_dropout: float, seeds: Seeds) -> dict[str, Any]:
    """Return the arguments that not all layers have."""
    if has_recurrent_kernel(cell):
        return {
            "recurrent_dropout": recurrent_dropout,
            "recurrent_initializer": seeds.orthogonal(),
        }
    check_recurrent_dropout(cell, recurrent_dropout)
    return {"gate_initializer": seeds.glorot()} if cell == "rglru" else {}


def drop(x: Any, rate: float, seeds: Seeds, **options: Any) -> Any:
    """Apply dropout to a Keras tensor; with the rate 0 there is no layer, and no seed is used."""
    return seeds.dropout(rate, **options)(x) if rate else x


@takes(RecurrentStackOptions, dropout=0.0)
def recurrent_stack(
    x: Any,
    seeds: Seeds,
    *,
    mask: Any = None,
    return_sequences: bool = True,
    return_state: bool = False,
    initial_state: Sequence[Any] | None = None,
    name: str | None = None,
    layer_options: Callable[[int], dict[str, Any]] | None = None,
    seed_layers: bool = True,
    **options: Unpack[RecurrentStackOptions],
) -> Any:
    """Run recurrent layers over `(B, T, D)`, with dropout between them.

    Unlike `rnnkit.layers.Stack` its layers are layers of the network, each under its own name, and
    dropout draws a new mask at each step.

    Args:
        x: a Keras tensor.
        seeds: of the initializers and of dropout.
        mask: boolean `(B, T)`; None = the one that x carries, if any.
        return_sequences: return the output of every step, `(B, T, U)`; else the last one, `(B, U)`.
        return_state: return the final states of each layer, too.
        initial_state: for each layer its initial states; None = zeros.
        name: layer i is called `name_i`; None = Keras chooses the names.
        layer_options: number of a layer -> more arguments of it.
        seed_layers: draw a seed for the dropout within each layer; 0 in networks without that
            dropout, so that their files are the same each time. Layers that draw weights from
            their seed get one in any case.

    Returns:
        The output; with `return_state` also a list of lists of states.

    Raises:
        InputError: `recurrent_dropout` of a layer without a recurrent kernel.

    Example:
        >>> recurrent_stack(keras.Input((None, 3)), Seeds(0), cell="gru", layers=2, units=4).shape
        (None, None, 4)
    """
    states = []

    def layer(depth: int, **own: Any) -> keras.layers.Layer:
        more = {} if layer_options is None else layer_options(depth)
        return CELLS[options["cell"]](
            options["units"],
            return_sequences=return_sequences or depth < options["layers"] - 1,
            return_state=return_state,
            kernel_initializer=seeds.glorot(),
            **_own_arguments(options["cell"], options["recurrent_dropout"], seeds),
            seed=seeds.next() if seed_layers or options["cell"] in DRAW_DECAY else 0,
            **more,
            **own,
        )

    for depth in range(options["layers"]):
        if depth:
            x = drop(x, options["dropout"], seeds)
        named: dict[str, Any] = {} if name is None else {"name": f"{name}_{depth}"}
        if options["bidirectional"]:
            forward, backward = layer(depth), layer(depth, go_backwards=True)
            run: Any = kit.Bidirectional(forward, backward_layer=backward, **named)
        else:
            run = layer(depth, **named)
        inputs = {} if mask is None else {"mask": mask}
        if initial_state is not None:
            inputs["initial_state"] = initial_state[depth]
        x = run(x, **inputs)
        if return_state:
            x, *last = x
            states.append(last)
    return (x, states) if return_state else x


@takes(PooledStackOptions)
def pooled_stack(
    x: Any, seeds: Seeds, *, mask: Any = None, **options: Unpack[PooledStackOptions]
) -> Any:
    """Run recurrent layers over `(B, T, D)`, and pool their outputs over time: `(B, U)`.

    Args:
        x: a Keras tensor.
        seeds: of the initializers and of dropout.
        mask: boolean `(B, T)`; None = the one that x carries, if any.

    Example:
        >>> pooled_stack(keras.Input((None, 3)), Seeds(0), units=4, pooling="mean+max").shape
        (None, 8)
    """
    pooling = options["pooling"]
    # "last" needs the final state only: no sequence is stored.
    stack = pick(options, RecurrentStackOptions)
    x = recurrent_stack(x, seeds, mask=mask, return_sequences=pooling != "last", **stack)
    if pooling == "last":
        return x
    pool = kit.MaskedPooling(pooling, name="pooling")
    return pool(x) if mask is None else pool(x, mask=mask)


def class_probabilities(x: Any, outputs: int, seeds: Seeds) -> Any:
    """Turn vectors `(B, U)` into probabilities: 1 output is a sigmoid unit, more are a softmax.

    Example:
        >>> class_probabilities(keras.Input((8,)), 3, Seeds(0)).shape
        (None, 3)
    """
    return keras.layers.Dense(
        outputs,
        activation="sigmoid" if outputs == 1 else "softmax",
        kernel_initializer=seeds.glorot(),
        dtype="float32",
        name="probabilities",
    )(x)
