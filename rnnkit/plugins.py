"""Families of recipes from other packages, found by the entry point group ``rnnkit.families``."""

from __future__ import annotations

import functools
import warnings
from typing import Any

GROUP = "rnnkit.families"


def packages() -> set[str]:
    """Return the names of the installed packages that register families.

    Example:
        >>> packages()
        set()
    """
    from importlib.metadata import entry_points

    return {point.module.partition(".")[0] for point in entry_points(group=GROUP)}


@functools.cache
def families() -> tuple[Any, ...]:
    """Return what installed packages registered: `rnnkit.recipes.families.Family` records.

    A package registers one in its ``pyproject.toml``::

        [project.entry-points."rnnkit.families"]
        toy = "toy_package:FAMILY"

    A package that cannot be imported is left out, with a warning that names it.

    Example:
        >>> families()
        ()
    """
    from importlib.metadata import entry_points

    found = []
    for point in entry_points(group=GROUP):
        try:
            family = point.load()
            if not hasattr(family, "kind"):
                raise TypeError(f"{family!r} is not a rnnkit.recipes.Family")
            found.append(family)
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            warnings.warn(
                f"The plugin {point.name} = {point.value!r} cannot be loaded and is left out: "
                f"{error}. Repair or uninstall the package that registers it.",
                RuntimeWarning,
                stacklevel=2,
            )
    return tuple(found)
