"""What callbacks change while a model trains, as JSON values and arrays."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
import numpy as np

_SMALL = ("float8_e4m3fn", "float8_e5m2")
MOST = 100_000  # elements of a list that is part of a callback's state; more is data, not state
# Keras's monitors flip its sign in each process, when they find out whether less is better.
_OTHERS = {"_model", "params", "validation_data", "min_delta"}


class _NotPlain(Exception):
    """A value that is neither a number, a text, an array, nor made of these."""


def has_own_state(callback: Any) -> bool:
    """Return whether a callback reads and writes its state itself.

    It then has `checkpoint_state()`, which returns plain values by name, and
    `restore_checkpoint(state)`, which is called before `on_train_begin`.
    """
    return hasattr(callback, "checkpoint_state") and hasattr(callback, "restore_checkpoint")


def digest_attributes(callback: Any) -> dict[str, Any]:
    """Return a digest of each attribute of a callback that is plain: numbers, texts, arrays, lists.

    Example:
        >>> stop = keras.callbacks.EarlyStopping(patience=3)
        >>> before = digest_attributes(stop)
        >>> stop.wait = 2
        >>> [name for name, now in digest_attributes(stop).items() if now != before[name]]
        ['wait']
    """
    return {name: _digest(*packed) for name, packed in _plain(callback, "")}


def read_states(
    callbacks: Sequence[Any], at_start: Sequence[dict[str, Any]], arrays: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Return the state of each callback: of its own, or the attributes that changed.

    Args:
        callbacks: of the training.
        at_start: `digest_attributes` of each before the training.
        arrays: arrays of the states are added to it.
    """
    states = []
    for place, (callback, before) in enumerate(zip(callbacks, at_start, strict=True)):
        where, state = f"callback{place}.", {}
        if has_own_state(callback):
            for name, value in callback.checkpoint_state().items():
                state[name] = pack(value, arrays, where + name)
        elif isinstance(callback, keras.callbacks.CSVLogger):
            state = _csv_state(callback)
        else:
            for name, (packed, parts) in _plain(callback, where):
                if name not in before or _digest(packed, parts, where) != before[name]:
                    state[name] = packed
                    arrays.update(parts)
        states.append({"class": type(callback).__name__, "state": state})
    return states


def restore_states(
    callbacks: Sequence[Any],
    states: Sequence[dict[str, Any]],
    arrays: dict[str, np.ndarray],
    own: bool,
) -> None:
    """Give callbacks the states that `read_states` returned.

    Args:
        callbacks: of the training.
        states: one for each.
        arrays: their arrays.
        own: restore those that restore themselves, or the others.
    """
    for callback, record in zip(callbacks, states, strict=True):
        if has_own_state(callback) != own and not isinstance(callback, keras.callbacks.CSVLogger):
            continue
        state = {name: unpack(value, arrays) for name, value in record["state"].items()}
        if isinstance(callback, keras.callbacks.CSVLogger):
            _restore_csv(callback, state, begun=not own)
        elif own:
            callback.restore_checkpoint(state)
        else:
            for name, value in state.items():
                held = getattr(callback, name, None)
                if isinstance(held, keras.Variable):  # others may hold it, too
                    held.assign(value)
                else:
                    setattr(callback, name, value)


def _csv_state(log: keras.callbacks.CSVLogger) -> dict[str, Any]:
    """Return columns and size of a file of Keras's, which is begun anew in each training."""
    size = None
    if log.csv_file is not None and not log.csv_file.closed:
        log.csv_file.flush()
        os.fsync(log.csv_file.fileno())
        size = log.csv_file.tell()
    return {"keys": log.keys, "size": size}


def _restore_csv(log: keras.callbacks.CSVLogger, state: dict[str, Any], begun: bool) -> None:
    """Cut the file to its rows at the checkpoint before the training begins; then the columns."""
    if begun:
        log.keys = state["keys"]
    elif state["size"] is not None and (path := Path(log.filename)).is_file():
        os.truncate(path, min(state["size"], path.stat().st_size))
        log.append = True


def pack(value: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """Return a value as JSON can write it; arrays go by name into `arrays`.

    Example:
        >>> arrays = {}
        >>> pack({"best": 0.5, "weights": [np.zeros(2)]}, arrays, "a")
        {'best': 0.5, 'weights': [{'array': 'a.weights.0'}]}
        >>> list(arrays)
        ['a.weights.0']
    """
    left = [MOST]

    def packed(one: Any, path: str) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise _NotPlain
        if one is None or type(one) in (bool, int, float, str):
            return one
        if isinstance(one, np.generic) and one.dtype.kind in "biuf":
            return one.item()
        if isinstance(one, np.ndarray) and one.dtype.name in ("bfloat16", *_SMALL):
            one = one.astype("float32")  # NumPy's files do not know these; it holds all of them
        if isinstance(one, np.ndarray) and one.dtype.kind in "biuf":
            arrays[path] = one
            return {"array": path}
        if isinstance(one, (list, tuple)) and type(one) in (list, tuple):
            parts = [packed(part, f"{path}.{i}") for i, part in enumerate(one)]
            return {"tuple": parts} if isinstance(one, tuple) else parts
        if type(one) is dict and all(type(key) is str for key in one):
            if {"array", "tuple"} & one.keys():
                raise _NotPlain
            return {key: packed(part, f"{path}.{key}") for key, part in one.items()}
        if keras.ops.is_tensor(one) or isinstance(one, keras.Variable):
            return packed(np.array(keras.ops.convert_to_numpy(one)), path)
        raise _NotPlain

    return packed(value, name)


def unpack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Return what `pack` was given.

    Example:
        >>> unpack({"tuple": [1, "a"]}, {})
        (1, 'a')
    """
    if isinstance(value, list):
        return [unpack(part, arrays) for part in value]
    if isinstance(value, dict):
        if value.keys() == {"array"}:
            return arrays[value["array"]]
        if value.keys() == {"tuple"}:
            return tuple(unpack(part, arrays) for part in value["tuple"])
        return {key: unpack(part, arrays) for key, part in value.items()}
    return value


def _plain(callback: Any, where: str) -> Iterator[tuple[str, tuple[Any, dict[str, np.ndarray]]]]:
    """Yield name, packed value and arrays of each plain attribute."""
    for name, value in vars(callback).items():
        if name in _OTHERS:
            continue
        arrays: dict[str, np.ndarray] = {}
        try:
            yield name, (pack(value, arrays, where + name), arrays)
        except _NotPlain:
            continue


def _digest(packed: Any, arrays: dict[str, np.ndarray], where: str = "") -> Any:
    """Return what two equal values have in common, and others hardly ever."""
    return repr(packed).replace(where, ""), [
        (array.dtype.str, array.shape, zlib.crc32(np.ascontiguousarray(array).data))
        for array in arrays.values()
    ]
