"""Steps of training and evaluation that a subclass of tasks defines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from rnnkit.backend import native
from rnnkit.data.batches import Batches
from rnnkit.data.batching import BucketedBatches
from rnnkit.data.frames import InputForm
from rnnkit.tasks.training.datasets import KerasDataset, default_epochs
from rnnkit.tasks.training.examples import EncodedExamples, Examples
from rnnkit.tasks.training.sets import EncodedSets
from rnnkit.training.checkpoints import Checkpoints
from rnnkit.training.costs import TrainingCosts


class NoParts(NamedTuple):
    """The named layers of a network that a task only calls as a whole: none."""


class TaskHooks(keras.Model):
    """Mixin with the default of each attribute and method that a subclass of `Task` may define."""

    noun: ClassVar[tuple[str, str]] = ("example", "examples")  # what messages call them
    network_parts: ClassVar[type] = NoParts  # the layers that the task works with, by name
    form: ClassVar[InputForm] = InputForm()  # what `fit`, `evaluate` and `predict` read
    monitor_mode: ClassVar[str] = "min"  # "min" or "max"
    self_supervised: ClassVar[bool] = False  # the examples are their own targets
    uses_unlabelled: ClassVar[bool] = False
    uses_sample_weight: ClassVar[bool] = False
    uses_class_weight: ClassVar[bool] = False
    uses_teacher: ClassVar[bool] = False
    trains_teacher: bool = False  # where `fit` is given none
    embeds: ClassVar[bool] = True  # a layer embeds the examples: there may be `adversarial`
    predicts_classes: ClassVar[bool] = False  # one for each example, as probabilities
    splits_batches: ClassVar[bool] = False  # over devices; needs `loss_divisor`
    reads_series: ClassVar[bool] = False  # `rnnkit predict` reads series from files, not texts

    @property
    def monitored_metric(self) -> str:
        """The metric that decides which epoch is the best."""
        return "val_loss"

    def check(self, x: Any, y: Any, name: str) -> Examples:
        """Return examples and targets as lists, or refuse those of the set called `name`."""
        raise NotImplementedError

    def fit_targets(self, train: Examples) -> Any:
        """Return what must be known to encode targets, such as the classes; keep nothing yet."""
        del train

    def encode_targets(self, examples: Examples, spec: Any, name: str) -> Any:
        """Return the targets as numbers, or refuse them.

        `spec` is what `fit_targets` returned, `name` is "training", "validation" or "test".
        """
        del spec, name
        return examples.y

    def target_spec(self) -> Any:
        """Return what an earlier `fit` kept of `fit_targets`."""

    def set_targets(self, spec: Any) -> None:
        """Keep what `fit_targets` returned; called when nothing can be refused any more."""

    def own_teacher(
        self,
        sets: EncodedSets,
        unlabelled: Sequence[Any],
        checkpoints: Checkpoints | None,
        verbose: Any,
        costs: Sequence[TrainingCosts] = (),
    ) -> Any:
        """Return a teacher that the task trains where `fit` is given none; None = no teacher.

        What earlier processes spent on it is added to `costs`.
        """
        del sets, unlabelled, checkpoints, verbose, costs

    def augment(
        self, train: Examples, targets: Any, weights: Any, spec: Any
    ) -> tuple[Examples, Any, Any]:
        """Return the training set with more examples that are made of it."""
        del spec
        return train, targets, weights

    def learn(
        self, train: Examples, targets: Any, spec: Any, unlabelled: Sequence[Any]
    ) -> list[Any] | None:
        """Learn from the data of the first `fit` and build the network.

        `train`, `targets` and `spec` are what `check`, `encode_targets` and `fit_targets` returned;
        `unlabelled` are more examples, for tasks with `uses_unlabelled`. Returns the encoded
        examples where they are a by-product.
        """
        raise NotImplementedError

    def encode(self, x: Any) -> list[Any]:
        """Return one array for each raw example, the steps first.

        Raises:
            InputError: an invalid example, or the model is not trained yet.
        """
        raise NotImplementedError

    def encode_checked(self, rows: list[Any]) -> list[Any]:
        """Return one array for each example that `check` returned."""
        return self.encode(rows)

    def notice_unknown(self, rows: list[Any]) -> None:
        """Warn of examples that `predict` was given and the model knows nothing of."""
        del rows

    def batch_type(self) -> type[BucketedBatches]:
        """Return the class that makes batches of the arrays; the network exists by then."""
        return BucketedBatches

    def make_batches(
        self, rows: list[Any], targets: Any = None, sample_weight: Any = None, **options: Any
    ) -> Batches:
        """Return batches of encoded examples.

        Args:
            rows: what `encode` returned.
            targets: what `encode_targets` returned; None to predict.
            sample_weight: one for each example, or None.
            **options: as `batch_options` takes them, and `training` for batches to train on.
        """
        options.pop("training", None)
        own = {"max_length": self.max_length, "truncate": self.truncate}
        options = {**own, **self.batch_options(**options)}
        return self.batch_type()(rows, targets, sample_weight, **options)

    def batch_options(self, batch_size: int | None = None, shuffle: bool = False) -> dict[str, Any]:
        """Return size, seed and whether each epoch has a new order, as all batches take them."""
        return {"batch_size": batch_size or self.batch_size, "shuffle": shuffle, "seed": self.seed}

    def row_inputs(self, inputs: Any) -> Any:
        """Return the inputs of a batch in a form whose rows can be computed apart."""
        return inputs

    def loss_divisor(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """Return what `compute_loss` divides the losses of a batch by: rows, steps or weights.

        For tasks with `splits_batches`; see `rnnkit.backend.distribution`.
        """
        raise NotImplementedError

    def pass_of(self, inputs: Any) -> tuple[keras.Model, Any]:
        """Return a model and its inputs: its call is a pass over a batch that changes nothing."""
        return self, inputs

    def serving_calls(
        self, models: dict[str, keras.Model], x: list[Any]
    ) -> list[tuple[str, list[np.ndarray]]]:
        """Return signatures and inputs of calls that show whether an exported file is right.

        Args:
            models: what `serving_models` returned.
            x: raw examples; all are one batch, the first is another of its own length.
        """
        calls = []
        for examples in (x, x[:1]):
            inputs = self.make_batches(self.encode(examples), batch_size=len(examples))[0][0]
            several = isinstance(inputs, (list, tuple))
            calls.append(("serve", [np.asarray(one) for one in (inputs if several else [inputs])]))
        del models
        return calls

    def prepare(self, batches: Batches) -> None:
        """Get ready for batches that are about to be trained on or measured."""

    def fit_constants(
        self, train: EncodedExamples, valid: EncodedExamples | None, unlabelled: Sequence[Any]
    ) -> None:
        """Fit the weights that gradient steps do not change, before the first epoch.

        Called in every `fit`, once the network is built: an earlier one may have been interrupted.
        """
        del train, valid, unlabelled

    def calibrate(self, valid: EncodedExamples) -> None:
        """Choose on the validation set what can be chosen only when the network is trained."""
        del valid

    def compile_options(self) -> dict[str, Any]:
        """Return loss and metrics, as keywords of `compile`."""
        return {}

    def validation_callbacks(
        self, valid: Examples, batches: Batches
    ) -> Sequence[keras.callbacks.Callback]:
        """Return callbacks that add metrics of the validation set to the logs of an epoch."""
        del valid, batches
        return ()

    def embedding_layers(self) -> Sequence[keras.layers.Layer]:
        """Return the layers whose outputs adversarial training perturbs; the network is built."""
        return [one for one in self.network.layers if isinstance(one, keras.layers.Embedding)]

    def class_weights(self, class_weight: Any, train: Examples, spec: Any) -> np.ndarray:
        """Return the weight of each example by its class, for tasks with `uses_class_weight`."""
        raise NotImplementedError

    def teach(self, teacher: Any, train: Examples, *details: Any) -> Any:
        """Return examples with what a teacher predicts, for tasks with `uses_teacher`."""
        raise NotImplementedError

    def default_epochs(self, batches: Batches) -> int:
        """Return the number of epochs where neither `fit` nor the task has one."""
        return default_epochs(len(batches))

    def answers_by_example(
        self, test: Examples, batch_size: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return what `evaluate_examples` returns of each example that `check` returned."""
        del test, batch_size
        return {}

    def measure(
        self, test: Examples, batches: Batches, *, return_dict: bool, **options: Any
    ) -> Any:
        """Return loss and metrics on the batches of examples; `options` as in Keras."""
        del test
        data = native.feed(KerasDataset(batches, rows=self._full_size(batches)))
        return keras.Model.evaluate(self, data, return_dict=return_dict, **options)
