"""Exported models: files that other programs run, each compared with the model it was made of."""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
from rnnkit.tasks.artifacts.exporting import Exported, export_task
from rnnkit.tasks.artifacts.formats import HELD

__all__ = ["HELD", "Exported", "export_task"]
