"""Run an exported forecaster with Python 3.11 or later, NumPy and ONNX Runtime.

    python runner.py series.csv
    python runner.py series.csv north      # of the group "north", where the model knows groups

The file holds a header and a line for each step; with a time of day among the inputs its first
column is the time, such as 2016-01-04T00:05. Prints the forecasts from each step, a line each. From
Python: `Forecaster().predict(values, times, group)`. What it reads lies beside this file:
`preprocessing.json` and the model that it names.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

DAY, WEEK, MONDAY = 24 * 60, 7 * 24 * 60, 4 * 24 * 60  # minutes; 1970-01-01 was a Thursday


class Forecaster:
    """A forecaster of series at equal distances in time: `predict`."""

    def __init__(self, folder: str | Path = Path(__file__).parent) -> None:
        given = json.loads((Path(folder) / "preprocessing.json").read_text(encoding="utf-8"))
        self.settings, self.parts, self.columns = given, given["parts"], given["columns"]
        path, place = str(Path(folder) / given["model"]), ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(path, providers=place)

    def predict(self, values: Any, times: Any = None, group: str | None = None) -> np.ndarray:
        """Return the forecasts of a series in its own units.

        Args:
            values: `(T, D)`, the columns in the order of `columns`, or `(T,)`; NaN = not measured.
            times: datetime64 `(T,)`, at equal distances; where the model was trained with times.
            group: of the series, where the model knows groups.

        Returns:
            `(T - context + 1,)`, the first one made at the step `context - 1`; with several outputs
            or quantiles `(T - context + 1, horizons, targets)`, and quantiles last.
        """
        table = np.asarray(values, "float64")
        table = table[:, None] if table.ndim == 1 else table
        first, minutes = self.parts[0], None
        if table.ndim != 2 or table.shape[1] != len(first["columns"]):
            expected = f"(T, {len(first['columns'])})"
            raise ValueError(f"values have the shape {table.shape}; expected {expected}")
        if first["step"] is not None:
            if times is None:
                raise ValueError("times is missing: the model was trained with times")
            minutes = np.asarray(times).astype("datetime64[m]").astype(int)
            if (np.diff(minutes) != first["step"]).any():
                raise ValueError(f"the times are not {first['step']} minutes apart")
        scales = np.array([(0.0, 1.0)] * table.shape[1])
        if first["groups"]:
            if group not in first["groups"]:
                raise ValueError(f"group is {group!r}; known are {sorted(first['groups'])}")
            scales = np.array(first["groups"][group])
        table = (table - scales[:, 0]) / scales[:, 1]
        encoded = [_encode(part, table, minutes) for part in self.parts]
        x = [encoded[0][0], *(one[:, :2] for one, _ in encoded[1 : self.settings["targets"]])]
        if minutes is not None:
            usual = 1 + len(first["columns"])
            x += [one[:, usual : usual + 2] for one, _ in encoded[1:]]
        outputs = len(self.parts)
        quantiles = self.settings["quantiles"]
        shape: Any = (outputs // self.settings["targets"], self.settings["targets"])
        shape = (*shape, quantiles) if quantiles else shape
        context = self.settings["context"]
        if len(table) < context:
            return np.zeros((0, *shape) if self.settings["several"] else 0)
        inputs = {"known": np.concatenate(x, 1).astype("float32")[None]}
        scaled = self._session.run(None, inputs)[0][0].astype("float64")
        found = scaled.reshape(len(table), outputs, -1)
        for i, (part, (_, base)) in enumerate(zip(self.parts, encoded, strict=True)):
            mean, spread = scales[part["target"]]
            base, unit = mean + spread * base, spread * part["scale"]
            found[:, i] = base[:, None] + unit * found[:, i]
        found = found[context - 1 :]
        return found.reshape(len(found), *shape) if self.settings["several"] else found[:, 0, 0]


def _encode(part: dict, table: np.ndarray, minutes: np.ndarray | None) -> Any:
    """Return the inputs `(T, F)` of one target and horizon, and the profile at what is forecast."""
    target, scale, profile = part["target"], part["scale"], np.array(part["profile"])
    period = len(profile) * (part["step"] or 0)

    def usual(ahead: int) -> np.ndarray:
        if len(profile) == 1 or minutes is None:
            return np.full(len(table), profile[0])
        return profile[(minutes + ahead * part["step"] - MONDAY) % WEEK % period // part["step"]]

    now, later = usual(0), usual(part["horizon"])
    deviation = (table[:, target] - now) / scale
    x = [np.nan_to_num(deviation), np.isfinite(deviation)]
    for i, (mean, spread) in enumerate(part["columns"]):
        if i != target:
            x.append(np.nan_to_num((table[:, i] - mean) / spread))
    if minutes is not None:
        mean, spread = part["columns"][target]
        x += [(later - mean) / spread, (later - now) / scale]
        minute = (minutes + part["horizon"] * part["step"] - MONDAY) % WEEK
        for i in range(1, part["harmonics"] + 1):
            angle = 2 * np.pi * i * minute / DAY
            x += [np.sin(angle), np.cos(angle)]
        if period == WEEK:
            x += [minute // DAY == day for day in range(6)]
    return np.stack(x, 1), later


def _read(path: str, timed: bool, columns: list[str]) -> tuple[np.ndarray, Any]:
    """Return the values and the times of a file; columns are found by their names, if any."""
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    places = [header.index(name) for name in columns] or list(range(timed, len(header)))
    values = [[float(row[i]) if row[i].strip() else np.nan for i in places] for row in rows]
    return np.array(values), [row[0] for row in rows] if timed else None


if __name__ == "__main__":
    model = Forecaster()
    values, times = _read(sys.argv[1], model.parts[0]["step"] is not None, model.columns)
    times = None if times is None else np.array(times, "datetime64[m]")
    for row in model.predict(values, times, *sys.argv[2:3]):
        print(*np.ravel(row), sep="\t")
