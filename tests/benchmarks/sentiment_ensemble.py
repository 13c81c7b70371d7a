"""The members of `best_sentiment` alone and together, on the validation and the test split.

python tests/benchmarks/sentiment_ensemble.py RUN [RUN ...] [--record [--add-seeds]]
python tests/benchmarks/sentiment_ensemble.py RUN --beside OTHER [OTHER ...]

A run keeps its teachers: a bidirectional LSTM beside n-grams and document vectors, and one that
learned edited and generated reviews. The network of the run learned their predictions. Weights of
ensembles are chosen on the validation split. `--record` puts the rows into recipes/results.json.
`--beside` asks whether other runs bring anything beside the teachers: the weights and the accuracy
of the teachers with each of them, and with all, on the validation split only.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from result_runs import joined, origin, read
from result_tables import load, old_row, put, save, write_pages

from rnnkit import datasets
from rnnkit.study.report import markdown
from rnnkit.tasks import load as load_model
from rnnkit.tasks.ensemble import LEAST, geometric_mean, least_log_loss

TABLE = "best_sentiment"
MEMBERS = {
    "teacher 1: BiLSTM, n-grams, document vectors": "checkpoints/teacher-1/model.keras",
    "teacher 2: BiLSTM, edited and generated reviews": "checkpoints/teacher-2/model.keras",
    "`best_sentiment`": "model.keras",
}
TOGETHER = {"both teachers": 2, "the teachers and `best_sentiment`": 3}  # the first members


def measure(run: Path, data: Any) -> dict[str, dict[str, float]]:
    """Return the measures of each member of a run, and of members together."""
    splits = {"val_": data.valid, "": data.test}
    answers: dict[str, list[np.ndarray]] = {name: [] for name in splits}
    for file in MEMBERS.values():
        model = load_model(run / file)
        for name, split in splits.items():
            second = model.predict(split.texts, verbose=0)
            answers[name].append(np.concatenate([1 - second, second], axis=1))
    labels = {name: np.asarray(split.labels) for name, split in splits.items()}

    def measures(weights: np.ndarray) -> dict[str, float]:
        found = {}
        for name, truth in labels.items():
            p = geometric_mean(np.stack(answers[name][: len(weights)]), weights)
            right = p[np.arange(len(truth)), truth]
            found[f"{name}accuracy"] = float(np.mean(p.argmax(1) == truth))
            found[f"{name}loss"] = float(-np.log(np.clip(right, LEAST, 1)).mean())
        return found

    rows = {}
    for place, name in enumerate(MEMBERS):
        alone = np.zeros(len(MEMBERS))
        alone[place] = 1
        rows[name] = measures(alone)
    for name, count in TOGETHER.items():
        weights = least_log_loss(np.stack(answers["val_"][:count]), labels["val_"])
        rows[name] = measures(weights)
        print(f"{run.name}: weights of {name}: {', '.join(f'{w:.2f}' for w in weights)}")
    return rows


def beside(run: Path, others: Sequence[Path], data: Any) -> None:
    """Print weights and accuracy of the teachers with other models, on the validation split."""
    truth = np.asarray(data.valid.labels)
    files = [run / file for file in list(MEMBERS.values())[:2]]
    answers = []
    for file in [*files, *(other / "model.keras" for other in others)]:
        second = load_model(file).predict(data.valid.texts, verbose=0)
        answers.append(np.concatenate([1 - second, second], axis=1))
    numbers = range(len(files), len(answers))
    rows = [["beside the teachers", "weights", "validation accuracy"]]
    for more in ([], *([number] for number in numbers), [*numbers]):
        chosen = np.stack([answers[number] for number in (0, 1, *more)])
        weights = least_log_loss(chosen, truth)
        right = geometric_mean(chosen, weights).argmax(1) == truth
        names = ", ".join(others[number - len(files)].name for number in more) or "–"
        shown = ", ".join(f"{weight:.2f}" for weight in weights)
        rows.append([names, shown, f"{right.mean():.4f}"])
    print("\n".join(markdown(rows)))


def record(runs: Sequence[Path], measured: Sequence[dict[str, Any]], add_seeds: bool) -> None:
    """Put a row for each member and ensemble into recipes/results.json, and write the pages."""
    found = load()
    seeds = [read(run / "settings.json")["seed"] for run in runs]
    where = origin([read(run / "environment.json") for run in runs])
    where["command"] = "python tests/benchmarks/sentiment_ensemble.py " + " ".join(
        f"runs/{run.name}" for run in runs
    )
    for name in measured[0]:
        values = {
            measure: [float(f"{one[name][measure]:.7g}") for one in measured]
            for measure in measured[0][name]
        }
        row = {"table": TABLE, "labels": {"model": name}, "values": values}
        row |= {"seeds": len(seeds), "of_seeds": seeds, **where}
        old = old_row(found, row) if add_seeds else None
        if old is not None and {*seeds} <= {*old["of_seeds"]}:  # such as the row of the runs
            print(f"the row {name} has these seeds already")
            continue
        put(found, row if old is None else joined(old, row))
    save(found)
    write_pages(found)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs of best_sentiment")
    parser.add_argument("--data", default="imdb")
    parser.add_argument("--record", action="store_true", help="in recipes/results.json")
    parser.add_argument("--add-seeds", action="store_true", help="to the rows that are there")
    parser.add_argument("--beside", nargs="+", type=Path, help="other runs, beside the teachers")
    given = parser.parse_args()
    if given.beside:
        beside(given.runs[0], given.beside, datasets.load(given.data))
        return
    data = datasets.load(given.data)
    measured = [measure(run, data) for run in given.runs]
    rows = [
        [name, *(" ".join(f"{one[name][key]:.4f}" for one in measured) for key in one_row)]
        for name, one_row in measured[0].items()
    ]
    print("\n".join(markdown([["model", *next(iter(measured[0].values()))], *rows])))
    if given.record:
        record(given.runs, measured, given.add_seeds)


if __name__ == "__main__":
    main()
