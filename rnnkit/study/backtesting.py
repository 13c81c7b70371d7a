"""Backtest of forecasters: errors from rolling origins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rnnkit import baselines
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit, split_by_time
from rnnkit.errors import InputError, check_count
from rnnkit.study.outputs import is_part, parts

BASELINES: Mapping[str, Callable[..., dict[str, Any]]] = {
    "persistence": baselines.persistence,
    "seasonal naive": baselines.seasonal_naive,
    "linear autoregression": baselines.linear_autoregression,
    "exponential smoothing": baselines.exponential_smoothing,
}


class BacktestRow(NamedTuple):
    """The errors of one model in the fold that follows one origin.

    Attributes:
        origin: steps before the origin: these are the training data.
        model: "forecaster", or the name of a baseline.
        errors: MAE and RMSE, overall and of each output, as `evaluate` names them.
    """

    origin: int
    model: str
    errors: dict[str, float]


def backtest(
    model: Any,
    series: Series | Sequence[Series],
    *,
    folds: int = 4,
    step: int | None = None,
    baselines: bool = True,
    **fit_options: Any,
) -> list[BacktestRow]:
    """Measure a forecaster from rolling origins: train on all before, forecast the steps after.

    Forecasts are made within the steps of the fold alone: nothing before an origin is forecast, and
    nothing after the fold is read. Series without a common order (groups) are not supported: give
    one series, or the parts of one that gaps have cut, in the order of time.

    Args:
        model: a function without arguments that returns an untrained `Forecaster`, which is called
            for each origin; or a trained `Forecaster`, which is used as it is at all origins. That
            one must not have been trained on the steps of the folds.
        series: one series, or its parts.
        folds: how many origins.
        step: steps from one origin to the next, and of each fold; None = half of the steps in all.
        baselines: add persistence, seasonal naive, linear autoregression and, where statsmodels is
            installed, exponential smoothing, each fitted to what lies before the origin.
        **fit_options: for `fit`, such as ``epochs`` and ``verbose``.

    Returns:
        A row for each origin and model.

    Raises:
        InputError: the series are too short, or are of several groups.

    Example:
        >>> from functools import partial
        >>> import numpy as np
        >>> from rnnkit.recipes import forecaster
        >>> waves = Series(np.sin(np.arange(400) / 5))
        >>> make = partial(forecaster, units=4, horizon=(1, 6))
        >>> rows = backtest(make, waves, folds=2, epochs=1, verbose=0)
        >>> [(row.origin, row.model) for row in rows][:2]
        [(200, 'forecaster'), (200, 'persistence')]
    """
    parts = [series] if isinstance(series, Series) else list(series)
    if len({one.name for one in parts}) > 1:
        raise InputError("The series are of several groups: backtest each of them alone.")
    total = sum(map(len, parts))
    check_count("folds", folds)
    step = total // (2 * folds) if step is None else check_count("step", step)
    if step < 1 or folds * step >= total:
        raise InputError(
            f"{folds} folds of {step} steps leave nothing to train on: there are {total} steps."
        )
    rows = []
    for origin in range(total - folds * step, total - step + 1, step):
        train, fold, _ = split_by_time(parts, [origin, step, total - origin - step])
        task = model
        if getattr(model, "network", None) is None:
            task = model()
            task.fit(train, **fit_options)
        found = task.evaluate(fold, return_dict=True, verbose=0)
        found.pop("loss")
        rows.append(BacktestRow(origin, "forecaster", found))
        if baselines:
            rows += _baseline_rows(task, train, fold, origin)
    return rows


def backtest_table(rows: Sequence[BacktestRow]) -> list[list[str]]:
    """Return the table of a backtest as text, the heading first: by origin, output and model.

    With one output its column is left out. `rnnkit.study.report.markdown` writes it as Markdown.

    Example:
        >>> errors = {"mae": 2.0, "mae_h1": 1.5, "mae_h6": 2.5}
        >>> for line in backtest_table([BacktestRow(200, "forecaster", errors)]):
        ...     print(line)
        ['origin', 'output', 'model', 'MAE']
        ['200', 'h1', 'forecaster', '1.5000']
        ['200', 'h6', 'forecaster', '2.5000']
    """
    from rnnkit.study.report import heading, in_order, show

    names = [name for row in rows for name in row.errors]
    outputs = parts(names, "output")
    whole = {"": {name: name for name in names if not is_part(name)}}
    measures = in_order(name for found in (outputs or whole).values() for name in found)
    lines = [["origin", *(["output"] if outputs else []), "model", *map(heading, measures)]]
    for origin in dict.fromkeys(row.origin for row in rows):
        for output, found in (outputs or whole).items():
            for row in (row for row in rows if row.origin == origin):
                values = [row.errors.get(found.get(measure, "")) for measure in measures]
                cells = [show(name, value) for name, value in zip(measures, values, strict=True)]
                lines.append([str(origin), *([output] if outputs else []), row.model, *cells])
    return lines


def _baseline_rows(
    task: Any, train: list[Series], fold: list[Series], origin: int
) -> list[BacktestRow]:
    splits = (SeriesSplit(train), SeriesSplit([]), SeriesSplit(fold))
    dataset = SeriesDataset("backtest", *splits, train[0].columns, 0, 1, about="A fold.")
    encoder = getattr(task.encoder, "parts", [task.encoder])[0]
    settings = {
        "target": task.encoder.target,
        "horizon": task.encoder.horizon,
        "context": task.context,
        "profile": encoder.profile_of,
        "smoothing": encoder.smoothing,
        "harmonics": encoder.harmonics,
    }
    rows = []
    for name, baseline in BASELINES.items():
        try:
            rows.append(BacktestRow(origin, name, baseline(dataset, settings)["test"]))
        except ImportError:  # of statsmodels, which is optional
            continue
    return rows
