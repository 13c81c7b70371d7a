"""Saving of tasks: network, weights, vocabulary, classes and settings in one `.keras` file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from rnnkit.atomic import replacing_model
from rnnkit.config import saved_arguments
from rnnkit.disk import variables_size
from rnnkit.errors import InputError, require_fitted
from rnnkit.tasks.cloning import Original, clone_untrained, find_original, finish_clone
from rnnkit.tasks.training.averaging import averaged
from rnnkit.tasks.training.random_state import read_random_state, write_random_state

RANDOM_STATE = "random_state"  # its name among the variables of a file


class Asset(NamedTuple):
    """Something learned from the data, an attribute of the task, stored beside the weights.

    Attributes:
        attribute: of the task; None is not stored.
        dump: the attribute -> bytes.
        load: bytes -> the attribute.
        optional: whether a file may lack it.
    """

    attribute: str
    dump: Callable[[Any], bytes]
    load: Callable[[bytes], Any]
    optional: bool = False


def json_asset(attribute: str, cls: Any) -> Asset:
    """Return the asset of an attribute whose class has `to_json` and `from_json`."""
    return Asset(
        attribute, lambda one: one.to_json().encode(), lambda raw: cls.from_json(raw.decode())
    )


class Saving(keras.Model):
    """Mixin of tasks: `save`, and what Keras calls to write a file and to read one."""

    assets: ClassVar[dict[str, Asset]] = {}  # file name -> what is stored beside the weights
    splits_vocabulary: ClassVar[bool] = False  # several weights may share out the rows of words
    config_types: ClassVar[dict[str, Callable[[Any], Any]]] = {}  # key -> builds its saved value
    renamed_keys: ClassVar[dict[str, str]] = {}  # of files of earlier versions
    saves_variables: ClassVar[bool] = True  # of its own, beside those of the network

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Save network, vocabulary, classes and optimizer to one `.keras` file.

        The file is written under a temporary name and renamed, so a crash leaves the old one whole.
        During a training with `averaged_weights` it holds the averages.

        Raises:
            InputError: the model is not trained yet, or the name does not end in `.keras`.
            DiskError: the file cannot be written.
        """
        require_fitted(self.network, self, "network")
        size = variables_size(self)
        with averaged(self), replacing_model(filepath, overwrite, size) as temporary:
            super().save(temporary, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments and the network; assets are stored beside them."""
        network = keras.saving.serialize_keras_object(self.network)
        return {**saved_arguments(self), "name": Original(self), "network": network}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Build the task from what `get_config` returned, in this version or an earlier one.

        Where the task of `get_config` is there still, as in `keras.models.clone_model`, it is a
        clone: of the same settings and, where it was trained, the same vocabulary, classes, scales;
        with new weights.
        """
        if config["network"] is None:
            return clone_untrained(cls, config)
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        new = {cls.renamed_keys.get(key, key): value for key, value in config.items()}
        built = {key: build(new[key]) for key, build in cls.config_types.items()}
        built["name"] = str(config["name"])
        task = cls(**{**new, **built, "network": network})
        if (original := find_original(cls, config)) is not None:
            finish_clone(task, original)
        return task

    def save_own_variables(self, store: Any) -> None:
        """Write the task's own variables; called by Keras before it writes the optimizer's."""
        self._restore_learning_rate()
        if self.saves_variables:
            super().save_own_variables(store)
        if self.network is not None:
            store[RANDOM_STATE] = read_random_state(self)

    def load_own_variables(self, store: Any) -> None:
        """Read the task's own variables; called by Keras. Files of earlier versions have fewer."""
        own = {key: store[key] for key in store.keys() if key != RANDOM_STATE}  # noqa: SIM118
        if self.saves_variables:
            super().load_own_variables(own)
        if self.network is not None and RANDOM_STATE in store.keys():  # noqa: SIM118
            write_random_state(self, np.asarray(store[RANDOM_STATE]))

    def save_assets(self, dir_path: str) -> None:
        """Write what is stored beside the weights; called by Keras."""
        for name, asset in self.assets.items():
            value = getattr(self, asset.attribute)
            if value is not None:
                Path(dir_path, name).write_bytes(asset.dump(value))

    def load_assets(self, dir_path: str) -> None:
        """Read what is stored beside the weights; called by Keras."""
        for name, asset in self.assets.items():
            path = Path(dir_path, name)
            if asset.optional and not path.is_file():
                continue
            value = asset.load(path.read_bytes())
            self._check_size(name, value)
            setattr(self, asset.attribute, value)

    def _check_size(self, name: str, value: Any) -> None:
        """Refuse a vocabulary for which no weight has a row each: its ids would be shifted."""
        if self.network is None or self.splits_vocabulary or not hasattr(value, "__len__"):
            return
        if len(value) not in {size for weight in self.network.weights for size in weight.shape}:
            raise InputError(
                f"{name} has {len(value):,} entries, and no weight of the network has as many rows."
            )
