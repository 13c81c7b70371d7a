"""One run: train a recipe on a data set, evaluate it, write its records."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnkit import recipes
from rnnkit.atomic import replacing
from rnnkit.data.datasets import refuse_missing
from rnnkit.deprecation import renamed_names
from rnnkit.errors import InputError, check_count
from rnnkit.progress import follows_verbose
from rnnkit.records.states import forget_failure
from rnnkit.study.budgets import refuse_unknown_budget
from rnnkit.study.data_fingerprint import fingerprint, refuse_other_data
from rnnkit.study.environment import environment
from rnnkit.study.finishing import costs_of, finish
from rnnkit.study.keeping import keeping
from rnnkit.study.peak_memory import note_training, peak_memory
from rnnkit.study.plan import Plan, make_plan, plan_of, updated_record
from rnnkit.study.records import read_json, read_results, read_settings
from rnnkit.study.replicas import follow, follows, refuse_devices, tell, training_options
from rnnkit.study.run_folder import RunFolder, refuse_taken, remove_folder, write_json
from rnnkit.study.runs import Run, find_run
from rnnkit.study.sizing import units_for

if TYPE_CHECKING:
    from rnnkit.recipes import Family
    from rnnkit.study.log import AfterEpoch, EpochLog
    from rnnkit.tasks import Task
    from rnnkit.training.checkpoints import Checkpoints

__getattr__ = renamed_names(__name__, {"carry_out": "execute"})


@follows_verbose
def train(
    recipe: str,
    data: str | os.PathLike[str] | None = None,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    settings: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    patience: int | None = None,
    seed: int = 0,
    limit: int | None = None,
    data_options: Mapping[str, Any] | None = None,
    teacher: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    unlabelled: bool | str | os.PathLike[str] | None = None,
    teacher_weights: Sequence[float] | None = None,
    budget: str | Sequence[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    checkpoint_minutes: float = 5.0,
    devices: int | None = None,
    verbose: int | str = "auto",
) -> Run:
    """Train a recipe, evaluate it on the test split and write everything into a new folder.

    The saved weights are those of the best epoch on the validation split, by the measure that the
    results call "monitor". Word vectors have no validation split: the weights are those of the last
    epoch, and "test" holds the scores of `rnnkit.embeddings.evaluate`.

    Args:
        recipe: a name from `rnnkit.recipes.names`.
        data: the name of a data set, or the path of files of the recipe's kind: a table or folder
            of texts, a text file, ...; None = the generated data set of the recipe's kind.
        text_column: the column of the text; None = the default of the recipe's kind.
        label_column: the column of the label, the tag, or the target.
        settings: the recipe's keywords.
        epochs: the recipe's setting of that name: passes over the training data, at most.
        batch_size: the recipe's setting of that name.
        patience: early stopping after this many epochs without a better validation loss.
        seed: of the weights and of the order of the batches. The splits do not depend on it.
        limit: keep at most this many examples of each split.
        data_options: further columns of a file of series: `time`, `group`, `columns`; see
            `rnnkit.settings.data.SeriesFileOptions`; or ``{"split": "random"}``, see
            `rnnkit.datasets.load`.
        teacher: one or more complete runs (or `.keras` files) of the same classes, whose
            predictions the model learns beside the labels; of several, the geometric mean. Or the
            file of an `rnnkit.tasks.ensemble.Ensemble`.
        unlabelled: with a teacher, learn its predictions for the unlabelled texts of the data set,
            too; or for those of a file, with a text on each line or a table. With the setting
            `virtual_adversarial` and no teacher, learn from them without a label.
        teacher_weights: of several teachers, in their order; None = equal ones.
        budget: a time or a number of steps in the place of epochs, such as "10m" or "5000steps"; or
            a number of parameters without the embedding table, such as "200kparameters", for which
            the units are chosen; or a list of one of each. See `rnnkit.training.budget`.
        out: the run's folder; None makes ``runs/<recipe>-<time>``.
        checkpoint_minutes: the longest time between two checkpoints; see `resume`.
        devices: train on so many devices, to the same weights; see `rnnkit.tasks.Task.fit`. On
            PyTorch this is one of as many processes, of which the first writes the run, and each
            returns it once it is complete.
        verbose: as in `keras.Model.fit`.

    Returns:
        The complete run; its model is loaded from the file that was written.

    Raises:
        InputError: an invalid recipe, setting, data set or folder; nothing is written.
        NonFiniteLoss: the loss became NaN or infinite; the folder then has no results.
        DiskError: a file could not be written; what was trained is kept, and the message says what.

    Example:
        >>> run = train("lstm_sentiment", "sample", epochs=1, limit=200)  # doctest: +SKIP
        >>> sorted(run.results["test"])  # doctest: +SKIP
        ['accuracy', 'f1', 'loss', 'precision', 'recall']
    """
    options: dict[str, Any] = {"text_column": text_column, "label_column": label_column}
    options |= {"epochs": epochs, "batch_size": batch_size, "patience": patience, "limit": limit}
    options |= {"data_options": data_options, "teacher": teacher, "unlabelled": unlabelled}
    options |= {"teacher_weights": teacher_weights, "budget": budget}
    plan = make_plan(recipe, data, settings=settings, seed=seed, **options)
    refuse_missing(plan.data.name)
    if out is not None:
        refuse_taken(Path(out))
    pick_backend()
    dataset = plan.data.load(recipes.kind_of(recipe))
    return execute(plan, dataset, out, verbose, checkpoint_minutes, devices)


@follows_verbose
def resume(
    path: str | os.PathLike[str],
    *,
    epochs: int | None = None,
    checkpoint_minutes: float = 5.0,
    devices: int | None = None,
    verbose: int | str = "auto",
) -> Run:
    """Go on with a run that was interrupted or killed, to the same weights as without that.

    It starts from the newest checkpoint that is whole; from the beginning, where there is none.

    Args:
        path: the run's folder.
        epochs: more passes over the training data than before, at most; also of a complete run.
        checkpoint_minutes: the longest time between two checkpoints.
        devices: as in `train`; as many as before, or others.
        verbose: as in `keras.Model.fit`.

    Returns:
        The complete run.

    Raises:
        InputError: no run, a complete one, data or settings that changed since, another backend,
            or fewer epochs than it was trained already.

    Example:
        >>> resume("runs/mine", epochs=20).results["epochs"]  # doctest: +SKIP
        20
    """
    folder = find_run(path)
    record = updated_record(read_settings(folder.settings))
    plan = plan_of(record)
    if epochs is not None and plan.budget is not None and plan.budget.ends_training:
        raise InputError(
            f"epochs is {epochs}, and {folder.path} has a budget of {plan.budget}, which says when "
            "its training ends. Leave epochs out, or train a new run with a larger budget."
        )
    if epochs is not None:
        plan = replace(plan, overrides={**plan.overrides, "epochs": check_count("epochs", epochs)})
    if folder.complete and (epochs or 0) <= read_results(folder.results)["epochs"]:
        done = read_results(folder.results)["epochs"]
        raise InputError(
            f"{folder.path} is complete after {done} epochs: there is nothing to go on with. Give "
            f"more epochs than {done} to train it further."
        )
    if folder.complete and not _checkpoints(folder, checkpoint_minutes).files():
        raise InputError(
            f"{folder.path} is complete, and no checkpoint of its last epoch was kept: it cannot "
            "be trained further. Train a new run with more epochs."
        )
    trained_on = read_json(folder.environment).get("backend") if folder.environment.exists() else ""
    if trained_on and trained_on != (now := keras_backend()):
        raise InputError(
            f"{folder.path} was trained with KERAS_BACKEND={trained_on}, and now it is {now}. Set "
            f"KERAS_BACKEND={trained_on} to go on with it."
        )
    refuse_missing(plan.data.name)
    dataset = plan.data.load(recipes.kind_of(plan.recipe))
    return continue_run(plan, dataset, folder, verbose, checkpoint_minutes, devices)


def execute(
    plan: Plan,
    dataset: Any,
    out: str | os.PathLike[str] | None = None,
    verbose: int | str = "auto",
    checkpoint_minutes: float = 5.0,
    devices: int | None = None,
    after_epoch: AfterEpoch | None = None,
) -> Run:
    """Execute a plan on a data set that is loaded already; see `train`.

    Args:
        plan: of the run.
        dataset: of the run.
        out: the run's folder; None makes ``runs/<recipe>-<time>``.
        verbose: as in Keras.
        checkpoint_minutes: the longest time between two checkpoints.
        devices: as in `train`.
        after_epoch: called with each row of metrics.csv, once it is written; what it raises ends
            the training.
    """
    model, record = prepare(plan, dataset)
    refuse_devices(model, devices)
    if follows(devices):
        return follow(model, plan, dataset, devices or 1)
    with RunFolder.claim(plan.recipe, out) as folder:
        checkpoints = _checkpoints(folder, checkpoint_minutes)
        try:
            write_json(folder.settings, record)
            write_json(folder.environment, environment())
        except BaseException:  # nothing was learned: no folder is left half made
            remove_folder(folder.path)
            raise
        return _train(
            model, plan, dataset, folder, checkpoints, verbose, devices, after_epoch, new=True
        )


def continue_run(
    plan: Plan,
    dataset: Any,
    folder: RunFolder,
    verbose: int | str = "auto",
    checkpoint_minutes: float = 5.0,
    devices: int | None = None,
    after_epoch: AfterEpoch | None = None,
) -> Run:
    """Go on with a run on a data set that is loaded already; see `resume` and `execute`."""
    known = read_settings(folder.settings).get("settings", {}).get("units")
    model, record = prepare(plan, dataset, known)
    refuse_devices(model, devices)
    if follows(devices):
        return follow(model, plan, dataset, devices or 1)
    with folder.locked():
        checkpoints = _checkpoints(folder, checkpoint_minutes)
        if checkpoints.newest() is not None:
            advice = "Train a new run, or go on with the data or the version of rnnkit of then."
            refuse_other_data(folder.path, read_settings(folder.settings), dataset, advice)
        else:
            folder.discard_epochs()  # those that no checkpoint holds are trained anew
        before = folder.results.with_name("results-before.json")
        settings = folder.settings.read_bytes()
        if folder.complete:  # it is not, until the further epochs are done
            folder.results.replace(before)
        write_json(folder.settings, record)
        known = read_json(folder.environment) if folder.environment.exists() else environment()
        resumed = [*known.get("resumed", []), environment()]
        write_json(folder.environment, known | {"resumed": resumed})
        forget_failure(folder.path)
        try:
            return _train(
                model, plan, dataset, folder, checkpoints, verbose, devices, after_epoch, new=False
            )
        except InputError:  # refused: the run is as it was
            with replacing(folder.settings) as temporary:
                temporary.write_bytes(settings)
            if before.exists() and not folder.complete:
                before.replace(folder.results)
            raise


def _checkpoints(folder: RunFolder, minutes: float) -> Checkpoints:
    from rnnkit.training.checkpoints import Checkpoints

    return Checkpoints(folder.checkpoints, minutes, f"rnnkit train --resume {folder.path}")


def prepare(plan: Plan, dataset: Any, units: int | None = None) -> tuple[Task, dict[str, Any]]:
    """Return the untrained model of a plan, and what settings.json records.

    Args:
        plan: of the run.
        dataset: of the run.
        units: of a run that goes on, where its budget chose them; None = it chooses them now.
    """
    family, build = recipes.family_of(plan.recipe), recipes.find(plan.recipe)
    known = {
        name: getattr(dataset, name)
        for name in family.dataset_settings
        if name in signature(build).parameters and hasattr(dataset, name)
    }
    given = {**known, **plan.overrides, "seed": plan.seed}
    budget = plan.budget
    if budget is not None and budget.parameters is not None:
        wanted = budget.parameters
        given["units"] = units or units_for(wanted, plan.recipe, build, given, dataset)
    model = build(**given)
    if budget is not None and budget.ends_training:
        refuse_unknown_budget(model, plan)
    record: dict[str, Any] = {**plan.as_record(), "settings": model.settings}
    if known_data := fingerprint(dataset):
        record["fingerprint"] = known_data
    columns: Any = getattr(dataset, "columns", ())
    if plan.data.is_file and columns:
        record["columns"] = list(columns)
        if hasattr(model, "feature_names"):  # its series come as arrays, without names
            model.feature_names = list(columns)
    notes = getattr(dataset, "notes", ())
    if plan.data.is_file and (columns or notes):
        record["notes"] = list(notes)
    return model, record


def _train(
    model: Task,
    plan: Plan,
    dataset: Any,
    folder: RunFolder,
    checkpoints: Checkpoints,
    verbose: int | str,
    devices: int | None,
    after_epoch: AfterEpoch | None,
    new: bool,
) -> Run:
    """Train and evaluate the model, and write everything into the folder."""
    family = recipes.family_of(plan.recipe)
    note_training()
    with keeping(folder, model, new=new):
        log = _fit(model, dataset, folder, plan, family, verbose, checkpoints, devices, after_epoch)
        finish(model, dataset, folder, family, {**costs_of(log), **peak_memory()})
    checkpoints.prune(1)  # for further epochs
    tell(folder, devices)
    return Run(folder)


def pick_backend() -> None:
    """Import the backend, before any data are downloaded.

    Raises:
        BackendError: there is none.
    """
    import rnnkit.backend  # noqa: F401


def keras_backend() -> str:
    """Return the name of the running backend."""
    pick_backend()
    import keras

    return str(keras.config.backend())


def _fit(
    model: Task,
    dataset: Any,
    folder: RunFolder,
    plan: Plan,
    family: Family,
    verbose: int | str,
    checkpoints: Checkpoints,
    devices: int | None,
    after_epoch: AfterEpoch | None,
) -> EpochLog:
    """Fit, with TensorBoard events and the log of epochs, which is returned."""
    from rnnkit.monitor import TensorBoard  # these bring Keras in
    from rnnkit.study.log import EpochLog

    options = training_options(model, plan, dataset, family)
    examples = None
    if family.has_test_split:
        # Without labels, only `write_examples` of the model can show something.
        valid = dataset.valid
        shown = valid.y is not None or hasattr(model, "write_examples")
        examples = (valid.x, valid.y) if shown else None
    # The log comes first: an epoch's seconds do not count TensorBoard's pictures.
    log = EpochLog(folder, after_epoch)
    callbacks = [log, (family.tensorboard or TensorBoard)(folder.events, examples)]
    options |= {"callbacks": callbacks, "checkpoints": checkpoints}
    if devices is not None:
        options["devices"] = devices
    known = signature(model.fit).parameters
    for name in {
        "test_data",
        "checkpoints",
        "devices",
    } - known.keys():  # the fit of a plugin may lack them
        options.pop(name, None)
    model.fit(dataset.train.x, dataset.train.y, verbose=verbose, **options)
    return log
