"""Fingerprints of the examples that a run was trained on: whether data of a name are still those.

A generated data set may change from one version of rnnkit to the next, and a file at any time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.data.token_files import TokenTexts
from rnnkit.errors import InputError

SPLITS = ("train", "valid", "test")
_DIGITS = 1e5  # numbers may differ in their last digits between two machines


def fingerprint(dataset: Any) -> dict[str, str]:
    """Return a digest of the examples and targets of each split, by its name.

    Splits that are read piece by piece, such as a corpus, or hold objects of other packages, have
    none.

    Example:
        >>> from rnnkit.study import load_data
        >>> some, more = (fingerprint(load_data("sample", limit=n)) for n in (10, 11))
        >>> list(some), some["test"] == more["test"]
        (['train', 'valid', 'test'], False)
    """
    found = {}
    for name in SPLITS:
        split = getattr(dataset, name, None)
        digest = hashlib.blake2b(digest_size=8)
        if split is not None and _add(digest, [split.x, getattr(split, "y", None)]):
            found[name] = digest.hexdigest()
    return found


def different(record: Mapping[str, Any], dataset: Any, splits: tuple[str, ...] = SPLITS) -> str:
    """Return in words which splits are not those of a run's record; "" where none is known to be.

    Records of earlier versions have no fingerprint.
    """
    recorded = record.get("fingerprint") or {}
    now = fingerprint(dataset) if recorded else {}
    other = [name for name in splits if recorded.get(name, now.get(name)) != now.get(name)]
    return " and ".join([", ".join(other[:-1]), other[-1]] if len(other) > 1 else other)


def warn_of_other_data(path: Path, record: Mapping[str, Any], dataset: Any) -> None:
    """Warn where a run is about to be measured on another test split than that it began with."""
    if different(record, dataset, ("test",)):
        warnings.warn(
            f"rnnkit: {path} was trained when {record['data']['name']} held other examples: its "
            "test split is another one now. The measures below are not those of the run, and some "
            "of the examples may be among those that it was trained on.",
            stacklevel=4,
        )


def refuse_other_data(path: Path, record: Mapping[str, Any], dataset: Any, advice: str) -> None:
    """Refuse to train a run on, or to compare it with runs of, other data of the same name.

    Raises:
        InputError: the examples are not those that the run was trained on.
    """
    if other := different(record, dataset):
        raise InputError(
            f"{path} was trained when {record['data']['name']} held other examples (in {other}): "
            f"what is trained now would not belong to it. {advice}"
        )


def _add(digest: Any, value: Any) -> bool:
    """Add a value to a digest; return False where that cannot be, or would not be the same again.

    Lists of texts are added in one piece: this runs before each training.
    """
    if isinstance(value, (str, bytes, bool, int, float, np.generic, type(None))):
        digest.update(repr(value).encode("utf-8", "backslashreplace"))
    elif isinstance(value, np.ndarray):
        return _add_array(digest, value)
    elif isinstance(value, (list, tuple)):
        digest.update(f"[{len(value)}".encode())
        if all(type(one) is str for one in value):
            lengths = np.fromiter(map(len, value), np.int64, len(value))
            digest.update(lengths.data)
            digest.update("".join(value).encode("utf-8", "surrogatepass"))
            return True
        return all(_add(digest, one) for one in value)
    elif isinstance(value, TokenTexts):
        digest.update(value.checksum.encode())
    elif dataclasses.is_dataclass(value):
        fields = [getattr(value, one.name) for one in dataclasses.fields(value)]
        return _add(digest, fields)
    else:
        return False
    return True


def _add_array(digest: Any, array: np.ndarray) -> bool:
    kind = array.dtype.kind
    if kind in "OUS":
        return _add(digest, array.tolist())
    if kind in "biumM":
        whole = array.astype(np.int64)
    elif kind == "f":
        size = float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array))) or 1.0
        scaled = np.nan_to_num(array.astype(np.float64) / size, nan=2.0, posinf=3.0, neginf=-3.0)
        whole = np.rint(scaled * _DIGITS).astype(np.int64)
    else:
        return False
    digest.update(f"{kind}{array.shape}".encode())
    digest.update(np.ascontiguousarray(whole).data)
    return True
