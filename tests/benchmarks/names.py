"""Names to order: does a classifier take a made-up Italian name for an Italian one?

python tests/benchmarks/names.py             # three seeds, some minutes each
python tests/benchmarks/names.py --seeds 1 --epochs 5 --judge-epochs 3

`text_generator` learns the names of eighteen languages, is told a language, and writes names. The
judge is another model, `bilstm_sentiment` on letters, that has seen the same training names. It is
shown as many made names of each language as real ones of the test split: what it says of the real
ones is what the made ones can reach. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterable
from typing import Any

import numpy as np
from result_runs import record

from rnnkit import datasets
from rnnkit.recipes import bilstm_sentiment, text_generator

MADE = 20  # names of each language, made and real; of a rare language there are fewer real ones
AS_TEXT = {"lowercase": False, "strip_punctuation": False, "expand_abbreviations": False}


def spelled(names: Iterable[str]) -> list[str]:
    """Return names as texts whose words are letters."""
    return [" ".join(name.replace(" ", "_")) for name in names]


def judge_of(data: Any, epochs: int, seed: int) -> Any:
    """Return a classifier of names."""
    judge = bilstm_sentiment(
        embedding="random",
        embedding_size=32,
        min_count=1,
        batch_size=64,
        epochs=epochs,
        classes=data.classes,
        seed=seed,
        **AS_TEXT,
    )
    # Half of all names are Russian: each language counts the same, as it does when it is judged.
    counts = np.bincount(data.train.y, minlength=len(data.classes))
    judge.fit(
        spelled(data.train.x),
        data.train.y,
        validation_data=(spelled(data.valid.x), data.valid.y),
        class_weight={i: float(counts.sum() / len(counts) / n) for i, n in enumerate(counts)},
        verbose=2,
    )
    return judge


def right(judge: Any, names: list[str], languages: list[str]) -> float:
    """Return for how many of the names the judge says the language, in per cent."""
    said = judge.predict_labels(spelled(names))
    return 100 * float(np.mean([a == b for a, b in zip(said, languages, strict=True)]))


def measure(data: Any, seed: int, epochs: int, judge_epochs: int) -> tuple[list[float], dict]:
    """Return bits, the judge's two shares and the share of names that are no invention."""
    model = text_generator(
        units=256,
        embedding_size=32,
        batch_size=128,
        dropout=0.3,
        output_dropout=0.3,
        learning_rate=4e-3,
        epochs=epochs,
        classes=data.classes,
        seed=seed,
    )
    valid = (data.valid.x, data.valid.y)
    model.fit(data.train.x, data.train.y, validation_data=valid, verbose=2)
    test = model.evaluate(data.test.x, data.test.y, return_dict=True, verbose=0)
    made = {
        language: model.generate(label=language, n=MADE, length=25, temperature=0.8, seed=seed)
        for language in data.classes
    }
    pairs = [(name, language) for language in data.classes for name in made[language] if name]
    real = [
        (data.test.x[i], language)
        for number, language in enumerate(data.classes)
        for i in np.flatnonzero(np.asarray(data.test.y) == number)[:MADE]
    ]
    judge = judge_of(data, judge_epochs, seed)
    seen = set(data.train.x)
    known = 100 * float(np.mean([name in seen for name, _ in pairs]))
    shares = [right(judge, *map(list, zip(*names, strict=True))) for names in (pairs, real)]
    return [test["bits_per_character"], *shares, known], made


SHARES = ("asked", "real", "copied")  # of generated names, real ones, generated ones

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--judge-epochs", type=int, default=10)
    parser.add_argument(
        "--record", action="store_true", help="in recipes/results.json and its table"
    )
    options = parser.parse_args()
    names = datasets.load("names")
    found: list[list[float]] = []
    samples: dict[str, list[str]] = {}
    for seed in range(options.seeds):
        row, samples = measure(names, seed, options.epochs, options.judge_epochs)
        found.append(row)
    print("\n| | |\n|---|---|")
    what = (
        "bits per character, test",
        "made names that the judge takes for the language asked for, %",
        "real names of test that it takes for theirs, %",
        "made names that stand in train, %",
    )
    for label, column in zip(what, zip(*found, strict=True), strict=True):
        spread = f" ± {statistics.stdev(column):.2f}" if len(column) > 1 else ""
        print(f"| {label} | {statistics.mean(column):.2f}{spread} |")
    if options.record:
        bits, *shares = map(list, zip(*found, strict=True))
        values = {
            name: [one / 100 for one in share] for name, share in zip(SHARES, shares, strict=True)
        }
        record(
            "names", [({"data": "`names`"}, {"bits_per_character": bits, **values})], options.seeds
        )
    print("\n| language | made up |\n|---|---|")
    for language, written in samples.items():
        print(f"| {language} | {', '.join(written[:6])} |")
