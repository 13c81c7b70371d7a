"""Loss, metrics and optimizer of tasks, as Keras computes, saves and loads them."""

from __future__ import annotations

from typing import Any

import keras

from rnnkit import backend
from rnnkit.backend import native, optimizer_state
from rnnkit.data.batches import Batches
from rnnkit.tasks.training import adversarial, averaging, full_batches, gradient_norm
from rnnkit.tasks.training.devices import GROUP


class Compiled(keras.Model):
    """Mixin of tasks: what `compile` sets, over the rows of a batch that are not filling."""

    @property
    def _group(self) -> Any:
        """The replicas on several devices, while the task is trained on them; else None."""
        return self.__dict__.get(GROUP)

    @property
    def gradient_norm(self) -> float | None:
        """Global norm of the gradients of the last training step, before clipping."""
        norm = gradient_norm.find(getattr(self, "optimizer", None))
        return None if norm is None else optimizer_state.read(self, norm)

    def _compile_own(self) -> None:
        """Compile with the task's optimizer, loss and metrics."""
        self.compile(optimizer=self._make_optimizer(), **self.compile_options())
        self.__dict__["_own_loss"] = self._compile_loss  # past Keras, which would track it

    def _full_size(self, batches: Batches) -> int | None:
        """Return the number of rows that batches are filled up to, if any, ready to count them."""
        own = not self.compiled or self._compile_loss is self.__dict__.get("_own_loss")
        if self._group is not None and not self._group.apart:
            rows = self._group.full_size(full_batches.rows_of(batches))
        else:
            rows = full_batches.full_size(self, batches, own)
        if rows is not None and self.compiled:
            full_batches.watch(self._loss_tracker)
        return rows

    def _restore_learning_rate(self) -> None:
        """Put the peak rate back: what is saved during `fit` must not keep a step's rate."""
        if self._schedule is not None:
            self._schedule.restore()

    def _get_metrics_result_or_logs(self, logs: Any) -> Any:
        """Return the metrics of an epoch, for Keras: those in the logs of its last step.

        Keras computes them once more, outside of the step: on JAX a program for each operation.
        """
        known = backend.name == "jax" and isinstance(logs, dict) and bool(logs)
        return logs if known else super()._get_metrics_result_or_logs(logs)

    def make_train_function(self, force: bool = False) -> Any:
        """Make the compiled training step, for Keras; the metrics exist by now."""
        if self._group is not None:
            self._group.place(self)
        return super().make_train_function(force)

    def make_test_function(self, force: bool = False) -> Any:
        """Make the compiled step of evaluation, for Keras; see above."""
        if self._group is not None:
            self._group.place(self)
        return super().make_test_function(force)

    def train_step(self, *arguments: Any) -> Any:
        """Train on a batch, and on its perturbations where the task is trained on any."""
        if self._group is not None and self._group.splits_steps:
            return self._group.train_step(self, *arguments)
        if adversarial.perturbed_losses(self):
            return adversarial.step(self, *arguments)
        return super().train_step(*arguments)

    @property
    def losses(self) -> list[Any]:
        """The penalties of the layers; none while the loss of perturbed examples is computed."""
        return super().losses if adversarial.has_penalties(self) else []

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the metrics by name; the loss of perturbed examples is one of training only."""
        found = super().get_metrics_result()
        own = {f"{name}_loss" for name in adversarial.SETTINGS}
        return {name: value for name, value in found.items() if name not in own}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss of a batch, over the rows that do not fill it up."""
        virtual = adversarial.virtual_loss(self, y_pred, sample_weight)
        if virtual is not None:
            return virtual
        if sample_weight is not None and full_batches.is_watched(self._loss_tracker):
            sample_weight, _ = full_batches.without_filling(sample_weight, y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add a batch to the metrics, without the rows that fill it up; return their values."""
        if sample_weight is not None and full_batches.is_watched(self._loss_tracker):
            sample_weight, rows = full_batches.without_filling(sample_weight, y_pred)
            full_batches.count_rows(self._loss_tracker, rows)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def count_loss(self, loss: Any, rows: Any, sample_weight: Any) -> None:
        """Add the loss of a batch, computed in parts, to the mean loss of the epoch.

        Args:
            loss: of the whole batch.
            rows: of the batch.
            sample_weight: tells which of them fill it up; None = none.
        """
        tracker = self._loss_tracker
        if full_batches.is_watched(tracker):
            if sample_weight is not None:
                rows = full_batches.without_filling(sample_weight)[1]
            tracker.update_state.update(loss, sample_weight=rows)
        else:
            tracker.update_state(loss, sample_weight=rows)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; the state of a training step on JAX without Keras's tracking.

        Keras looks for layers in it, array by array, and keeps copies of its lists.
        """
        if name in ("_jax_state", "_jax_state_synced"):
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def reset_metrics(self) -> None:
        """Begin the metrics anew; called by Keras."""
        with native.initial_values():
            super().reset_metrics()

    def get_compile_config(self) -> dict[str, Any]:
        """Return the compile settings in a form that every backend can load.

        On torch Keras writes its private optimizer class, which no other backend can train with;
        on JAX it writes that everything is compiled, and torch would spend minutes on that.
        """
        self._restore_learning_rate()
        config = super().get_compile_config()
        optimizer = config.get("optimizer")
        if isinstance(optimizer, dict) and "torch" in (optimizer.get("module") or ""):
            optimizer |= {"module": "keras.optimizers", "registered_name": None}
        if "jit_compile" in config:
            config["jit_compile"] = "auto"
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` says, with variables for the saved norm and averages."""
        super().compile_from_config(config)
        if self.built and self.optimizer is not None:
            gradient_norm.watch(self.optimizer)
            averaging.watch(self)
