"""One run: data in, a trained and measured model and its records out."""

from __future__ import annotations

import math
import os
import platform
import shutil
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from inspect import signature
from typing import TYPE_CHECKING, Any

from rnnkit import recipes
from rnnkit.data.corpus import Corpus
from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.monitor import EventWriter
from rnnkit.study.plan import Plan, make_plan
from rnnkit.study.runs import Run, RunFolder, write_json
from rnnkit.study.sources import size

if TYPE_CHECKING:
    from rnnkit.tasks import Task

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
    out: str | os.PathLike[str] | None = None,
    verbose: int | str = "auto",
) -> Run:
    """Train a recipe on a data set, measure it on the test split and keep everything in a folder.

    The weights kept are those of the epoch that was best on the validation split, by what the
    results call "monitor"; of word vectors, for which nothing is held out, the last ones, and
    "test" is what `rnnkit.embeddings.evaluate` finds in them.

    Args:
        recipe: a name from `rnnkit.recipes.names`.
        data: the name of a data set, or the path of a table or folder of texts, or, to learn words
            from, of a text file; None = the generated data set of the recipe's kind.
        text_column: the column that holds the text, where ``data`` has columns; what is usual for
            the recipe's kind when left out.
        label_column: the column that holds the label, the tag, or the target.
        settings: the recipe's keywords; what is left out keeps its default.
        epochs: the setting of that name, for short: passes over the training data, at most.
        batch_size: the setting of that name: examples a step.
        patience: stop after this many epochs without a better validation loss; None never stops.
        seed: of the weights and of the order of the batches. The splits do not depend on it.
        limit: keep at most this many examples of each split.
        out: the run's folder; None makes ``runs/<recipe>-<time>``.
        verbose: as in `keras.Model.fit`.

    Returns:
        The complete run; its model is loaded from the file that was written.

    Raises:
        InputError: a recipe, setting, data set or folder that cannot be used; nothing is written.
        NonFiniteLoss: the loss became NaN or infinite; the folder then has no results or model.

    Example:
        >>> run = train("lstm_sentiment", "sample", epochs=1, limit=200)  # doctest: +SKIP
        >>> sorted(run.results["test"])  # doctest: +SKIP
        ['accuracy', 'f1', 'loss', 'precision', 'recall']
    """
    plan = make_plan(
        recipe,
        data,
        text_column=text_column,
        label_column=label_column,
        settings=settings,
        epochs=epochs,
        batch_size=batch_size,
        patience=patience,
        seed=seed,
        limit=limit,
    )
    return carry_out(plan, plan.data.load(recipes.kind_of(recipe)), out, verbose)


def carry_out(
    plan: Plan,
    dataset: Any,
    out: str | os.PathLike[str] | None = None,
    verbose: int | str = "auto",
) -> Run:
    """Train as planned on a data set that is loaded already; see `train`.

    Example:
        >>> plan = make_plan("lstm_sentiment", limit=200)  # doctest: +SKIP
        >>> carry_out(plan, plan.data.load()).results["epochs"]  # doctest: +SKIP
        3
    """
    build = recipes.find(plan.recipe)
    known = {
        name: getattr(dataset, name)
        for name in ("classes", "target")
        if name in signature(build).parameters and hasattr(dataset, name)
    }
    model = build(**{**known, **plan.given}, seed=plan.seed)
    folder = RunFolder.create(plan.recipe, out)
    write_json(folder.settings, {**plan.as_record(), "settings": model.settings})
    write_json(folder.environment, environment())
    try:
        seconds = _fit(model, dataset, folder, plan, verbose)
        test = model.evaluate(dataset.test.x, dataset.test.y, return_dict=True, verbose=0)
        if not all(map(math.isfinite, test.values())):
            raise NonFiniteLoss(f"The trained model gives {test} on the test split.")
    except InputError:  # refused before the first step: there is nothing to keep
        shutil.rmtree(folder.path)
        raise
    except NonFiniteLoss as error:
        raise NonFiniteLoss(f"{error}\nThe partial run is in {folder.path}.") from error
    rows = folder.epochs()
    epochs = sum(row["seconds"] for row in rows)  # without word vectors and tokenising
    results: dict[str, Any] = {
        "test": {name: float(value) for name, value in test.items()},
        "seconds": seconds,
        "tokens_per_second": (model.tokens_per_epoch or 0) * len(rows) / epochs or None,
        "parameters": int((model.network or model).count_params()),
        **{name: share for name in SHARES if (share := getattr(model, name, None)) is not None},
        "epochs": len(rows),
        "best_epoch": _kept_epoch(model, rows),
        "monitor": model.monitored_metric,
        "counted_by": getattr(model, "signature", None),  # of scores that are counted in many ways
        "examples": {name: size(getattr(dataset, name)) for name in SPLITS},
    }
    # A folder of its own: TensorBoard's HParams page makes a column of every scalar beside it.
    with EventWriter(folder.events / "test") as writer:
        shown = {**model.settings, "seed": plan.seed}
        measured = {**results["test"], "seconds": seconds}
        writer.hparams(shown, {f"test/{name}": value for name, value in measured.items()})
    model.save(folder.model)
    write_json(folder.results, results)
    return Run(folder)


def environment() -> dict[str, Any]:
    """Say on what a run ran: versions, backend, devices, machine.

    Example:
        >>> environment()["backend"]  # doctest: +SKIP
        'jax'
    """
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
    """Return the epoch whose weights were kept: the best on held-out data, else the last."""
    if not model.monitored_metric.startswith("val_"):
        return len(rows)
    best = {"min": min, "max": max}[model.monitor_mode]
    return int(best(rows, key=lambda row: row[model.monitored_metric])["epoch"])


def _fit(model: Task, dataset: Any, folder: RunFolder, plan: Plan, verbose: int | str) -> float:
    """Fit with all the records on; return the seconds it took."""
    from rnnkit.monitor import TensorBoard  # these bring Keras in
    from rnnkit.study.log import EpochLog

    train, valid = dataset.train, dataset.valid
    if isinstance(train.x, Corpus):
        return _fit_words(model, train.x, folder, verbose)
    # Without labels there is nothing to show, unless the model itself knows what to make of them.
    examples = (
        (valid.x, valid.y) if valid.y is not None or hasattr(model, "write_examples") else None
    )
    unlabelled = getattr(dataset, "unlabelled", None)
    begin = time.perf_counter()
    model.fit(
        train.x,
        train.y,
        validation_data=(valid.x, valid.y),
        patience=plan.patience,
        # The log comes first: the pictures that TensorBoard gets are no part of an epoch's seconds.
        callbacks=[EpochLog(folder), TensorBoard(folder.events, examples)],
        verbose=verbose,
        **({"unlabelled": unlabelled} if unlabelled and model.uses_unlabelled else {}),
    )
    return time.perf_counter() - begin


def _fit_words(model: Any, corpus: Corpus, folder: RunFolder, verbose: int | str) -> float:
    """Fit a model of word vectors; return the seconds it took."""
    from rnnkit.monitor.word_vectors import WordVectorEvents  # these bring Keras in
    from rnnkit.study.log import EpochLog

    begin = time.perf_counter()
    callbacks = [EpochLog(folder), WordVectorEvents(folder.events)]
    model.fit(corpus, callbacks=callbacks, verbose=verbose)
    return time.perf_counter() - begin


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "not installed"
