"""Seconds that a checkpoint of a training costs, and of an epoch: `lstm_sentiment` on reviews.

`RNNKIT_DATA=FOLDER python tests/benchmarks/checkpoints.py` writes
docs/reliability/checkpoint_costs.json. The epoch on all of IMDB is that of a part of it, by the
number of examples; the network and so the checkpoint are as large as with all of it.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit import datasets, recipes
from rnnkit.training.checkpoints import Checkpoints
from rnnkit.training.writer import CheckpointWriter

RECORD = Path(__file__).resolve().parents[2] / "docs" / "reliability" / "checkpoint_costs.json"
WORDS = 20_000  # of the vocabulary of all of IMDB


def measure(data: str, limit: int, of: int, words: int | None) -> dict[str, Any]:
    """Return the seconds of a checkpoint and of an epoch of `of` examples."""
    split = datasets.load(data, limit=limit).train
    texts = list(split.x)
    if words:  # as many words as in the whole data set: the embedding makes up most of the file
        texts[0] = " ".join(f"word{i}" for i in range(words))
    model = recipes.find("lstm_sentiment")(embedding="random", vocabulary_size=WORDS, min_count=1)
    seconds: list[float] = []
    write = CheckpointWriter._write

    def timed(self: CheckpointWriter) -> None:
        begin = time.perf_counter()
        write(self)
        seconds.append(time.perf_counter() - begin)

    CheckpointWriter._write = timed
    with tempfile.TemporaryDirectory() as folder:
        model.fit(texts, split.y, epochs=0, verbose=0)
        begin = time.perf_counter()
        model.fit(texts, split.y, epochs=2, checkpoints=Checkpoints(folder), verbose=0)
        epoch = (time.perf_counter() - begin - sum(seconds)) / 2
        size = Checkpoints(folder).files()[0].stat().st_size
    CheckpointWriter._write = write
    return {
        "data": data,
        "examples": of,
        "parameters": int(model.network.count_params()),
        "megabytes": size / 1e6,
        "checkpoint": float(np.median(seconds)),
        "epoch": epoch * of / len(texts),
    }


def main(limit: int = 400) -> None:
    """Measure both data sets and write the record."""
    rows = [measure("sample", 800, 800, None), measure("imdb", limit, 20_000, WORDS)]
    record = {
        "command": "python tests/benchmarks/checkpoints.py",
        "machine": platform.machine(),
        "rows": rows,
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
