"""What sentiment classifiers cost those who use them: answers per processor second, file, memory.

python tests/benchmarks/sentiment_costs.py RUN [RUN ...] --data imdb [--record]

Each model is asked for the first test reviews several times, in turns: the least processor time
counts, and the ratio to the first model is the mean of the turns. `--record` puts the rows into
recipes/results.json.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from result_runs import read, record
from result_tables import load, save

from rnnkit import datasets
from rnnkit.study import open_run
from rnnkit.study.report import markdown

TABLE = "sentiment_costs"
COLUMNS = {
    "recipe": "{recipe}",
    "reviews per processor second": "{speed:,.0f}",
    "ratio": "{ratio:.2f}",
    "file, MB": "{megabytes:.1f}",
    "parameters": "{parameters:,.0f}",
    "peak memory of training, GiB": "{gibibytes:.1f}",
}


def measure(runs: list[Path], texts: list[str], repeats: int) -> list[tuple[str, dict[str, float]]]:
    """Return the recipe and the measures of each run."""
    models = [open_run(run).model for run in runs]
    for model in models:
        model.predict(texts[:64], verbose=0)  # the first call builds what later ones use
    seconds: list[list[float]] = [[] for _ in models]
    for _ in range(repeats):
        for spent, model in zip(seconds, models, strict=True):
            began = time.process_time()
            model.predict(texts, verbose=0)
            spent.append(time.process_time() - began)
    rows = []
    for run, spent in zip(runs, seconds, strict=True):
        results = read(run / "results.json")
        ratios = [first / own for first, own in zip(seconds[0], spent, strict=True)]
        values = {
            "speed": len(texts) / min(spent),
            "ratio": sum(ratios) / repeats,
            "megabytes": (run / "model.keras").stat().st_size / 1e6,
            "parameters": results["parameters"],
            "gibibytes": results["peak_memory_bytes"] / 2**30,
        }
        rows.append((read(run / "settings.json")["recipe"], values))
    return rows


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "runs", nargs="+", type=Path, help="run folders; the first is compared with"
    )
    parser.add_argument("--data", default="imdb")
    parser.add_argument("--limit", type=int, default=1000, help="reviews of its test split")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--record", action="store_true", help="in recipes/results.json")
    given = parser.parse_args()
    data = datasets.find_kind("texts").take_first(datasets.load(given.data), given.limit)
    rows = measure(given.runs, list(data.test.texts), given.repeats)
    table: list[list[Any]] = [["recipe", *rows[0][1]]]
    table += [[name, *(f"{value:.4g}" for value in values.values())] for name, values in rows]
    print("\n".join(markdown(table)))
    if given.record:
        found = load()
        found["tables"][TABLE] = {"page": "recipes/README.md", "columns": COLUMNS}
        save(found)
        record(TABLE, [({"recipe": f"`{name}`"}, values) for name, values in rows], None)


if __name__ == "__main__":
    main()
