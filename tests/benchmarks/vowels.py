"""Who speaks? One hidden Markov model a speaker against recurrent networks, on Japanese vowels.

python tests/benchmarks/vowels.py                    # the table: test, learned from all of train
python tests/benchmarks/vowels.py --choose lstm gru  # accuracy by cross-validation on train alone

Every setting was chosen by `--choose`; test was looked at once, with what stands in CHOSEN. Prints
Markdown tables; of networks the mean over the seeds ± the standard deviation between them.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from typing import Any

import numpy as np
from result_runs import record
from sklearn.model_selection import StratifiedKFold

from rnnkit import datasets
from rnnkit.hmm import GaussianHMM, HMMClassifier
from rnnkit.recipes import sequence_classifier

FOLDS = 5
# Name -> the settings to choose from, each a list.
GRIDS: dict[str, dict[str, list[Any]]] = {
    "hmm": {"covariance_type": ["diag", "full"], "n_components": [1, 2, 3, 4]},
    "lstm": {"pooling": ["mean", "mean+max"], "bidirectional": [False, True]},
    "gru": {"pooling": ["mean+max"], "bidirectional": [False, True]},
    "hmm-lstm": {"bidirectional": [True], "hmm": ["input", "output", "joint"]},
}
CHOSEN: dict[str, dict[str, Any]] = {
    "hmm": {"covariance_type": "full", "n_components": 3},
    "lstm": {"pooling": "mean+max", "bidirectional": True},
    "gru": {"pooling": "mean+max", "bidirectional": True},
    "hmm-lstm": {"bidirectional": True, "hmm": "output"},
}


def build(name: str, settings: dict[str, Any], seed: int) -> Any:
    """Return the model of that name, to be fitted."""
    if name == "hmm":
        return HMMClassifier(GaussianHMM(min_covar=1e-2, random_state=seed, n_init=3, **settings))
    return sequence_classifier(seed=seed, **{"cell": name.removeprefix("hmm-"), **settings})


def accuracy(model: Any, x: list[np.ndarray], y: np.ndarray) -> float:
    """Return the share of right answers, in per cent."""
    if isinstance(model, HMMClassifier):
        return 100 * float(model.score(x, y))
    return 100 * float(np.mean(model.predict(x, verbose=0).argmax(axis=1) == y))


def fit(model: Any, x: list[np.ndarray], y: np.ndarray) -> float:
    """Fit a model; return the seconds it took."""
    begin = time.perf_counter()
    model.fit(x, y, **({} if isinstance(model, HMMClassifier) else {"verbose": 0}))
    return time.perf_counter() - begin


def choose(name: str) -> None:
    """Print the accuracy of every setting of a grid, by cross-validation on train."""
    train = datasets.load("japanese_vowels", valid_fraction=0).train
    x, y = train.x, train.y
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(np.zeros(len(y)), y))
    grid = GRIDS[name]
    print(f"\n| {name}: {', '.join(grid)} | accuracy, {FOLDS} folds | s a fit |\n|---|---|---|")
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values, strict=True))
        found, seconds = [], 0.0
        for number, (learn, held) in enumerate(folds):
            model = build(name, settings, seed=number)
            seconds += fit(model, [x[i] for i in learn], y[learn])
            found.append(accuracy(model, [x[i] for i in held], y[held]))
        shown = ", ".join(map(str, values))
        print(f"| {shown} | {statistics.mean(found):.2f} | {seconds / FOLDS:.1f} |", flush=True)


def table(names: list[str], seeds: int) -> list[tuple[dict[str, str], dict[str, list[float]]]]:
    """Print the accuracy on test of what was chosen; return the rows."""
    rows = []
    data = datasets.load("japanese_vowels", valid_fraction=0)
    print("\n| model | settings | accuracy | s a fit |\n|---|---|---|---|")
    for name in names:
        found, seconds = [], []
        for seed in range(seeds):
            model = build(name, CHOSEN[name], seed)
            seconds.append(fit(model, data.train.x, data.train.y))
            found.append(accuracy(model, data.test.x, data.test.y))
        spread = statistics.stdev(found) if seeds > 1 else 0.0
        shown = ", ".join(f"{key} {value}" for key, value in CHOSEN[name].items())
        print(
            f"| {name} | {shown} | {statistics.mean(found):.2f} ± {spread:.2f} | "
            f"{statistics.mean(seconds):.1f} |",
            flush=True,
        )
        values = {"accuracy": [one / 100 for one in found], "seconds": seconds}
        rows.append(({"model": name, "settings": shown}, values))
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=list(GRIDS))
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--record", action="store_true", help="in recipes/results.json and its table"
    )
    arguments = parser.parse_args()
    if arguments.choose:
        for each in arguments.models:
            choose(each)
    else:
        measured = table(arguments.models, arguments.seeds)
        if arguments.record:
            record("vowels", measured, arguments.seeds)
