"""Time the Keras trainer's word against the size of the vocabulary and against that of the vectors.

    KERAS_BACKEND=jax python tests/benchmarks/word2vec_complexity.py [--repeats 3] [--out PATH]
        [--part both|V|D] [--times PATH]

The theory (Mikolov et al. 2013, arXiv:1301.3781, section 2) counts multiplications of a word that
is predicted: `Q = N·D + D·log2 V` for CBOW and `Q = C·(D + D·log2 V)` for skip-gram with a tree,
and 1 + negative in the place of `log2 V` with noise words. Here N = C = 6, the mean number of words
around a word for a window of 5 that shrinks. Words are drawn from a Zipf law; their number is the
same for all, nothing is thinned out. All settings take turns; the median of the repeats counts.
With `--times` they are kept in a file of JSON and added to in the next call: so a machine need not
be quiet for the whole of it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from pathlib import Path

import keras
import numpy as np

from rnnkit.embeddings.options import word2vec_options
from rnnkit.embeddings.training.encoded_corpus import EncodedCorpus
from rnnkit.embeddings.training.frequencies import Frequencies
from rnnkit.embeddings.training.huffman import huffman_tree
from rnnkit.embeddings.training.trainer import KerasTrainer, initial_tables

SIZES = [2**power for power in (10, 12, 14, 16, 18)]
WIDTHS = [32, 64, 128, 256, 512]
SIZE, WIDTH = 2**14, 128  # what stays while the other one grows
WORDS = 4 * 5 * 64 * 128  # four blocks
CORPUS = 17_000_000  # words that the counts are of, as many as wiki8 has
AROUND, NEGATIVE = 6, 5
METHODS, LOSSES = ("cbow", "skip-gram"), ("hierarchical-softmax", "negative-sampling")
Setting = tuple[str, str, int, int]  # method, loss, V, D
COLOURS = dict(zip(itertools.product(METHODS, LOSSES), ("C0", "C1", "C2", "C3"), strict=True))


def zipf(size: int, seed: int = 0) -> EncodedCorpus:
    """Draw words from a vocabulary of V whose counts fall as 1 / rank."""
    shares = 1 / np.arange(1, size + 1)
    shares /= shares.sum()
    counts = np.maximum(1, np.round(CORPUS * shares)).astype("int64")
    words = np.random.default_rng(seed).choice(size, WORDS, p=shares).astype("int32")
    known = Frequencies([f"w{rank}" for rank in range(size)], counts)
    return EncodedCorpus(known, words, np.full(WORDS // 1024, 1024), WORDS)


def theory(method: str, loss: str, size: int, width: int) -> float:
    """Return Q."""
    told = np.log2(size) if loss == "hierarchical-softmax" else 1 + NEGATIVE
    if method == "cbow":
        return AROUND * width + width * told
    return AROUND * (width + width * told)


def seconds(trainer: KerasTrainer, epoch: int) -> float:
    """Return the time of one epoch; each block's loss is waited for."""
    start = time.perf_counter()
    for _ in trainer.epoch(epoch):
        pass
    return time.perf_counter() - start


def measure(repeats: int, part: str) -> dict[Setting, list[float]]:
    """Return microseconds a word of each setting, a number for each repeat."""
    shapes = {(size, WIDTH) for size in SIZES} if part != "D" else set()
    shapes |= {(SIZE, width) for width in WIDTHS} if part != "V" else set()
    corpora = {size: zipf(size) for size, _ in shapes}
    trainers = {}
    for size, width in sorted(shapes):
        for method, loss in COLOURS:
            options = word2vec_options(
                method=method,
                loss=loss,
                vector_size=width,
                negative=NEGATIVE,
                sample=0,
                epochs=repeats + 1,
            )
            trainer = KerasTrainer(corpora[size], options, initial_tables(size, options))
            trainers[method, loss, size, width] = trainer
            seconds(trainer, 0)  # compiles
    taken: dict[Setting, list[float]] = {setting: [] for setting in trainers}
    for repeat in range(repeats):
        for setting, trainer in trainers.items():
            taken[setting].append(1e6 * seconds(trainer, 1 + repeat) / WORDS)
    return taken


def fit(found: dict[Setting, float], method: str, loss: str) -> tuple[float, float, float]:
    """Return a and b of `time = a + b·Q`, and the share of the variance that it explains."""
    keys = [key for key in found if key[:2] == (method, loss)]
    wanted, times = (np.array(x) for x in ([theory(*k) for k in keys], [found[k] for k in keys]))
    # each setting counts by its ratio, not by its microseconds
    given = np.stack([np.ones_like(wanted), wanted], axis=1)
    (a, b), *_ = np.linalg.lstsq(given / times[:, None], np.ones_like(times), rcond=None)
    return a, b, 1 - ((times - a - b * wanted) ** 2).sum() / ((times - times.mean()) ** 2).sum()


def show(found: dict[Setting, float]) -> None:
    """Print the tables."""
    print("\n| V | code length, mean | longest | log2 V |\n|---|---|---|---|")
    for size in SIZES:
        counts = zipf(size).frequencies.counts
        lengths = huffman_tree(counts).lengths
        mean = (lengths * counts).sum() / counts.sum()
        print(f"| {size:,} | {mean:.1f} | {lengths.max()} | {np.log2(size):.0f} |")
    print("\n| model | loss | V | D | Q | µs/word | µs per 1,000 Q | a + b·Q |")
    print("|---|---|---|---|---|---|---|---|")
    for method, loss in COLOURS:
        a, b, _ = fit(found, method, loss)
        for key in sorted(key for key in found if key[:2] == (method, loss)):
            q, took = theory(*key), found[key]
            print(
                f"| {method} | {loss} | {key[2]:,} | {key[3]} | {q:,.0f} | {took:.2f} | "
                f"{1000 * took / q:.3f} | {a + b * q:.2f} |"
            )
    print("\n| model | loss | a, µs | b, µs per 1,000 Q | R² |\n|---|---|---|---|---|")
    for method, loss in COLOURS:
        a, b, explained = fit(found, method, loss)
        print(f"| {method} | {loss} | {a:.2f} | {1000 * b:.3f} | {explained:.3f} |")


def draw(found: dict[Setting, float], path: Path) -> None:
    """Draw time against V and against D, measured and predicted."""
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    figure, both = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    for place, (axes, values) in enumerate(zip(both, (SIZES, WIDTHS), strict=True)):
        for (method, loss), colour in COLOURS.items():
            a, b, _ = fit(found, method, loss)
            shapes = [(value, WIDTH) if place == 0 else (SIZE, value) for value in values]
            keys = [(method, loss, *shape) for shape in shapes]
            name = f"{method.replace('cbow', 'CBOW')}, {loss.replace('-', ' ')}"
            axes.plot(values, [found[key] for key in keys], "o", color=colour, label=name)
            axes.plot(values, [a + b * theory(*key) for key in keys], "--", color=colour)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.set_yticks([0.5, 1, 2, 4, 8, 16], ["0.5", "1", "2", "4", "8", "16"])
        axes.set_xticks(values, [f"{value:,}" for value in values])
        axes.grid(alpha=0.3)
    both[0].set(xlabel=f"words in the vocabulary, V (D = {WIDTH})", ylabel="µs per word")
    both[1].set(xlabel=f"numbers in a vector, D (V = {SIZE:,})")
    both[0].plot([], [], "--", color="grey", label="a + b·Q, fitted")
    figure.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="where the figure goes; without it none is drawn")
    parser.add_argument("--part", choices=("both", "V", "D"), default="both")
    parser.add_argument("--times", type=Path, help="a file that keeps what was measured")
    options = parser.parse_args()
    taken = measure(options.repeats, options.part)
    if options.times:
        if options.times.exists():
            for *setting, times in json.loads(options.times.read_text()):
                taken[tuple(setting)] = times + taken.get(tuple(setting), [])
        options.times.write_text(json.dumps([[*key, times] for key, times in taken.items()]))
    print(f"backend {keras.backend.backend()}, {WORDS:,} words, median of", end=" ")
    print(*sorted({len(times) for times in taken.values()}), sep=" or ")
    found = {setting: statistics.median(times) for setting, times in taken.items()}
    show(found)
    if options.out and len(found) == len(COLOURS) * (len(SIZES) + len(WIDTHS) - 1):
        draw(found, options.out)


if __name__ == "__main__":
    main()
