"""One run in several processes, on PyTorch: the first one writes it, the others train with it."""

from __future__ import annotations

import os
from inspect import signature
from typing import TYPE_CHECKING, Any

from rnnkit import recipes
from rnnkit.errors import InputError
from rnnkit.study.budgets import training_budget
from rnnkit.study.run_folder import RunFolder
from rnnkit.study.runs import Run
from rnnkit.study.teaching import fit_options

if TYPE_CHECKING:
    from rnnkit.recipes import Family
    from rnnkit.study.plan import Plan
    from rnnkit.tasks import Task


def follows(devices: int | None) -> bool:
    """Return whether this process is one that trains with the first one, and writes nothing.

    Raises:
        InputError: it is one of several, and no devices were given: each would train on its own.
    """
    from rnnkit.backend import native

    started = native.started_devices() or 1
    if started > 1 and (devices or 1) == 1:
        raise InputError(
            f"This is one of {started} processes (WORLD_SIZE), and devices was not given: each "
            f"would train on its own. Give devices={started}, or start one process."
        )
    return started > 1 and os.environ["RANK"] != "0"


def refuse_devices(model: Any, devices: int | None) -> None:
    """Refuse several devices for a model whose `fit` knows of one only.

    Raises:
        InputError: it is such a model, of word vectors or of a plugin.
    """
    if devices not in (None, 1) and "devices" not in signature(model.fit).parameters:
        raise InputError(
            f"devices is {devices}, and {type(model).__name__} is trained on one device. Leave "
            "devices out."
        )


def follow(model: Task, plan: Plan, dataset: Any, devices: int) -> Run:
    """Train with the first process; return the run that it wrote.

    Args:
        model: the untrained model.
        plan: of the run.
        dataset: of the run.
        devices: the number of processes.
    """
    from rnnkit.backend import native

    options = training_options(model, plan, dataset, recipes.family_of(plan.recipe))
    model.fit(dataset.train.x, dataset.train.y, verbose=0, devices=devices, **options)
    return Run(RunFolder(native.join_devices(devices).shared(None)))


def training_options(model: Any, plan: Plan, dataset: Any, family: Family) -> dict[str, Any]:
    """Return the arguments of `fit` that say what a run is trained on, and how long."""
    options: dict[str, Any] = {}
    if family.has_test_split:
        valid, test = dataset.valid, dataset.test
        options = {"validation_data": (valid.x, valid.y), "patience": plan.patience}
        options["test_data"] = (test.x, test.y)
    if getattr(model, "uses_unlabelled", False):
        options |= fit_options(plan.teaching, dataset, model)
    if (budget := training_budget(plan)) is not None:
        options["budget"] = budget
    return options


def tell(folder: RunFolder, devices: int | None) -> None:
    """Tell the other processes that a run is written, and where."""
    from rnnkit.backend import native

    if (native.started_devices() or 1) > 1:
        native.join_devices(devices or 1).shared(str(folder.path.resolve()))
