"""The budget of a `fit`, refused where it cannot say when the training ends."""

from __future__ import annotations

from typing import Any

from rnnkit.errors import InputError
from rnnkit.training.budget import Budget, parse_budget


def read_budget(task: Any, budget: Any, epochs: int | None, teacher: Any) -> Budget | None:
    """Return the budget of time or steps that `fit` was given; None = it was given none.

    Args:
        task: that is trained.
        budget: as `parse_budget` takes it, or None.
        epochs: of `fit`.
        teacher: of `fit`.

    Raises:
        InputError: a budget of parameters; one beside epochs; or a task that trains its teachers
            first, which no budget would end.

    Example:
        >>> read_budget(None, "10 steps", None, None)
        Budget(seconds=None, steps=10, parameters=None)
    """
    if budget is None:
        return None
    found = parse_budget(budget)
    if found.parameters is not None:
        raise InputError(
            f"budget is {found}, and a network that fit trains has the units that it was made "
            "with. Give a time or steps; rnnkit.study.train and rnnkit train take parameters."
        )
    if epochs is not None:
        raise InputError(
            f"epochs is {epochs}, and budget is {found}: the budget says when the training ends. "
            "Leave one of them out."
        )
    if teacher is None and getattr(task, "trains_teacher", False) and task.network is None:
        raise InputError(
            f"budget is {found}, and this task trains teachers before its own network, whose time "
            "and steps would not count. Give a trained teacher, teachers=0, or leave budget out."
        )
    return found
