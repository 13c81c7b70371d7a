"""Faithfulness of explanations: deletion curves of text classifiers, against random order.

    KERAS_BACKEND=torch python tests/benchmarks/faithfulness.py                  # trains, a minute
    KERAS_BACKEND=torch python tests/benchmarks/faithfulness.py RUN --data imdb --texts 100
    ... --into docs/guide/explanations.md

The words of each text are deleted from the text, those that speak most for the predicted class
first, and the model is asked again. A faithful order lets the probability of that class fall fast;
keeping those words to the last, deleting the others first, lets it fall slowly. Orders: by
integrated gradients, by occlusion, by the norm of the gradient (connectivity), and at random (the
mean of five orders). The area is the mean probability over all shares that are measured. Only texts
of ten words and more are taken, that the network reads as a whole.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tables import table, write_between

from rnnkit import datasets, recipes, study
from rnnkit.explain import Explanation

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
RANDOM = 5  # orders
SHORTEST = 10  # words


def curve(model: Any, explained: Explanation, order: Sequence[int]) -> list[float]:
    """Return the probability of the explained class after the deletion of shares of the words."""
    texts = []
    for share in SHARES:
        gone = set(order[: round(share * len(explained.words))])
        texts.append(" ".join(w for i, w in enumerate(explained.words) if i not in gone))
    rows = model.predict(texts, verbose=0)
    if rows.shape[1] == 1:
        rows = np.concatenate([1 - rows, rows], axis=1)
    return rows[:, model.classes.index(explained.target)].tolist()


def orders(explained: Explanation, random: np.random.Generator) -> dict[str, list[Sequence[int]]]:
    """Return the orders of deletion, by name; each list holds those that a mean is taken of."""
    assert explained.occlusion is not None
    assert explained.connectivity is not None
    by_gradient = np.argsort(-explained.connectivity.norms[0], kind="stable")
    by_attribution = np.argsort(-explained.attributions, kind="stable")
    return {
        "integrated gradients": [by_attribution],
        "occlusion": [np.argsort(-explained.occlusion, kind="stable")],
        "norm of the gradient": [by_gradient],
        "random": [random.permutation(len(explained.words)) for _ in range(RANDOM)],
        "integrated gradients, the last first": [by_attribution[::-1]],
    }


def measure(model: Any, texts: Sequence[str]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return the mean curve of each order; how many texts and right sums, and seconds of one."""
    random, found, seconds, complete = np.random.default_rng(0), {}, [], 0
    for text in texts:
        count = len(model.split_words([text])[0])
        if not SHORTEST <= count <= (model.max_length or count):
            continue
        start = time.perf_counter()
        explained = model.explain(text, connectivity=True)
        seconds.append(time.perf_counter() - start)
        complete += not any("add up" in note for note in explained.notes)
        for name, rows in orders(explained, random).items():
            curves = np.mean([curve(model, explained, row) for row in rows], axis=0)
            found.setdefault(name, []).append(curves)
    means = {name: np.mean(curves, axis=0) for name, curves in found.items()}
    return means, {"texts": len(seconds), "complete": complete, "seconds": np.median(seconds)}


def main() -> None:
    """Read the arguments, train or open the model, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", nargs="?", help="a run folder or .keras file of a text classifier")
    parser.add_argument("--data", default="sample", help="a data set of texts with labels")
    parser.add_argument("--texts", type=int, default=100, help="of its test split")
    parser.add_argument("--recipe", default="gru_sentiment", help="that is trained, without a run")
    parser.add_argument("--limit", type=int, default=4000, help="texts that it is trained on")
    parser.add_argument("--into", type=Path, help="a page with a table called faithfulness")
    options = parser.parse_args()
    data = datasets.load(options.data)
    if options.run is None:
        model = recipes.find(options.recipe)(embedding="random", epochs=3)
        model.fit(data.train.x[: options.limit], data.train.y[: options.limit], verbose=2)
    else:
        model = study.open_model(options.run)
    step = max(len(data.test.x) // options.texts, 1)
    means, facts = measure(model, data.test.x[::step][: options.texts])
    rows = [
        (name, *(f"{p:.3f}" for p in curves), f"{curves.mean():.3f}")
        for name, curves in means.items()
    ]
    heading = ["words are deleted", *(f"{share:.0%}" for share in SHARES), "area"]
    lines = table(heading, rows)
    name = model.settings.get("recipe", type(model).__name__)
    about = f"`{name}`, {facts['texts']} texts of the test split of `{options.data}`; the sum was "
    about += f"right for {facts['complete']} of them; {facts['seconds']:.2f} s for one (median)."
    lines = ["", about, "", *lines, ""]
    print(*lines, sep="\n")
    if options.into is not None:
        write_between(options.into, f"faithfulness {options.data}", lines)


if __name__ == "__main__":
    main()
