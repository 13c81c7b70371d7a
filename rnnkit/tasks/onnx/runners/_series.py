"""Run an exported classifier of series or of their steps: Python, NumPy and ONNX Runtime alone.

    python runner.py series.csv other.csv

Each file holds a header and a line of numbers for each step. Prints the class of each file and its
probability; of a model that labels steps, the class of each step, an empty line after each file.
From Python: `SeriesClassifier().predict([values])` with arrays `(T, D)`. What it reads lies beside
this file: `preprocessing.json` and the model that it names.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


class SeriesClassifier:
    """A classifier of series: `classes` in the order of the probabilities; `predict`."""

    def __init__(self, folder: str | Path = Path(__file__).parent) -> None:
        given = json.loads((Path(folder) / "preprocessing.json").read_text(encoding="utf-8"))
        self.settings, self.classes, self.columns = given, given["classes"], given["columns"]
        path, place = str(Path(folder) / given["model"]), ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(path, providers=place)

    def features(self, values: Any) -> np.ndarray:
        """Return a series as the model reads it, float32 `(T, D)`; refuse what is none."""
        table = np.asarray(values, "float64")
        table = table[:, None] if table.ndim == 1 else table
        width = self.settings["features"]
        if table.ndim != 2 or table.shape[1] != width or not len(table):
            raise ValueError(f"a series has the shape {table.shape}; expected (T, {width})")
        if not np.isfinite(table).all():
            raise ValueError("a series holds numbers that are not finite")
        if self.settings["feature_scale"] is not None:
            mean, spread = np.array(self.settings["feature_scale"]).T
            table = (table - mean) / spread
        most = self.settings["max_length"]
        if most is not None and len(table) > most:
            ends = {"head": (most, 0), "tail": (0, most), "both": (most - most // 2, most // 2)}
            head, tail = ends[self.settings["truncate"]]
            table = np.concatenate([table[:head], table[len(table) - tail :]])
        return table.astype("float32")

    def predict(self, series: Sequence[Any], batch_size: int = 32) -> list[np.ndarray]:
        """Return probabilities of each series, of the second of two classes or of all, `(C,)`.

        Of a model that labels steps they are `(T, C)`.
        """
        rows = [self.features(one) for one in series]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))  # little padding
        found: list[Any] = [None] * len(rows)
        for start in range(0, len(rows), batch_size):
            batch = order[start : start + batch_size]
            steps = max(len(rows[i]) for i in batch)
            values = np.zeros((len(batch), steps, self.settings["features"]), np.float32)
            mask = np.zeros((len(batch), steps), bool)
            for k, i in enumerate(batch):
                values[k, : len(rows[i])], mask[k, : len(rows[i])] = rows[i], True
            (outputs,) = self._session.run(None, {"values": values, "mask": mask})
            for i, output in zip(batch, outputs, strict=True):
                found[i] = output[: len(rows[i])] if self.settings["steps"] else output
        return found

    def predict_labels(self, series: Sequence[Any], batch_size: int = 32) -> list[Any]:
        """Return the class of each series, or a list with the class of each step."""
        found = map(self._best, self.predict(series, batch_size))
        return [np.array(self.classes)[row].tolist() for row in found]

    @staticmethod
    def _best(row: np.ndarray) -> Any:
        return row.argmax(-1) if row.shape[-1] > 1 else int(row[0] > 0.5)


def _read(path: str, columns: list[str]) -> np.ndarray:
    """Return the values of a file; columns are found by their names, if any."""
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    places = [header.index(name) for name in columns] or list(range(len(header)))
    return np.array([[float(row[i]) for i in places] for row in rows])


if __name__ == "__main__":
    model = SeriesClassifier()
    for path in sys.argv[1:]:
        values = _read(path, model.columns)
        (label,) = model.predict_labels([values])
        if model.settings["steps"]:
            print(*label, "", sep="\n")
            continue
        (row,) = model.predict([values])
        probability = row.max() if len(row) > 1 else max(row[0], 1 - row[0])
        print(label, f"{probability:.4f}", path, sep="\t")
