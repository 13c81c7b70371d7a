"""Clones of tasks by `keras.models.clone_model`, or by `from_config` of a `get_config`."""

from __future__ import annotations

import copy
from typing import Any

import keras
import numpy as np

from rnnkit.errors import InputError
from rnnkit.monitor.callbacks import sync_state
from rnnkit.tasks.copies import changed_attributes, make_again


class Original(str):
    """The name of a task in its configuration, which leads to the task itself.

    A configuration lacks what lies beside it in a file: vocabulary, scales, weights. Keras makes
    clones of it in the same process, where they can be asked for; a file holds the name alone.

    Args:
        task: the task.
    """

    __slots__ = ("task",)
    task: Any

    def __new__(cls, task: Any) -> Original:
        """Return the name of a task."""
        made = super().__new__(cls, task.name)
        made.task = task
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Original:
        return self

    def __reduce__(self) -> Any:
        return str, (str(self),)


def find_original(cls: type, config: dict[str, Any]) -> Any:
    """Return the task that a configuration was made of, where it is alive, and of this class."""
    name = config.get("name")
    return name.task if isinstance(name, Original) and type(name.task) is cls else None


def clone_untrained(cls: Any, config: dict[str, Any]) -> Any:
    """Return a new task of the same settings as one that is not trained; not compiled.

    Raises:
        InputError: the configuration was read from a text.
    """
    original = find_original(cls, config)
    if original is None:
        raise InputError(
            f"A {cls.__name__} that is not trained yet has no configuration in a file or text from "
            "which it could be built again. Use copy.deepcopy, pickle or keras.models.clone_model."
        )
    changed = changed_attributes(original)
    changed |= {key: config[key] for key in changed if key in config.keys() - cls.config_types}
    return make_again(*copy.deepcopy((original._maker(), changed)), None)


def finish_clone(task: Any, original: Any) -> None:
    """Give a task that was built of a configuration what the original learned of its data.

    That is everything but the weights that train: vocabulary, classes, scales, and the weights that
    do not train, such as frozen word vectors or the rarity of words.
    """
    task._recipe = original._known_recipe()
    for asset in task.assets.values():
        value = getattr(original, asset.attribute)
        if value is not None:
            setattr(task, asset.attribute, asset.load(asset.dump(value)))
    sync_state(original)
    kept = zip(
        task.network.non_trainable_weights, original.network.non_trainable_weights, strict=True
    )
    for own, known in kept:
        # As numbers: JAX would share the buffer, which the training of one of them gives away.
        own.assign(np.array(keras.ops.convert_to_numpy(known)))
