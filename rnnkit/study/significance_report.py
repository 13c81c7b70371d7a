"""What the tests of a comparison say: sentences and tables for reports and terminals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rnnkit.study.report import heading, markdown, show
from rnnkit.study.significance import ALPHA, Pair, PairTests

PERCENT = ("accuracy", "f1")  # proportions, whose differences are reported in percentage points
Table = list[list[str]]  # the heading first


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
    if tests is None or not (tests.intervals or tests.notes):
        return
    yield "## Which differences mean something\n"
    for note in notes(tests, untested):
        yield f"- {note}\n"
    for paragraph in explanations(tests):
        yield f"{paragraph}\n"
    for table in (table_of_intervals(tests), table_of_pairs(tests)):
        if len(table) > 1:
            yield from markdown(table)
            yield ""


def notes(tests: PairTests, untested: Sequence[str] = ()) -> Iterable[str]:
    """Yield what was not tested and why, a sentence each; arguments as for `lines`.

    Example:
        >>> list(notes(PairTests(notes=["lstm is not tested:  it is damaged."])))
        ['lstm is not tested: it is damaged.']
    """
    for note in tests.notes:
        yield " ".join(note.split())
    if tests.intervals and untested:
        yield f"Not tested, as their answers are not kept: {', '.join(untested)}."


def explanations(tests: PairTests) -> Iterable[str]:
    """Yield how intervals and p-values were computed, a paragraph each; none without them."""
    if not tests.intervals:
        return
    yield (
        f"Intervals of 95 % and p-values are over other test examples ({tests.examples:,}, "
        "resampled alike for all runs) and, with several seeds, other seeds (Student's t). "
        "p-values are corrected for the number of pairs of each measure (Holm); a difference is "
        f"supported where p is at most {ALPHA:g}. Intervals of differences are not corrected."
    )
    if any(pair.mcnemar is not None for pair in tests.pairs):
        yield (
            "McNemar's exact test compares on these examples what the runs of each recipe vote for "
            "(the class with the highest mean probability); it knows nothing of other seeds."
        )


def table_of_intervals(tests: PairTests) -> Table:
    """Return mean and interval of each recipe and measure."""
    rows = [["measure", "recipe", "seeds", "mean", "interval"]]
    for one in tests.intervals:
        mean, low, high = (show(one.measure, value) for value in (one.mean, one.low, one.high))
        rows.append([heading(one.measure), one.recipe, str(one.seeds), mean, f"{low} to {high}"])
    return rows


def table_of_pairs(tests: PairTests) -> Table:
    """Return the tests of each pair of recipes and measure, and what they say."""
    exact = any(pair.mcnemar is not None for pair in tests.pairs)
    rows = [["measure", "pair", "difference", "interval", "p"]]
    rows[0] += [*(["p of McNemar"] if exact else []), "in words"]
    for pair in tests.pairs:
        low, high = (_signed(pair, value) for value in (pair.low, pair.high))
        row = [heading(pair.measure), f"{pair.first} − {pair.second}"]
        row += [_signed(pair, pair.difference) + _unit(pair), f"{low} to {high}"]
        row += [_p(pair.corrected), *([_p(pair.mcnemar)] if exact else [])]
        rows.append([*row, sentence(pair, pairs_of(tests, pair.measure))])
    return rows


def pairs_of(tests: PairTests, measure: str) -> int:
    """Return how many pairs were tested in a measure: so many Holm's correction is for."""
    return sum(pair.measure == measure for pair in tests.pairs)


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
