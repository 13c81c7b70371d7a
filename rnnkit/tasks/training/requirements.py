"""What a training that goes on must find again: its data, its settings, what it had learned."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import keras

from rnnkit.config import argument_names
from rnnkit.errors import InputError
from rnnkit.training.checkpoints import Checkpoint, Checkpoints
from rnnkit.training.fingerprint import as_json, digest


def requirements(
    task: Any, own: Mapping[str, Any], callbacks: Any, data: tuple, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings of a training and a digest of its data, by name.

    Args:
        task: the task; its number of epochs may change.
        own: its `own_settings` before it learned anything.
        callbacks: those that `fit` was given.
        data: encoded examples, targets and weights.
        options: further arguments of `fit`.
    """
    settings = {name: value for name, value in task.settings.items() if name != "epochs"}
    given = [] if callbacks is None else keras.tree.flatten(callbacks)
    options = {**options, "batch_size": options.get("batch_size") or own["batch_size"]}
    return {
        "backend": keras.config.backend(),
        "training data": digest(*data),
        "settings": as_json(settings),
        "callbacks": [type(one).__name__ for one in given],
        **as_json({**own, **options}),
    }


def own_settings(task: Any) -> dict[str, Any]:
    """Return the settings of a task itself that are numbers or texts, without its epochs.

    A task that was made without a recipe records no other settings.
    """
    names = {*argument_names(task)} - {"name", "epochs", "settings"}
    values = {name: getattr(task, name) for name in names}
    return {name: one for name, one in values.items() if type(one) in (int, float, str, bool)}


def learned_numbers(before: Mapping[str, Any], task: Any) -> dict[str, float]:
    """Return the public attributes of a task that are numbers and were not the same before."""
    return {
        name: value
        for name, value in vars(task).items()
        if name[0] != "_" and type(value) in (int, float) and before.get(name) != value
    }


def learn_from(task: Any, checkpoints: Checkpoints, found: Checkpoint) -> bool:
    """Give a task what the model in a file had learned of the data, and its network.

    Returns whether the file was whole. Where it is not, a warning tells; the task has to learn from
    the data once more, and the digest of the encoded examples shows whether it learned the same.

    Args:
        task: not trained yet, made with the same settings.
        checkpoints: where the model before its first step lies.
        found: where the training goes on; it holds what `learned_numbers` returned.
    """
    from rnnkit.tasks.loading import load  # it knows all tasks

    try:
        other = load(checkpoints.model)
    except InputError as error:
        warnings.warn(f"rnnkit: {error} It is learned from the data once more.", stacklevel=2)
        return False
    names = {*argument_names(task), *task.config_types} - {"name", "epochs", "settings"}
    for name in names:
        if hasattr(other, name):
            setattr(task, name, getattr(other, name))
    for asset in task.assets.values():
        if (value := getattr(other, asset.attribute, None)) is not None:  # None is not stored
            setattr(task, asset.attribute, value)
    for name, value in found.values["learned"].items():
        setattr(task, name, value)
    task._set_network(other.network)
    return True
