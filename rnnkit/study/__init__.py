"""Training that leaves a record: one folder a run, many runs compared in one report.

`runs` is the folder, `training` fills one, `compare` fills many and `report` writes them up.
Where no backend is installed, importing this package says so: before any data is fetched.
"""

from __future__ import annotations

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
from rnnkit.study.compare import Comparison, compare
from rnnkit.study.runs import Run, RunFolder, ask, evaluate, open_model, open_run
from rnnkit.study.sources import load_data
from rnnkit.study.training import train

__all__ = [
    "Comparison",
    "Run",
    "RunFolder",
    "ask",
    "compare",
    "evaluate",
    "load_data",
    "open_model",
    "open_run",
    "train",
]
