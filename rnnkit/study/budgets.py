"""Budgets of runs: refused before anything is loaded or learned, and recorded when used."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnnkit import recipes
from rnnkit.errors import InputError
from rnnkit.study.records import read_settings
from rnnkit.study.run_folder import RunFolder
from rnnkit.study.sizing import network_parameters
from rnnkit.training.budget import Budget, parse_budget

if TYPE_CHECKING:
    from rnnkit.study.plan import Plan


def check_budget(
    given: str | Sequence[str] | Budget, recipe: str, overrides: Mapping[str, Any]
) -> Budget:
    """Return the budget of a recipe's run.

    Args:
        given: as `rnnkit.training.budget.parse_budget` takes it.
        recipe: its name.
        overrides: the settings that are not left to the recipe.

    Raises:
        InputError: it is none, the recipe cannot keep it, or the settings contradict it.

    Example:
        >>> check_budget("10m", "lstm_sentiment", {}).seconds
        600.0
    """
    budget = parse_budget(given)
    if not recipes.family_of(recipe).has_test_split:
        raise InputError(
            f"budget is {budget}, and {recipe} trains for epochs alone: its learning rate falls "
            "over the words of all of them. Leave budget out."
        )
    if budget.ends_training and overrides.get("epochs") is not None:
        raise InputError(
            f"epochs is {overrides['epochs']}, and budget is {budget}: the budget says when the "
            "training ends. Leave one of them out."
        )
    if budget.parameters is None:
        return budget
    if "units" not in inspect.signature(recipes.find(recipe)).parameters:
        raise InputError(
            f"budget is {budget}, and {recipe} has no setting units that could be chosen for it. "
            "Leave the recipe or the parameters out."
        )
    if overrides.get("units") is not None:
        raise InputError(
            f"units is {overrides['units']}, and budget is {budget}: the budget chooses the units. "
            "Leave one of them out."
        )
    return budget


def refuse_unknown_budget(model: Any, plan: Plan) -> None:
    """Refuse a budget that `fit` of a model does not know, or that it would refuse.

    Raises:
        InputError: it does not know it.
    """
    if "budget" not in inspect.signature(model.fit).parameters:
        raise InputError(
            f"budget is {plan.budget}, and the fit of {plan.recipe} knows no budget. Leave budget "
            "out."
        )
    from rnnkit.tasks.training.budgets import read_budget  # this brings Keras in

    read_budget(model, training_budget(plan), None, plan.teaching.teacher or None)


def training_budget(plan: Plan) -> Budget | None:
    """Return the part of a plan's budget that ends the training; None where there is none."""
    budget = plan.budget
    return None if budget is None or not budget.ends_training else budget._replace(parameters=None)


def used_budget(model: Any, folder: RunFolder) -> dict[str, Any]:
    """Return what results.json records of a budget: what was used; nothing where there is none."""
    found: dict[str, Any] = {}
    if "parameters" in (read_settings(folder.settings).get("budget") or {}):
        found["network_parameters"] = network_parameters(model.network)
    if (reached := getattr(model, "reached", None)) is not None:
        found |= {"steps": reached.steps, "step_seconds": reached.seconds}
    return found
