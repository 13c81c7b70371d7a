"""Training of tasks on raw data: examples are read, checked, encoded and put into batches."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import keras

from rnnkit.backend import native
from rnnkit.data.batches import Batches
from rnnkit.monitor.callbacks import StopOnNonFinite
from rnnkit.progress import follows_verbose
from rnnkit.tasks.training.budgets import read_budget
from rnnkit.tasks.training.datasets import EpochOrder, KerasDataset
from rnnkit.tasks.training.devices import (
    check_replicas,
    follow,
    join_devices,
    leaving_devices,
)
from rnnkit.tasks.training.examples import EncodedExamples
from rnnkit.tasks.training.loop import Resuming, early_stopping, train_network
from rnnkit.tasks.training.requirements import (
    learn_from,
    learned_numbers,
    own_settings,
    requirements,
)
from rnnkit.tasks.training.sets import (
    EncodedSet,
    EncodedSets,
    ValidationOptions,
    check_counts,
    check_test,
    check_weighted,
    encode_sets,
    read_unlabelled,
    refuse_teacher,
    refuse_unused,
    split_validation,
)
from rnnkit.tasks.training.virtual_adversarial import add_unlabelled
from rnnkit.training.budget import Budget
from rnnkit.training.budget_clock import BudgetClock, Reached
from rnnkit.training.checkpoints import Checkpoint, Checkpoints, check_requirements
from rnnkit.training.costs import costs_of
from rnnkit.training.fingerprint import digest


class Learned(NamedTuple):
    """What a task learned before the first step.

    Attributes:
        settings: its settings before that, on which a checkpoint depends.
        numbers: what it learned, for the checkpoints.
        rows: the training examples as arrays.
    """

    settings: dict[str, Any]
    numbers: dict[str, float]
    rows: Any


class Fitting(keras.Model):
    """Mixin of tasks: `fit` on raw data."""

    _startup_messages: list[str]  # what `learn` reports before the first epoch
    virtual_adversarial: float
    reached: Reached | None = None  # in the last `fit` with a budget

    @leaving_devices
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
        teacher: Any = None,
        distil_unlabelled: bool = True,
        budget: str | Budget | None = None,
        devices: int | None = None,
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
            teacher: a trained model of the same classes, its run's folder or `.keras` file, a list
                of them, or a `rnnkit.tasks.ensemble.Ensemble` or its file, whose predictions are
                learned beside the labels (knowledge distillation).
            distil_unlabelled: with a teacher, learn its predictions for `unlabelled`, too; with the
                setting `virtual_adversarial` and no teacher, learn from them without a label.
            budget: a time, such as "10m", or a number of steps, such as "5000steps", in the place
                of `epochs`: training ends after the step that reaches it, and is validated; the
                learning rate comes to the end of its schedule. `reached` says how far it came. What
                time counts: `rnnkit.training.budget_clock.BudgetClock`.
            devices: train on so many devices, each of which computes some rows of every batch, to
                the same weights as on one; see the guide, "When one machine is not enough".

        Ctrl-C, SIGTERM and SIGUSR1 end the training after the step under way.

        Raises:
            InputError: examples, targets or an argument that cannot be used, or `checkpoints` of
                other data or settings; nothing was learned.
            NonFiniteLoss: the loss became NaN or infinite.
        """
        limits = read_budget(self, budget, epochs, teacher)
        checkpoints = Checkpoints.of(checkpoints)
        group = join_devices(self, devices, batch_size, teacher)
        first = group is None or group.first
        checkpoints, verbose = (checkpoints, verbose) if first else (None, 0)
        found = None if checkpoints is None else checkpoints.newest()
        if group is not None:
            found = follow(group, found)
        columns = {"text_column": text_column, "label_column": label_column}
        weight_column = sample_weight if isinstance(sample_weight, str) else None
        x, y, sample_weight, self._class_order = self.read(
            x, y, sample_weight, name="The training set", steps=steps_per_epoch, **columns
        )
        refuse_unused(
            self, unlabelled=unlabelled, class_weight=class_weight, sample_weight=sample_weight
        )
        refuse_teacher(self, teacher)
        unlabelled = read_unlabelled(self, unlabelled, text_column)
        check_counts(
            epochs=epochs,
            batch_size=batch_size,
            patience=patience,
            initial_epoch=initial_epoch,
            validation_batch_size=validation_batch_size,
        )
        weighted = check_weighted(self, x, y, sample_weight, "The training set")
        measured = ValidationOptions(
            *(validation_data, validation_split, validation_steps),
            *(weight_column, columns, patience),
        )
        train, valid = split_validation(self, weighted, measured)
        test = None if test_data is None else check_test(self, *test_data)
        sets = encode_sets(self, train, valid, test, class_weight)
        if teacher is None:
            teacher = self.own_teacher(sets, unlabelled, checkpoints, verbose, costs_of(callbacks))
        sets, labelled, unlabelled = self._extend(
            sets, teacher, unlabelled, distil_unlabelled, checkpoints, found
        )
        learned = self._learn_network(sets, unlabelled, checkpoints, found)
        order = {"batch_size": batch_size, "shuffle": shuffle}
        _, targets, weights = sets.train
        batches = self.make_batches(learned.rows, targets, weights, training=True, **order)
        clock = None if limits is None else BudgetClock(limits, len(batches))
        epochs = self._epochs(epochs, batches) if clock is None else clock.epochs
        depends_on: dict[str, Any] = {}
        if checkpoints is not None:
            options: dict[str, Any] = {"patience": patience, "keep_best": keep_best, **order}
            options |= {} if limits is None else {"budget": str(limits)}
            data = learned.rows, targets, weights
            depends_on = requirements(self, learned.settings, callbacks, data, options)
        own: list[keras.callbacks.Callback] = [EpochOrder(batches), StopOnNonFinite()]
        own += [] if clock is None else [clock]
        valid_data = held_out = None
        if sets.valid is not None and first:
            held_out = EncodedExamples(
                self.encode_checked(sets.valid.examples.x), sets.valid.targets, sets.valid.weights
            )
            valid_batches = self.make_batches(
                *held_out, batch_size=validation_batch_size or batch_size
            )
            if checkpoints is not None:
                depends_on["validation data"] = digest(*held_out)
            valid_data = KerasDataset(valid_batches, rows=self._full_size(valid_batches))
            own += self.validation_callbacks(sets.valid.examples, valid_batches)
            own += early_stopping(self, epochs, patience, keep_best)
        more = len(sets.train.examples.x) - len(labelled.examples.x)
        self.fit_constants(
            EncodedExamples(learned.rows[more:], *labelled[1:]),
            held_out,
            sets.train.examples.x[:more] or unlabelled,
        )
        if found is not None and first:
            check_requirements(found, depends_on, epochs)
        if sets.test is not None:  # may be refused only now that the network is known
            self.make_batches(self.encode_checked(sets.test.examples.x), sets.test.targets)
        self.prepare(batches)
        if group is not None:
            check_replicas(group, self, batches, epochs)
        self._print_startup_messages(verbose)
        record = {"depends_on": depends_on, "learned": learned.numbers}
        record["monitor"] = self.monitored_metric
        history = self._train(
            batches,
            own,
            [] if callbacks is None else keras.tree.flatten(callbacks),
            Resuming(checkpoints, found, record),
            validation_data=None if valid_data is None else native.feed(valid_data),
            epochs=epochs,
            initial_epoch=initial_epoch,
            verbose=verbose,
            clock=clock,
        )
        self.__dict__["reached"] = None if clock is None else clock.reached
        if held_out is not None:
            self.calibrate(held_out)
        return history

    def _extend(
        self,
        sets: EncodedSets,
        teacher: Any,
        unlabelled: Any,
        distil_unlabelled: bool,
        checkpoints: Checkpoints | None,
        found: Checkpoint | None,
    ) -> tuple[EncodedSets, EncodedSet, Any]:
        """Add to the training set what a teacher predicts, derived and unlabelled examples.

        Returns:
            The sets; of the training set, the examples that are not unlabelled, its last ones; and
            the unlabelled examples that are not part of it.
        """
        train, rest = sets.train, unlabelled
        if teacher is not None:
            more, rest = (unlabelled, ()) if distil_unlabelled else ((), unlabelled)
            taught = self.teach(teacher, *train, sets.spec, more, checkpoints, found is not None)
            train = EncodedSet(*taught)
        labelled = train = EncodedSet(*self.augment(*train, sets.spec))
        if teacher is None and self.virtual_adversarial and distil_unlabelled:
            train, rest = add_unlabelled(self, labelled, unlabelled), ()
        return sets._replace(train=train), labelled, rest

    def _learn_network(
        self,
        sets: EncodedSets,
        unlabelled: Any,
        checkpoints: Checkpoints | None,
        found: Checkpoint | None,
    ) -> Learned:
        """Learn what comes before the first step, from the data or a checkpoint, if nothing is."""
        before, rows = dict(vars(self)), None
        # Of a task that learned in this process: what it learned is no setting that was changed.
        settings = before.get("_settings_before", own_settings(self))
        known = self.network is not None
        if not known and checkpoints is not None and found is not None:
            known = learn_from(self, checkpoints, found)
        if not known:
            with native.initial_values():
                rows = self.learn(sets.train.examples, sets.train.targets, sets.spec, unlabelled)
        self.__dict__["_settings_before"] = settings  # past Keras, which would track it
        numbers = learned_numbers(before, self)
        self.set_targets(sets.spec)
        rows = self.encode_checked(sets.train.examples.x) if rows is None else rows
        return Learned(settings, numbers, rows)

    def _train(self, batches: Batches, *args: Any, **options: Any) -> keras.callbacks.History:
        """Run the epochs over what is learned, checked and encoded; return Keras's history."""
        return train_network(self, batches, *args, **options)

    def _epochs(self, epochs: int | None, batches: Batches) -> int:
        """Return the number of epochs: of `fit`, of the task, or by the number of batches."""
        return epochs if epochs is not None else self.epochs or self.default_epochs(batches)

    def _print_startup_messages(self, verbose: Any) -> None:
        messages, self._startup_messages = self._startup_messages, []
        for line in messages if verbose != 0 else ():
            print(f"rnnkit: {line}", file=sys.stderr)
