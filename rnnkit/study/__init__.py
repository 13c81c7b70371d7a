"""Training that leaves a record: one folder a run, many runs compared in one report.

`runs` is the folder, `training` fills one, `compare` fills many and `report` writes them up.
Importing this package loads no framework; training does.
"""

from __future__ import annotations

from rnnkit.study.compare import Comparison, compare
from rnnkit.study.runs import Run, RunFolder, evaluate, open_model, open_run
from rnnkit.study.sources import load_data
from rnnkit.study.training import train

__all__ = [
    "Comparison",
    "Run",
    "RunFolder",
    "compare",
    "evaluate",
    "load_data",
    "open_model",
    "open_run",
    "train",
]
