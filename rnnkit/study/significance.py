"""Which differences of a comparison mean something: intervals and tests of all pairs of recipes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rnnkit.errors import InputError
from rnnkit.study.comparable import Kept, by_recipe, draws_of_recipes
from rnnkit.study.kept_answers import predicted
from rnnkit.study.runs import Run
from rnnkit.study.statistics import DRAWS, bootstrap_p, holm, interval, mcnemar

ALPHA = 0.05
LEAST_EXAMPLES = 20  # with fewer, resampled ones tell too little of others


class Interval(NamedTuple):
    """A measure of a recipe: the mean over its runs, and the interval of 95 % around it."""

    recipe: str
    measure: str
    mean: float
    low: float
    high: float
    seeds: int


class Pair(NamedTuple):
    """The difference of two recipes in a measure, first less second.

    Attributes:
        measure: by its name in the results.
        first: a recipe.
        second: another.
        difference: of the means over the runs.
        low: of the interval of 95 %, not corrected for the number of pairs, like `high`.
        high: see above.
        p: of the paired bootstrap.
        corrected: p after Holm's correction for all pairs in this measure.
        better: the recipe that is better by the corrected p; None = no difference is supported.
        mcnemar: for the accuracy of classifiers, the p-value of McNemar's exact test of the votes
            of their runs, after Holm's correction; else None.
        single: those of the two that have a single run.
    """

    measure: str
    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    corrected: float
    better: str | None
    mcnemar: float | None = None
    single: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairTests:
    """Intervals of recipes, and tests of their pairs, on the examples of the test split.

    Attributes:
        examples: how many there are: texts, sentences, or pieces of long series and texts.
        intervals: of each recipe and measure.
        pairs: of each two recipes and measure.
        notes: what was not tested, and why.
    """

    examples: int = 0
    intervals: list[Interval] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def difference(self, first: str, second: str, measure: str) -> Pair:
        """Return the test of two recipes; of `second` and `first`, the signs are turned.

        Raises:
            InputError: these two were not tested in this measure.
        """
        for pair in self.pairs:
            if pair.measure == measure and {pair.first, pair.second} == {first, second}:
                if pair.first == first:
                    return pair
                turned = pair._replace(first=first, second=second, difference=-pair.difference)
                return turned._replace(low=-pair.high, high=-pair.low)
        tested = ", ".join(f"{p.first} and {p.second} ({p.measure})" for p in self.pairs)
        raise InputError(
            f"{first} and {second} were not tested in {measure!r}. Tested: {tested or 'none'}."
        )


def pair_tests(runs: Mapping[str, Run], draws: int = DRAWS) -> PairTests:
    """Test all pairs of recipes in every measure that their kept answers tell.

    The interval of a recipe, and the p-value of a pair, are of other examples and other seeds: see
    `rnnkit.study.statistics`. p-values are corrected for the number of pairs of each measure.
    McNemar's test compares the votes of classifiers, the most probable class by the mean
    probabilities of a recipe's runs: with one run each, that is the usual test; with several, of
    their ensembles on these examples.

    Args:
        runs: complete runs, by name.
        draws: of the bootstrap.

    Example:
        >>> tests = pair_tests(study.runs)  # doctest: +SKIP
        >>> tests.difference("lstm_sentiment", "rnn_sentiment", "f1").better  # doctest: +SKIP
        'lstm_sentiment'
    """
    notes: list[str] = []
    recipes = by_recipe(runs, notes)
    if not recipes:
        return PairTests(notes=notes)
    measured = next(iter(recipes.values()))[0].measures
    examples = len(next(iter(measured.values())).table)
    if examples < LEAST_EXAMPLES:
        notes.append(
            f"No difference is tested: the test split has {examples} examples (or pieces of long "
            f"ones), and resampling needs {LEAST_EXAMPLES}."
        )
        return PairTests(examples, notes=notes)
    single = [name for name, found in recipes.items() if len(found) == 1]
    if single:
        notes.append(
            f"One seed of {', '.join(single)}: intervals and p-values tell what other examples "
            "would change, and nothing of other seeds."
        )
    tests = PairTests(examples, notes=notes)
    for name in measured:
        _test_measure(tests, name, recipes, draws)
    return tests


def _test_measure(
    tests: PairTests, name: str, recipes: Mapping[str, list[Kept]], draws: int
) -> None:
    """Add intervals and pairs of one measure."""
    each = {recipe: [one.measures[name] for one in kept] for recipe, kept in recipes.items()}
    one = next(iter(each.values()))[0]
    found = draws_of_recipes(each, draws)
    for recipe, (mean, drawn) in found.items():
        low, high = interval(np.clip(drawn, 0, one.most))
        tests.intervals.append(Interval(recipe, name, mean, low, high, len(recipes[recipe])))
    pairs = []
    for first, second in itertools.combinations(recipes, 2):
        gained = found[first][1] - found[second][1]
        single = tuple(recipe for recipe in (first, second) if len(recipes[recipe]) == 1)
        difference = found[first][0] - found[second][0]
        p = bootstrap_p(gained)
        pairs.append(
            Pair(name, first, second, difference, *interval(gained), p, 1.0, None, None, single)
        )
    exact = _mcnemar(pairs, recipes) if name == "accuracy" else [None] * len(pairs)
    higher = one.higher_is_better
    for pair, corrected, votes in zip(pairs, holm([pair.p for pair in pairs]), exact, strict=True):
        first_is_better = (pair.difference > 0) == higher
        better = pair.first if first_is_better else pair.second
        supported = corrected <= ALPHA and pair.difference != 0
        tests.pairs.append(
            pair._replace(corrected=corrected, better=better if supported else None, mcnemar=votes)
        )


def _mcnemar(pairs: list[Pair], recipes: Mapping[str, list[Kept]]) -> list[float | None]:
    """Return the corrected p-values of McNemar's test of pairs of classifiers; None of others."""
    if any("probabilities" not in one.answers for kept in recipes.values() for one in kept):
        return [None] * len(pairs)
    right = {}
    for recipe, kept in recipes.items():
        mean = np.mean([one.answers["probabilities"].astype("float64") for one in kept], axis=0)
        right[recipe] = predicted(mean) == kept[0].answers["truth"]
    return [*holm([mcnemar(right[pair.first], right[pair.second]) for pair in pairs])]
