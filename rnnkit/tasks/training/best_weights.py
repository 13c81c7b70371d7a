"""The model of a training that has not ended: the best weights so far, from its checkpoints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit.embeddings.model import Word2Vec
from rnnkit.embeddings.training.epochs import TABLES, write_tables
from rnnkit.errors import InputError
from rnnkit.tasks.loading import load
from rnnkit.tasks.training import averaging
from rnnkit.tasks.training.model_state import variables
from rnnkit.training.callback_state import unpack
from rnnkit.training.checkpoints import Checkpoint, Checkpoints


class BestSoFar(NamedTuple):
    """A model and where its weights come from.

    Attributes:
        model: a task or word vectors.
        epoch: whose weights these are, from 1; the epoch under way where `step` is not 0.
        step: of that epoch; 0 = its end.
        monitor: the measure that decided, such as "val_loss"; "" where none did.
        value: of that measure; None where none decided.
        checkpoint: that they were read from.
    """

    model: Any
    epoch: int
    step: int
    monitor: str
    value: float | None
    checkpoint: Checkpoint


def load_best(folder: str | os.PathLike[str]) -> BestSoFar:
    """Load the model of a training that was interrupted, or still goes on.

    It has the weights of the epoch that was the best on the validation data so far; before the
    first epoch ended, and without validation data, those of the newest checkpoint.

    Args:
        folder: of the checkpoints, as `fit` got it.

    Raises:
        InputError: the folder holds no checkpoint that can be read, or only the one before the
            first step.

    Example:
        >>> load_best("runs/mine/checkpoints").epoch  # doctest: +SKIP
        2
    """
    checkpoints = Checkpoints(folder)
    found = checkpoints.newest() or checkpoints.newest()  # replaced by newer ones while it was read
    if found is None:
        raise InputError(f"{Path(folder)} holds no checkpoint that can be read.")
    epoch, step = int(found.values["epoch"]), int(found.values["step"])
    if not epoch + step:
        raise InputError(
            f"{Path(folder)} holds no checkpoint after the first step: it is untrained."
        )
    model = load(checkpoints.model)
    if isinstance(model, Word2Vec):
        write_tables(model, (found.arrays[TABLES[0]], found.arrays[TABLES[1]]))
        model.epochs_done = epoch
        return BestSoFar(model, epoch + (step > 0), step, "", None, found)
    stop = _early_stopping(found)
    if stop is None:
        _write_weights(model, found.arrays, step > 0)
        return BestSoFar(model, epoch + (step > 0), step, "", None, found)
    model.set_weights(stop["best_weights"])
    epoch, value = int(stop.get("best_epoch", 0)) + 1, stop.get("best")
    return BestSoFar(model, epoch, 0, found.values.get("monitor", ""), value, found)


def _early_stopping(found: Checkpoint) -> dict[str, Any] | None:
    """Return the state of the callback that keeps the best weights, if it has some already."""
    for record in found.values["callbacks"]:
        if record["class"] == "EarlyStopping" and record["state"].get("best_weights"):
            return {name: unpack(value, found.arrays) for name, value in record["state"].items()}
    return None


def _write_weights(model: Any, arrays: dict[str, np.ndarray], within_epoch: bool) -> None:
    """Set the weights to those of the checkpoint, which holds the optimizer's variables, too."""
    places = {id(one): f"variable{place}" for place, one in enumerate(variables(model))}
    # In an epoch the averages of the weights are apart from the model.
    apart = averaging.averages_of(model) if within_epoch else {}
    found = [apart.get(id(weight), weight) for weight in model.weights]
    model.set_weights([arrays[places[id(one)]] for one in found])
