"""Every recipe by its name: rnnkit's own, and those of other packages.

Where there is no recipe of a name, functions raise `InputError`, which names the closest.
"""

from __future__ import annotations

import functools
import warnings

from rnnkit import plugins
from rnnkit.errors import InputError, suggest
from rnnkit.recipes.builtin import FAMILIES
from rnnkit.recipes.families import Family, Recipe

OLD_NAMES = {"traffic_forecaster": "forecaster"}  # of recipes; both are accepted everywhere


@functools.cache
def registered() -> tuple[Family, ...]:
    """Return rnnkit's own families, then those that other packages registered.

    A family with the name of a recipe that is taken is left out, with a warning.

    Example:
        >>> [family.kind.name for family in registered()][:3]
        ['texts', 'tagged sentences', 'running text']
    """
    found = [*FAMILIES]
    taken = {recipe.__name__ for family in found for recipe in family.recipes}
    for family in plugins.families():
        names = {recipe.__name__ for recipe in family.recipes}
        if names & taken:
            warnings.warn(
                f"The family {family.kind.name!r} is left out: there is a recipe "
                f"{min(names & taken)!r} already. Uninstall one of the packages.",
                RuntimeWarning,
                stacklevel=2,
            )
            continue
        taken |= names
        found.append(family)
    return tuple(found)


def names() -> list[str]:
    """Return the names of all recipes.

    Example:
        >>> names()[:4]
        ['rnn_sentiment', 'lstm_sentiment', 'gru_sentiment', 'bilstm_sentiment']
    """
    return [recipe.__name__ for family in registered() for recipe in family.recipes]


def find(name: str) -> Recipe:
    """Return the recipe of that name.

    Example:
        >>> find("lstm_sentiment").__name__
        'lstm_sentiment'
    """
    new = OLD_NAMES.get(name, name)
    return next(recipe for recipe in family_of(new).recipes if recipe.__name__ == new)


def family_of(name: str) -> Family:
    """Return the family of the recipe of that name.

    Example:
        >>> list(family_of("forecaster").headings)
        ['mae', 'rmse', 'scaled_rmse', 'coverage']
    """
    for family in registered():
        if any(recipe.__name__ == OLD_NAMES.get(name, name) for recipe in family.recipes):
            return family
    raise InputError(
        f"There is no recipe {name!r}.{suggest(name, names())} Known: {', '.join(names())}."
    )


def kind_of(name: str) -> str:
    """Return the name of the kind of data that the recipe of that name learns from.

    Example:
        >>> kind_of("lstm_sentiment")
        'texts'
    """
    return family_of(name).kind.name


def sample_for(name: str) -> str:
    """Return the generated data set that the recipe of that name takes where none is named.

    Example:
        >>> sample_for("lstm_sentiment"), sample_for("pos_tagger")
        ('sample', 'pos_sample')
    """
    family = family_of(name)
    return family.samples.get(name, family.kind.sample)
