"""Base class of tasks: lazy network construction, one training loop, saving to one file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import keras
import numpy as np

from rnnkit import backend
from rnnkit.atomic import replacing_model
from rnnkit.backend import native
from rnnkit.config import saved_arguments
from rnnkit.data.batches import Batches
from rnnkit.data.batching import BucketedBatches
from rnnkit.data.frames import InputForm, Inputs, is_table
from rnnkit.data.inputs import holds_targets, read_examples
from rnnkit.deprecation import RenamedAttributes
from rnnkit.disk import variables_size
from rnnkit.errors import InputError, check_count, require_fitted
from rnnkit.monitor.callbacks import StopOnNonFinite, sync_state
from rnnkit.options import expand_signature
from rnnkit.progress import follows_verbose, showing
from rnnkit.tasks.answers import Answers
from rnnkit.tasks.cloning import Original, clone_untrained, find_original, finish_clone
from rnnkit.tasks.estimator import Estimator
from rnnkit.tasks.exporting import export_network
from rnnkit.tasks.network import find_parts
from rnnkit.tasks.summary import describe_untrained
from rnnkit.tasks.training import full_batches, gradient_norm
from rnnkit.tasks.training.datasets import (
    EpochOrder,
    KerasDataset,
    default_epochs,
    fill_last_batch,
)
from rnnkit.tasks.training.examples import Examples, split_last
from rnnkit.tasks.training.model_state import read_variables
from rnnkit.tasks.training.random_state import read_random_state, write_random_state
from rnnkit.tasks.training.requirements import (
    learn_from,
    learned_numbers,
    own_settings,
    requirements,
)
from rnnkit.tasks.training.resuming import resume_fit
from rnnkit.tasks.training.schedule import ScheduledLearningRate, factor
from rnnkit.tasks.training.weights import check_sample_weight, multiply_weights
from rnnkit.tasks.turns import take_turns
from rnnkit.training.checkpoints import Checkpoint, Checkpoints, check_requirements
from rnnkit.training.fingerprint import digest
from rnnkit.training.interrupts import deferred_signals
from rnnkit.training.reporting import TrainingReport, reporting
from rnnkit.training.writer import CheckpointWriter

RANDOM_STATE = "random_state"  # its name among the variables of a file


class NoParts(NamedTuple):
    """The named layers of a network that a task only calls as a whole: none."""


class Asset(NamedTuple):
    """Something learned from the data, an attribute of the task, stored beside the weights.

    Attributes:
        attribute: of the task; None is not stored.
        dump: the attribute -> bytes.
        load: bytes -> the attribute.
        optional: whether a file may lack it.
    """

    attribute: str
    dump: Callable[[Any], bytes]
    load: Callable[[bytes], Any]
    optional: bool = False


def json_asset(attribute: str, cls: Any) -> Asset:
    """Return the asset of an attribute whose class has `to_json` and `from_json`."""
    return Asset(
        attribute, lambda one: one.to_json().encode(), lambda raw: cls.from_json(raw.decode())
    )


@take_turns
class Task(Estimator, RenamedAttributes, keras.Model):
    """A Keras model that takes raw data. Abstract: a subclass defines its inputs and targets.

    The network inside is built in the first `fit`, when the data are known. `fit` and `evaluate`
    are the same for all tasks; a subclass defines the steps that they consist of:

    - `check(x, y, name)`: refuse invalid examples and targets;
    - `fit_targets(train)` and `encode_targets(examples, spec, name)`: classes, tags, scales;
    - `learn(train, targets, spec, unlabelled)`: learn the vocabulary, build the network;
    - `encode(x)`: raw examples -> arrays;
    - `make_batches(rows, targets, ...)`: arrays -> batches, where `BucketedBatches` do not fit;
    - `compile_options()`: loss and metrics;
    - `measure(...)`, `validation_callbacks(...)`: metrics beyond those of `compile`;
    - `answer(inputs)`: what `rnnkit predict` prints.

    Args:
        build_network: builds the functional model from what the first `fit` learns of the data.
        optimizer: a function that returns a new Keras optimizer; used unless the model is compiled.
        batch_size: examples per batch, where `fit` gets no other number.
        max_length: truncate longer examples to this many steps; None = never.
        truncate: which end is kept: "head", "tail" or "both".
        seed: of the order of the batches.
        learning_rate_schedule: "constant", "linear" or "cosine"; see `rnnkit.tasks.training`.
        epochs: passes over the examples, where `fit` gets no other number; None = see
            `rnnkit.tasks.training.datasets.default_epochs`.
        settings: the recipe's settings, kept for the record.
        network: an existing network (when a file is loaded).
        name: of the model.
        dtype: as in Keras.
    """

    renamed_attributes: ClassVar = {"monitor": "monitored_metric"}
    noun: ClassVar[tuple[str, str]] = ("example", "examples")  # what messages call them
    assets: ClassVar[dict[str, Asset]] = {}  # file name -> what is stored beside the weights
    splits_vocabulary: ClassVar[bool] = False  # several weights may share out the rows of words
    config_keys: ClassVar[tuple[str, ...]] = (
        "name",
        "batch_size",
        "max_length",
        "truncate",
        "seed",
        "learning_rate_schedule",
        "epochs",
        "settings",
    )
    config_types: ClassVar[dict[str, Callable[[Any], Any]]] = {}  # key -> builds its saved value
    renamed_keys: ClassVar[dict[str, str]] = {}  # of files of earlier versions
    network_parts: ClassVar[type] = NoParts  # the layers that the task works with, by name
    form: ClassVar[InputForm] = InputForm()  # what `fit`, `evaluate` and `predict` read
    monitor_mode: ClassVar[str] = "min"  # "min" or "max"
    self_supervised: ClassVar[bool] = False  # the examples are their own targets
    uses_unlabelled: ClassVar[bool] = False
    uses_sample_weight: ClassVar[bool] = False
    uses_class_weight: ClassVar[bool] = False
    saves_variables: ClassVar[bool] = True  # of its own, beside those of the network
    reads_series: ClassVar[bool] = False  # `rnnkit predict` reads series from files, not texts

    def __init_subclass__(cls, **options: Any) -> None:
        """Show what stands behind ``**options`` in the signatures of subclasses."""
        super().__init_subclass__(**options)
        expand_signature(cls)
        take_turns(cls)

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
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        factor(learning_rate_schedule, 0.0)  # refuses an unknown name
        self._build_network = build_network
        self._make_optimizer = optimizer
        self.batch_size, self.max_length, self.truncate = batch_size, max_length, truncate
        self.learning_rate_schedule, self.epochs, self.seed = learning_rate_schedule, epochs, seed
        self.settings = dict(settings or {})
        self.tokens_per_epoch: int | None = None
        self._startup_messages: list[str] = []  # what `learn` reports before the first epoch
        self._schedule: ScheduledLearningRate | None = None  # during `fit`
        self._class_order: tuple[str, ...] | None = None  # of the data, during `fit`
        self.network: keras.Model | None = None
        if network is not None:
            self._set_network(network)

    @property
    def monitored_metric(self) -> str:
        """The metric that decides which epoch is the best."""
        return "val_loss"

    def read(
        self, x: Any, y: Any = None, sample_weight: Any = None, *, name: str, **options: Any
    ) -> Inputs:
        """Return examples and targets as lists; see `rnnkit.data.inputs.read_examples`."""
        return read_examples(x, y, sample_weight, form=self.form, name=name, **options)

    # What a subclass defines.

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

    def prepare(self, batches: Batches) -> None:
        """Get ready for batches that are about to be trained on or measured."""

    def compile_options(self) -> dict[str, Any]:
        """Return loss and metrics, as keywords of `compile`."""
        return {}

    def validation_callbacks(
        self, valid: Examples, batches: Batches
    ) -> Sequence[keras.callbacks.Callback]:
        """Return callbacks that add metrics of the validation set to the logs of an epoch."""
        del valid, batches
        return ()

    def class_weights(self, class_weight: Any, train: Examples, spec: Any) -> np.ndarray:
        """Return the weight of each example by its class, for tasks with `uses_class_weight`."""
        raise NotImplementedError

    def default_epochs(self, batches: Batches) -> int:
        """Return the number of epochs where neither `fit` nor the task has one."""
        return default_epochs(len(batches))

    def measure(
        self, test: Examples, batches: Batches, *, return_dict: bool, **options: Any
    ) -> Any:
        """Return loss and metrics on the batches of examples; `options` as in Keras."""
        del test
        data = native.feed(KerasDataset(batches, rows=self._full_size(batches)))
        return keras.Model.evaluate(self, data, return_dict=return_dict, **options)

    # The three verbs of Keras, on raw data.

    @follows_verbose
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        *,
        validation_data: Any = None,
        validation_split: float = 0.0,
        unlabelled: Any = (),
        epochs: int | None = None,
        batch_size: int | None = None,
        callbacks: Any = (),
        patience: int | None = None,
        keep_best: bool = True,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        sample_weight: Any = None,
        shuffle: bool = True,
        initial_epoch: int = 0,
        verbose: str | int = "auto",
        text_column: Any = None,
        label_column: Any = None,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        checkpoints: str | os.PathLike[str] | Checkpoints | None = None,
        test_data: Any = None,
    ) -> keras.callbacks.History:
        """Train on raw examples and their targets; return Keras's history.

        Args:
            x: the examples, as the class describes them.
            y: one target for each, as the class describes them.
            validation_data: `(x, y)` or `(x, y, sample_weight)` to measure on after each epoch;
                where the examples are their own targets, x alone.
            validation_split: the share of the examples, the last ones, to measure on instead.
            unlabelled: more examples without targets, to learn word vectors, scales or HMMs from;
                whatever x may be, without targets.
            epochs: passes over the examples; the task's own number when left out. 0 builds the
                network and does not train it.
            batch_size: examples per batch; the task's own number when left out.
            callbacks: Keras callbacks, such as `rnnkit.monitor.TensorBoard`. One that sets the
                learning rate ends the task's `learning_rate_schedule`.
            patience: stop after this many epochs without a better `monitored_metric`; needs
                examples to measure on.
            keep_best: restore the weights of the epoch with the best `monitored_metric`.
            class_weight: label -> weight of its examples in the loss, 1 where left out; "balanced"
                = the same weight in total for every class.
            sample_weight: weight of each example in the loss; or the column of the weights in a
                table, and in validation_data where it is a table.
            shuffle: draw a new order for every epoch.
            initial_epoch: the number of the first epoch, when training continues.
            verbose: as in Keras.
            text_column: the column of the examples, where x is a table or has columns.
            label_column: the column of the targets, likewise.
            steps_per_epoch: elements to read where x is a stream; it is read once, for all epochs.
            validation_steps: elements to read where validation_data is a stream.
            validation_batch_size: examples per batch to measure on; batch_size when left out.
            checkpoints: a folder, or `rnnkit.training.checkpoints.Checkpoints`, to write
                checkpoints to, after every epoch and every five minutes. Where it holds those of
                the same training, interrupted or killed, the training goes on from there, with the
                weights as if it had not stopped; `epochs` may be more than before.
            test_data: `(x, y)` for a later `evaluate`: refused now if that would refuse them, and
                not used otherwise.

        Ctrl-C, SIGTERM and SIGUSR1 end the training after the step under way.

        Raises:
            InputError: examples, targets or an argument that cannot be used, or `checkpoints` of
                other data or settings; nothing was learned.
            NonFiniteLoss: the loss became NaN or infinite.
        """
        checkpoints = Checkpoints.of(checkpoints)
        found = None if checkpoints is None else checkpoints.newest()
        columns = {"text_column": text_column, "label_column": label_column}
        weight_column = sample_weight if isinstance(sample_weight, str) else None
        x, y, sample_weight, self._class_order = self.read(
            x, y, sample_weight, name="The training set", steps=steps_per_epoch, **columns
        )
        self._refuse_unused(
            unlabelled=unlabelled, class_weight=class_weight, sample_weight=sample_weight
        )
        if self.uses_unlabelled:
            unlabelled = self.read(
                () if unlabelled is None else unlabelled,
                name="The unlabelled set",
                targets=False,
                text_column=text_column if is_table(unlabelled) else None,
            ).x
        self._check_counts(
            epochs=epochs,
            batch_size=batch_size,
            patience=patience,
            initial_epoch=initial_epoch,
            validation_batch_size=validation_batch_size,
        )
        train = self.check(x, y, "The training set")
        weights = check_sample_weight(sample_weight, len(train.x), "The training set")
        valid, valid_weights = None, None
        if validation_split:
            self._check_split(validation_split, validation_data)
            train, valid, weights, valid_weights = split_last(train, weights, validation_split)
        elif validation_data is not None:
            valid, valid_weights = self._check_validation(
                validation_data, validation_steps, weight_column, **columns
            )
        elif patience is not None:
            raise InputError(
                f"patience is {patience}, and there are no examples to measure on: give "
                "validation_data or validation_split, or leave patience out."
            )
        test = None if test_data is None else self._check_test(*test_data)
        spec = self.fit_targets(train)
        targets = self.encode_targets(train, spec, "training")
        valid_targets = None if valid is None else self.encode_targets(valid, spec, "validation")
        test_targets = None if test is None else self.encode_targets(test, spec, "test")
        if class_weight is not None:
            weights = multiply_weights(weights, self.class_weights(class_weight, train, spec))
        before, rows = dict(vars(self)), None
        # Of a task that learned in this process: what it learned is no setting that was changed.
        settings = before.get("_settings_before", own_settings(self))
        known = self.network is not None
        if not known and checkpoints is not None and found is not None:
            known = learn_from(self, checkpoints, found)
        if not known:
            with native.initial_values():
                rows = self.learn(train, targets, spec, unlabelled)
        self.__dict__["_settings_before"] = settings  # past Keras, which would track it
        learned = learned_numbers(before, self)
        self.set_targets(spec)
        rows = self.encode_checked(train.x) if rows is None else rows
        order = {"batch_size": batch_size, "shuffle": shuffle}
        batches = self.make_batches(rows, targets, weights, training=True, **order)
        epochs = self._epochs(epochs, batches)
        depends_on: dict[str, Any] = {}
        if checkpoints is not None:
            options = {"patience": patience, "keep_best": keep_best, **order}
            depends_on = requirements(self, settings, callbacks, (rows, targets, weights), options)
        own: list[keras.callbacks.Callback] = [EpochOrder(batches), StopOnNonFinite()]
        valid_data = None
        if valid is not None:
            rows = self.encode_checked(valid.x)
            size = validation_batch_size or batch_size
            valid_batches = self.make_batches(rows, valid_targets, valid_weights, batch_size=size)
            if checkpoints is not None:
                depends_on["validation data"] = digest(rows, valid_targets, valid_weights)
            valid_data = KerasDataset(valid_batches, rows=self._full_size(valid_batches))
            own += self.validation_callbacks(valid, valid_batches)
            own += self._early_stopping(epochs, patience, keep_best)
        if found is not None:
            check_requirements(found, depends_on, epochs)
        if test is not None:  # may be refused only now that the network is known
            self.make_batches(self.encode_checked(test.x), test_targets)
        self.prepare(batches)
        self._print_startup_messages(verbose)
        return self._train(
            batches,
            own,
            [] if callbacks is None else keras.tree.flatten(callbacks),
            (
                checkpoints,
                found,
                {"depends_on": depends_on, "learned": learned, "monitor": self.monitored_metric},
            ),
            validation_data=None if valid_data is None else native.feed(valid_data),
            epochs=epochs,
            initial_epoch=initial_epoch,
            verbose=verbose,
        )

    # The steps of fit that are the same for all tasks.

    def _check_counts(self, **counts: Any) -> None:
        """Refuse numbers of `fit` that are out of range; None = left out."""
        for name, value in counts.items():
            if value is not None:
                check_count(name, value, least=1 if name.endswith("batch_size") else 0)

    def _check_split(self, share: float, validation_data: Any) -> None:
        """Refuse `validation_split` where there is `validation_data`, or no way to split."""
        if validation_data is not None:
            raise InputError("validation_split and validation_data were given: give one.")
        if self.self_supervised:
            raise InputError(
                f"validation_split is {share!r}: {type(self).__name__} does not split "
                f"{self.noun[1]}. Give others as validation_data."
            )

    def _check_validation(
        self, data: Any, steps: int | None, weight_column: str | None, **columns: Any
    ) -> tuple[Examples, np.ndarray | None]:
        """Return the examples of `validation_data` and their weights, or refuse them."""
        name = "The validation set"
        x, y, weights = self._split_validation(data, steps, weight_column, **columns)
        valid = self.check(x, y, name)
        self._refuse_unused(sample_weight=weights)
        return valid, check_sample_weight(weights, len(valid.x), name)

    def _check_test(self, x: Any, y: Any = None) -> Examples:
        """Return the examples of a test set, or refuse them as `evaluate` does."""
        x, y = self.read(x, y, name="The test set")[:2]
        return self.check(x, y, "The test set")

    def _epochs(self, epochs: int | None, batches: Batches) -> int:
        """Return the number of epochs: of `fit`, of the task, or by the number of batches."""
        return epochs if epochs is not None else self.epochs or self.default_epochs(batches)

    def _early_stopping(
        self, epochs: int, patience: int | None, keep_best: bool
    ) -> list[keras.callbacks.Callback]:
        """Return the callback that stops early and keeps the best epoch, where it is asked for."""
        if not keep_best and patience is None:
            return []
        stop = keras.callbacks.EarlyStopping(
            monitor=self.monitored_metric,
            mode=self.monitor_mode,
            patience=epochs if patience is None else patience,
            restore_best_weights=keep_best,
        )
        return [stop]

    def _print_startup_messages(self, verbose: Any) -> None:
        messages, self._startup_messages = self._startup_messages, []
        for line in messages if verbose != 0 else ():
            print(f"rnnkit: {line}", file=sys.stderr)

    def _train(
        self,
        batches: Batches,
        own: Sequence[keras.callbacks.Callback],
        callbacks: Sequence[keras.callbacks.Callback],
        resuming: tuple[Checkpoints | None, Checkpoint | None, dict[str, Any]],
        *,
        epochs: int,
        initial_epoch: int,
        verbose: str | int,
        **options: Any,
    ) -> keras.callbacks.History:
        """Train the network on batches, the learning rate on its schedule."""
        checkpoints, found, record = resuming
        with native.initial_values():
            if not self.compiled:
                self._compile_own()
            if not self.optimizer.built:
                self.optimizer.build(self.trainable_variables)
            gradient_norm.watch(self.optimizer)
        rows = self._full_size(batches)
        self.tokens_per_epoch = batches.tokens
        if checkpoints is not None and found is None:
            checkpoints.begin(self)
        first: list[keras.callbacks.Callback] = []
        if (kind := self.learning_rate_schedule) != "constant":
            self._schedule = ScheduledLearningRate(self, kind, epochs, len(batches), callbacks)
            first = [self._schedule]
        # The history comes before the writer: an epoch's checkpoint holds its row.
        every = [*first, *own, *callbacks, keras.callbacks.History()]
        report = TrainingReport(verbose, self._count_shapes(batches, options))
        try:
            # Of the progress within an epoch the report tells.
            with deferred_signals() as interrupt, report, showing(False, again=True):
                writer = CheckpointWriter(
                    *(self, lambda: ({}, read_variables(self)), every, len(batches)),
                    *(interrupt, checkpoints, record, found is not None),
                )
                options |= {"epochs": epochs, "verbose": verbose}
                if found is not None:
                    every += [report, writer]
                    return resume_fit(self, batches, found, every, rows=rows, **options)
                return keras.Model.fit(
                    self,
                    native.feed(KerasDataset(batches, rows=rows)),
                    callbacks=[*every, report, writer],
                    initial_epoch=initial_epoch,
                    shuffle=False,  # the batches draw their own order
                    **options,
                )
        finally:
            sync_state(self)  # an exception leaves the latest weights apart on JAX
            # ... and the validation data: Keras would measure on them in the next fit.
            self._eval_epoch_iterator = None
            self._restore_learning_rate()
            self._schedule = None

    def _compile_own(self) -> None:
        """Compile with the task's optimizer, loss and metrics."""
        self.compile(optimizer=self._make_optimizer(), **self.compile_options())
        self.__dict__["_own_loss"] = self._compile_loss  # past Keras, which would track it

    def _full_size(self, batches: Batches) -> int | None:
        """Return the number of rows that batches are filled up to, if any, ready to count them."""
        own = not self.compiled or self._compile_loss is self.__dict__.get("_own_loss")
        rows = full_batches.full_size(self, batches, own)
        if rows is not None and self.compiled:
            full_batches.watch(self._loss_tracker)
        return rows

    def _count_shapes(
        self, batches: Batches, options: dict[str, Any]
    ) -> Callable[[bool], int | None]:
        """Return a function that counts the shapes of the batches, of training or validation."""
        valid = getattr(options.get("validation_data"), "batches", None)

        def count(training: bool) -> int | None:
            counted = batches if training else valid
            if counted is None or not hasattr(counted, "shapes"):
                return None
            return len(counted.shapes(self._full_size(counted)))

        return count

    def _restore_learning_rate(self) -> None:
        """Put the peak rate back: what is saved during `fit` must not keep a step's rate."""
        if self._schedule is not None:
            self._schedule.restore()

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        callbacks: Any = None,
        return_dict: bool = False,
        *,
        text_column: Any = None,
        label_column: Any = None,
        steps: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Measure loss and metrics on raw examples and their targets.

        Args:
            x: the examples, as the class describes them.
            y: one target for each.
            batch_size: examples per batch; the task's own number when left out.
            verbose: as in Keras.
            sample_weight: weight of each example.
            callbacks: as in Keras.
            return_dict: return numbers by name; else a list.
            text_column: the column of the examples, where x is a table or has columns.
            label_column: the column of the targets, likewise.
            steps: elements to read where x is a stream.
            **kwargs: Keras's own.

        Raises:
            InputError: examples or targets that cannot be used, or the model is not trained yet.
        """
        options = {"verbose": verbose, "callbacks": callbacks, "return_dict": return_dict}
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            return super().evaluate(x, y, steps=steps, **options, **kwargs)
        columns = {"text_column": text_column, "label_column": label_column, "option": "steps"}
        x, y, sample_weight, _ = self.read(
            x, y, sample_weight, name="The test set", steps=steps, **columns
        )
        self._refuse_unused(sample_weight=sample_weight)
        test = self.check(x, y, "The test set")
        weights = check_sample_weight(sample_weight, len(test.x), "The test set")
        require_fitted(self.network, self, "network")
        targets = self.encode_targets(test, self.target_spec(), "test")
        rows = self.encode_checked(test.x)
        batches = self.make_batches(rows, targets, weights, batch_size=batch_size)
        self.prepare(batches)
        if not self.compiled:
            self._compile_own()
        with reporting(verbose, "Evaluating", len(batches)) as report:
            options["callbacks"] = [*keras.tree.flatten(callbacks or ()), report]
            return self.measure(test, batches, **options, **kwargs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        callbacks: Any = None,
        *,
        text_column: Any = None,
    ) -> Any:
        """Return the network's outputs for raw examples, in their order.

        Args:
            x: one example or many.
            batch_size: examples per batch; the task's own number when left out.
            verbose: as in Keras.
            callbacks: as in Keras.
            text_column: the column of the examples, where x is a table or has columns.

        Returns:
            `(N, outputs)`.

        Raises:
            InputError: an invalid example, or the model is not trained yet.

        Example:
            >>> model.predict(["A wonderful little production."])  # doctest: +SKIP
            array([[0.97]], dtype=float32)
        """
        x = self.read(x, name="x", targets=False, text_column=text_column).x
        rows = self.encode(x)
        self.notice_unknown(rows)
        filled = fill_last_batch(rows, batch_size or self.batch_size)
        batches = self.make_batches(filled, batch_size=batch_size)
        if not len(batches):
            network = require_fitted(self.network, self, "network")
            return np.zeros((0, network.output_shape[-1]), "float32")
        data = native.feed(KerasDataset(batches))
        with reporting(verbose, "Predicting", len(batches)) as report:
            every = [*keras.tree.flatten(callbacks or ()), report]
            sorted_outputs = super().predict(data, verbose=verbose, callbacks=every)
        outputs = np.empty_like(sorted_outputs)
        outputs[batches.order] = sorted_outputs
        return outputs[: len(rows)]

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return what `rnnkit predict` prints of texts or series called by these names."""
        raise InputError(f"{type(self).__name__} has no `answer`: rnnkit predict cannot ask it.")

    # The model as Keras sees it: arrays in, numbers out.

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Run the network on a batch."""
        return require_fitted(self.network, self, "network")(inputs, training=training)

    def _get_metrics_result_or_logs(self, logs: Any) -> Any:
        """Return the metrics of an epoch, for Keras: those in the logs of its last step.

        Keras computes them once more, outside of the step: on JAX a program for each operation.
        """
        known = backend.name == "jax" and isinstance(logs, dict) and bool(logs)
        return logs if known else super()._get_metrics_result_or_logs(logs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss of a batch, over the rows that do not fill it up."""
        if sample_weight is not None and full_batches.is_watched(self._loss_tracker):
            sample_weight, _ = full_batches.without_filling(sample_weight, y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add a batch to the metrics, without the rows that fill it up; return their values."""
        if sample_weight is not None and full_batches.is_watched(self._loss_tracker):
            sample_weight, rows = full_batches.without_filling(sample_weight, y_pred)
            full_batches.count_rows(self._loss_tracker, rows)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def reset_metrics(self) -> None:
        """Begin the metrics anew; called by Keras."""
        with native.initial_values():
            super().reset_metrics()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the network's output shape."""
        return require_fitted(self.network, self, "network").compute_output_shape(input_shape)

    def parts(self) -> Any:
        """Return the layers of the network that the task works with, by name."""
        return find_parts(require_fitted(self.network, self, "network"), self.network_parts)

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = True,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print the layers of the network; before the first `fit`, recipe and settings.

        Args:
            line_length: as in Keras.
            positions: as in Keras.
            print_fn: called with the text in place of `print`; before the first `fit`, with each
                line.
            expand_nested: show the layers inside the network.
            show_trainable: as in Keras.
            layer_range: as in Keras.

        Example:
            >>> from rnnkit.recipes import lstm_sentiment
            >>> lstm_sentiment().summary(print_fn=lambda line: print(line.split(":")[0]))
            ... # doctest: +ELLIPSIS
            Model
            Recipe
            Settings
            ...
        """
        if self.network is None:
            describe_untrained(self, print_fn)
        else:
            super().summary(
                line_length, positions, print_fn, expand_nested, show_trainable, layer_range
            )

    def serving_network(self) -> keras.Model:
        """Return the functional model that `export` writes: encoded examples in, numbers out."""
        return require_fitted(self.network, self, "network")

    def export(
        self, filepath: str | os.PathLike[str], format: str = "tf_saved_model", **kwargs: Any
    ) -> None:
        """Export the network for serving without rnnkit.

        The artifact takes what the network takes: encoded examples (word ids, scaled values, ...),
        as `encode` and `make_batches` return them; not raw texts. Into the folder `assets.extra` of
        a SavedModel go the files that encode examples outside of rnnkit, such as `vocabulary.json`,
        and `classes.json` with the names of the outputs.

        Args:
            filepath: the folder of a SavedModel, or the name of a file.
            format: "tf_saved_model", "onnx", "openvino", "litert" or "torch", where Keras and the
                running backend support it; TensorFlow supports most.
            **kwargs: as `keras.Model.export` takes them, such as `input_signature` and `verbose`.

        Raises:
            InputError: the model is not trained yet, or cannot be exported to this format on this
                backend; the message says what can be done.

        Example:
            >>> model.export("served")  # doctest: +SKIP
            >>> tf.saved_model.load("served").serve(word_ids)  # doctest: +SKIP
        """
        export_network(self, self.serving_network(), filepath, format, **kwargs)

    @property
    def gradient_norm(self) -> float | None:
        """Global norm of the gradients of the last training step, before clipping."""
        norm = gradient_norm.find(getattr(self, "optimizer", None))
        return None if norm is None else float(native.read_variable(self, norm))

    def _new_network(self, *learned: Any) -> keras.Model:
        if self._build_network is None:
            raise InputError(f"{type(self).__name__} has neither a network nor build_network.")
        return self._build_network(*learned)

    def _set_network(self, network: keras.Model) -> None:
        find_parts(network, self.network_parts)  # refuses a network that lacks one
        self.network = network
        self.built = True

    def _refuse_unused(self, **given: Any) -> None:
        for name, value in given.items():
            if not getattr(self, f"uses_{name}") and value is not None and np.size(value):
                raise InputError(
                    f"{name} was given, and {type(self).__name__} does not use it. Leave it out."
                )

    def _split_validation(
        self, data: Any, steps: int | None, weight_column: str | None, **columns: Any
    ) -> tuple[Any, Any, Any]:
        """Return validation data as `(x, y, sample_weight)`."""
        name = "The validation set"
        given = isinstance(data, tuple) and len(data) in (2, 3)
        if self.self_supervised or holds_targets(data):
            x, y, weight = (*data, None)[:3] if given else (data, None, None)
            weight = weight_column if weight is None and holds_targets(x) else weight
            options = {"steps": steps, "option": "validation_steps", **columns}
            return self.read(x, y, weight, name=name, **options)[:3]
        if given:
            of_table = columns if holds_targets(data[0]) and data[1] is None else {}
            weight = [weight_column] if of_table and len(data) == 2 else data[2:]
            return self.read(*data[:2], *weight, name=name, **of_table)[:3]
        of = f" of {len(data)}" if isinstance(data, tuple) else ""
        raise InputError(
            f"validation_data is {type(data).__name__}{of}; expected (x, y) or "
            "(x, y, sample_weight)."
        )

    # One file.

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Save network, vocabulary, classes and optimizer to one `.keras` file.

        The file is written under a temporary name and renamed, so a crash leaves the old one whole.

        Raises:
            InputError: the model is not trained yet, or the name does not end in `.keras`.
            DiskError: the file cannot be written.
        """
        require_fitted(self.network, self, "network")
        with replacing_model(filepath, overwrite, variables_size(self)) as temporary:
            super().save(temporary, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments and the network; assets are stored beside them."""
        network = keras.saving.serialize_keras_object(self.network)
        return {**saved_arguments(self), "name": Original(self), "network": network}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Task:
        """Build the task from what `get_config` returned, in this version or an earlier one.

        Where the task of `get_config` is there still, as in `keras.models.clone_model`, it is a
        clone: of the same settings and, where it was trained, the same vocabulary, classes, scales;
        with new weights.
        """
        if config["network"] is None:
            return clone_untrained(cls, config)
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        new = {cls.renamed_keys.get(key, key): value for key, value in config.items()}
        built = {key: build(new[key]) for key, build in cls.config_types.items()}
        built["name"] = str(config["name"])
        task = cls(**{**new, **built, "network": network})
        if (original := find_original(cls, config)) is not None:
            finish_clone(task, original)
        return task

    def save_own_variables(self, store: Any) -> None:
        """Write the task's own variables; called by Keras before it writes the optimizer's."""
        self._restore_learning_rate()
        if self.saves_variables:
            super().save_own_variables(store)
        if self.network is not None:
            store[RANDOM_STATE] = read_random_state(self.network)

    def load_own_variables(self, store: Any) -> None:
        """Read the task's own variables; called by Keras. Files of earlier versions have fewer."""
        own = {key: store[key] for key in store.keys() if key != RANDOM_STATE}  # noqa: SIM118
        if self.saves_variables:
            super().load_own_variables(own)
        if self.network is not None and RANDOM_STATE in store.keys():  # noqa: SIM118
            write_random_state(self.network, np.asarray(store[RANDOM_STATE]))

    def save_assets(self, dir_path: str) -> None:
        """Write what is stored beside the weights; called by Keras."""
        for name, asset in self.assets.items():
            value = getattr(self, asset.attribute)
            if value is not None:
                Path(dir_path, name).write_bytes(asset.dump(value))

    def load_assets(self, dir_path: str) -> None:
        """Read what is stored beside the weights; called by Keras."""
        for name, asset in self.assets.items():
            path = Path(dir_path, name)
            if asset.optional and not path.is_file():
                continue
            value = asset.load(path.read_bytes())
            self._check_size(name, value)
            setattr(self, asset.attribute, value)

    def _check_size(self, name: str, value: Any) -> None:
        """Refuse a vocabulary for which no weight has a row each: its ids would be shifted."""
        if self.network is None or self.splits_vocabulary or not hasattr(value, "__len__"):
            return
        if len(value) not in {size for weight in self.network.weights for size in weight.shape}:
            raise InputError(
                f"{name} has {len(value):,} entries, and no weight of the network has as many rows."
            )

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
        """Compile as `get_compile_config` says, with a variable for the saved gradient norm."""
        super().compile_from_config(config)
        if self.built and self.optimizer is not None:
            gradient_norm.watch(self.optimizer)
