"""Which differences of a comparison mean something: intervals and tests of all pairs of recipes."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rnnkit.errors import InputError
from rnnkit.study.kept_answers import GIVEN, Answers, Measure, measures, predicted, read_answers
from rnnkit.study.runs import Run
from rnnkit.study.statistics import (
    DRAWS,
    bootstrap_p,
    holm,
    interval,
    mcnemar,
    mean_over_seeds,
    resample,
)

ALPHA = 0.05
LEAST_EXAMPLES = 20  # with fewer, resampled ones tell too little of others
PERCENT = ("accuracy", "f1")  # proportions, whose differences are reported in percentage points


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


class _Kept(NamedTuple):
    run: Run
    answers: Answers
    measures: dict[str, Measure]


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
    found = [one for run in runs.values() if (one := _kept(run, notes))]
    kept = _comparable(found, notes)
    if not kept:
        return PairTests(notes=notes)
    examples = len(next(iter(kept[0].measures.values())).table)
    if examples < LEAST_EXAMPLES:
        notes.append(
            f"No difference is tested: the test split has {examples} examples (or pieces of long "
            f"ones), and resampling needs {LEAST_EXAMPLES}."
        )
        return PairTests(examples, notes=notes)
    recipes: dict[str, list[_Kept]] = {}
    for one in kept:
        recipes.setdefault(one.run.settings["recipe"], []).append(one)
    single = [name for name, found in recipes.items() if len(found) == 1]
    if single:
        notes.append(
            f"One seed of {', '.join(single)}: intervals and p-values tell what other examples "
            "would change, and nothing of other seeds."
        )
    tests = PairTests(examples, notes=notes)
    for name in kept[0].measures:
        _test_measure(tests, name, recipes, draws)
    return tests


def _kept(run: Run, notes: list[str]) -> _Kept | None:
    """Return what a run kept, or note why it cannot be tested."""
    try:
        answers = read_answers(run.folder.answers)
        found = measures(answers)
        if not found:
            raise InputError(f"{run.folder.answers} holds nothing that a measure is made of.")
        for name, measure in found.items():
            _check_value(run, name, measure.value)
    except (ValueError, IndexError) as error:
        notes.append(f"{run.path.name} is not tested: {run.folder.answers} is damaged: {error}.")
        return None
    except InputError as error:
        notes.append(f"{run.path.name} is not tested: {error}")
        return None
    return _Kept(run, answers, found)


def _check_value(run: Run, name: str, value: float) -> None:
    """Refuse answers that are not those of the results, such as of another model."""
    recorded = run.results["test"].get(name)
    tolerance = 0.01 if name.startswith(("bleu", "rouge")) else 1e-4  # those are rounded
    if recorded is None or not math.isclose(value, recorded, rel_tol=1e-3, abs_tol=tolerance):
        raise InputError(
            f"its answers give {name} {value:.6g}, and results.json says {recorded}: they "
            "are of another model."
        )


def _comparable(kept: list[_Kept], notes: list[str]) -> list[_Kept]:
    """Return the largest group of runs that were measured on the same examples."""
    groups: dict[str, list[_Kept]] = {}
    for one in kept:
        digest = hashlib.sha256(repr(sorted(one.measures)).encode())
        for name in sorted(one.answers.keys() & set(GIVEN)):
            given = one.answers[name]
            given = given if given.dtype.kind == "U" else given.astype("float64")
            digest.update(f"{name} {given.dtype} {given.shape}".encode() + given.tobytes())
        digest.update(str(len(next(iter(one.measures.values())).table)).encode())
        groups.setdefault(digest.hexdigest(), []).append(one)
    largest = max(groups.values(), key=len, default=[])
    for group in groups.values():
        for one in group if group is not largest else ():
            notes.append(
                f"{one.run.path.name} is not tested: it was not measured on the same examples (or "
                f"steps, or tokens) as {largest[0].run.path.name}."
            )
    return largest


def _test_measure(
    tests: PairTests, name: str, recipes: Mapping[str, list[_Kept]], draws: int
) -> None:
    """Add intervals and pairs of one measure."""
    every = [one.measures[name] for kept in recipes.values() for one in kept]
    of_runs = resample([measure.table for measure in every], every[0].of_sums, draws)
    found: dict[str, tuple[float, np.ndarray]] = {}
    place = 0
    for number, (recipe, kept) in enumerate(recipes.items()):
        columns = of_runs[:, place : place + len(kept)]
        place += len(kept)
        values = np.array([one.measures[name].value for one in kept])
        found[recipe] = float(values.mean()), mean_over_seeds(values, columns, seed=number + 1)
        low, high = interval(np.clip(found[recipe][1], 0, every[0].most))
        tests.intervals.append(Interval(recipe, name, found[recipe][0], low, high, len(kept)))
    pairs = []
    for first, second in itertools.combinations(recipes, 2):
        gained = found[first][1] - found[second][1]
        single = tuple(one for one in (first, second) if len(recipes[one]) == 1)
        difference = found[first][0] - found[second][0]
        p = bootstrap_p(gained)
        pairs.append(
            Pair(name, first, second, difference, *interval(gained), p, 1.0, None, None, single)
        )
    exact = _mcnemar(pairs, recipes) if name == "accuracy" else [None] * len(pairs)
    higher = every[0].higher_is_better
    for pair, corrected, votes in zip(pairs, holm([pair.p for pair in pairs]), exact, strict=True):
        first_is_better = (pair.difference > 0) == higher
        better = pair.first if first_is_better else pair.second
        supported = corrected <= ALPHA and pair.difference != 0
        tests.pairs.append(
            pair._replace(corrected=corrected, better=better if supported else None, mcnemar=votes)
        )


def _mcnemar(pairs: list[Pair], recipes: Mapping[str, list[_Kept]]) -> list[float | None]:
    """Return the corrected p-values of McNemar's test of pairs of classifiers; None of others."""
    if any("probabilities" not in one.answers for kept in recipes.values() for one in kept):
        return [None] * len(pairs)
    right = {}
    for recipe, kept in recipes.items():
        mean = np.mean([one.answers["probabilities"].astype("float64") for one in kept], axis=0)
        right[recipe] = predicted(mean) == kept[0].answers["truth"]
    return [*holm([mcnemar(right[pair.first], right[pair.second]) for pair in pairs])]


def sentence(pair: Pair, pairs: int = 1) -> str:
    """Return in plain words what a test says.

    Args:
        pair: the test.
        pairs: how many the p-value was corrected for.

    Example:
        >>> pair = Pair("accuracy", "rnn", "lstm", -0.012, -0.016, -0.008, 2e-4, 2e-4, "lstm")
        >>> sentence(pair)
        'lstm is better than rnn: +1.2 points (0.8 to 1.6)'
    """
    if pair.better is None:
        outside = pair.p <= ALPHA and pairs > 1
        told = "no difference that these data support"
        return f"{told}, once corrected for {pairs} pairs" if outside else told
    worse = pair.second if pair.better == pair.first else pair.first
    size, low, high = abs(pair.difference), *sorted(map(abs, (pair.low, pair.high)))
    sign = "+" if (pair.difference > 0) == (pair.better == pair.first) else "−"
    which = f"{pair.better} is better than {worse}"
    told = f"{which}: {sign}{_number(pair, size)}{_unit(pair)} "
    told += f"({_number(pair, low)} to {_number(pair, high)})"
    if pair.single:
        told += f"; one seed of {' and '.join(pair.single)}: another may differ"
    return told


def told(tests: PairTests | None) -> Iterable[str]:
    """Yield what the tests of the first measure say, a line for each pair, for a terminal."""
    from rnnkit.study.report import heading

    if tests is None:
        return
    yield from tests.notes
    first = [pair for pair in tests.pairs if pair.measure == tests.pairs[0].measure]
    for pair in first:
        said = sentence(pair, len(first))
        names = f"{pair.first} and {pair.second}: " if pair.better is None else ""
        yield f"{heading(pair.measure)}: {names}{said}"


def lines(tests: PairTests | None, untested: Sequence[str] = ()) -> Iterable[str]:
    """Yield the section of report.md about a study's tests, line by line; none without tests.

    Args:
        tests: of the study.
        untested: the names of its baselines, whose answers are not kept.
    """
    from rnnkit.study.report import heading, markdown

    if tests is None or not (tests.intervals or tests.notes):
        return
    yield "## Which differences mean something\n"
    for note in tests.notes:
        yield f"- {' '.join(note.split())}\n"
    if not tests.intervals:
        return
    if untested:
        yield f"- Not tested, as their answers are not kept: {', '.join(untested)}.\n"
    yield (
        f"Intervals of 95 % and p-values are over other test examples ({tests.examples:,}, "
        "resampled alike for all runs) and, with several seeds, other seeds (Student's t). "
        "p-values are corrected for the number of pairs of each measure (Holm); a difference is "
        f"supported where p is at most {ALPHA:g}. Intervals of differences are not corrected.\n"
    )
    if any(pair.mcnemar is not None for pair in tests.pairs):
        yield (
            "McNemar's exact test compares on these examples what the runs of each recipe vote for "
            "(the class with the highest mean probability); it knows nothing of other seeds.\n"
        )
    yield from markdown(_table_of_intervals(tests, heading))
    yield ""
    if tests.pairs:
        yield from markdown(_table_of_pairs(tests, heading))
        yield ""


def _table_of_intervals(tests: PairTests, heading: Callable[[str], str]) -> list[list[str]]:
    rows = [["measure", "recipe", "seeds", "mean", "interval"]]
    for one in tests.intervals:
        mean, low, high = (_value(one.measure, value) for value in (one.mean, one.low, one.high))
        rows.append([heading(one.measure), one.recipe, str(one.seeds), mean, f"{low} to {high}"])
    return rows


def _table_of_pairs(tests: PairTests, heading: Callable[[str], str]) -> list[list[str]]:
    exact = any(pair.mcnemar is not None for pair in tests.pairs)
    rows = [["measure", "pair", "difference", "interval", "p"]]
    rows[0] += [*(["p of McNemar"] if exact else []), "in words"]
    for pair in tests.pairs:
        low, high = (_signed(pair, value) for value in (pair.low, pair.high))
        row = [heading(pair.measure), f"{pair.first} − {pair.second}"]
        row += [_signed(pair, pair.difference) + _unit(pair), f"{low} to {high}"]
        row += [_p(pair.corrected), *([_p(pair.mcnemar)] if exact else [])]
        count = sum(other.measure == pair.measure for other in tests.pairs)
        rows.append([*row, sentence(pair, count)])
    return rows


def _value(measure: str, value: float) -> str:
    from rnnkit.study.report import show

    return show(measure, value)


def _number(pair: Pair, size: float) -> str:
    """Return a difference with as many digits as its interval deserves, in points of shares."""
    scale = 100 if pair.measure in PERCENT else 1
    spread = scale * max((pair.high - pair.low) / 2, 1e-12)
    digits = min(8, max(1, -math.floor(math.log10(spread))))
    return f"{scale * size:.{digits}f}"


def _signed(pair: Pair, value: float) -> str:
    return f"{'+' if value >= 0 else '−'}{_number(pair, abs(value))}"


def _unit(pair: Pair) -> str:
    return " points" if pair.measure in PERCENT else ""


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"
