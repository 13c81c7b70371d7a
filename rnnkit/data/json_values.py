"""Values of Python and NumPy as JSON: dates as text, numbers that are not finite as null."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import os
from collections.abc import Mapping
from typing import Any

from rnnkit.errors import InputError, quote


def dump_json(value: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """Return a value as a JSON document; see `as_json`.

    Args:
        value: see `as_json`.
        indent: spaces of each level; None = all on one line.
        ascii_only: write other characters as escapes, for output in any encoding.

    Raises:
        InputError: see `as_json`.

    Example:
        >>> dump_json({"p": float("nan"), "at": datetime.date(2024, 1, 31)})
        '{"p": null, "at": "2024-01-31"}'
    """
    return json.dumps(as_json(value), indent=indent, ensure_ascii=ascii_only, allow_nan=False)


def as_json(value: Any) -> Any:
    """Return a value in the types of JSON.

    Arrays become lists; dates and times text in ISO format; decimal numbers, time differences and
    paths text; NaN, infinity and missing values None.

    Args:
        value: a scalar, or lists and mappings of scalars.

    Raises:
        InputError: a value that JSON has no form for, such as bytes.

    Example:
        >>> import numpy as np
        >>> as_json({"scores": np.array([0.5, np.inf])})
        {'scores': [0.5, None]}
    """
    # NumPy is not imported for this: `rnnkit runs --json` does without.
    if getattr(getattr(value, "dtype", None), "kind", "") in ("m", "M"):  # dates and times
        if value.ndim:
            return [as_json(one) for one in value]
        return None if value != value else str(value)
    if hasattr(value, "tolist"):  # an array, or a scalar of NumPy
        value = value.tolist()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Mapping):
        return {_key(key): as_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(one) for one in value]
    if type(value).__name__ in ("NAType", "NaTType"):  # of pandas
        return None
    return as_text(value)


def as_text(value: Any) -> str:
    """Return a value that is no number and no list as text.

    Raises:
        InputError: bytes, or an object of an unknown type.

    Example:
        >>> as_text(datetime.datetime(2024, 1, 31, 10, 15)), as_text(decimal.Decimal("0.10"))
        ('2024-01-31T10:15:00', '0.10')
    """
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | datetime.timedelta | os.PathLike):
        return str(value)
    raise InputError(
        f"{quote(value)} is {type(value).__name__}, which text has no form for: leave it out."
    )


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(as_json(key))
