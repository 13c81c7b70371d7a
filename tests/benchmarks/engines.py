"""A study of eight small runs: two workers of one thread each against one run after the other.

    python tests/benchmarks/engines.py
    python tests/benchmarks/engines.py --engine ray --record

Prints the seconds of both, each in processes of its own, and their ratio; the runs are the same.
`--record` writes them to tests/benchmarks/engines.json, and from it a sentence into
docs/guide/many_machines.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tables import write_between

RUNS = 8
OUT = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "many_machines.md"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def seconds(folder: Path, engine: str, workers: int, epochs: int, limit: int) -> float:
    """Return the seconds of the whole command."""
    command = [sys.executable, "-m", "rnnkit", "compare", "gru_sentiment", "--data", "sample"]
    command += ["--seeds", str(RUNS), "--epochs", str(epochs), "--units", "32", "--no-baselines"]
    command += ["--limit", str(limit)]
    command += ["--engine", engine, "--workers", str(workers), "--quiet", "--out", str(folder)]
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    began = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def rows(record: dict[str, Any]) -> list[str]:
    """Return the sentence of the page."""
    return [
        f"{record['runs']} runs of `gru_sentiment`, start of Python included: "
        f"{record['one_s']:.0f} s one after the other, {record['two_s']:.0f} s with two workers of "
        f"one thread each, a ratio of {record['ratio']:.2f} (`{record['command']}`)."
    ]


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="processes", choices=("processes", "ray"))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--limit", type=int, default=4000, help="Reviews of the training split")
    parser.add_argument("--repeats", type=int, default=1, help="Of both, in turns; the least count")
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    found: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(asked.repeats):
        for workers, times in found.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "study"
                times.append(seconds(path, asked.engine, workers, asked.epochs, asked.limit))
            print(f"{workers} at a time: {times[-1]:.1f} s", flush=True)
    one, two = (min(times) for times in found.values())
    print(
        f"{RUNS} runs, engine {asked.engine}: {one:.1f} s one after the other, {two:.1f} s with "
        f"two workers, ratio {two / one:.2f} (goal: at most 0.8)"
    )
    if asked.record:
        from rnnkit.study.environment import environment

        values = {"one_s": round(one, 1), "two_s": round(two, 1), "ratio": round(two / one, 3)}
        record = {"command": " ".join(["python", *sys.argv]), "runs": RUNS, **values}
        OUT.write_text(json.dumps(record | {"environment": environment()}, indent=1) + "\n")
        write_between(PAGE, "engines", rows(record))


if __name__ == "__main__":
    main()
