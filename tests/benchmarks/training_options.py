"""What averaged weights and adversarial training cost: a training step beside the plain one.

python tests/benchmarks/training_options.py                       # a small table, a minute
python tests/benchmarks/training_options.py --words 30000 --rounds 20

The network is that of a sentiment recipe, the batch 32 texts of 200 words. The steps of all options
are interleaved; of each the median seconds of the processor are printed, and the median of its
ratio to the plain step of the same round, as a Markdown table.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from rnnkit import recipes

OPTIONS = {
    "plain": {},
    "`averaged_weights=0.999`": {"averaged_weights": 0.999},
    "`adversarial=5`": {"adversarial": 5.0},
    "`averaged_weights=0.999, adversarial=5`": {"averaged_weights": 0.999, "adversarial": 5.0},
    "`virtual_adversarial=5`": {"virtual_adversarial": 5.0},
    "`adversarial=5, virtual_adversarial=5`": {"adversarial": 5.0, "virtual_adversarial": 5.0},
}
TEXTS, LENGTH = 32, 200


def step_of(recipe: str, words: int, options: dict) -> tuple:
    """Return a function that takes one training step, of a model with so many words."""
    names = [f"w{i}" for i in range(words)]
    texts = [" ".join(part) for part in np.array_split(names, max(2, words // LENGTH))]
    model = recipes.find(recipe)(embedding="random", min_count=1, max_length=LENGTH, **options)
    model.fit(texts, np.arange(len(texts)) % 2, epochs=0, verbose=0)
    generator = np.random.default_rng(0)
    ids = generator.integers(2, len(model.vocabulary), (TEXTS, LENGTH)).astype("int32")
    targets = generator.integers(0, 2, (TEXTS, 1)).astype("float32")
    return lambda: model.train_on_batch(ids, targets)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipe", default="bilstm_sentiment")
    parser.add_argument("--words", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    steps = {name: step_of(given.recipe, given.words, more) for name, more in OPTIONS.items()}
    for step in steps.values():
        step()  # compile, where the backend does
        step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(given.rounds):
        for name, step in steps.items():
            begin = time.process_time()
            step()
            seconds[name].append(time.process_time() - begin)
    print(f"{given.recipe}, {given.words:,} words, {TEXTS} texts of {LENGTH} words\n")
    print("| option | processor seconds of a step | of the plain one |\n|---|---|---|")
    for name, found in seconds.items():
        ratios = [a / b for a, b in zip(found, seconds["plain"], strict=True)]
        print(f"| {name} | {statistics.median(found):.4f} | {statistics.median(ratios):.2f} |")


if __name__ == "__main__":
    main()
