"""Forecasting traffic: yardsticks, recurrent networks, networks with a hidden Markov model.

python tests/benchmarks/traffic.py --data pems_flow --horizons 1 --seeds 5

Settings are chosen on valid (`--on valid`: train on train). For test every model learns from train
and valid together, with those settings. The same steps count for all models: those with CONTEXT
steps read and a measurement `horizon` steps later. `--joined` puts the rows of a split into one
series over all gaps, as the published figures of PeMS flow have it; without it a series ends at a
gap. Prints a Markdown table: the mean of the seeds ± the standard deviation between them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnkit import datasets
from rnnkit.data.series import Series
from rnnkit.data.series_encoding import SeriesEncoder
from rnnkit.recipes import traffic

CONTEXT = 12
Forecast = Callable[[Series], np.ndarray]  # (T,): number t is made at step t
MODELS: dict[str, dict[str, Any]] = {
    "LSTM": {"model": "lstm"},
    "GRU": {"model": "gru"},
    "RNN": {"model": "rnn"},
}


def joined(series: list[Series]) -> list[Series]:
    """Put all rows into one series, over the gaps."""
    times = np.concatenate([one.times for one in series])
    return [Series(np.concatenate([one.values for one in series]), times)]


def errors(series: list[Series], forecast: Forecast, horizon: int, target: int) -> np.ndarray:
    """Return the error of each step that counts."""
    found = []
    for one in series:
        value = one.values[:, target].astype("float64")
        error = forecast(one)[CONTEXT - 1 : -horizon] - value[CONTEXT - 1 + horizon :]
        found.append(error[np.isfinite(value[CONTEXT - 1 + horizon :])])
    return np.concatenate(found)


def lags(one: Series, encoder: SeriesEncoder, deviations: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the last CONTEXT values `(T, CONTEXT)` at each step, and what is usual `(T,)` then.

    A value that was not measured is the usual one. With deviations they are values less the usual.
    """
    encoded = encoder.encode([one])[0]
    value = encoded.x[:, 0].astype("float64") * encoder.scale
    usual = encoder.encode([Series(one.values, one.times)])[0].base
    if not deviations:
        now = usual - encoded.x[:, encoder.names.index("change")] * encoder.scale
        value = value + now
    padded = np.concatenate([np.zeros(CONTEXT - 1), value])
    window = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT)
    return window, usual


def persistence(one: Series, target: int) -> np.ndarray:
    """Return the last value that was measured."""
    value = one.values[:, target].astype("float64")
    last = np.maximum.accumulate(np.where(np.isfinite(value), np.arange(len(value)), 0))
    return value[last]


def linear(
    train: list[Series], horizon: int, target: int, deviations: bool, smoothing: float
) -> Forecast:
    """Return the least-squares forecast from the last CONTEXT values and the time of day.

    With deviations `p + Σ a_k (v - p)`, p being usual at its time; without `a p + Σ a_k v + b`.
    """
    encoder = SeriesEncoder(target=target, horizon=horizon, smoothing=smoothing)
    encoder.learn(train)

    def inputs(one: Series) -> tuple[np.ndarray, np.ndarray]:
        window, usual = lags(one, encoder, deviations)
        free = [window] if deviations else [window, usual[:, None]]
        return np.concatenate([*free, np.ones((len(one), 1))], 1), usual * deviations

    rows, wanted = [], []
    for one in train:
        if len(one) < CONTEXT + horizon:
            continue
        x, usual = inputs(one)
        y = one.values[:, target].astype("float64")[CONTEXT - 1 + horizon :]
        there = np.isfinite(y)
        rows.append(x[CONTEXT - 1 : -horizon][there])
        wanted.append((y - usual[CONTEXT - 1 : -horizon])[there])
    solution = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0]

    def forecast(one: Series) -> np.ndarray:
        x, usual = inputs(one)
        return x @ solution + usual

    return forecast


def table(arguments: argparse.Namespace) -> None:
    """Print the table for one data set."""
    data = datasets.load(arguments.data)
    train, test = data.train.x, data.valid.x
    if arguments.on == "test":
        train, test = [*data.train.x, *data.valid.x], data.test.x
    if arguments.joined:
        train, test = joined(train), joined(test)
    print(f"\n{arguments.data}, {arguments.on}{', rows joined' if arguments.joined else ''}\n")
    print("| steps ahead | model | MAE | RMSE | parameters | training, s |")
    print("|---|---|---|---|---|---|")
    for horizon in arguments.horizons:
        yardsticks: dict[str, Forecast] = {
            "persistence": lambda one: persistence(one, data.target),
            "AR(12) + time of day": linear(train, horizon, data.target, False, 0.0),
            "AR(12) of deviations": linear(train, horizon, data.target, True, 5.0),
        }
        for name, forecast in yardsticks.items():
            error = errors(test, forecast, horizon, data.target)
            mae, rmse = np.abs(error).mean(), np.sqrt(np.square(error).mean())
            print(f"| {horizon} | {name} | {mae:.2f} | {rmse:.2f} | | |", flush=True)
        for name in arguments.models:
            found = []
            for seed in range(arguments.seeds):
                settings = {**MODELS[name], "horizon": horizon, "target": data.target}
                model = traffic.traffic_forecaster(**settings, seed=seed)
                start = time.perf_counter()
                model.fit(train, verbose=0)
                seconds = time.perf_counter() - start
                measured = model.evaluate(test, return_dict=True, verbose=0)
                found.append([measured["mae"], measured["rmse"], model.count_params(), seconds])
            mean, spread = np.mean(found, 0), np.std(found, 0, ddof=min(1, len(found) - 1))
            print(
                f"| {horizon} | {name} | {mean[0]:.3f} ± {spread[0]:.3f} | {mean[1]:.3f} ± "
                f"{spread[1]:.3f} | {mean[2]:,.0f} | {mean[3]:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="pems_flow", choices=datasets.names("series"))
    parser.add_argument("--on", default="test", choices=["valid", "test"])
    parser.add_argument("--joined", action="store_true")
    parser.add_argument("--horizons", type=int, nargs="+", default=[1])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    table(parser.parse_args())
