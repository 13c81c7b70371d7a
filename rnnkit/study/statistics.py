"""Statistics of models that were measured on the same examples: intervals, paired tests, Holm.

A measure is a function of sums over examples: accuracy of (right, all), F1 of (hits, predicted,
true), perplexity of (loss, tokens). So resampled examples are resampled rows of numbers, and the
same rows are drawn for all models: what is hard for all of them cancels in a difference.

Two things vary: the examples that were drawn for the test split, and the seeds of the runs.
Examples are many, and are resampled. Seeds are few: three of them, resampled, have two thirds of
their variance, and up to 15 of 100 differences that are none would seem to be some at a level of
5 %. So the mean over seeds is drawn from Student's t, with the variance of the runs beyond what the
examples explain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnnkit.errors import InputError

DRAWS = 10_000
LEVEL = 0.95
_CELLS = 4_000_000  # numbers in memory at once

OfSums = Callable[[np.ndarray], np.ndarray]  # sums (..., K) -> measures (...)


def resample(
    tables: Sequence[np.ndarray], of_sums: OfSums, draws: int = DRAWS, seed: int = 0
) -> np.ndarray:
    """Return the measure of each model on resampled examples, the same ones for all: `(draws, R)`.

    Args:
        tables: of each of the R models `(N, K)` numbers, the summands of each example.
        of_sums: the measure of their sums.
        draws: how many times N examples are drawn with replacement.
        seed: of the draws.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap.

    Example:
        >>> right = np.array([[1.0], [0.0], [1.0], [1.0]])
        >>> resample([right, 1 - right], lambda sums: sums[..., 0] / 4, draws=3).sum(axis=1)
        array([1., 1., 1.])
    """
    stacked = np.stack([np.asarray(table, "float64") for table in tables], axis=1)  # (N, R, K)
    count, models, width = stacked.shape
    # Examples with the same numbers in all models are one kind: there are few of right and wrong.
    kinds, number = np.unique(stacked.reshape(count, -1), axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    found = np.empty((draws, models))
    step = max(1, _CELLS // max(len(kinds), models * width))
    for start in range(0, draws, step):
        some = min(step, draws - start)
        sums = (_times_drawn(number, some, rng) @ kinds).reshape(some, models, width)
        found[start : start + some] = of_sums(sums)
    return found


def _times_drawn(number: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each kind of examples is drawn, `(draws, kinds)`, from the number of each.

    That is multinomial; of many kinds, drawing one by one takes less time.
    """
    count = int(number.sum())
    if len(number) < count / 4:
        return rng.multinomial(count, number / count, size=draws).astype("float64")
    kind = np.repeat(np.arange(len(number)), number)
    found = np.empty((draws, len(number)))
    for row in found:
        row[:] = np.bincount(kind[rng.integers(0, count, count)], minlength=len(number))
    return found


def mean_over_seeds(values: np.ndarray, resampled: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return draws of a recipe's mean measure over other examples and other seeds, `(draws,)`.

    With one run there is nothing to tell the spread of seeds: the draws are those of the examples.

    Args:
        values: the measure of each of the recipe's S runs on all examples, `(S,)`.
        resampled: the same on resampled examples, `(draws, S)`.
        seed: of the draws.

    Source: Student's t for the mean of few seeds, as in Behrens and Fisher's problem: Barnard 1984,
    Applied Statistics 33(3).

    Example:
        >>> draws = mean_over_seeds(np.array([0.8, 0.9]), np.full((1000, 2), 0.85))
        >>> bool(np.std(draws) > 0.05)
        True
    """
    means = resampled.mean(axis=1)
    runs = len(values)
    if runs < 2:
        return np.asarray(means)
    # Runs also differ by which examples each gets right, which resampled examples show already.
    explained = (resampled - means[:, None]).var(axis=0).sum() / (runs - 1)
    beyond = max(0.0, float(np.var(values, ddof=1)) - explained)
    noise = np.random.default_rng(seed).standard_t(runs - 1, len(means))
    return np.asarray(means + np.sqrt(beyond / runs) * noise)


def interval(draws: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of draws.

    Measures of many examples are nearly symmetric around their mean, so BCa would change little;
    it has no value for the draws over seeds.

    Example:
        >>> interval(np.arange(101.0), 0.5)
        (25.0, 75.0)
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level}; expected a number between 0 and 1, such as 0.95.")
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_p(draws: np.ndarray) -> float:
    """Return the two-sided p-value of a difference whose draws these are.

    It is below 0.05 where 0 is outside of the percentile interval of 95 %; never below
    `2 / (draws + 1)`.

    Example:
        >>> bootstrap_p(np.array([0.1, 0.2, 0.3, -0.1]))
        0.8
    """
    less = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return min(1.0, 2 * (1 + less) / (len(draws) + 1))


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Return the exact two-sided p-value of McNemar's test of two classifiers.

    Args:
        first: whether the first one is right about each example.
        second: whether the second one is.

    Source: McNemar 1947, Psychometrika 12(2); the binomial test of the examples about which one of
    them alone is right.

    Example:
        >>> mcnemar(np.array([1, 1, 1, 1, 0], bool), np.array([0, 0, 0, 1, 0], bool))
        0.25
    """
    from scipy.stats import binom

    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    least = min(only_first, only_second)
    return min(1.0, 2 * float(binom.cdf(least, only_first + only_second, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values, corrected for how many there are, so that the chance of one error is alpha.

    Source: Holm 1979, Scandinavian Journal of Statistics 6(2).

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    found = [0.0] * len(p_values)
    largest = 0.0
    for place, i in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - place) * float(p_values[i])))
        found[i] = largest
    return found
