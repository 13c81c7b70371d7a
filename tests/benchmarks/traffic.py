"""Forecasting traffic: yardsticks, recurrent networks, networks with a hidden Markov model.

python tests/benchmarks/traffic.py --data pems_flow --horizons 1 6 12 --seeds 5

Settings are chosen on valid (`--on valid`: train on train). For test every model learns from train
and valid together, with those settings and no look at either while it trains. The same steps count
for all models: those with twelve steps read and a measurement `horizon` steps later. A series ends
at a gap; under "rows joined" the rows of the split are one series over all gaps, as the published
figures of PeMS flow have it. Prints a Markdown table: the mean of the seeds ± the standard
deviation between them.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from typing import Any

import numpy as np
from result_runs import record

from rnnkit import datasets
from rnnkit.baselines import linear_autoregression, persistence
from rnnkit.data.autoregression import lags
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit
from rnnkit.data.series_encoding import SeriesEncoder
from rnnkit.recipes import forecaster

LAGS = 12
MODELS: dict[str, dict[str, Any]] = {
    "LSTM": {"cell": "lstm"},
    "GRU": {"cell": "gru"},
    "HMM-LSTM, input": {"cell": "hmm-lstm", "hmm": "input"},
    "HMM-LSTM, output": {"cell": "hmm-lstm", "hmm": "output"},
    "HMM-LSTM, joint": {"cell": "hmm-lstm", "hmm": "joint"},
    "LSTM, no linear path": {"cell": "lstm", "linear_skip": False},
    "HMM-GRU, input": {"cell": "hmm-gru", "hmm": "input"},
}


def joined(series: list[Series]) -> list[Series]:
    """Put all rows into one series, over the gaps."""
    times = np.concatenate([one.times for one in series])
    return [Series(np.concatenate([one.values for one in series]), times)]


def chosen(name: str, on: str) -> SeriesDataset:
    """Return a data set whose train and test are those to be used."""
    data = datasets.load(name)
    if on == "valid":
        return dataclasses.replace(data, test=data.valid)
    return dataclasses.replace(data, train=SeriesSplit([*data.train.x, *data.valid.x]))


def line_through_values(data: SeriesDataset, horizon: int) -> dict[str, float]:
    """Measure `v_{t+h} = Σ_k a_k v_{t-k} + a p_{t+h} + b`, p the mean of that time of the day.

    The yardstick of the published figures: the values themselves and the time of day. A value that
    was not measured is the usual one.
    """
    encoder = SeriesEncoder(target=data.target, horizon=horizon, smoothing=0.0)
    encoder.learn(data.train.x)
    change = encoder.names.index("change")

    def rows(series: list[Series]) -> tuple[np.ndarray, np.ndarray]:
        inputs, came = [], []
        for one in encoder.encode(series):
            counts = one.counts(LAGS)
            value = one.base + encoder.scale * (one.x[:, 0] - one.x[:, change])
            columns = [lags(value, LAGS), one.base[:, None], np.ones((len(value), 1))]
            inputs.append(np.concatenate(columns, axis=1)[counts])
            came.append((one.base + encoder.scale * one.target)[counts])
        return np.concatenate(inputs), np.concatenate(came)

    solution = np.linalg.lstsq(*rows(data.train.x), rcond=None)[0]
    inputs, came = rows(data.test.x)
    error = inputs @ solution - came
    return {"mae": np.abs(error).mean(), "rmse": np.sqrt(np.square(error).mean())}


Measured = dict[tuple[int, str], dict[str, list[float]]]


def line(name: str, horizon: int, both: list[dict[str, float]]) -> dict[str, list[float]]:
    """Print the row of a baseline, measured apart and joined; return its values."""
    cells = " | ".join(f"{measured[kind]:.3f}" for measured in both for kind in ("mae", "rmse"))
    print(f"| {horizon} | {name} | {cells} | | |", flush=True)
    return {
        f"{kind}{where}": [float(measured[kind])]
        for measured, where in zip(both, ("", "_joined"), strict=True)
        for kind in ("mae", "rmse")
    }


def table(arguments: argparse.Namespace) -> Measured:
    """Print the table for one data set; return its values by horizon and model."""
    measured: Measured = {}
    data = chosen(arguments.data, arguments.on)
    one = dataclasses.replace(data, test=SeriesSplit(joined(data.test.x)))
    print(f"\n{arguments.data}, {arguments.on}\n")
    print(
        "| steps ahead | model | MAE | RMSE | MAE, rows joined | RMSE, rows joined | weights | s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for horizon in arguments.horizons:
        settings = {"horizon": horizon, "target": data.target}
        both = [persistence(found, settings)["test"] for found in (data, one)]
        measured[horizon, "persistence"] = line("persistence", horizon, both)
        both = [line_through_values(found, horizon) for found in (data, one)]
        name = "AR(12) + time of day"
        measured[horizon, name] = line(name, horizon, both)
        both = [linear_autoregression(found, settings)["test"] for found in (data, one)]
        name = "AR(12) of deviations"
        measured[horizon, name] = line(name, horizon, both)
        for name in arguments.models:
            found = []
            for seed in range(arguments.seeds):
                model = forecaster(**MODELS[name], **settings, seed=seed)
                start = time.perf_counter()
                model.fit(data.train.x, verbose=0)
                seconds = time.perf_counter() - start
                apart = model.evaluate(data.test.x, return_dict=True, verbose=0)
                joint = model.evaluate(one.test.x, return_dict=True, verbose=0)
                errors = [split[kind] for split in (apart, joint) for kind in ("mae", "rmse")]
                found.append([*errors, model.count_params(), seconds])
            columns = ("mae", "rmse", "mae_joined", "rmse_joined", "parameters", "seconds")
            values = [[float(one) for one in column] for column in zip(*found, strict=True)]
            measured[horizon, name] = dict(zip(columns, values, strict=True))
            mean, spread = np.mean(found, 0), np.std(found, 0, ddof=min(1, len(found) - 1))
            cells = " | ".join(f"{mean[i]:.3f} ± {spread[i]:.3f}" for i in range(4))
            print(
                f"| {horizon} | {name} | {cells} | {mean[4]:,.0f} | {mean[5]:.0f} |",
                flush=True,
            )
    return measured


def keep(measured: Measured, data: str, seeds: int) -> None:
    """Put the rows into the tables of recipes/results.json."""
    names = list(dict.fromkeys(name for _, name in measured))
    horizons = list(dict.fromkeys(horizon for horizon, _ in measured))
    tables: dict[str, list[tuple[dict[str, str], Any]]] = {"traffic_joined": [], "traffic": []}
    if data == "metro_traffic":
        tables = {"metro": []}
    for name in names:
        first = measured[horizons[0], name]
        weights = {"parameters": first["parameters"]} if "parameters" in first else {}
        where = "_joined" if "traffic" in tables else ""
        values = {kind: first[kind + where] for kind in ("mae", "rmse")}
        tables[next(iter(tables))].append(({"model": name}, values | weights))
        if "traffic" in tables:
            by_horizon = {
                f"{kind}_h{h}": measured[h, name][kind]
                for h in horizons
                for kind in ("mae", "rmse")
            }
            tables["traffic"].append(({"model": name}, by_horizon))
    for table, rows in tables.items():
        record(table, [row for row in rows if row[0]["model"] in MODELS], seeds)
        record(table, [row for row in rows if row[0]["model"] not in MODELS], None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="pems_flow", choices=datasets.names("series"))
    parser.add_argument("--on", default="test", choices=["valid", "test"])
    parser.add_argument("--horizons", type=int, nargs="+", default=[1])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument(
        "--record", action="store_true", help="in recipes/results.json and its table"
    )
    given = parser.parse_args()
    if given.record and (given.on, given.horizons[0]) != ("test", 1):
        parser.error("--record keeps the test split, with 1 as the first of the horizons")
    found = table(given)
    if given.record:
        keep(found, given.data, given.seeds)
