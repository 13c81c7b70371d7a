"""Where hidden states help: forecasting a series whose level jumps between hidden regimes.

python tests/benchmarks/regimes.py --steps 1000 4000 16000 --seeds 5

The series is drawn from a hidden Markov model of four states: levels 0, 2, 4 and 6 with noise of
standard deviation 1.5, a state being kept with probability 0.95. So the best forecast is known: the
mean of the next value given all values so far, under the model that drew them. Each seed draws a
series of its own, to learn from and 20,000 steps to test on. Prints a Markdown table: the excess of
each model's mean squared error over that of the best forecast, in per cent of it.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from result_runs import record

from rnnkit.baselines import linear_autoregression, persistence
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit
from rnnkit.hmm import GaussianHMM
from rnnkit.progress import Bar
from rnnkit.recipes import forecaster

STATES, TEST = 4, 20_000
MODELS: dict[str, dict[str, Any]] = {
    "LSTM": {"cell": "lstm"},
    "LSTM, no linear path": {"cell": "lstm", "linear_skip": False},
    "HMM-LSTM, input": {"cell": "hmm-lstm", "hmm": "input"},
    "HMM-LSTM, output": {"cell": "hmm-lstm", "hmm": "output"},
    "HMM-LSTM, joint": {"cell": "hmm-lstm", "hmm": "joint"},
}


def source() -> GaussianHMM:
    """Return the model that draws the series."""
    model = GaussianHMM(STATES, covariance_type="spherical")
    model.startprob_ = np.full(STATES, 1 / STATES)
    model.transmat_ = 0.95 * np.eye(STATES) + 0.05 * (1 - np.eye(STATES)) / (STATES - 1)
    model.means_, model.covars_ = 2.0 * np.arange(STATES)[:, None], np.full(STATES, 1.5**2)
    return model


def squared_error(model: GaussianHMM, series: Series, context: int) -> float:
    """Return the mean squared error of a model's own forecast where the others forecast, too.

    `E[x_t+1 | x_1..x_t] = sum_ij P(z_t = i | x_1..x_t) A_ij mu_j`; nobody has a better one than the
    model that drew the series.
    """
    forecast = (model.filter(series.values) @ model.transmat_ @ model.means_)[:, 0]
    errors = np.square(series.values[1:, 0] - forecast[:-1])
    return float(errors[context - 1 :].mean())


def excess(steps: int, seed: int, context: int = 12) -> dict[str, float]:
    """Return what each model's squared error has more than the best forecast's, in per cent."""
    true = source()
    values = true.sample(steps + TEST, seed)[0].astype("float32")
    train, test = Series(values[:steps]), Series(values[steps:])
    splits = (SeriesSplit([train]), SeriesSplit([train]), SeriesSplit([test]))
    data = SeriesDataset("regimes", *splits, ("level",), 0, 1, "Drawn from a hidden Markov model.")
    settings = {"horizon": 1, "target": 0, "profile": None, "context": context}
    found = {
        "last value": persistence(data, settings)["test"]["rmse"],
        "AR(12)": linear_autoregression(data, settings)["test"]["rmse"],
    }
    alone = GaussianHMM(STATES, covariance_type="spherical", random_state=seed, n_init=3)
    found["HMM alone"] = squared_error(alone.fit(train.values), test, context) ** 0.5
    for name, options in MODELS.items():
        model = forecaster(**options, **settings, seed=seed)
        model.fit([train], verbose=0)
        found[name] = model.evaluate([test], return_dict=True, verbose=0)["rmse"]
    best = squared_error(true, test, context)
    return {name: 100 * (rmse**2 / best - 1) for name, rmse in found.items()}


def table(lengths: list[int], seeds: int) -> dict[str, dict[str, list[float]]]:
    """Print the table, a column for each number of steps to learn from; return its values."""
    values: dict[str, dict[str, list[float]]] = {}
    rows: dict[str, list[str]] = {}
    with Bar("trainings", total=len(lengths) * seeds) as bar:
        for column, steps in enumerate(lengths):
            drawn = []
            for seed in range(seeds):
                drawn.append(excess(steps, seed))
                bar.advance_to(column * seeds + seed + 1)
            for name in drawn[0]:
                each = [one[name] for one in drawn]
                cell = f"{np.mean(each):.1f} ± {np.std(each, ddof=min(1, seeds - 1)):.1f}"
                rows.setdefault(name, []).append(cell)
                values.setdefault(name, {})[f"excess_{steps}"] = each
    print(f"| learned from | {' | '.join(f'{steps:,} steps' for steps in lengths)} |")
    print("|---" * (len(lengths) + 1) + "|")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")
    return values


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=[1000, 4000, 16000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--record", action="store_true", help="in recipes/results.json and its table"
    )
    arguments = parser.parse_args()
    measured = table(arguments.steps, arguments.seeds)
    if arguments.record:
        rows = [({"model": name}, values) for name, values in measured.items()]
        record("regimes", rows, arguments.seeds)
