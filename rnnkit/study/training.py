"""One run: train a recipe on a data set, evaluate it, write its records."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from inspect import signature
from typing import TYPE_CHECKING, Any

from rnnkit import recipes
from rnnkit.deprecation import renamed_names
from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.monitor import EventWriter
from rnnkit.study.plan import Plan, make_plan
from rnnkit.study.runs import Run, RunFolder, discard_partial, remove_folder, write_json
from rnnkit.study.sources import size

if TYPE_CHECKING:
    from rnnkit.recipes import Family
    from rnnkit.tasks import Task

__getattr__ = renamed_names(__name__, {"carry_out": "execute"})

SPLITS = ("train", "valid", "test")
SHARES = ("share_of_vectors", "share_of_tokens")  # of the words, where vectors were found for them


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
    out: str | os.PathLike[str] | None = None,
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
            `rnnkit.settings.data.SeriesFileOptions`.
        out: the run's folder; None makes ``runs/<recipe>-<time>``.
        verbose: as in `keras.Model.fit`.

    Returns:
        The complete run; its model is loaded from the file that was written.

    Raises:
        InputError: an invalid recipe, setting, data set or folder; nothing is written.
        NonFiniteLoss: the loss became NaN or infinite; the folder then has no results or model.

    Example:
        >>> run = train("lstm_sentiment", "sample", epochs=1, limit=200)  # doctest: +SKIP
        >>> sorted(run.results["test"])  # doctest: +SKIP
        ['accuracy', 'f1', 'loss', 'precision', 'recall']
    """
    options: dict[str, Any] = {"text_column": text_column, "label_column": label_column}
    options |= {"epochs": epochs, "batch_size": batch_size, "patience": patience, "limit": limit}
    options |= {"data_options": data_options}
    plan = make_plan(recipe, data, settings=settings, seed=seed, **options)
    return execute(plan, plan.data.load(recipes.kind_of(recipe)), out, verbose)


def execute(
    plan: Plan, dataset: Any, out: str | os.PathLike[str] | None = None, verbose: int | str = "auto"
) -> Run:
    """Execute a plan on a data set that is loaded already; see `train`."""
    family, build = recipes.family_of(plan.recipe), recipes.find(plan.recipe)
    known = {
        name: getattr(dataset, name)
        for name in family.dataset_settings
        if name in signature(build).parameters and hasattr(dataset, name)
    }
    model = build(**{**known, **plan.overrides}, seed=plan.seed)
    with RunFolder.claim(plan.recipe, out) as folder:
        return _execute(plan, model, dataset, folder, verbose)


def continue_run(plan: Plan, dataset: Any, folder: RunFolder, verbose: int | str = "auto") -> Run:
    """Take over the run of a process that ended before it was complete, and hold its lock."""
    with folder.locked():
        discard_partial(folder.path)
        return execute(plan, dataset, folder.path, verbose)


def _execute(plan: Plan, model: Task, dataset: Any, folder: RunFolder, verbose: int | str) -> Run:
    """Train into a folder whose lock is held."""
    family = recipes.family_of(plan.recipe)
    record: dict[str, Any] = {**plan.as_record(), "settings": model.settings}
    columns: Any = getattr(dataset, "columns", ())
    if plan.data.is_file and columns:
        record["columns"] = list(columns)
        if hasattr(model, "feature_names"):  # its series come as arrays, without names
            model.feature_names = list(columns)
    notes = getattr(dataset, "notes", ())
    if plan.data.is_file and (columns or notes):
        record["notes"] = list(notes)
    try:
        write_json(folder.settings, record)
        write_json(folder.environment, environment())
    except BaseException:  # nothing was learned: no folder is left half made
        remove_folder(folder.path)
        raise
    try:
        seconds = _fit(model, dataset, folder, plan, family, verbose)
        test = model.evaluate(dataset.test.x, dataset.test.y, return_dict=True, verbose=0)
        if not all(map(math.isfinite, test.values())):
            raise NonFiniteLoss(f"The trained model gives {test} on the test split.")
    except InputError:  # refused before the first step: nothing to keep
        remove_folder(folder.path)
        raise
    except NonFiniteLoss as error:
        raise NonFiniteLoss(f"{error}\nThe partial run is in {folder.path}.") from error
    rows = folder.epochs()
    epochs = sum(row["seconds"] for row in rows)  # without tokenising and pre-training
    results: dict[str, Any] = {
        "test": {name: float(value) for name, value in test.items()},
        "seconds": seconds,
        "tokens_per_second": (model.tokens_per_epoch or 0) * len(rows) / epochs or None,
        "parameters": int((model.network or model).count_params()),
        **{name: share for name in SHARES if (share := getattr(model, name, None)) is not None},
        "epochs": len(rows),
        "best_epoch": _kept_epoch(model, rows),
        "monitor": model.monitored_metric,
        "counted_by": getattr(model, "signature", None),  # implementation of BLEU or ROUGE
        "examples": {name: size(getattr(dataset, name)) for name in SPLITS},
    }
    # A folder of its own: TensorBoard's HParams page makes a column of every scalar beside it.
    measures = {**results["test"], "seconds": seconds}
    with EventWriter(folder.events / "test") as writer:
        values = {f"test/{name}": value for name, value in measures.items()}
        writer.hparams({**model.settings, "seed": plan.seed}, values)
    model.save(folder.model)
    write_json(folder.results, results)
    return Run(folder)


def environment() -> dict[str, Any]:
    """Return versions, backend, devices and machine, as environment.json records them."""
    import keras

    from rnnkit import backend

    name = keras.config.backend()
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "rnnkit": _version("rnnkit"),
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": name,
        "backend_version": backend.installed().get(name, "unknown version"),
        "devices": backend.devices(),
        "numpy": _version("numpy"),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
    }


def _kept_epoch(model: Task, rows: list[dict[str, float]]) -> int:
    """Return the epoch whose weights were kept: the best on the validation split, or the last."""
    if not model.monitored_metric.startswith("val_"):
        return len(rows)
    best = {"min": min, "max": max}[model.monitor_mode]
    return int(best(rows, key=lambda row: row[model.monitored_metric])["epoch"])


def _fit(
    model: Task, dataset: Any, folder: RunFolder, plan: Plan, family: Family, verbose: int | str
) -> float:
    """Fit, with the log of epochs and TensorBoard events; return the seconds."""
    from rnnkit.monitor import TensorBoard  # these bring Keras in
    from rnnkit.study.log import EpochLog

    train, valid = dataset.train, dataset.valid
    options: dict[str, Any] = {}
    examples = None
    if family.has_test_split:
        options = {"validation_data": (valid.x, valid.y), "patience": plan.patience}
        # Without labels, only `write_examples` of the model can show something.
        shown = valid.y is not None or hasattr(model, "write_examples")
        examples = (valid.x, valid.y) if shown else None
    unlabelled = getattr(dataset, "unlabelled", None)
    if unlabelled and getattr(model, "uses_unlabelled", False):
        options["unlabelled"] = unlabelled
    # The log comes first: an epoch's seconds do not count TensorBoard's pictures.
    callbacks = [EpochLog(folder), (family.tensorboard or TensorBoard)(folder.events, examples)]
    begin = time.perf_counter()
    model.fit(train.x, train.y, callbacks=callbacks, verbose=verbose, **options)
    return time.perf_counter() - begin


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "not installed"
