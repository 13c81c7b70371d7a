"""Digests of data and settings: whether a training that goes on has what it began with."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np


def digest(*trees: Any) -> str:
    """Return a digest of arrays, numbers and texts in lists, tuples and dictionaries.

    Example:
        >>> rows = [np.array([1, 2]), np.array([3])]
        >>> digest(rows) == digest([np.array([1, 2]), np.array([3])]), digest(rows) == digest([])
        (True, False)
    """
    found = hashlib.blake2b(digest_size=16)

    def add(value: Any) -> None:
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
            found.update(f"{value.dtype.str}{value.shape}".encode())
            found.update(np.ascontiguousarray(value).data)
        elif isinstance(value, (list, tuple, np.ndarray)):
            found.update(f"[{len(value)}".encode())
            for part in value:
                add(part)
        elif isinstance(value, dict):
            add(list(value.items()))
        else:
            found.update(repr(value).encode("utf-8", "backslashreplace"))

    for tree in trees:
        add(tree)
    return found.hexdigest()


def as_json(values: dict[str, Any]) -> dict[str, Any]:
    """Return settings as JSON holds them; what it cannot hold, by its class.

    Example:
        >>> as_json({"sizes": (3, 4), "tokenizer": object()})
        {'sizes': [3, 4], 'tokenizer': 'object'}
    """
    return dict(json.loads(json.dumps(values, default=lambda one: type(one).__name__)))
