"""What every task shares: a network inside, training with care, one file on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.atomic import replacing_model
from rnnkit.backend import native
from rnnkit.data.batching import BucketedBatches
from rnnkit.errors import InputError, require_fitted
from rnnkit.monitor.callbacks import StopOnNonFinite, sync_state
from rnnkit.tasks import gradient_norm
from rnnkit.tasks.answers import Answers
from rnnkit.tasks.feed import EpochOrder, Feed, enough_epochs
from rnnkit.tasks.schedule import ScheduledLearningRate, factor


class Task(keras.Model):
    """A Keras model that takes raw data. Abstract: a subclass says what comes in and goes out.

    The network inside comes into being in the first `fit`, when the data are known. A subclass
    gives `encode` (raw data -> arrays), `_compile` (loss and metrics), and a `fit` and `evaluate`
    that put targets beside the arrays and call `_train` and `_measure`.

    Args:
        build_network: makes the functional model from what the first `fit` learns of the data.
        optimizer: a function that returns a new Keras optimizer; used unless the model is compiled.
        batch_size: examples of a batch, where `fit` is not told another.
        max_length: cut longer examples to this many steps; None = never.
        truncate: which end a cut keeps: "head", "tail" or "both".
        seed: of the order of the batches.
        learning_rate_schedule: "constant", "linear" or "cosine"; see `rnnkit.tasks.schedule`.
        epochs: how often `fit` goes through the examples, where it is not told; None = as often as
            `rnnkit.tasks.feed.enough_epochs` says.
        settings: what the recipe was called with; kept for the record.
        network: a network that is already there (when a file is loaded).
    """

    assets: tuple[str, ...] = ()  # the files that `save_assets` puts beside the weights
    monitor = "val_loss"  # what tells the best epoch
    reads_series = False  # True: rnnkit predict reads CSV files as series; else texts
    monitor_mode = "min"  # "min" or "max": whether it has least or most of it

    def __init__(
        self,
        build_network: Callable[..., keras.Model] | None = None,
        *,
        optimizer: Callable[[], keras.optimizers.Optimizer] = keras.optimizers.Adam,
        batch_size: int = 32,
        max_length: int | None = None,
        truncate: str = "head",
        seed: int = 0,
        learning_rate_schedule: str = "constant",
        epochs: int | None = None,
        settings: dict[str, Any] | None = None,
        network: keras.Model | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        factor(learning_rate_schedule, 0.0)  # refuses a name it does not know
        self._build_network = build_network
        self._make_optimizer = optimizer
        self.batch_size = batch_size
        self.max_length = max_length
        self.truncate = truncate
        self.seed = seed
        self.learning_rate_schedule = learning_rate_schedule
        self.epochs = epochs
        self.settings = dict(settings or {})
        self.tokens_per_epoch: int | None = None
        self.network: keras.Model | None = None
        if network is not None:
            self._set_network(network)

    # What a subclass gives.

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return one array for each example, the steps first."""
        raise NotImplementedError

    def _compile(self) -> None:
        """Compile with the task's own loss and metrics."""
        raise NotImplementedError

    # Arrays -> batches -> Keras.

    def _new_network(self, *learned: Any) -> keras.Model:
        if self._build_network is None:
            raise InputError(
                f"{type(self).__name__} was given neither a network nor build_network."
            )
        return self._build_network(*learned)

    def _set_network(self, network: keras.Model) -> None:
        self.network = network
        self.built = True

    def _kind_of_batches(self) -> type[BucketedBatches]:
        """Return what makes batches of the arrays; asked when the network is there."""
        return BucketedBatches

    def _batches(
        self,
        rows: list[np.ndarray],
        targets: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        shuffle: bool = False,
    ) -> BucketedBatches:
        return self._kind_of_batches()(
            rows,
            targets,
            sample_weight,
            batch_size=batch_size or self.batch_size,
            max_length=self.max_length,
            truncate=self.truncate,  # type: ignore[arg-type]
            shuffle=shuffle,
            seed=self.seed,
        )

    def _train(
        self,
        batches: BucketedBatches,
        validation: BucketedBatches | None = None,
        *,
        epochs: int | None = None,
        patience: int | None = None,
        keep_best: bool = True,
        measures: Sequence[keras.callbacks.Callback] = (),
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **options: Any,
    ) -> keras.callbacks.History:
        """Train on batches: schedule, best epoch, patience, a stop at the first NaN.

        Args:
            batches: to learn from; their `tokens` are the real steps of an epoch.
            validation: to measure on after each epoch.
            epochs: how often to go through the batches; the task's own number when left out.
            patience: stop after this many epochs without a better `monitor`.
            keep_best: end with the weights of the epoch of the best `monitor`.
            measures: callbacks that put more numbers beside an epoch's, `monitor` among them.
            callbacks: more of Keras's callbacks.
            **options: `class_weight`, `initial_epoch`, `verbose`, as in Keras.
        """
        if not self.compiled:
            self._compile()
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        gradient_norm.watch(self.optimizer)
        self.tokens_per_epoch = batches.tokens
        epochs = epochs or self.epochs or enough_epochs(len(batches))
        own: list[keras.callbacks.Callback] = [EpochOrder(batches), StopOnNonFinite(), *measures]
        scheduled = None
        if self.learning_rate_schedule != "constant":
            scheduled = ScheduledLearningRate(
                self, self.learning_rate_schedule, epochs, len(batches)
            )
            own.append(scheduled)
        if validation is not None and (keep_best or patience is not None):
            own.append(
                keras.callbacks.EarlyStopping(
                    monitor=self.monitor,
                    mode=self.monitor_mode,
                    patience=epochs if patience is None else patience,
                    restore_best_weights=keep_best,
                )
            )
        try:
            return keras.Model.fit(
                self,
                native.feed(Feed(batches)),
                validation_data=None if validation is None else native.feed(Feed(validation)),
                epochs=epochs,
                callbacks=[*own, *callbacks],
                shuffle=False,  # the batches draw their own order
                **options,
            )
        finally:
            if scheduled is not None:
                scheduled.restore()

    def _measure(self, batches: BucketedBatches, **options: Any) -> Any:
        """Return what the compiled loss and metrics are on batches."""
        return keras.Model.evaluate(self, native.feed(Feed(batches)), **options)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        callbacks: Any = None,
    ) -> np.ndarray:
        """Return the network's outputs for raw examples, in their order.

        Args:
            x: one example or many.
            batch_size: examples of a batch.
            verbose: as in Keras.
            callbacks: as in Keras.

        Returns:
            `(N, outputs)`.

        Raises:
            InputError: something among the examples is none, or the model is not trained yet.

        Example:
            >>> model.predict(["A wonderful little production."])  # doctest: +SKIP
            array([[0.97]], dtype=float32)
        """
        batches = self._batches(self.encode(x), batch_size=batch_size)
        if not len(batches):
            network = require_fitted(self.network, self, "network")
            return np.zeros((0, network.output_shape[-1]), "float32")
        feed = native.feed(Feed(batches))
        sorted_outputs = super().predict(feed, verbose=verbose, callbacks=callbacks)
        outputs = np.empty_like(sorted_outputs)
        outputs[batches.order] = sorted_outputs
        return outputs

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return the answers that `rnnkit predict` prints.

        Args:
            inputs: texts; series if the task's `reads_series` is True.
            names: what the answers call the inputs, such as the paths of their files.
        """
        raise InputError(
            f"{type(self).__name__} has no method `answer`: rnnkit predict cannot ask it."
        )

    # The model in Keras's eyes: arrays in, numbers out.

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Run the network on a batch."""
        return require_fitted(self.network, self, "network")(inputs, training=training)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the network's output shape."""
        return require_fitted(self.network, self, "network").compute_output_shape(input_shape)

    @property
    def gradient_norm(self) -> float | None:
        """Global norm of the gradients of the last training step, before clipping."""
        sync_state(self)
        norm = gradient_norm.find(getattr(self, "optimizer", None))
        return None if norm is None else float(norm)

    # One file.

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Save the network, all that was learned beside it and the optimizer to one `.keras` file.

        The file is written beside its place and renamed, so a crash leaves the old one whole.

        Raises:
            InputError: the model is not trained yet, or the name does not end in `.keras`.
        """
        require_fitted(self.network, self, "network")
        with replacing_model(filepath, overwrite) as temporary:
            super().save(temporary, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again."""
        return {
            "name": self.name,
            "network": keras.saving.serialize_keras_object(self.network),
            "batch_size": self.batch_size,
            "max_length": self.max_length,
            "truncate": self.truncate,
            "seed": self.seed,
            "learning_rate_schedule": self.learning_rate_schedule,
            "epochs": self.epochs,
            "settings": self.settings,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Task:
        """Build the task from what `get_config` returned."""
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        return cls(**{**config, "network": network})

    def get_compile_config(self) -> dict[str, Any]:
        """Return the compile settings in a form that any backend can go on with.

        On torch Keras writes its private optimizer class, which no other backend can train with;
        on JAX it writes that everything is compiled, and torch would spend minutes on that.
        """
        config = super().get_compile_config()
        optimizer = config.get("optimizer")
        if isinstance(optimizer, dict) and "torch" in (optimizer.get("module") or ""):
            optimizer["module"] = "keras.optimizers"
            optimizer["registered_name"] = None
        if "jit_compile" in config:
            config["jit_compile"] = "auto"
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` says, with a place for the saved gradient norm."""
        super().compile_from_config(config)
        if self.built and self.optimizer is not None:
            gradient_norm.watch(self.optimizer)
