"""Emissions by name, and their config in saved layers."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from rnnkit.errors import InputError, suggest
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.emissions.categorical import Categorical
from rnnkit.hmm.emissions.gaussian import Gaussian
from rnnkit.hmm.emissions.mixture import GaussianMixture
from rnnkit.hmm.emissions.poisson import Poisson

EMISSIONS: dict[str, type[Emission]] = {
    "gaussian": Gaussian,
    "categorical": Categorical,
    "gmm": GaussianMixture,
    "poisson": Poisson,
}


def get_emission(emission: Any, settings: dict[str, Any]) -> Emission:
    """Return an emission from its name and settings, its config, or unchanged.

    Args:
        emission: "gaussian", "categorical", "gmm", "poisson", an `Emission`, or the config that
            `serialize_emission` returned.
        settings: settings of a named emission; None = the default.

    Raises:
        InputError: an unknown name, or settings that the emission does not have.

    Example:
        >>> get_emission("gmm", {"n_mix": 2, "covariance_type": None}).n_mix
        2
    """
    settings = {name: value for name, value in settings.items() if value is not None}
    if isinstance(emission, dict):
        return _deserialize(emission)
    known: set[str] = set()
    if isinstance(emission, str):
        if emission not in EMISSIONS:
            raise InputError(
                f"emission is {emission!r}; expected one of {list(EMISSIONS)}, or an Emission."
                f"{suggest(emission, EMISSIONS)}"
            )
        kind: Any = EMISSIONS[emission]
        known = {field.name for field in dataclasses.fields(kind)}
    elif not isinstance(emission, Emission):
        raise InputError(f"emission is {emission!r}; expected a name or an Emission.")
    if not known.issuperset(settings):
        raise InputError(
            f"The emission {emission!r} has no setting {sorted(set(settings) - known)}; "
            f"{f'it has {sorted(known)}' if known else 'give it to its constructor'}."
        )
    return kind(**settings) if isinstance(emission, str) else emission


def serialize_emission(emission: Emission) -> dict[str, Any]:
    """Return the config of an emission: its name and settings.

    A custom emission needs a method `get_config` that returns the arguments of its constructor,
    and its class registered by `keras.saving.register_keras_serializable()`.

    Raises:
        InputError: a custom emission without `get_config`.

    Example:
        >>> serialize_emission(Gaussian("full"))["name"]
        'gaussian'
    """
    names = {kind: name for name, kind in EMISSIONS.items()}
    if type(emission) in names:
        fields: Any = dataclasses.fields(emission)  # type: ignore[arg-type]
        config = {field.name: getattr(emission, field.name) for field in fields}
        name = names[type(emission)]
    elif hasattr(emission, "get_config"):
        config, name = emission.get_config(), keras.saving.get_registered_name(type(emission))
    else:
        raise InputError(
            f"A layer with {type(emission).__name__} cannot be saved: define its get_config, and "
            "register the class with keras.saving.register_keras_serializable()."
        )
    return {"name": name, "config": {key: _to_plain(value) for key, value in config.items()}}


def _deserialize(saved: dict[str, Any]) -> Emission:
    kind = EMISSIONS.get(saved["name"]) or keras.saving.get_registered_object(saved["name"])
    if kind is None:
        raise InputError(
            f"The layer was saved with the emission {saved['name']!r}, whose class is not "
            "registered. First import it, with keras.saving.register_keras_serializable()."
        )
    return kind(**saved["config"])


def _to_plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
