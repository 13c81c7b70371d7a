"""Mean and spread of the columns of series, of all together or of each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rnnkit.data.series import Series
from rnnkit.errors import InputError, suggest

Columns = list[tuple[float, float]]  # mean and spread of each column


def mean_and_spread(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column `(T, D)`, in float64, without the NaN.

    A column that does not vary has its mean, without its sign, as its spread (1 where that is 0),
    so that the spread is in the units of the column in any case.

    Example:
        >>> mean_and_spread(np.array([[1.0, 0.1, 0.0], [3.0, 0.1, np.nan]]))
        (array([2. , 0.1, 0. ]), array([1. , 0.1, 1. ]))
    """
    values = np.asarray(values, "float64")
    low, high = np.nanmin(values, 0), np.nanmax(values, 0)
    middle = low + (high - low) / 2
    mean = middle + np.nanmean(values - middle, 0)
    size = np.where(mean == 0, 1.0, np.abs(mean))
    return mean, np.where(low == high, size, np.nanstd(values - middle, 0))


def refuse_unmeasured(values: np.ndarray, names: Sequence[str]) -> None:
    """Refuse columns `(T, D)` that hold NaN alone, by name or number.

    Example:
        >>> refuse_unmeasured(np.zeros((3, 1)), ["load"])
    """
    for i in np.flatnonzero(~np.isfinite(values).any(axis=0)).tolist():
        called = f"{names[i]!r} (number {i})" if names else str(i)
        raise InputError(
            f"The training series have no measurement in column {called}: nothing can be learned "
            "from it. Leave the column out."
        )


def group_scales(series: Sequence[Series]) -> dict[str, Columns]:
    """Return group -> mean and spread of each column; empty where there are not two groups.

    A column that is constant in every group, such as the height of a station, keeps what tells the
    groups apart: mean 0 and spread 1. One that a group never measured has those of all groups.

    Example:
        >>> tens, thousands = Series([9, 11], name="a"), Series([900, 1100], name="b")
        >>> group_scales([tens, thousands])
        {'a': [(10.0, 1.0)], 'b': [(1000.0, 100.0)]}
    """
    rows: dict[str, list[np.ndarray]] = {}
    for one in series:
        rows.setdefault(one.name or "", []).append(one.values)
    if len(rows) < 2:
        return {}
    every = {name: np.concatenate(found).astype("float64") for name, found in rows.items()}
    mean, spread = mean_and_spread(np.concatenate(list(every.values())))
    there = {name: np.isfinite(values).any(axis=0) for name, values in every.items()}
    found = {
        name: mean_and_spread(np.where(there[name], values, mean)) for name, values in every.items()
    }
    varies = np.any([np.nanmax(v, 0) != np.nanmin(v, 0) for v in _filled(every, mean)], axis=0)
    scales = {}
    for name, (own_mean, own_spread) in found.items():
        pairs = (
            np.where(varies, np.where(there[name], own, common), neutral).tolist()
            for own, common, neutral in ((own_mean, mean, 0.0), (own_spread, spread, 1.0))
        )
        scales[name] = list(zip(*pairs, strict=True))
    return scales


def scale_of(one: Series, groups: Mapping[str, Columns]) -> Columns:
    """Return mean and spread of the columns of a series by its group; refuse an unknown group.

    Example:
        >>> scale_of(Series([9, 11], name="a"), {"a": [(10.0, 1.0)], "b": [(1000.0, 100.0)]})
        [(10.0, 1.0)]
    """
    name = one.name or ""
    if name not in groups:
        what = "A series has no group" if one.name is None else f"The group {name!r} is unknown"
        raise InputError(
            f"{what}: the model has learned the scale of each group, and knows "
            f"{', '.join(map(repr, sorted(groups)))}.{suggest(name, groups)} Name the one that the "
            "series is measured like (name= of rnnkit.data.series.Series, or the group column)."
        )
    return groups[name]


def relative(one: Series, scale: Columns) -> Series:
    """Return a series in units of the spread, from the mean.

    Example:
        >>> relative(Series([900, 1100]), [(1000.0, 100.0)]).values.tolist()
        [[-1.0], [1.0]]
    """
    mean, spread = np.array(scale, "float64").T
    return replace(one, values=(one.values.astype("float64") - mean) / spread)


def _filled(every: Mapping[str, np.ndarray], mean: np.ndarray) -> list[np.ndarray]:
    return [np.where(np.isfinite(v).any(axis=0), v, mean) for v in every.values()]
