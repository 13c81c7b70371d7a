"""Word vectors by the backend's trainer against gensim's: how fast, and how good.

    KERAS_BACKEND=jax python tests/benchmarks/word2vec.py --speed [--words 3400000] [--repeats 5]
    KERAS_BACKEND=jax python tests/benchmarks/word2vec.py --quality [--seeds 3] [--epochs 5]

Speed: both read the same words (the first ones of wiki8) and take turns, an epoch at a time, pairs
included; the first epoch, in which the backend compiles, is left out, and told apart. The ratio is
gensim's shortest time by ours: above 1 we are faster. gensim runs with a worker a core.

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

import keras
import numpy as np

from rnnkit.data.corpus import open_corpus
from rnnkit.embeddings import CBOW, SkipGram
from rnnkit.embeddings.options import word2vec_options
from rnnkit.embeddings.training.encoded_corpus import EncodedCorpus, encode_corpus
from rnnkit.embeddings.training.gensim_trainer import GensimTrainer
from rnnkit.embeddings.training.trainer import KerasTrainer, initial_tables

PAIRS = [
    (method, loss)
    for loss in ("negative-sampling", "hierarchical-softmax")
    for method in ("skip-gram", "cbow")
]
SCORES = ("analogies", "wordsim353", "simlex999")


def speed(corpus: EncodedCorpus, repeats: int) -> None:
    """Print thousands of words per second of both trainers, and their ratio."""
    print("| | gensim | rnnkit | ratio | first epoch, s more |\n|---|---|---|---|---|")
    for method, loss in PAIRS:
        options = word2vec_options(
            method=method, loss=loss, epochs=repeats + 1, workers=os.cpu_count()
        )
        tables = initial_tables(len(corpus.frequencies), options)
        trainers = [
            GensimTrainer(corpus, options, tables),
            KerasTrainer(corpus, options, tables),
        ]
        seconds: list[list[float]] = [[], []]
        for epoch in range(repeats + 1):
            for trainer, spent in zip(trainers, seconds, strict=True):
                start = time.perf_counter()
                for _ in trainer.epoch(epoch):
                    pass
                spent.append(time.perf_counter() - start)
        theirs, ours = (min(spent[1:]) for spent in seconds)
        rates = " | ".join(f"{corpus.total_words / best / 1000:,.0f}" for best in (theirs, ours))
        first = seconds[1][0] - ours
        print(f"| {method}, {loss} | {rates} | {theirs / ours:.2f} | {first:.1f} |", flush=True)


def quality(corpus: EncodedCorpus, seeds: int, epochs: int, out: Path | None) -> None:
    """Print the scores of both trainers, mean and sample standard deviation over the seeds."""
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--data", default="wiki8")
    parser.add_argument("--words", type=int, default=3_400_000, help="of --speed")
    parser.add_argument("--repeats", type=int, default=5, help="of --speed")
    parser.add_argument("--seeds", type=int, default=3, help="of --quality")
    parser.add_argument("--epochs", type=int, default=5, help="of --quality")
    parser.add_argument("--out", type=Path, help="a file that keeps the rows of --quality")
    asked = parser.parse_args()
    print(f"backend {keras.config.backend()}, {os.cpu_count()} cores, {asked.data}")
    if asked.speed:
        texts, words = [], 0
        for text in open_corpus(asked.data):
            texts.append(text)
            words += len(text)
            if words >= asked.words:
                break
        speed(encode_corpus(texts), asked.repeats)
    if asked.quality:
        quality(encode_corpus(open_corpus(asked.data)), asked.seeds, asked.epochs, asked.out)


if __name__ == "__main__":
    main()
