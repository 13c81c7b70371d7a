"""One training on one device and on two, beside the model of its cost, on PyTorch.

    KERAS_BACKEND=torch python tests/benchmarks/devices.py --data imdb --steps 100
    KERAS_BACKEND=torch python tests/benchmarks/devices.py --data imdb --record

Devices are processes of one thread on a machine without a GPU. The model needs what is measured
first: the seconds of a step on one device with as many rows as each of two has, and those of an
exchange of as many numbers as the training has weights, without anything else. `--record` writes
what was measured to tests/benchmarks/devices.json, and from it a table into
docs/guide/many_machines.md.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engines import PAGE, THREADS
from tables import table, write_between

OUT = Path(__file__).with_suffix(".json")
SETTINGS = {  # what is exchanged differs most by the table of the word vectors
    "word vectors trained on": [],
    "word vectors frozen": ["--no-embedding-trainable"],
}
DEVICES = 2
ROWS = 32  # of a batch


def train(
    data: str, limit: int, steps: int, words: list[str], devices: int, rows: int
) -> dict[str, Any]:
    """Return the results of a training of so many steps, and how many weights it changed."""
    import numpy as np

    from rnnkit.study import open_run

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "rnnkit", "train", "bilstm_sentiment", "--data", data]
        command += ["--limit", str(limit), "--embedding", "random", "--budget", f"{steps}steps"]
        command += ["--batch-size", str(rows)]
        command += [*words, "--quiet", "--out", str(out)]
        command += ["--devices", str(devices)] if devices > 1 else []
        environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "CUDA_VISIBLE_DEVICES": ""}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        weights = open_run(out).model.trainable_weights
        return {
            **json.loads((out / "results.json").read_text("utf-8")),
            "trained": sum(int(np.prod(weight.shape)) for weight in weights),
        }


def exchange(numbers: int) -> float:
    """Return the seconds that processes need to add so many float32 numbers, the median of 20."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {**os.environ, **dict.fromkeys(THREADS, "1"), "MASTER_ADDR": "127.0.0.1"}
    shared |= {"MASTER_PORT": str(port), "WORLD_SIZE": str(DEVICES)}
    words = [sys.executable, __file__, "--exchange", str(numbers)]
    processes = [
        subprocess.Popen(words, env={**shared, "RANK": str(rank)}, stdout=subprocess.PIPE)
        for rank in range(DEVICES)
    ]
    return max(float(process.communicate()[0]) for process in processes)


def exchange_here(numbers: int) -> float:
    """Take part in exchanges; return the median of their seconds."""
    import torch
    import torch.distributed as dist

    dist.init_process_group("gloo")
    values = torch.ones(numbers)
    times = []
    for _ in range(20):
        dist.barrier()
        began = time.perf_counter()
        dist.all_reduce(values)
        times.append(time.perf_counter() - began)
    dist.destroy_process_group()
    return statistics.median(times)


def measure(data: str, limit: int, steps: int, repeats: int) -> list[dict[str, Any]]:
    """Return what was measured of each setting: seconds of a step, least of several trainings."""
    rows_of = []
    for name, words in SETTINGS.items():
        kinds = {"one_s": (1, ROWS), "half_s": (1, ROWS // DEVICES), "two_s": (DEVICES, ROWS)}
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(repeats):
            for kind, (devices, batch) in kinds.items():
                results = train(data, limit, steps, words, devices, batch)
                times[kind].append(results["step_seconds"] / results["steps"])
                print(f"{name}, {kind}: {1000 * times[kind][-1]:.1f} ms a step", flush=True)
        least = {kind: min(found) for kind, found in times.items()}
        numbers = results["trained"]
        rows_of.append(
            {"setting": name, "weights": numbers, "exchange_s": exchange(numbers), **least}
        )
    return rows_of


def rows(record: dict[str, Any]) -> list[str]:
    """Return the lines of the page."""
    heading = ["`bilstm_sentiment`", "weights exchanged", "step on one device, ms"]
    heading += ["half of the rows, ms", "exchange alone, ms", "on two by the model, ms"]
    heading += ["measured, ms", "ratio"]
    lines = []
    for one in record["rows"]:
        model = one["half_s"] + one["exchange_s"]
        cells = [f"{1000 * one[name]:.1f}" for name in ("one_s", "half_s", "exchange_s")]
        cells += [f"{1000 * value:.1f}" for value in (model, one["two_s"])]
        last = f"{one['two_s'] / model:.2f}"
        lines.append([one["setting"], f"{one['weights']:,}", *cells, last])
    where = record["environment"]
    machine = f"{where.get('processor', 'CPU')}, {where['cpus']} cores"
    return [
        *table(heading, lines),
        "",
        f"On {machine}, two processes of one thread (`{record['command']}`).",
    ]


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="imdb")
    parser.add_argument("--limit", type=int, default=4000, help="Reviews of the training split")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=2, help="Of each, in turns; the least count")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--exchange", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.exchange:
        print(exchange_here(asked.exchange))
        return
    found = measure(asked.data, asked.limit, asked.steps, asked.repeats)
    from rnnkit.study.environment import environment

    command = " ".join(["python", *(word for word in sys.argv if word != "--record")])
    record = {"command": command, "rows": found, "environment": environment()}
    print(*rows(record), sep="\n")
    if asked.record:
        OUT.write_text(json.dumps(record, indent=1) + "\n")
        write_between(PAGE, "devices", rows(record))


if __name__ == "__main__":
    main()
