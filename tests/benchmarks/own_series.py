"""A forecaster from a CSV on the command line, beside its baselines, at each horizon.

python tests/benchmarks/own_series.py --out runs/own_series
python tests/benchmarks/own_series.py --out runs/own_series --into docs/guide/forecasting.md

Writes the data set `metro_traffic` as a plain CSV (a row for each hour that was measured), runs
`rnnkit train` and `rnnkit compare` on it, and prints their tables in Markdown. With `--into` they
replace what stands between the two comments `own_series` of that file. Runs that are complete are
not repeated.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
from tables import write_between

from rnnkit import datasets
from rnnkit.study import open_run
from rnnkit.study.compare import Row, summarise
from rnnkit.study.outputs import tables
from rnnkit.study.records import read_json
from rnnkit.study.report import markdown, table

FILE = "metro.csv"
TABLE = ["--data", FILE, "--time", "when", "--target", "volume"]
MODEL = ["--horizon", "1,6,12", "--quantiles", "0.1,0.5,0.9", "--cell", "gru", "--epochs"]


def write_csv(path: Path) -> None:
    """Write the data set with a row for each hour that was measured."""
    data = datasets.load("metro_traffic")
    lines = [",".join(["when", *data.columns])]
    for series in [*data.train.x, *data.valid.x, *data.test.x]:
        for time, row in zip(series.times, series.values, strict=True):
            if np.isfinite(row).all():
                cells = (f"{value:.6g}" for value in row)
                lines.append(",".join([str(time).replace("T", " "), *cells]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def rows_of(study: Path) -> list[Row]:
    """Return the rows of a study from the files in its folder."""
    runs = [open_run(path.parent) for path in sorted(study.glob("*/results.json"))]
    found = [summarise("forecaster", [run.results for run in runs])]
    baselines = read_json(study / "baselines.json")["results"]
    return [*found, *(summarise(name, [one]) for name, one in baselines.items())]


def main(out: Path, epochs: int, seeds: int, into: Path | None) -> None:
    """Run the commands in the folder `out`; print the tables or write them into a file."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / FILE).is_file():
        write_csv(out / FILE)
    one = ["rnnkit", "train", "forecaster", *TABLE, *MODEL, str(epochs), "--out", "one"]
    several = ["rnnkit", "compare", "forecaster", *TABLE, *MODEL, str(epochs)]
    several += ["--seeds", str(seeds), "--out", "study"]
    for command in (one, several):
        if command is several or not (out / "one" / "results.json").is_file():
            subprocess.run(command, cwd=out, check=True, stdout=sys.stderr)
    rows = rows_of(out / "study")
    for row in rows:
        for name in ("seconds", "tokens_per_second"):  # of a machine that may have been busy
            row.values.pop(name, None)
    whole = [[name, *cells] for name, _, *cells in table(rows)]
    here = read_json(out / "one" / "environment.json")
    lines = ["```sh", *map(shlex.join, (one, several)), "```", ""]
    lines += [f"{seeds} seeds, Keras {here['keras']} on {here['backend']}:", ""]
    for found in [*tables(rows), whole]:
        lines += [*markdown(found), ""]
    if into is None:
        print("\n".join(lines))
        return
    write_between(into, "own_series", ["", *lines[:-1]])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/own_series"))
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    main(arguments.out, arguments.epochs, arguments.seeds, arguments.into)
