"""Experiments: run folders, and comparisons of recipes over seeds.

`run_folder` defines the folder, `training` writes one, `runs` opens one, `evaluation` measures its
model, `compare` writes many, `report` summarises them, `tuning` searches settings, `engines` are
the processes and machines of both. Importing this package imports no framework: arguments are
checked first. Without a backend, `train`, `resume`, `compare` and `tune` raise `BackendError`
before any data are downloaded.
"""

from __future__ import annotations

from rnnkit.records.listing import RunSummary, list_runs
from rnnkit.study.backtesting import BacktestRow, backtest, backtest_table
from rnnkit.study.compare import Comparison, compare
from rnnkit.study.dynamics import dynamics, dynamics_figures
from rnnkit.study.ensembles import MeasuredEnsemble, evaluate_ensemble
from rnnkit.study.evaluation import ask, evaluate
from rnnkit.study.reading import series_reader
from rnnkit.study.robustness import Score, robustness, robustness_of_run, robustness_table
from rnnkit.study.run_folder import RunFolder
from rnnkit.study.runs import Run, open_model, open_run
from rnnkit.study.sources import load_data
from rnnkit.study.training import resume, train
from rnnkit.study.tuning import Tuning, tune

__all__ = [
    "BacktestRow",
    "Comparison",
    "MeasuredEnsemble",
    "Run",
    "RunFolder",
    "RunSummary",
    "Score",
    "Tuning",
    "ask",
    "backtest",
    "backtest_table",
    "compare",
    "dynamics",
    "dynamics_figures",
    "evaluate",
    "evaluate_ensemble",
    "list_runs",
    "load_data",
    "open_model",
    "open_run",
    "resume",
    "robustness",
    "robustness_of_run",
    "robustness_table",
    "series_reader",
    "train",
    "tune",
]
