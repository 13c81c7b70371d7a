"""Statistics of models on the same examples, against SciPy, statsmodels and enumeration."""

import itertools
import os

import numpy as np
import pytest
from scipy import stats

from rnnkit.errors import InputError
from rnnkit.study.kept_answers import ratio
from rnnkit.study.statistics import (
    bootstrap_p,
    holm,
    interval,
    mcnemar,
    mean_over_seeds,
    resample,
)

RNG = np.random.default_rng(22)
DEEP = bool(os.environ.get("RNNKIT_DEEP"))


def shares(right):
    """The table of a classifier: right, and one."""
    return np.column_stack([right, np.ones(len(right))]).astype(float)


@pytest.mark.parametrize("kinds", ["few", "many"])
def test_resampled_measures_are_those_of_all_resamples(kinds):
    # Few kinds are drawn by their number, many one by one.
    if kinds == "few":
        first, second = np.eye(2)[[0, 0, 0, 1, 1, 1, 1, 1, 0]], np.eye(2)[[0, 0, 0, 1] + [1] * 5]
        draws = resample([first, second], lambda sums: sums[..., 0] / 9, 20_000)
        hits = first[:, 0].sum(), second[:, 0].sum()
        # Wherever the second is right the first is, and once more.
        assert (draws[:, 0] >= draws[:, 1]).all()
        for column, hit in zip(draws.T, hits, strict=True):
            exact = stats.binom.pmf(np.arange(10), 9, hit / 9)
            seen = np.bincount(np.rint(9 * column).astype(int), minlength=10) / len(column)
            np.testing.assert_allclose(seen, exact, atol=0.015)
        return
    table = np.array([[1.0, 2.0], [3.0, 1.0], [-2.0, 1.0], [5.0, 3.0]])
    every = [ratio(table[list(rows)].sum(0)) for rows in itertools.product(range(4), repeat=4)]
    draws = resample([table], ratio, 20_000)[:, 0]
    for level in np.linspace(0.05, 0.95, 19):
        assert (draws <= np.quantile(every, level) + 1e-9).mean() == pytest.approx(
            np.mean(np.array(every) <= np.quantile(every, level) + 1e-9), abs=0.015
        )


def test_the_same_examples_are_drawn_for_all():
    right = RNG.random(300) < 0.7
    draws = resample([shares(right), shares(~right)], ratio, 50)
    np.testing.assert_allclose(draws.sum(axis=1), 1)


def test_an_interval_of_a_mean_is_that_of_the_normal_distribution():
    numbers = RNG.normal(3, 2, 400)
    low, high = interval(resample([shares(numbers)], ratio, 10_000)[:, 0])
    expected = stats.norm.interval(0.95, numbers.mean(), numbers.std() / 20)
    assert (low, high) == pytest.approx(expected, abs=0.02)
    with pytest.raises(InputError, match="level is 95"):
        interval(numbers, 95)


def test_draws_over_seeds_have_the_interval_of_student():
    values = np.array([0.80, 0.83, 0.81])  # examples that change nothing
    draws = mean_over_seeds(values, np.tile(values, (100_000, 1)))
    spread = values.std(ddof=1) / np.sqrt(3)
    expected = stats.t.interval(0.95, 2, values.mean(), spread)
    assert interval(draws) == pytest.approx(expected, abs=0.003)


def test_one_seed_has_no_spread_of_its_own():
    of_examples = RNG.normal(size=(1000, 1))
    assert (mean_over_seeds(np.array([0.5]), of_examples) == of_examples[:, 0]).all()


def test_mcnemar_is_the_exact_binomial_test():
    for size in (1, 7, 200):
        first, second = RNG.random((2, size)) < 0.6
        alone = (first & ~second).sum(), (second & ~first).sum()
        expected = stats.binomtest(alone[0], sum(alone)).pvalue if sum(alone) else 1.0
        assert mcnemar(first, second) == pytest.approx(expected)
        contingency = pytest.importorskip("statsmodels.stats.contingency_tables")
        table = [[(first & second).sum(), alone[0]], [alone[1], (~first & ~second).sum()]]
        if sum(alone):
            assert mcnemar(first, second) == pytest.approx(contingency.mcnemar(table).pvalue)


def test_holm_is_that_of_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    for count in (1, 2, 15):
        p = RNG.random(count) ** 4
        assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1].tolist())
    assert holm([]) == []


def test_p_and_interval_agree():
    for shift in np.linspace(-4, 4, 30):
        draws = RNG.normal(shift, 1, 2000)
        low, high = interval(draws)
        outside = low > 0 or high < 0
        p = bootstrap_p(draws)
        assert outside == (p < 0.05) or p == pytest.approx(0.05, abs=0.003)


@pytest.mark.parametrize(
    ("seeds", "of_seed", "of_both"), [(1, 0, 0.3), (3, 0, 0.3), (3, 0.05, 0), (3, 0.05, 0.3)]
)
def test_differences_that_are_none_are_rarely_found(seeds, of_seed, of_both):
    """Two recipes of the same quality: how often the test says that they differ at 5 %.

    Examples are hard or easy for both recipes, for each of them, and for single runs; the quality
    of a run also depends on its seed. `of_seed` and `of_both` are these two standard deviations.
    """
    trials, size = (1000, 150) if DEEP else (60, 150)
    rng, found = np.random.default_rng(seeds), 0
    for trial in range(trials):
        hard = rng.normal(size=size)
        tables, values = [], []
        for _ in range(2):
            ours = hard + rng.normal(0, 0.3, size)
            runs = [
                ours + rng.normal(0, of_seed) + rng.normal(0, of_both, size) for _ in range(seeds)
            ]
            tables += [shares(run) for run in runs]
            values.append(np.array([run.mean() for run in runs]))
        draws = resample(tables, ratio, 300, seed=trial)
        first = mean_over_seeds(values[0], draws[:, :seeds], seed=trial + 1)
        second = mean_over_seeds(values[1], draws[:, seeds:], seed=trial + 50_000)
        found += bootstrap_p(first - second) <= 0.05
    most = stats.binom.ppf(0.9999, trials, 0.06)
    assert found <= most, f"{found} of {trials}"
    if DEEP:
        print(f"{seeds} seeds, sd {of_seed} of seeds, {of_both} of runs: {found / trials:.1%}")
    if seeds == 1:
        assert found >= stats.binom.ppf(0.0001, trials, 0.04)


def test_differences_are_found():
    right = RNG.random(500) < 0.7
    worse = right & (RNG.random(500) < 0.9)
    draws = resample([shares(right), shares(worse)], ratio, 2000)
    assert bootstrap_p(draws[:, 0] - draws[:, 1]) < 0.01
    assert mcnemar(right, worse) < 0.01
