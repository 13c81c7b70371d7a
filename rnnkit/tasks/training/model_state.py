"""Variables of a model in training: weights, optimizer, random generators, carried states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.errors import InputError
from rnnkit.monitor.callbacks import sync_state


def read_variables(model: Any) -> dict[str, np.ndarray]:
    """Return a copy of every variable that a training changes, by its place.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> [name for name in read_variables(model) if name.startswith("variable")][:2]
        ['variable0', 'variable1']
    """
    sync_state(model)
    groups = {"variable": variables(model), "metric": model.metrics_variables}
    return {
        f"{group}{place}": _array(variable)
        for group, found in groups.items()
        for place, variable in enumerate(found)
    }


def write_variables(model: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Set all variables but those of the metrics.

    Raises:
        InputError: the arrays are those of another model.
    """
    _write(variables(model), arrays, "variable")


def write_metrics(model: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Set the variables of the metrics: the sums of the epoch under way."""
    _write(model.metrics_variables, arrays, "metric")


def variables(model: Any) -> list[keras.Variable]:
    """Return the variables of a model and its optimizer, without those of the metrics.

    They include the state of random generators and of stateful layers.
    """
    of_metrics = {id(variable) for variable in model.metrics_variables}
    every = [*model.variables, *(model.optimizer.variables if model.optimizer else ())]
    return list({id(v): v for v in every if id(v) not in of_metrics}.values())


def _write(found: Sequence[keras.Variable], arrays: Mapping[str, np.ndarray], group: str) -> None:
    stored = [name for name in arrays if name.startswith(group)]
    shapes = [tuple(variable.shape) for variable in found]
    if [arrays[f"{group}{place}"].shape for place in range(len(stored))] != shapes:
        raise InputError(
            "The checkpoint holds the variables of another network: other layers, sizes or another "
            "optimizer. Start anew in another folder."
        )
    for place, variable in enumerate(found):
        variable.assign(arrays[f"{group}{place}"].astype(_dtype(variable)))


def _array(variable: keras.Variable) -> np.ndarray:
    array = np.array(keras.ops.convert_to_numpy(variable))
    # NumPy's files know no bfloat16; float32 holds each of its numbers.
    return array if array.dtype.kind in "biufc" else array.astype("float32")


def _dtype(variable: keras.Variable) -> Any:
    found = keras.ops.convert_to_numpy(variable).dtype
    return "float32" if found.kind not in "biufc" else found
