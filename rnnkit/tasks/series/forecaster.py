"""Series in, what comes h steps later out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rnnkit.backend import native
from rnnkit.data.pieces import Pieces, Whole
from rnnkit.data.series import Series
from rnnkit.data.series_encoding import Encoded, SeriesEncoder
from rnnkit.errors import InputError, require_fitted
from rnnkit.tasks.answers import Answers, answer_forecasts
from rnnkit.tasks.base import Task
from rnnkit.tasks.feed import Feed
from rnnkit.tasks.losses import ErrorInUnits

ENOUGH_BATCHES = 200


@keras.saving.register_keras_serializable(package="rnnkit")
class Forecaster(Task):
    """A Keras model that takes series and forecasts each one's value h steps after every step.

    The network runs along a series and forecasts at each step from that step and those before it.
    The scale of the measurements and what is usual at which time of the day are learned from the
    training series (see `SeriesEncoder`) and saved with the weights.

    Args:
        build_network: `(encoder, encoded training series) -> functional model` from `(B, T, F)` to
            `(B, T, 1)`; called once the encoder has learned.
        encoder: how series are scaled, which column is forecast, how many steps ahead.
        context: a forecast is made from the step on at which this many steps have been read.
        window: steps of the pieces that the network is trained on.
        warm_up: steps before a piece that it only reads.
        **options: see `rnnkit.tasks.base.Task`.

    Raises:
        InputError: context, window or warm_up out of range.

    Example:
        >>> from rnnkit import datasets
        >>> from rnnkit.recipes import traffic_forecaster
        >>> traffic = datasets.load("traffic_sample", limit=200)
        >>> model = traffic_forecaster(model="gru", units=8, epochs=1)
        >>> history = model.fit(traffic.train.x, verbose=0)
        >>> model.predict(traffic.test.x[0], verbose=0).shape  # a forecast from step 12 on
        (189,)
    """

    assets = ("series.json",)
    reads_series = True
    # Not the loss: that of a jointly trained network says little about the forecasts.
    monitor = "val_rmse"

    def __init__(
        self,
        build_network: Any = None,
        *,
        encoder: SeriesEncoder | None = None,
        context: int = 12,
        window: int = 96,
        warm_up: int = 48,
        **options: Any,
    ) -> None:
        super().__init__(build_network, **options)
        for label, number, least in (
            ("context", context, 1),
            ("window", window, 1),
            ("warm_up", warm_up, 0),
        ):
            if isinstance(number, bool) or not isinstance(number, int) or number < least:
                raise InputError(f"{label} is {number!r}; expected a whole number from {least} on.")
        self.encoder = encoder or SeriesEncoder()
        self.context, self.window, self.warm_up = context, window, warm_up

    @property
    def horizon(self) -> int:
        """How many steps ahead is forecast."""
        return self.encoder.horizon

    # Keras's three verbs, on series.

    def fit(
        self,
        x: Any = None,
        y: None = None,
        *,
        validation_data: Any = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        patience: int | None = None,
        keep_best: bool = True,
        shuffle: bool = True,
        initial_epoch: int = 0,
        verbose: str | int = "auto",
    ) -> keras.callbacks.History:
        """Train on series; they are their own targets.

        Args:
            x: the series: `rnnkit.data.series.Series`, or arrays `(T, D)` or `(T,)`; one or a list.
            y: None.
            validation_data: series, or `(series, None)`, that the model is measured on after each
                epoch.
            epochs: how often to go through the series; the task's own number when left out, and
                without one, enough for 200 batches, 40 at least.
            batch_size: pieces of a batch.
            callbacks: Keras callbacks, such as `rnnkit.monitor.TensorBoard`.
            patience: stop after this many epochs without a better RMSE on the validation series.
            keep_best: end with the weights of the epoch of the best RMSE there.
            shuffle: draw order and places of the pieces anew for every epoch.
            initial_epoch: the number of the first epoch, when training goes on.
            verbose: as in Keras.

        Returns:
            Keras's history.

        Raises:
            InputError: series that cannot be used; nothing was learned.
            NonFiniteLoss: the loss became NaN or infinite.
        """
        _no_targets(y)
        train = as_series(x, "The training set")
        held_out = None
        if validation_data is not None:
            if isinstance(validation_data, tuple) and len(validation_data) == 2:
                _no_targets(validation_data[1])
                validation_data = validation_data[0]
            held_out = as_series(validation_data, "The validation set")
        encoder = self.encoder
        if self.network is None:
            encoder = encoder.fresh()
            encoder.learn(train)
        encoded = self._with_targets(encoder, train, "The training set")
        valid = (
            None
            if held_out is None
            else self._with_targets(encoder, held_out, "The validation set")
        )
        if self.network is None:
            network = self._new_network(encoder, encoded)
            self.encoder = encoder
            self._set_network(network)

        pieces: Any = Pieces(
            encoded,
            context=self.context,
            window=self.window,
            warm_up=self.warm_up,
            batch_size=batch_size or self.batch_size,
            shuffle=shuffle,
            seed=self.seed,
        )
        whole: Any = None if valid is None else Whole(valid, context=self.context)
        return self._train(
            pieces,
            whole,
            epochs=epochs or self.epochs or max(40, -(-ENOUGH_BATCHES // len(pieces))),
            patience=patience,
            keep_best=keep_best,
            callbacks=callbacks,
            initial_epoch=initial_epoch,
            verbose=verbose,
        )

    def evaluate(
        self,
        x: Any = None,
        y: None = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Measure loss, and MAE and RMSE in the units of the series.

        Every step counts that has `context` steps read and a measurement `horizon` steps later.

        Raises:
            InputError: series that cannot be used, or the model is not trained yet.
        """
        options = {"verbose": verbose, "return_dict": return_dict, **kwargs}
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            return super().evaluate(x, y, **options)
        _no_targets(y)
        require_fitted(self.network, self, "scale")
        encoded = self._with_targets(self.encoder, as_series(x, "The test set"), "The test set")
        whole: Any = Whole(encoded, context=self.context, batch_size=batch_size or 64)
        return self._measure(whole, **options)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        callbacks: Any = None,
    ) -> Any:
        """Return the forecasts for series.

        Args:
            x: one series, or a list of them.
            batch_size: series of a batch, at most.
            verbose: as in Keras.
            callbacks: as in Keras.

        Returns:
            For one series `(T - context + 1,)`, in its units: number i is made at step
            `context - 1 + i`, of the step `horizon` later; the last one is of a step that is yet to
            come. For a list of series a list of such arrays; one that is shorter than `context`
            has none.

        Raises:
            InputError: series that cannot be used, or the model is not trained yet.
        """
        series = as_series(x, "What to forecast")
        encoded = self.encode(series)
        whole = Whole(encoded, context=self.context, batch_size=batch_size or 64)
        found: list[np.ndarray] = [np.zeros(0, "float32")] * len(series)
        for number, group in enumerate(whole.groups):
            one: Any = [(whole[number][0],)]
            outputs = keras.Model.predict(
                self, native.feed(Feed(one)), verbose=verbose, callbacks=callbacks
            )
            for i, output in zip(group, outputs, strict=True):
                scaled = output[: len(encoded[i].x), 0]
                forecast = encoded[i].base + self.encoder.scale * scaled
                found[i] = forecast[self.context - 1 :].astype("float32")
        return found if isinstance(x, (list, tuple)) else found[0]

    # Series -> numbers.

    def encode(self, x: Any) -> list[Encoded]:  # type: ignore[override]
        """Return what the network reads of each series.

        Raises:
            InputError: series that cannot be used, or the model is not trained yet.
        """
        require_fitted(self.network, self, "scale")
        return self.encoder.encode(as_series(x, "What to forecast"))

    def _with_targets(
        self, encoder: SeriesEncoder, series: list[Series], name: str
    ) -> list[Encoded]:
        encoded = encoder.encode(series)
        if not any(one.counts(self.context).any() for one in encoded):
            raise InputError(
                f"{name} has no step to forecast: expected a series of more than "
                f"{self.context + self.horizon - 1} steps (context {self.context}, horizon "
                f"{self.horizon})."
            )
        return encoded

    def _compile(self) -> None:
        scale = self.encoder.scale
        self.compile(
            optimizer=self._make_optimizer(),
            loss=keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
            weighted_metrics=[
                ErrorInUnits("mae", scale=scale),
                ErrorInUnits("rmse", scale=scale),
            ],
        )

    # One file.

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again; what was learned travels beside it."""
        own = {"context": self.context, "window": self.window, "warm_up": self.warm_up}
        return {**super().get_config(), **own}

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return the forecasts from each step of each series."""
        return answer_forecasts(self, inputs, names)

    def save_assets(self, dir_path: str) -> None:
        """Put scale and profile into the file; called by Keras."""
        Path(dir_path, "series.json").write_text(self.encoder.to_json(), encoding="utf-8")

    def load_assets(self, dir_path: str) -> None:
        """Take scale and profile out of the file; called by Keras."""
        text = Path(dir_path, "series.json").read_text(encoding="utf-8")
        self.encoder = SeriesEncoder.from_json(text)


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
        raise InputError(
            f"{name} is {'empty' if isinstance(x, (list, tuple)) else type(x).__name__}: expected "
            "a series, an array (T, D), or a list of them."
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


def _no_targets(y: Any) -> None:
    if y is not None:
        raise InputError(
            f"y is {type(y).__name__}: expected None. Series are their own targets; which column "
            "is forecast, and how many steps ahead, are settings of the model."
        )
