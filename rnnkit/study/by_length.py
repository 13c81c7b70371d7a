"""Quality by the length of the input: the first measure of each recipe in groups of examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rnnkit.study.comparable import Kept, draws_of_recipes
from rnnkit.study.kept_answers import Answers
from rnnkit.study.statistics import interval

GROUPS = 5
LEAST = 20  # examples of a group
DRAWS = 2000


class LengthGroup(NamedTuple):
    """Examples of similar length.

    Attributes:
        least: the smallest length.
        most: the largest.
        examples: how many there are.
        values: recipe -> mean of the measure over its runs, and its interval of 95 %.
    """

    least: int
    most: int
    examples: int
    values: dict[str, tuple[float, float, float]]


class ByLength(NamedTuple):
    """A measure by length.

    Attributes:
        measure: by its name in the results.
        what: which length of an example it is.
        groups: from short to long.
    """

    measure: str
    what: str
    groups: list[LengthGroup]


def quality_by_length(recipes: Mapping[str, Sequence[Kept]], draws: int = DRAWS) -> ByLength | None:
    """Return the first measure in groups of about as many examples, from short to long ones.

    Args:
        recipes: recipe -> its runs, from `rnnkit.study.comparable.by_recipe`.
        draws: of the bootstrap, see `rnnkit.study.statistics`.

    Returns:
        None where the length of an example is not kept, or there are too few examples or lengths
        for two groups.

    Example:
        >>> quality_by_length(by_recipe(study.runs, [])).groups[0].values  # doctest: +SKIP
        {'lstm_sentiment': (0.91, 0.89, 0.92)}
    """
    kept = [one for each in recipes.values() for one in each]
    found = next((known for one in kept if (known := lengths_of(one.answers))), None)
    if found is None:
        return None
    what, lengths = found
    name = next(iter(kept[0].measures))
    places = length_groups(lengths)
    groups = []
    for rows in places:
        measured = {
            recipe: [
                one.measures[name]._replace(table=one.measures[name].table[rows]) for one in each
            ]
            for recipe, each in recipes.items()
        }
        most = kept[0].measures[name].most
        values = {
            recipe: (mean, *interval(np.clip(drawn, 0, most)))
            for recipe, (mean, drawn) in draws_of_recipes(measured, draws).items()
        }
        some = lengths[rows]
        groups.append(LengthGroup(int(some.min()), int(some.max()), len(rows), values))
    return ByLength(name, what, groups) if len(groups) > 1 else None


def lengths_of(answers: Answers) -> tuple[str, np.ndarray] | None:
    """Return which length of each example kept answers tell, and the lengths; None = they do not.

    Example:
        >>> lengths_of({"words": np.array([4, 2])})
        ('words of the sentence', array([4, 2]))
    """
    if "bleu" in answers:
        return "tokens of the reference", answers["bleu"][:, 1].astype(int)
    known = {
        "lengths": "tokens or steps of the input",
        "words": "words of the sentence",
        "steps": "steps of the series",
    }
    return next(((what, answers[name]) for name, what in known.items() if name in answers), None)


def length_groups(lengths: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each group of lengths, cut at quantiles: equal lengths stay together.

    Example:
        >>> [len(rows) for rows in length_groups(np.repeat([3, 7, 9], [50, 30, 20]))]
        [50, 30, 20]
    """
    count = min(GROUPS, len(lengths) // LEAST)
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, max(count, 1) + 1)[1:-1]))
    place = np.searchsorted(edges, lengths)
    groups: list[np.ndarray] = []
    for number in range(len(edges) + 1):
        rows = np.flatnonzero(place == number)
        if groups and len(rows) < LEAST:  # too few to be alone
            groups[-1] = np.concatenate([groups[-1], rows])
        else:
            groups.append(rows)
    return groups
