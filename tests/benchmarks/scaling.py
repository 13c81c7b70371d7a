"""Measure how time and memory grow with the length, the batch, the vocabulary and the texts.

    KERAS_BACKEND=jax python tests/benchmarks/scaling.py [--jobs steps,texts] [--small]
    ... --out scaling.json          # adds this backend to the file
    python tests/benchmarks/scaling.py --draw scaling.json docs/images/scaling.png

Every size doubles the one before and runs in a process of its own: a warm-up at the same size,
which loads and compiles, then the fastest of some repeats. The memory is the peak of the process
beyond what it held when rnnkit was imported. The growth is the exponent p of time ~ size^p between
the two largest sizes: 1 is linear, less means that a constant part is still seen.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

UNITS, WIDTH = 64, 64
WORDS = 2000  # different words of the generated texts


def layer_step(batch: int, steps: int) -> Callable[[], object]:
    """A training step of a masked LSTM: forward, gradients, Adam."""
    import keras

    import rnnkit.layers

    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, steps, WIDTH)).astype("float32")
    mask = np.arange(steps) < rng.integers(3 * steps // 4, steps + 1, size=(batch, 1))
    y = rng.integers(0, 2, size=(batch, 1)).astype("float32")
    inputs = [keras.Input((None, WIDTH)), keras.Input((None,), dtype="bool")]
    hidden = rnnkit.layers.LSTM(UNITS)(inputs[0], mask=inputs[1])
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
    model.compile("adam", "binary_crossentropy")
    return lambda: model.train_on_batch([x, mask], y)


def vocabulary_step(words: int) -> Callable[[], object]:
    """A training step of a classifier with a vocabulary of this size."""
    import keras

    import rnnkit.layers

    rng = np.random.default_rng(0)
    x = rng.integers(1, words, size=(32, 50))
    y = rng.integers(0, 2, size=(32, 1)).astype("float32")
    inputs = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(words, WIDTH, mask_zero=True)(inputs)
    hidden = rnnkit.layers.LSTM(UNITS)(embedded)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
    model.compile("adam", "binary_crossentropy")
    return lambda: model.train_on_batch(x, y)


def made_up_texts(count: int) -> tuple[list[str], list[str]]:
    """Texts of 10 to 30 words, and labels."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(WORDS)])
    texts = [" ".join(rng.choice(words, rng.integers(10, 31))) for _ in range(count)]
    return texts, ["pos" if label else "neg" for label in rng.integers(0, 2, count)]


def training(count: int) -> Callable[[], object]:
    """An epoch of a recipe: vocabulary, encoding, training."""
    from rnnkit.recipes import lstm_sentiment

    texts, labels = made_up_texts(count)
    return lambda: lstm_sentiment(units=16, embedding_size=16, seed=0).fit(
        texts, labels, epochs=1, validation_split=0.1, verbose=0
    )


def answering(count: int) -> Callable[[], object]:
    """The answers to this many texts."""
    from rnnkit.recipes import lstm_sentiment

    texts, labels = made_up_texts(count)
    model = lstm_sentiment(units=16, embedding_size=16, seed=0)
    model.fit(texts[:500], labels[:500], epochs=1, validation_split=0.1, verbose=0)
    return lambda: model.predict(texts)


def markov(steps: int) -> Callable[[], object]:
    """Viterbi and posteriors of one sequence of a Gaussian HMM of 8 states."""
    from rnnkit.hmm.estimators import models

    x = np.random.default_rng(0).normal(size=(steps, 3))
    model = models.GaussianHMM(8, n_iter=1, random_state=0).fit(x[:200])
    return lambda: (model.predict(x), model.predict_proba(x))


def markov_sequences(count: int) -> Callable[[], object]:
    """An iteration of Baum-Welch over sequences of 100 steps."""
    from rnnkit.hmm.estimators import models

    x = np.random.default_rng(0).normal(size=(100 * count, 3))
    lengths = [100] * count
    return lambda: models.GaussianHMM(8, n_iter=1, random_state=0).fit(x, lengths)


# Job -> what is doubled, how to make it, smallest and largest size, sizes of a quick look.
JOBS: dict[str, tuple[str, Callable[[int], Callable[[], object]], int, int, int]] = {
    "steps": ("steps T, LSTM training step, B = 32", lambda n: layer_step(32, n), 64, 4096, 8),
    "batch": ("rows B, LSTM training step, T = 100", lambda n: layer_step(n, 100), 16, 1024, 4),
    "vocabulary": ("words V, training step of a classifier", vocabulary_step, 5000, 320000, 100),
    "texts": ("texts, an epoch of a recipe", training, 1000, 32000, 32),
    "answers": ("texts, predict", answering, 1000, 32000, 32),
    "hmm-steps": ("steps T, HMM Viterbi and posteriors", markov, 1000, 64000, 32),
    "hmm-rows": ("sequences, Baum-Welch iteration", markov_sequences, 50, 3200, 4),
}


def measure(job: str, size: int, repeats: int) -> None:
    """Print the seconds and the added MiB of one size."""
    import rnnkit.layers  # noqa: F401 - what importing it takes is not the job's

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = JOBS[job][1](size)
    run()
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"size": size, "seconds": best, "mib": added}))


def curve(job: str, repeats: int, small: bool) -> list[dict[str, float]]:
    """Measure a job at each size, in processes of their own."""
    _, _, least, most, quick = JOBS[job]
    sizes = [quick, 2 * quick] if small else [least]
    while not small and sizes[-1] < most:
        sizes.append(2 * sizes[-1])
    points = []
    for size in sizes:
        asked = ["--point", job, "--size", str(size), "--repeats", str(repeats)]
        done = subprocess.run([sys.executable, __file__, *asked], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{job}, size {size}: {done.stderr[-2000:]}")
        points.append(json.loads(done.stdout.splitlines()[-1]))
    return points


def growth(points: list[dict[str, float]], what: str) -> float:
    """Return the exponent between the two largest sizes."""
    *_, last, end = points
    return math.log(max(end[what], 1e-9) / max(last[what], 1e-9)) / math.log(
        end["size"] / last["size"]
    )


def row(backend: str, job: str, points: list[dict[str, float]]) -> str:
    """Return one line of the table."""
    first, *_, end = points
    return (
        f"| {JOBS[job][0]} | {backend} | {first['size']:,.0f} – {end['size']:,.0f} "
        f"| {1000 * first['seconds']:,.1f} – {1000 * end['seconds']:,.1f} "
        f"| {growth(points, 'seconds'):.2f} "
        f"| {first['mib']:,.0f} – {end['mib']:,.0f} | {growth(points, 'mib'):.2f} |"
    )


HEADING = (
    "| doubled | backend | sizes | ms | growth | peak, MiB | growth |\n"
    "|---|---|---|---|---|---|---|"
)


def draw(found: dict[str, dict[str, list[dict[str, float]]]], path: Path) -> None:
    """Draw the seconds by size of each job, one line a backend, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    jobs = [job for job in JOBS if any(job in curves for curves in found.values())]
    figure, panels = plt.subplots(
        2, math.ceil(len(jobs) / 2), figsize=(11, 5.5), layout="constrained", squeeze=False
    )
    for panel in panels.flat[len(jobs) :]:
        panel.axis("off")
    for panel, job in zip(panels.flat, jobs, strict=False):
        for backend, curves in found.items():
            if job in curves:
                sizes = [point["size"] for point in curves[job]]
                seconds = [point["seconds"] for point in curves[job]]
                panel.loglog(sizes, seconds, marker="o", markersize=3, label=backend)
        panel.loglog(sizes, [seconds[-1] * n / sizes[-1] for n in sizes], color="#bbbbbb", ls=":")
        panel.set_title(JOBS[job][0], fontsize=9)
        panel.tick_params(labelsize=8)
    panels.flat[0].set_ylabel("seconds (dotted: linear)", fontsize=9)
    panels.flat[0].legend(fontsize=8, frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, or draw what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", default=",".join(JOBS), help="with commas between")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="two tiny sizes of each")
    parser.add_argument("--out", type=Path, help="a JSON file that keeps the curves by backend")
    parser.add_argument("--draw", nargs=2, type=Path, metavar=("JSON", "PICTURE"))
    parser.add_argument("--point", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.point:
        measure(asked.point, asked.size, asked.repeats)
        return
    if asked.draw:
        found = json.loads(asked.draw[0].read_text())
        print(HEADING)
        for job in JOBS:
            for backend, curves in found.items():
                if job in curves:
                    print(row(backend, job, curves[job]))
        draw(found, asked.draw[1])
        return
    import keras

    backend = keras.config.backend()
    found = json.loads(asked.out.read_text()) if asked.out and asked.out.exists() else {}
    print(HEADING)
    for job in asked.jobs.split(","):
        found.setdefault(backend, {})[job] = curve(job, asked.repeats, asked.small)
        print(row(backend, job, found[backend][job]), flush=True)
        if asked.out:
            asked.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
