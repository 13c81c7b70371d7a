"""The end of a training: the trained model is saved and evaluated, and the results are written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnnkit.errors import NonFiniteLoss
from rnnkit.study.budgets import used_budget
from rnnkit.study.kept_answers import write_answers
from rnnkit.study.model_card import write_card
from rnnkit.study.run_folder import RunFolder, write_json
from rnnkit.study.sources import size

if TYPE_CHECKING:
    from rnnkit.recipes import Family
    from rnnkit.study.log import EpochLog
    from rnnkit.tasks import Task

SPLITS = ("train", "valid", "test")
SHARES = ("share_of_vectors", "share_of_tokens")  # of the words, where vectors were found for them


def costs_of(log: EpochLog) -> dict[str, Any]:
    """Return the seconds of a training; where something was compiled, those of that, too."""
    costs: dict[str, Any] = {"seconds": log.seconds, "processor_seconds": log.processor_seconds}
    compiled = log.compiled
    if compiled.programs:
        programs = {"all": compiled.programs, "from_cache": compiled.from_cache}
        costs |= {"compiling_seconds": compiled.seconds, "programs": programs}
    return costs | {"in_epochs": log.compiling_in_epochs}


def finish(
    model: Task, dataset: Any, folder: RunFolder, family: Family, costs: dict[str, Any]
) -> None:
    """Save the trained model, then evaluate it and write the results."""
    model.save(folder.model)  # before anything that may fail
    write_card(folder, model, dataset)  # without figures, if there will be none
    test, answers = _measure(model, dataset)
    if not all(map(math.isfinite, test.values())):
        raise NonFiniteLoss(f"The trained model gives {test} on the test split.")
    results = _results(model, dataset, folder, family, test, costs)
    from rnnkit.study.hparams import write_hparams  # with TensorBoard's messages

    write_hparams(folder, results)
    if answers:
        write_answers(folder.answers, answers)
    write_card(folder, model, dataset, results, answers)
    write_json(folder.results, results)


def _measure(model: Task, dataset: Any) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the measures of the test split and, where the task has some, answers by example."""
    test = dataset.test
    if hasattr(model, "evaluate_examples"):  # word vectors have none, models of plugins may
        return model.evaluate_examples(test.x, test.y)
    return model.evaluate(test.x, test.y, return_dict=True, verbose=0), {}


def _results(
    model: Task,
    dataset: Any,
    folder: RunFolder,
    family: Family,
    test: Mapping[str, float],
    costs: dict[str, Any],
) -> dict[str, Any]:
    """Return what results.json holds."""
    rows = folder.epochs()
    network = model.network or model
    reached = getattr(model, "reached", None)
    passes = len(rows) if reached is None else reached.epochs
    # Without tokenising, pre-training and compiling.
    epochs = sum(row["seconds"] for row in rows) - costs.pop("in_epochs")
    return {
        "test": {name: float(value) for name, value in test.items()},
        **costs,
        "tokens_per_second": (model.tokens_per_epoch or 0) * passes / epochs or None,
        "parameters": int(network.count_params()),
        **used_budget(model, folder),
        **{name: share for name in SHARES if (share := getattr(model, name, None)) is not None},
        "epochs": len(rows),
        "best_epoch": _kept_epoch(model, rows),
        "monitor": model.monitored_metric,
        "counted_by": getattr(model, "signature", None),  # implementation of BLEU or ROUGE
        "examples": {name: size(getattr(dataset, name)) for name in SPLITS},
        "question": family.question(model, dataset) if family.question else None,
    }


def _kept_epoch(model: Task, rows: list[dict[str, float]]) -> int:
    """Return the epoch whose weights were kept: the best on the validation split, or the last."""
    if not model.monitored_metric.startswith("val_"):
        return len(rows)
    best = {"min": min, "max": max}[model.monitor_mode]
    return int(best(rows, key=lambda row: row[model.monitored_metric])["epoch"])
