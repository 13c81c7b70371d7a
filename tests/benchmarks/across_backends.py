"""Ask one trained file the same thousand test reviews on every installed backend, and train it on.

    python tests/benchmarks/across_backends.py runs/RUN/model.keras [--data imdb]

Prints the largest difference between the probabilities, and the loss before and after one epoch on
a thousand training reviews, on each backend.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

from rnnkit.backend.select import installed

CHILD = """
import json, sys
import numpy as np
import rnnkit.tasks
from rnnkit import datasets
path, data = sys.argv[1:]
reviews = datasets.load(data, limit=1000)
model = rnnkit.tasks.load(path)
answers = model.predict(reviews.test.texts, verbose=0).ravel().tolist()
train = reviews.train.texts, reviews.train.labels
before = model.evaluate(*train, return_dict=True, verbose=0)["loss"]
steps = int(model.optimizer.iterations)
model.fit(*train, epochs=1, verbose=0)
after = model.evaluate(*train, return_dict=True, verbose=0)["loss"]
print(json.dumps([answers, before, after, steps, int(model.optimizer.iterations)]))
"""


def main() -> None:
    """Print one line for each backend."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data", default="imdb")
    parser.add_argument("--backends", help="some of them, separated by commas")
    options = parser.parse_args()
    first = None
    for backend in options.backends.split(",") if options.backends else installed():
        child = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", CHILD, options.model, options.data],
            env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        answers, before, after, *steps = json.loads(child.stdout.splitlines()[-1])
        first = first or answers
        difference = max(abs(a - b) for a, b in zip(answers, first, strict=True))
        print(
            f"{backend:11} {len(answers)} probabilities, largest difference {difference:.1e}; "
            f"loss {before:.4f} -> {after:.4f} in steps {steps[0]} -> {steps[1]}",
            flush=True,
        )


if __name__ == "__main__":
    main()
