"""An exported text classifier beside the model: equal answers, sizes and latencies.

    KERAS_BACKEND=torch python tests/benchmarks/onnx_runner.py runs/lstm/model.keras   # a minute
    KERAS_BACKEND=torch python tests/benchmarks/onnx_runner.py runs/lstm/model.keras --reviews 100
    ... --into docs/guide/exporting.md

Exports a trained model as ONNX, and asks the runner, in a process that cannot import rnnkit, about
reviews of the test split of IMDB. Prints the largest difference of the probabilities, the labels
that differ, the sizes of the files, the seconds from the start of Python to the first answer, the
median and the 95th percentile of the wall time for one review, and the reviews per second of all
together. One thread each.
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

os.environ.setdefault("OMP_NUM_THREADS", "1")

import keras
import numpy as np
from tables import table, write_between

from rnnkit import datasets, tasks
from rnnkit.tasks.onnx import write_onnx

SINGLE = 100  # reviews that are asked one by one
# Both sides run this: `ask` answers a list of texts.
MEASURE = """
def measure(ask, texts, single):
    import statistics, time
    ask(texts[:1])
    walls = []
    for text in texts[:single]:
        begin = time.perf_counter()
        ask([text])
        walls.append(1000 * (time.perf_counter() - begin))
    begin = time.perf_counter()
    found = ask(texts)
    seconds = time.perf_counter() - begin
    walls.sort()
    return {
        "median": statistics.median(walls),
        "p95": walls[int(0.95 * len(walls))],
        "per second": len(texts) / seconds,
        "answers": [[float(p) for p in row] for row in found],
    }
"""
RUNNER = (
    MEASURE
    + """
import json, runpy, sys
for name in ("rnnkit", "keras", "torch", "tensorflow", "jax", "onnx"):
    sys.modules[name] = None
folder, texts, single = json.load(sys.stdin)
import onnxruntime
usual = onnxruntime.InferenceSession
def one_thread(path, **options):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    return usual(path, settings, **options)
onnxruntime.InferenceSession = one_thread
model = runpy.run_path(folder + "/runner.py")["Classifier"](folder)
print(json.dumps(measure(model.predict, texts, single)))
"""
)


def ask_runner(folder: Path, texts: list[str]) -> dict[str, Any]:
    """Return what the runner answers, and how long it took, in a process without rnnkit."""
    given = json.dumps([str(folder), texts, SINGLE])
    command = [sys.executable, "-I", "-X", "utf8", "-c", RUNNER]
    found = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def first_answer(command: list[str]) -> float:
    """Return the seconds of a process that answers one text."""
    begin = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - begin


def backend() -> str:
    """Return the name of the backend, as it is written."""
    return {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}[keras.backend.backend()]


def main() -> None:
    """Export a model, compare it with its runner, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="the file of a trained text classifier")
    parser.add_argument("--reviews", type=int, default=1000)
    parser.add_argument("--into", type=Path, help="a page with the markers of the table")
    options = parser.parse_args()
    model = tasks.load(options.model)
    test = datasets.load("imdb").test
    chosen = np.random.default_rng(0).choice(len(test.x), options.reviews, replace=False)
    texts = [test.x[i] for i in chosen]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        begin = time.perf_counter()
        write_onnx(model, folder / "model.onnx")
        print(f"written and compared in {time.perf_counter() - begin:.1f} s")
        for path in [options.model, *sorted(folder.iterdir())]:
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
        one = [sys.executable, "-I", "-X", "utf8", str(folder / "runner.py"), texts[0]]
        print(f"first answer of runner.py: {first_answer(one):.2f} s")
        runner = ask_runner(folder, texts)
    measure: dict[str, Any] = {}
    exec(MEASURE, measure)
    own = measure["measure"](lambda some: model.predict(some, verbose=0), texts, SINGLE)
    found, wanted = np.array(runner["answers"]), np.array(own["answers"])
    others = int(((found > 0.5) != (wanted > 0.5)).any(axis=1).sum())
    lines = [
        f"{len(texts):,} reviews of the test split of IMDB: {others} labels differ, probabilities "
        f"by at most {np.abs(found - wanted).max():.2g}.",
        "",
        *table(
            ["answers", "one review, median [ms]", "95th percentile [ms]", "reviews/s together"],
            [
                [name, f"{it['median']:.1f}", f"{it['p95']:.1f}", f"{it['per second']:.0f}"]
                for name, it in (("`predict` on " + backend(), own), ("`runner.py`", runner))
            ],
        ),
        "",
    ]
    print(*lines, sep="\n")
    if options.into:
        write_between(options.into, "runner", lines)


if __name__ == "__main__":
    main()
