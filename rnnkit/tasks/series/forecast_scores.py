"""Loss and metrics of forecasts at several horizons, of several targets, or of quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from rnnkit.config import SavedArguments


def _known(y_true: Any) -> tuple[Any, Any]:
    known = ops.isfinite(y_true)
    return ops.where(known, y_true, ops.zeros_like(y_true)), known


@keras.saving.register_keras_serializable(package="rnnkit")
class SortedQuantiles(SavedArguments, keras.layers.Layer):
    """Sort the quantiles of each output, so that they never cross: `(B, T, O·Q)`.

    Args:
        quantiles: Q, how many there are.

    Source: Chernozhukov, Fernández-Val and Galichon 2010, Econometrica 78(3): sorting never makes
    the pinball loss larger.
    """

    config_keys: ClassVar = ("quantiles",)

    def __init__(self, quantiles: int, **options: Any) -> None:
        super().__init__(**options)
        self.quantiles = int(quantiles)

    def call(self, x: Any) -> Any:
        """Return the values, sorted within each output."""
        shape = ops.shape(x)
        found = ops.reshape(x, (*shape[:2], x.shape[-1] // self.quantiles, self.quantiles))
        return ops.reshape(ops.sort(found, axis=-1), shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the inputs."""
        return input_shape


@keras.saving.register_keras_serializable(package="rnnkit")
class ForecastLoss(keras.losses.Loss):
    """Squared error, or the pinball loss of quantiles, over all targets that are not NaN.

    The weights of the steps are the share of their targets that count: then the mean is over
    targets. Columns of `y_true` after the targets are not read.

    Args:
        quantiles: of the distribution, in the order of the outputs; empty = squared error.
        **options: see `keras.losses.Loss`.

    Source: Koenker and Bassett 1978, Econometrica 46(1).
    """

    def __init__(
        self, quantiles: Sequence[float] = (), name: str = "forecast_loss", **options: Any
    ) -> None:
        super().__init__(name=name, **{"reduction": "mean_with_sample_weight", **options})
        self.quantiles = [float(q) for q in quantiles]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each step `(B, T)`."""
        outputs = y_pred.shape[-1] // max(1, len(self.quantiles))
        value, known = _known(ops.cast(y_true[..., :outputs], y_pred.dtype))
        if self.quantiles:
            shape = (*ops.shape(y_pred)[:2], outputs, len(self.quantiles))
            error = value[..., None] - ops.reshape(y_pred, shape)
            q = ops.convert_to_tensor(self.quantiles, y_pred.dtype)
            loss = ops.mean(ops.maximum(q * error, (q - 1) * error), axis=-1)
        else:
            loss = ops.square(value - y_pred)
        known = ops.cast(known, y_pred.dtype)
        return ops.sum(loss * known, -1) / ops.maximum(ops.sum(known, -1), 1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "quantiles": self.quantiles}


@keras.saving.register_keras_serializable(package="rnnkit")
class ForecastErrors(SavedArguments, keras.metrics.Metric):
    """MAE, RMSE and coverage of intervals in the units of the series, overall and by output.

    Args:
        scales: the scale of each output.
        labels: a label for each output, for `mae_LABEL`; empty where there is one output.
        quantiles: as in `ForecastLoss`; the median is the point forecast. `coverage_80` is the
            share of values within the quantiles 0.1 and 0.9.
        grouped: the targets are followed by the share of its scale that each output has in the
            series' group; `scaled_rmse` is the RMSE in units of each group's scale.
    """

    config_keys: ClassVar = ("scales", "labels", "quantiles", "grouped")

    def __init__(
        self,
        scales: Sequence[float],
        labels: Sequence[str],
        quantiles: Sequence[float] = (),
        grouped: bool = False,
        name: str = "errors",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.grouped = bool(grouped)
        self.scales, self.labels = [float(s) for s in scales], list(labels)
        self.quantiles = [float(q) for q in quantiles]
        self.pairs = [
            (i, j, f"coverage_{100 * (self.quantiles[j] - q):.4g}")
            for i, q in enumerate(self.quantiles)
            for j in range(i + 1, len(self.quantiles))
            if abs(q + self.quantiles[j] - 1) < 1e-9
        ]
        size = (4 + len(self.pairs), len(self.scales))
        self.sums = self.add_variable(size, initializer="zeros", name="sums")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the targets `(B, T, O)` that are not NaN; weights change nothing."""
        del sample_weight
        outputs = len(self.scales)
        y_true = ops.cast(y_true, self.dtype)
        value, known = _known(y_true[..., :outputs])
        y_pred = ops.cast(y_pred, self.dtype)
        shape = (*ops.shape(y_pred)[:2], outputs, max(1, len(self.quantiles)))
        found = ops.reshape(y_pred, shape)
        median = self.quantiles.index(0.5) if self.quantiles else 0
        scaled = value - found[..., median]
        error = scaled * y_true[..., outputs:] if self.grouped else scaled
        rows = [ops.ones_like(error), ops.abs(error), ops.square(error), ops.square(scaled)]
        for low, high, _ in self.pairs:
            inside = ops.logical_and(found[..., low] <= value, value <= found[..., high])
            rows.append(ops.cast(inside, self.dtype))
        known = ops.cast(known, self.dtype)
        self.sums.assign_add(ops.stack([ops.sum(row * known, (0, 1)) for row in rows]))

    def result(self) -> dict[str, Any]:
        """Return each measure by its name."""
        every = ops.convert_to_tensor(self.sums)
        sums = [every[i] for i in range(4 + len(self.pairs))]  # not all tensors can be iterated
        largest = max(self.scales)  # squares of tiny or huge scales are out of float32's range
        shares = ops.convert_to_tensor([s / largest for s in self.scales], self.dtype)
        total = [ops.sum(sums[0]), ops.sum(sums[1] * shares), ops.sum(sums[2] * shares**2)]
        total += [ops.sum(row) for row in sums[3:]]
        found = self._measures(total, largest, "")
        if self.grouped:
            found["scaled_rmse"] = ops.sqrt(ops.divide_no_nan(total[3], total[0]))
        if len(self.scales) > 1:
            for i, label in enumerate(self.labels):
                found |= self._measures([row[i] for row in sums], self.scales[i], f"_{label}")
        return found

    def _measures(self, sums: Sequence[Any], scale: float, end: str) -> dict[str, Any]:
        count, *others = sums
        mae, square, _, *inside = (ops.divide_no_nan(one, count) for one in others)
        found = {f"mae{end}": scale * mae, f"rmse{end}": scale * ops.sqrt(square)}
        return found | {f"{name}{end}": inside[i] for i, (*_, name) in enumerate(self.pairs)}
