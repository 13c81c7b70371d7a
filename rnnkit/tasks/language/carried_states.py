"""Base class of stateful language models: states carried from window to window; token loss."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.tasks.task import Task
from rnnkit.tasks.training import full_batches


@keras.saving.register_keras_serializable(package="rnnkit")
class LanguageModelMetrics(keras.metrics.Metric):
    """Mean loss per token in nats, perplexity and bits per character.

    `loss = -1/n Σ log p(x_t | x_<t)`, `perplexity = e^loss`, and where the tokens are `characters`
    `bits_per_character = loss / log 2`.

    Example:
        >>> metric = LanguageModelMetrics()
        >>> metric.update_state(ops.array(2 * math.log(8.0)), ops.array(2.0))
        >>> round(float(metric.result()["perplexity"]), 3)
        8.0
    """

    def __init__(self, characters: bool = False, name: str = "tokens", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.characters = characters
        self.total = self.add_variable((), initializer="zeros", name="total")
        self.count = self.add_variable((), initializer="zeros", name="count")

    def update_state(self, total: Any, count: Any) -> None:
        """Add the summed loss of `count` tokens."""
        self.total.assign_add(ops.cast(total, self.dtype))
        self.count.assign_add(ops.cast(count, self.dtype))

    def result(self) -> dict[str, Any]:
        """Return loss, perplexity and, of characters, bits per character."""
        mean = ops.divide_no_nan(self.total, self.count)
        found = {"loss": mean, "perplexity": ops.exp(mean)}
        return found | ({"bits_per_character": mean / math.log(2)} if self.characters else {})


class CarriedStates(Task):
    """A task whose network takes and returns states, carried from window to window. Abstract.

    A batch is `((ids, starts, [labels], *help), targets, weights)`, see `TextWindows`. The states
    are variables of the task, so that they pass through Keras's compiled steps; no gradient flows
    through them, so a window's gradient ends at its first step.
    """

    splits_batches = True
    saves_variables = False  # the carried states belong to no text that comes later

    def __init__(self, *args: Any, characters: bool = False, **options: Any) -> None:
        self._carried: list[keras.Variable] = []
        super().__init__(*args, **options)
        self.tokens = LanguageModelMetrics(characters)

    @property
    def conditioned(self) -> bool:
        """Whether the inputs hold labels."""
        return False

    @property
    def weights(self) -> list[keras.Variable]:
        """The variables of the network, without the carried states."""
        carried = {id(state) for state in self._carried}
        return [weight for weight in super().weights if id(weight) not in carried]

    def prepare(self, batches: Any) -> None:
        """Create variables for the states of the batches' rows; drop functions compiled before."""
        rows = self._full_size(batches) or batches.rows
        inputs = self.network.inputs  # type: ignore[union-attr]
        sizes = [(rows, part.shape[-1]) for part in inputs if part.name.startswith("state_")]
        if [tuple(state.shape) for state in self._carried] == sizes:
            return
        self._carried.clear()
        for size in sizes:
            self._carried.append(keras.Variable(np.zeros(size, "float32"), trainable=False))
        self.train_function = self.test_function = self.predict_function = None

    def pass_of(self, inputs: Any) -> tuple[keras.Model, list[Any]]:
        """Return the network, with ids, labels and states; every row begins anew."""
        ids, _, *beside = inputs
        states = self.network.inputs[1 + int(self.conditioned) :]  # type: ignore[union-attr]
        zeros = [np.zeros((len(ids), part.shape[-1]), "float32") for part in states]
        return self.network, [ids, *beside[: int(self.conditioned)], *zeros]

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Run a window from the carried states; return `(B, T, D)` and keep the new states."""
        ids, starts, *beside = inputs
        going_on = ops.expand_dims(1.0 - ops.cast(starts, "float32"), 1)
        group = self._group
        before = self._carried if group is None else map(group.own_rows, self._carried)
        states = [ops.cast(state, "float32") * going_on for state in before]
        labels = beside[: int(self.conditioned)]
        inputs = [ids, *labels, *states]
        hidden, *states = native.run_network(self.network, inputs, training)
        for variable, state in zip(self._carried, states, strict=True):
            state = ops.stop_gradient(ops.cast(state, variable.dtype))
            if group is None:
                variable.assign(state)
            else:
                group.assign_rows(variable, state)
        return hidden

    def loss_divisor(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """Return the number of tokens of the window."""
        return ops.sum(self._weights_of(sample_weight))

    def _weights_of(self, sample_weight: Any) -> Any:
        """Return the weight of each token `(B, T)`, 0 in rows that fill a batch."""
        if full_batches.is_watched(self._loss_tracker):
            sample_weight, _ = full_batches.without_filling(sample_weight)
        return ops.cast(sample_weight, "float32")

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the mean loss of the window's tokens."""
        table = self.parts().words
        weights = ops.reshape(self._weights_of(sample_weight), (-1,))
        hidden = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        targets = ops.cast(ops.reshape(y, (-1,)), "int32")
        extra = x[2 + int(self.conditioned) :]
        total = table.loss(hidden, targets, weights, extra, training=training)
        count = ops.sum(weights)
        self.tokens.update_state(total, count)
        return total / ops.maximum(count, 1.0) + sum(self.losses)
