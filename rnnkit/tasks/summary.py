"""Summary of a task that has no network yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def describe_untrained(task: Any, print_fn: Callable[[str], Any] | None = None) -> None:
    """Print class, recipe and settings of a task whose network is not built yet.

    Args:
        task: the task.
        print_fn: called with each line; `print` when left out.

    Example:
        >>> from rnnkit.recipes import lstm_sentiment
        >>> lines = []
        >>> describe_untrained(lstm_sentiment(units=8), lines.append)
        >>> lines[1], "  units: 8" in lines
        ('Recipe: lstm_sentiment', True)
    """
    settings = dict(task.settings)
    recipe = settings.pop("recipe", None)
    lines = [f'Model: "{task.name}" ({type(task).__name__}, not trained yet)']
    lines += [f"Recipe: {recipe}"] if recipe else []
    lines += ["Settings:"] if settings else []
    lines += [f"  {name}: {value!r}" for name, value in settings.items()]
    lines.append("The network is built in the first fit, when the data are known.")
    for line in lines:
        (print_fn or print)(line)
