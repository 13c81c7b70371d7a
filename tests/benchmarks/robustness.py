"""Robustness of sentiment classifiers: edited reviews, typos, upper case, HTML, single sentences.

python tests/benchmarks/robustness.py                      # TF-IDF on the generated sample, quick
python tests/benchmarks/robustness.py RUN [RUN ...] --data imdb
python tests/benchmarks/robustness.py model.keras --data imdb --limit 2000

The baselines, TF-IDF with logistic regression on words and on words and pairs, are fitted on the
train split of the data; of its test split the first `--limit` reviews are asked, as they are and
under each perturbation. Prints a Markdown table, a column for each model.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from result_runs import read, record
from result_tables import load, save

from rnnkit import datasets
from rnnkit.baselines import tfidf_classifier
from rnnkit.study import open_model, robustness, robustness_table
from rnnkit.study.report import markdown

NGRAMS = {"TF-IDF, words": (1, 1), "TF-IDF, words and pairs": (1, 2)}


def called(path: Path) -> str:
    """Return the recipe of a run's folder, the name of another file."""
    settings = path / "settings.json"
    return f"`{read(settings)['recipe']}`" if settings.is_file() else path.stem


def keep(scores: dict[str, Any]) -> None:
    """Put a row for each model into recipes/results.json; its table has a row for each measure."""

    def key(measure: str) -> str:
        return re.sub(r"\W+", "_", measure)

    totals = {
        key(name): f"{one.total:,}" for found in scores.values() for name, one in found.items()
    }
    measured: list[tuple[dict[str, str], Any]] = [({"model": "questions"}, totals)]
    for model, found in scores.items():
        values = {
            key(name): {"mean": one.share, "interval": one.interval} for name, one in found.items()
        }
        measured.append(({"model": model}, values))
    results = load()
    names = dict.fromkeys(name for found in scores.values() for name in found)
    columns = {"measure": "{model}"} | {name: f"{{{key(name)}:.3f}}" for name in names}
    results["tables"]["robustness"]["columns"] = columns
    save(results)
    record("robustness", measured, None)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", help="run folders or .keras files")
    parser.add_argument("--data", default="sample", help="a data set of film reviews")
    parser.add_argument("--limit", type=int, default=500, help="reviews of its test split")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument(
        "--record", action="store_true", help="in recipes/results.json and its table"
    )
    given = parser.parse_args()
    data = datasets.load(given.data)
    test = datasets.find_kind("texts").take_first(data, given.limit).test
    models: dict[str, Any] = {}
    if not given.no_baselines:
        models = {name: tfidf_classifier(data, ngrams) for name, ngrams in NGRAMS.items()}
    for path in given.models:
        models[called(Path(path))] = open_model(path)
    scores = {name: robustness(model, test.texts, test.labels) for name, model in models.items()}
    lines = list(markdown(robustness_table(scores)))
    print("\n".join(lines))
    if given.record:
        keep(scores)


if __name__ == "__main__":
    main()
