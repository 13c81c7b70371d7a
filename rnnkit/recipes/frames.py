"""What is going on at each step of a series of measurements? A class a step (S4)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from rnnkit.recipes.family import listed

if TYPE_CHECKING:
    from rnnkit.tasks.series.frame_labeller import FrameLabeller


def frame_labeller(
    *,
    cell: str = "lstm",
    bidirectional: bool = True,
    layers: int = 1,
    units: int = 64,
    context: int = 15,
    features: str | None = None,
    feature_window: int = 9,
    recurrent_dropout: float = 0.0,
    input_dropout: float = 0.0,
    dropout: float = 0.5,
    output: str = "softmax",
    window: int | None = 200,
    optimizer: str = "adam",
    learning_rate: float = 5e-3,
    learning_rate_schedule: str = "cosine",
    clip_norm: float | None = 1.0,
    batch_size: int = 8,
    epochs: int | None = 40,
    classes: str | tuple[str, ...] | None = None,
    seed: int = 0,
) -> FrameLabeller:
    """Label each step of series of numbers, such as the frames of a video or sensor.

    Args:
        cell: "rnn", "lstm" or "gru"; or "dense", a feed-forward network of the steps around each.
        bidirectional: let a step see the later ones, too; false for a stream that is labelled as it
            comes.
        layers: layers on top of each other.
        units: size of each layer's state, or of its output.
        context: steps that "dense" sees: the step in the middle, or, one direction only, the last.
        features: None, or what of the steps around a step is put in the place of its values, with
            commas between: "values", "centred" (less the series' mean), "slope", "spread",
            "steps"; see `rnnkit.features.WindowFeatures`.
        feature_window: steps in the window of the features.
        recurrent_dropout: share of the state dropped on its way into the recurrent product.
        input_dropout: share of the features that are dropped, the same ones throughout a series.
        dropout: share of what passes between layers, and of the last one's output, that is dropped.
        output: "softmax", each step by itself; "crf", with what follows what.
        window: steps of the windows that are learned from; None = whole series.
        optimizer: the name of a Keras optimizer.
        learning_rate: its first learning rate.
        learning_rate_schedule: "constant", or, after a short rise, "linear" or "cosine" to zero.
        clip_norm: gradients are clipped to this global norm; None = not at all.
        batch_size: windows of a batch.
        epochs: how often `fit` goes through the windows, where it is not told; None = from their
            number: enough for 2,000 batches, 3 to 15.
        classes: names of the classes in the order of the labels, as a tuple or separated by commas;
            learned from the labels when left out.
        seed: of the first weights, the order of the batches and the dropout.

    Returns:
        `FrameLabeller`: a Keras model whose `fit`, `evaluate` and `predict` take one array
        `(T, D)`, or a list of such.

    Raises:
        InputError: a setting that cannot be used.

    Example:
        >>> import numpy as np
        >>> model = frame_labeller(cell="gru", units=4, epochs=2)
        >>> walk = np.sin(np.arange(40.0))[:, None]
        >>> history = model.fit(walk, walk[:, 0] > 0, verbose=0)
        >>> model.predict(walk, verbose=0).shape, len(model.predict_labels([walk, walk]))
        ((40, 2), 2)
    """
    settings = dict(locals())
    from rnnkit.features import check_kinds
    from rnnkit.tasks.series.frame_labeller import FrameLabeller
    from rnnkit.tasks.series.frame_networks import check, frame_network
    from rnnkit.tasks.training.optimizers import optimizer_factory

    make_optimizer = optimizer_factory(optimizer, learning_rate, clip_norm)
    check(cell, output)
    check_kinds(features or "values")
    return FrameLabeller(
        functools.partial(
            frame_network,
            cell=cell,
            bidirectional=bidirectional,
            layers=layers,
            units=units,
            context=context,
            features=features,
            feature_window=feature_window,
            recurrent_dropout=recurrent_dropout,
            input_dropout=input_dropout,
            dropout=dropout,
            output=output,
            seed=seed,
        ),
        classes=listed(classes),
        optimizer=make_optimizer,
        window=window,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        learning_rate_schedule=learning_rate_schedule,
        settings={"recipe": "frame_labeller", **settings},
    )
