"""Raw series of numbers as a network reads them: columns by name, centred before the cast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from rnnkit.data.series import Series, as_floats, in_order
from rnnkit.data.series_scales import Columns, mean_and_spread, relative
from rnnkit.errors import InputError, require_fitted

FARTHEST = 1000.0  # spreads: means that are farther from 0 cost float32 half of its digits
SPREADS = (1e-4, 1e6)  # that a layer's float32 variance holds


class SeriesInputs:
    """What tasks on labelled series know of their inputs. A mixin of tasks.

    Args:
        *arguments: of the task.
        feature_names: the names of the columns, where the training series have some.
        feature_scale: mean and spread of each column, which are taken off in float64 before the
            network standardizes in float32; None where it need not be.
        **options: of the task.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("feature_names", "feature_scale")
    network: keras.Model | None

    def __init__(
        self,
        *arguments: Any,
        feature_names: Sequence[str] | None = None,
        feature_scale: Columns | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.feature_names = None if feature_names is None else list(feature_names)
        self.feature_scale = feature_scale

    @property
    def column_names(self) -> list[str]:
        """The names of the columns of the training series; empty where they had none."""
        return list(self.feature_names or ())

    def learn_series(self, series: Sequence[Series], waveforms: bool = False) -> list[np.ndarray]:
        """Learn names and scale of training series; return what the network learns from.

        Args:
            series: those of the first `fit`.
            waveforms: they are never scaled, as their features depend on the loudness.
        """
        named = next((list(one.columns) for one in series if one.columns), self.feature_names)
        rows = [in_order(one, named, f"series[{i}]").values for i, one in enumerate(series)]
        self.feature_names = named
        self.feature_scale = None if waveforms else needed_scale(rows)
        return self.encode_series(series)

    def encode_series(self, series: Sequence[Series]) -> list[np.ndarray]:
        """Return series as float32 arrays `(T, D)`; refuse columns of other names."""
        rows = [in_order(one, self.feature_names, f"series[{i}]") for i, one in enumerate(series)]
        if self.feature_scale is not None:
            rows = [relative(one, self.feature_scale) for one in rows]
        return [one.values.astype("float32") for one in rows]

    def series_for(self, x: Any) -> list[np.ndarray]:
        """Return series as the network reads them; refuse other features than it learned from.

        Raises:
            InputError: no series, no network yet, or another number of features or other names.
        """
        network = require_fitted(self.network, self, "network")
        series = check_series(x)
        features = network.input_shape[0][-1]
        if series and series[0].values.shape[1] != features:  # all have as many
            raise InputError(
                f"series[0] has {series[0].values.shape[1]} features; the model learned from "
                f"series of {features}."
            )
        return self.encode_series(series)


def needed_scale(rows: Sequence[np.ndarray]) -> Columns | None:
    """Return mean and spread of each feature where float32 does not do; None where it does.

    Example:
        >>> needed_scale([np.array([[3.0], [5.0]])])
        >>> needed_scale([np.array([[1e8], [1e8 + 2]])])
        [(100000001.0, 1.0)]
    """
    mean, spread = mean_and_spread(np.concatenate(rows))
    plain = (np.abs(mean) <= FARTHEST * spread) & (spread >= SPREADS[0]) & (spread <= SPREADS[1])
    return None if plain.all() else list(zip(mean.tolist(), spread.tolist(), strict=True))


def check_series(x: Any) -> list[Series]:
    """Return a list of series, or refuse what is none.

    Args:
        x: one series, or a list, tuple or array of series; each an array `(T, D)`, or `(T,)` of
            one feature, or a `rnnkit.data.series.Series`.

    Raises:
        InputError: one is no array of finite numbers, has no step or another number of features.

    Example:
        >>> [row.values.shape for row in check_series([[1, 2, 3], np.zeros((2, 1))])]
        [(3, 1), (2, 1)]
    """
    if isinstance(x, Series) or (isinstance(x, np.ndarray) and x.ndim == 2):
        x = [x]
    if not isinstance(x, (list, tuple, np.ndarray)):
        raise InputError(f"The series are {type(x).__name__}: expected arrays (T, D), one or many.")
    series = [_series(row, f"series[{i}]") for i, row in enumerate(x)]
    for i, one in enumerate(series):
        found, first = one.values.shape[1], series[0].values.shape[1]
        if found != first:
            raise InputError(
                f"series[{i}] has {found} features, series[0] has {first}: expected as many in all."
            )
    return series


def _series(row: Any, name: str) -> Series:
    columns = row.columns if isinstance(row, Series) else ()
    try:
        row = np.asarray(row.values if isinstance(row, Series) else row)
        values = as_floats(row)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no array of numbers: {error}.") from error
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or 0 in values.shape or row.dtype.kind not in "biuf":
        raise InputError(
            f"{name} is {row.dtype} of shape {row.shape}: expected numbers (T, D), the steps "
            "first, at least one step and one feature."
        )
    if not np.isfinite(values).all():
        step, feature = np.argwhere(~np.isfinite(values))[0]
        raise InputError(
            f"{name} holds {values[step, feature]} at step {step}, feature {feature}: expected "
            "finite numbers. Fill it, or leave the step out."
        )
    return Series(values, columns=columns)
