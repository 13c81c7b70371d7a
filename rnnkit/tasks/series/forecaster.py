"""Forecaster: the value of a series h steps ahead, at every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from rnnkit.data.forecast_outputs import MultiSeriesEncoder, read_encoder
from rnnkit.data.forecast_windows import ForecastWindows, FullSeriesBatches
from rnnkit.data.frames import InputForm
from rnnkit.data.series import Series
from rnnkit.data.series_encoding import Encoded, SeriesEncoder
from rnnkit.errors import InputError, check_count, require_fitted
from rnnkit.explain.question import Question
from rnnkit.tasks.answer_tables import AnswerTable, forecast_table
from rnnkit.tasks.answers import Answers, answer_forecasts
from rnnkit.tasks.inference import each_batch
from rnnkit.tasks.series.forecast_scores import ForecastErrors, ForecastLoss
from rnnkit.tasks.task import Asset, Examples, Task
from rnnkit.tasks.training.losses import ErrorInUnits

ENOUGH_BATCHES = 200
SERIES_PER_BATCH = 64  # when measuring and predicting
PIECE = 50  # steps whose errors are one example of `evaluate_examples`, at least


@keras.saving.register_keras_serializable(package="rnnkit")
class Forecaster(Task):
    """Forecaster: a Keras model from series to their value h steps after every step.

    The network runs along a series and forecasts at each step from that step and those before it.
    Scale and seasonal profile (the mean by time of day or week) are learned from the training
    series (see `SeriesEncoder`) and saved with the weights. `fit` takes series
    (`rnnkit.data.series.Series`, or arrays `(T, D)` or `(T,)`; one or a list), which are their own
    targets.

    Args:
        build_network: `(encoder, encoded training series) -> functional model` from `(B, T, F)` to
            `(B, T, 1)`; called once the encoder is fitted.
        encoder: scale, target column and horizon.
        context: steps read before the first forecast.
        window: steps per training window.
        warm_up: steps before a window that are read without a loss.
        quantiles: of the distribution of each value, ascending, 0.5 among them; None = the mean
            alone. They need a `MultiSeriesEncoder`.
        **options: see `rnnkit.tasks.Task`.

    Raises:
        InputError: context, window or warm_up out of range.

    Example:
        >>> from rnnkit import datasets
        >>> from rnnkit.recipes import forecaster
        >>> traffic = datasets.load("traffic_sample", limit=200)
        >>> model = forecaster(cell="gru", units=8, epochs=1)
        >>> history = model.fit(traffic.train.x, verbose=0)
        >>> model.predict(traffic.test.x[0], verbose=0).shape  # a forecast from step 12 on
        (189,)
    """

    form: ClassVar[InputForm] = InputForm("series", None, 2)
    assets: ClassVar = {
        "series.json": Asset(
            "encoder", lambda one: one.to_json().encode(), lambda raw: read_encoder(raw.decode())
        )
    }
    config_keys = ("context", "window", "warm_up", "quantiles")
    noun = ("series", "series")
    self_supervised = True
    reads_series = True
    embeds = False

    def __init__(
        self,
        build_network: Any = None,
        *,
        encoder: SeriesEncoder | MultiSeriesEncoder | None = None,
        context: int = 12,
        window: int = 96,
        warm_up: int = 48,
        quantiles: Sequence[float] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(build_network, **options)
        self.encoder: Any = encoder or SeriesEncoder()
        self.quantiles = check_quantiles(quantiles)
        self.context, self.window = check_count("context", context), check_count("window", window)
        self.warm_up = check_count("warm_up", warm_up, 0)

    @property
    def monitored_metric(self) -> str:
        """RMSE: the loss of a jointly trained network says little about the forecasts.

        With groups, in units of each group's scale: the largest would decide alone.
        """
        return "val_scaled_rmse" if self.encoder.groups else "val_rmse"

    @property
    def horizon(self) -> Any:
        """Steps between a step and the one forecast from it; several where they were given."""
        return self.encoder.horizon

    @property
    def column_names(self) -> list[str]:
        """The names of the columns of the training series; empty where they had none."""
        return list(self.encoder.column_names)

    # The steps of fit and evaluate.

    def check(self, x: Any, y: Any, name: str) -> Examples:
        """Return a list of series, or refuse them."""
        if y is not None:
            raise InputError(
                f"y is {type(y).__name__}: expected None. Series are their own targets; column and "
                "horizon are settings of the model."
            )
        return Examples(as_series(x, name))

    def fit_targets(self, train: Examples) -> SeriesEncoder:
        """Return the encoder, fitted to the training series in the first `fit`."""
        if self.network is not None:
            return self.encoder
        encoder = self.encoder.clone()
        encoder.learn(train.x)
        return encoder

    def encode_targets(self, examples: Examples, spec: SeriesEncoder, name: str) -> list[Encoded]:
        """Return inputs and targets of each series; refuse series without a step to forecast."""
        encoded = spec.encode(examples.x)
        if not np.any([one.counts(self.context).any(axis=0) for one in encoded], axis=0).all():
            steps = self.context + max(np.ravel(self.horizon)) - 1
            raise InputError(
                f"The {name} set has no step to forecast: expected a series of more than "
                f"{steps} steps (context + horizon - 1)."
            )
        return encoded

    def target_spec(self) -> SeriesEncoder:
        """Return the encoder."""
        return self.encoder

    def learn(
        self, train: Examples, targets: Any, spec: SeriesEncoder, unlabelled: Sequence[Any]
    ) -> None:
        """Build the network."""
        network = self._new_network(spec, targets)
        self.encoder = spec
        self._set_network(network)

    def encode_checked(self, rows: list[Series]) -> list[Series]:
        """Return the series: `encode_targets` encodes inputs and targets together."""
        return rows

    def make_batches(
        self, rows: list[Any], targets: Any = None, sample_weight: Any = None, **options: Any
    ) -> ForecastWindows | FullSeriesBatches:
        """Return windows to train on, or whole series to measure."""
        if not options.pop("training", False):
            size = options.get("batch_size") or SERIES_PER_BATCH
            return FullSeriesBatches(targets, context=self.context, batch_size=size)
        windows: Any = {"context": self.context, "window": self.window, "warm_up": self.warm_up}
        return ForecastWindows(targets, **windows, **self.batch_options(**options))

    def default_epochs(self, batches: Any) -> int:
        """Return enough epochs for 200 batches, 40 at least."""
        return max(40, -(-ENOUGH_BATCHES // len(batches)))

    def compile_options(self) -> dict[str, Any]:
        """Return squared error, and MAE and RMSE in the units of the series.

        A step counts if it has `context` steps before and a measurement `horizon` steps later.
        """
        encoder, quantiles = self.encoder, self.quantiles or ()
        several = isinstance(encoder, MultiSeriesEncoder)
        if several or encoder.groups:
            scales = encoder.scales.tolist() if several else [encoder.unit]
            labels = encoder.labels if several else [""]
            errors = ForecastErrors(scales, labels, quantiles, bool(encoder.groups))
            return {"loss": ForecastLoss(quantiles), "metrics": [errors]}
        return {
            "loss": keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
            "weighted_metrics": [
                ErrorInUnits(k, scale=self.encoder.scale) for k in ("mae", "rmse")
            ],
        }

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        callbacks: Any = None,
        *,
        text_column: Any = None,
    ) -> Any:
        """Return the forecasts for series.

        Args:
            x: one series, or a list of them.
            batch_size: series of a batch, at most.
            verbose: as in Keras.
            callbacks: as in Keras.
            text_column: the column of the examples, where x is a table or has columns.

        Returns:
            For one series `(T - context + 1,)`, in its units: number i is made at step
            `context - 1 + i`, of the step `horizon` later; the last one is of a step that is yet to
            come. For a list of series a list of arrays, empty where shorter than `context`.
            With several horizons or targets or with quantiles the axes are always
            `(T - context + 1, horizons, targets)`, and quantiles last.
        """
        x = self.read(x, name="x", targets=False, text_column=text_column).x
        series = as_series(x, "What to forecast")
        encoded = self.encode(series)
        whole: Any = self.make_batches(series, encoded, batch_size=batch_size)
        found: list[np.ndarray] = [self._unscale(np.zeros((0, 1)), None)] * len(series)
        every = keras.tree.flatten(callbacks or ())
        answers = each_batch(self, whole, verbose, every, "Forecasting") if len(whole) else ()
        for group, outputs in zip(whole.groups, answers, strict=True):
            for i, output in zip(group, outputs, strict=True):
                scaled = output[: len(encoded[i].x)]
                found[i] = self._unscale(scaled, encoded[i])[self.context - 1 :]
        return found if isinstance(x, (list, tuple)) else found[0]

    def serving_calls(
        self, models: dict[str, keras.Model], x: list[Any]
    ) -> list[tuple[str, list[np.ndarray]]]:
        """Return signatures and inputs of calls; see `rnnkit.tasks.hooks`."""
        del models
        batches: Any = self.make_batches(as_series(x, "examples"), self.encode(x))
        return [("serve", [batches[i][0]]) for i in range(len(batches))]

    def _unscale(self, scaled: np.ndarray, encoded: Encoded | None) -> np.ndarray:
        """Return forecasts in the units of the series, in float64; without a series there are none.

        A meter that reads 1.2e8 and moves by 1 stands still in float32.
        """
        encoder = self.encoder
        if not isinstance(encoder, MultiSeriesEncoder):
            if encoded is None:
                return np.zeros(0)
            return encoded.base + encoded.scale * scaled[:, 0].astype("float64")
        outputs, quantiles = len(encoder.parts), len(self.quantiles or ())
        axes = (len(encoder.horizons), len(encoder.targets), *([quantiles] if quantiles else ()))
        if encoded is None:
            return np.zeros((0, *axes))
        scaled = scaled.reshape(len(scaled), outputs, -1).astype("float64")
        forecast = encoded.base[..., None] + encoded.scale[:, None] * scaled
        return forecast.reshape(len(scaled), *axes)

    def measure(self, test: Examples, batches: Any, *, return_dict: bool, **options: Any) -> Any:
        """Return loss and errors; by name, also MAE and RMSE of each group, as `mae/north`."""
        found = super().measure(test, batches, return_dict=return_dict, **options)
        if return_dict and self.encoder.groups:
            found |= self._errors_of_groups(test.x)
        return found

    def _errors_of_groups(self, series: list[Series]) -> dict[str, float]:
        """Return MAE and RMSE of each group, over all of its outputs."""
        errors: dict[str, list[np.ndarray]] = {}
        for one, (error, counts) in zip(series, self._errors(series), strict=True):
            errors.setdefault(one.name or "", []).append(error[counts])
        return group_errors({name: np.concatenate(found) for name, found in errors.items()})

    def answers_by_example(
        self, test: Examples, batch_size: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return sums of errors and the number of targets of each piece of the series.

        A piece is 50 steps, or twice the farthest horizon: errors of neighbouring steps are alike,
        so that steps one by one would be no sample of their own.
        """
        length = max(PIECE, 2 * int(np.max(self.horizon)))
        found = []
        for error, counts in self._errors(test.x, batch_size):
            starts = np.arange(0, len(error), length)
            known = np.where(counts, error, 0.0)
            rows = np.stack([np.abs(known).sum(1), np.square(known).sum(1), counts.sum(1)])
            found.append(np.add.reduceat(rows, starts, axis=1) if len(starts) else rows)
        sums = np.concatenate(found, axis=1)
        absolute, squared, targets = sums[:, sums[2] > 0]
        return {"absolute_error": absolute, "squared_error": squared, "targets": targets}

    def _errors(
        self, series: list[Series], batch_size: int | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the error at each step and output of each series `(T, O)`, and which are known."""
        encoded = self.encode(series)
        forecasts = self.predict(series, batch_size, verbose=0)
        median = self.quantiles.index(0.5) if self.quantiles else 0
        for read, forecast in zip(encoded, forecasts, strict=True):
            begin = self.context - 1
            outputs = np.size(read.scale)
            point = forecast.reshape(len(forecast), outputs, -1)[..., median]
            came = (read.base + read.scale * read.target)[begin:].reshape(point.shape)
            counts = read.counts(self.context)[begin:].reshape(point.shape)
            yield point - came, counts

    def question(self, x: Any, target: Any, at: int | None) -> Question:
        """Return what is explained of one series: a forecast, in its units."""
        from rnnkit.tasks.explaining.forecasts import question_of_forecast

        return question_of_forecast(self, x, target, at)

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return the forecasts from each step of each series."""
        return answer_forecasts(self, inputs, names)

    def answer_table(self, inputs: Sequence[Any]) -> AnswerTable:
        """Return what is forecast at each step of each series."""
        return forecast_table(self, inputs)

    # Series -> numbers.

    def encode(self, x: Any) -> list[Encoded]:
        """Return what the network reads of each series."""
        require_fitted(self.network, self, "scale")
        return self.encoder.encode(as_series(x, "What to forecast"))


def group_errors(errors: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return MAE and RMSE of each group, by the names of `evaluate`.

    Example:
        >>> group_errors({"north": np.array([3.0, -3.0])})
        {'mae/north': 3.0, 'rmse/north': 3.0}
    """
    found: dict[str, float] = {}
    for name, error in errors.items():
        if len(error):
            found[f"mae/{name}"] = float(np.abs(error).mean())
            found[f"rmse/{name}"] = float(np.sqrt(np.square(error).mean()))
    return found


def check_quantiles(quantiles: Sequence[float] | None) -> list[float] | None:
    """Return quantiles as a list, or refuse them.

    Raises:
        InputError: they do not rise between 0 and 1, or 0.5, the point forecast, is missing.

    Example:
        >>> check_quantiles((0.1, 0.5, 0.9))
        [0.1, 0.5, 0.9]
    """
    if quantiles is None:
        return None
    found = [float(q) for q in quantiles]
    if found != sorted(set(found)) or 0.5 not in found or not 0 < found[0] <= found[-1] < 1:
        raise InputError(
            f"quantiles is {quantiles!r}; expected rising numbers between 0 and 1, 0.5 among them: "
            "the median is the point forecast."
        )
    return found


def as_series(x: Any, name: str) -> list[Series]:
    """Return a list of series from one series or array, or from a list of them.

    Raises:
        InputError: nothing in it, or something that is no series.

    Example:
        >>> [len(one) for one in as_series([[3.0, 1.0, 4.0], np.zeros((2, 1))], "The test set")]
        [3, 2]
    """
    if isinstance(x, Series):
        return [x]
    if isinstance(x, np.ndarray) and x.ndim in (1, 2) and x.dtype != object:
        return [Series(x)]
    if not isinstance(x, (list, tuple)) or not len(x):
        what = "empty" if isinstance(x, (list, tuple)) else type(x).__name__
        raise InputError(
            f"{name} is {what}: expected a series, an array (T, D), or a list of them."
        )
    if all(isinstance(one, (int, float)) for one in x):
        return [Series(np.asarray(x))]
    found = []
    for i, one in enumerate(x):
        try:
            found.append(one if isinstance(one, Series) else Series(one))
        except InputError as error:
            raise InputError(f"{name}, series {i}: {error}") from error
    return found
