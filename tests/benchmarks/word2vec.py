"""Word vectors by the backend's trainer against gensim's: how fast, and how good.

    KERAS_BACKEND=jax python tests/benchmarks/word2vec.py --speed [--words 1000000] [--repeats 5]
    KERAS_BACKEND=jax python tests/benchmarks/word2vec.py --speed --write docs/benchmarks.md
    KERAS_BACKEND=jax python tests/benchmarks/word2vec.py --quality [--seeds 3] [--epochs 5]

Speed: both read the same words (the first ones of wiki8) and take turns, an epoch at a time, pairs
included; the first epoch, in which our steps are compiled, is left out, and told apart. The ratio
is the median of gensim's time by ours: above 1 we are faster. gensim runs with a worker a core, its
default; ours with one, its default, and whose vectors are the same each time. `--workers 2` = both
with as many; `--processor-time` = that of all threads, which other work on the machine changes
less, gensim with one worker by default. `--steps tensors` = without Numba. `--write` puts the
column of the backend into the table of that page, for either kind of steps into its own.

Quality: analogies (per cent), WordSim-353 and SimLex-999 (Spearman's correlation) of vectors
learned from all of wiki8, mean and sample standard deviation over the seeds. About two hours on two
cores for three seeds; `--out` keeps every row and goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import NamedTuple, get_args

import keras
import numpy as np
from result_runs import record
from tables import cells, read_between, table, write_between

from rnnkit.data.corpus import open_corpus
from rnnkit.embeddings import CBOW, SkipGram
from rnnkit.embeddings.options import word2vec_options
from rnnkit.embeddings.training.encoded_corpus import EncodedCorpus, encode_corpus
from rnnkit.embeddings.training.gensim_trainer import GensimTrainer
from rnnkit.embeddings.training.step_choice import Wanted, choose_steps
from rnnkit.embeddings.training.trainer import KerasTrainer, initial_tables

PAIRS = [
    (method, loss)
    for loss in ("negative-sampling", "hierarchical-softmax")
    for method in ("skip-gram", "cbow")
]
METHOD_NAMES = {"skip-gram": "skip-gram", "cbow": "CBOW"}
TITLES = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}
SCORES = ("analogies", "wordsim353", "simlex999")


class Row(NamedTuple):
    """Thousands of words per second of both trainers, medians; their ratio, and the first epoch."""

    name: str
    theirs: float
    ours: float
    ratio: float
    first: float

    def cell(self) -> str:
        """Return what stands in the table of the docs."""
        return f"{self.theirs:,.0f}, {self.ours:,.0f}: {self.ratio:.2f}"


def speed(corpus: EncodedCorpus, asked: argparse.Namespace) -> list[Row]:
    """Print thousands of words per second of both trainers, and their ratio."""
    clock = time.process_time if asked.processor_time else time.perf_counter
    theirs = asked.workers or (1 if asked.processor_time else os.cpu_count())
    found = []
    print("| | gensim | rnnkit | ratio | first epoch, s more |\n|---|---|---|---|---|")
    for method, loss in PAIRS:
        options = word2vec_options(method=method, loss=loss, epochs=asked.repeats + 1)
        tables = initial_tables(len(corpus.frequencies), options)
        trainers = [
            GensimTrainer(corpus, options | {"workers": theirs}, tables),
            KerasTrainer(corpus, options | {"workers": asked.workers}, tables, asked.steps),
        ]
        seconds = np.zeros((asked.repeats + 1, 2))
        for epoch in range(asked.repeats + 1):
            for place, trainer in enumerate(trainers):
                start = clock()
                for _ in trainer.epoch(epoch):
                    pass
                seconds[epoch, place] = clock() - start
        rates = corpus.total_words / np.median(seconds[1:], 0) / 1000
        first = seconds[0, 1] - np.median(seconds[1:, 1])
        name = f"{METHOD_NAMES[method]}, {loss.replace('-', ' ')}"
        found.append(Row(name, *rates, np.median(seconds[1:, 0] / seconds[1:, 1]), first))
        numbers = f"{rates[0]:,.0f} | {rates[1]:,.0f} | {found[-1].ratio:.2f} | {first:.1f}"
        print(f"| {name} | {numbers} |", flush=True)
    return found


def write(page: Path, rows: list[Row], steps: str) -> None:
    """Put the cells of the running backend into the table between the markers of a page."""
    name = f"word2vec {steps}"
    heading, _, *lines = read_between(page, name)
    backends, found = cells(heading), [cells(line) for line in lines]
    column = backends.index(TITLES[keras.config.backend()])
    for old, row in zip(found, rows, strict=True):
        assert old[0] == row.name, (old[0], row.name)
        old[column] = row.cell()
    write_between(page, name, table(backends, found))


def quality(
    corpus: EncodedCorpus, seeds: int, epochs: int, out: Path | None
) -> list[tuple[dict[str, str], dict[str, list[float]]]]:
    """Print the scores of both trainers, mean and sample standard deviation; return the rows."""
    measured = []
    found: dict[tuple, dict[str, float]] = {}
    if out is not None and out.exists():
        for line in out.read_text().splitlines():
            row = json.loads(line)
            found[tuple(row["key"])] = row["scores"]
    for seed in range(seeds):
        for method, loss in PAIRS:
            for trainer in ("gensim", "keras"):
                key = (method, loss, trainer, seed, epochs)
                if key in found:
                    continue
                kind = SkipGram if method == "skip-gram" else CBOW
                model = kind(loss=loss, trainer=trainer, epochs=epochs, seed=seed)
                start = time.perf_counter()
                model.fit(corpus, verbose=0)
                seconds = time.perf_counter() - start
                found[key] = model.evaluate()
                row = {"key": key, "scores": found[key], "seconds": round(seconds)}
                print(row, flush=True)
                if out is not None:
                    with out.open("a") as file:
                        file.write(json.dumps(row) + "\n")
    print("| | trainer | analogies, % | WordSim-353 | SimLex-999 |\n|---|---|---|---|---|")
    for method, loss in PAIRS:
        for trainer in ("gensim", "keras"):
            rows = [found[method, loss, trainer, seed, epochs] for seed in range(seeds)]
            values = np.array([[row[name] for name in SCORES] for row in rows])
            values[:, 0] *= 100
            mean, spread = values.mean(0), values.std(0, ddof=1) if seeds > 1 else 0 * values[0]
            cells = [
                f"{m:.1f} ± {s:.1f}" if place == 0 else f"{m:.3f} ± {s:.3f}"
                for place, (m, s) in enumerate(zip(mean, spread, strict=True))
            ]
            print(f"| {method}, {loss} | {trainer} | {' | '.join(cells)} |")
            labels = {"method": f"{METHOD_NAMES[method]}, {loss.replace('-', ' ')}"}
            scores = {name: [row[name] for row in rows] for name in SCORES}
            measured.append((labels | {"trainer": trainer}, scores))
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--data", default="wiki8")
    parser.add_argument("--words", type=int, default=1_000_000, help="of --speed")
    parser.add_argument("--repeats", type=int, default=5, help="of --speed")
    parser.add_argument("--workers", type=int, help="of --speed, for both")
    parser.add_argument("--processor-time", action="store_true", help="of --speed")
    parser.add_argument("--steps", default="auto", choices=get_args(Wanted), help="of --speed")
    parser.add_argument("--write", type=Path, help="a page with the tables of --speed")
    parser.add_argument("--seeds", type=int, default=3, help="of --quality")
    parser.add_argument("--epochs", type=int, default=5, help="of --quality")
    parser.add_argument("--out", type=Path, help="a file that keeps the rows of --quality")
    parser.add_argument(
        "--record", action="store_true", help="in recipes/results.json and its table"
    )
    asked = parser.parse_args()
    print(f"backend {keras.config.backend()}, {os.cpu_count()} cores, {asked.data}")
    choice = choose_steps(asked.steps)
    print(choice)
    if asked.speed:
        texts, words = [], 0
        for text in open_corpus(asked.data):
            texts.append(text)
            words += len(text)
            if words >= asked.words:
                break
        rows = speed(encode_corpus(texts), asked)
        if asked.write is not None:
            write(asked.write, rows, choice.kind)
    if asked.quality:
        corpus = encode_corpus(open_corpus(asked.data))
        measured = quality(corpus, asked.seeds, asked.epochs, asked.out)
        if asked.record:
            record("word_vectors", measured, asked.seeds)


if __name__ == "__main__":
    main()
