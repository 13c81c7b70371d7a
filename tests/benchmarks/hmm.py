"""Time the hidden Markov models against hmmlearn's two implementations.

    KERAS_BACKEND=jax python tests/benchmarks/hmm.py [--shape 200,200,8,3] [--repeats 5]
        [--long 20000] [--processor-time] [--write docs/benchmarks.md]

Both sides get the same parameters and the same data, and take turns in one run; the shortest time
of each counts. The ratio is hmmlearn's time by ours: above 1 we are faster. `--long` is the length
of the single sequence that is decoded, too. `--processor-time` counts that of all threads, for a
machine that others use. `--write` puts the figures into the column of the backend in the table
between the markers `hmm` of a page. `--memory` fits 5,000 sequences and prints the peak
memory of the process.
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import hmmlearn.hmm
import keras
import numpy as np
from tables import cells, read_between, table, write_between

from rnnkit.hmm.estimators import models

logging.getLogger("hmmlearn").setLevel(logging.ERROR)
SYMBOLS, MIX = 16, 2
WAYS = ("scaling", "log")
COLUMNS = ("jax", "tensorflow", "torch")
clock = time.perf_counter


def fastest(runs: list[Callable[[], object]], repeats: int) -> list[float]:
    """Let the runs take turns and return the shortest time of each, in milliseconds."""
    best = [float("inf")] * len(runs)
    for repeat in range(repeats + 2):
        for place, run in enumerate(runs):
            start = clock()
            run()
            if repeat >= 2:  # the first two compile
                best[place] = min(best[place], 1000 * (clock() - start))
    return best


def start(states: int, features: int) -> tuple[np.ndarray, np.ndarray, dict[str, dict]]:
    """Start and transition probabilities, and the parameters of each emission."""
    rng = np.random.default_rng(0)
    means = rng.normal(0, 2, (states, features))
    mixed = means[:, None] + rng.normal(0, 0.5, (states, MIX, features))
    emissions = {
        "GaussianHMM": {"means_": means, "covars_": np.ones((states, features))},
        "GMMHMM": {
            "weights_": np.full((states, MIX), 1 / MIX),
            "means_": mixed,
            "covars_": np.ones((states, MIX, features)),
        },
        "CategoricalHMM": {"emissionprob_": rng.dirichlet(np.ones(SYMBOLS), states)},
    }
    moves = 0.8 * np.eye(states) + 0.2 * rng.dirichlet(np.ones(states), states)
    return np.full(states, 1 / states), moves, emissions


def build(package: object, name: str, shape: list[int], **settings: object) -> object:
    """A model with the parameters of `start`."""
    *_, states, features = shape
    startprob, moves, emissions = start(states, features)
    if name == "GMMHMM":
        settings["n_mix"] = MIX
    if name == "GaussianHMM":
        settings["covars_prior"] = 0.0
    model = getattr(package, name)(states, init_params="", tol=-np.inf, **settings)
    if name == "GaussianHMM" and package is hmmlearn.hmm:
        model.n_features = features
    for attribute, value in {
        "startprob_": startprob,
        "transmat_": moves,
        **emissions[name],
    }.items():
        setattr(model, attribute, value.copy())
    return model


def data(name: str, shape: list[int]) -> tuple[np.ndarray, list[int]]:
    """A sample of the model, cut into sequences."""
    batch, steps, *_ = shape
    x, _ = build(models, name, shape).sample(batch * steps, 0)
    return x, [steps] * batch


def em_steps(
    makers: list[Callable[..., object]], x: np.ndarray, lengths: list[int], repeats: int
) -> list[float]:
    """The milliseconds of one step of Baum-Welch for each.

    A fifth of the difference between fits of six steps and of one: what a fit does once is no step.
    """

    def fits(steps: int) -> list[float]:
        return fastest([lambda m=m: m(n_iter=steps).fit(x, lengths) for m in makers], repeats)

    return [(six - one) / 5 for one, six in zip(fits(1), fits(6), strict=True)]


def compare(shape: list[int], long: int, repeats: int) -> dict[str, str]:
    """Print a Markdown table, and return the cells of the table of the docs."""
    cells = {}
    print("| | rnnkit ms | scaling ms | log ms | by scaling | by log |")
    print("|---|---|---|---|---|---|")

    def line(what: str, ours: float, theirs: list[float]) -> None:
        ratios = [f"{took / ours:.1f}" for took in theirs]
        times = [f"{took:.1f}" for took in [ours, *theirs]]
        print(f"| {what} | {' | '.join(times)} | {' | '.join(ratios)} |", flush=True)
        cells[what] = f"{', '.join(ratios)} ({times[0]})"

    for name in ("GaussianHMM", "GMMHMM", "CategoricalHMM"):
        x, lengths = data(name, shape)
        makers = [
            lambda name=name, **settings: build(models, name, shape, **settings),
            *(
                lambda name=name, way=way, **settings: build(
                    hmmlearn.hmm, name, shape, implementation=way, **settings
                )
                for way in WAYS
            ),
        ]
        ready = [make() for make in makers]
        for what, method in (("posteriors", "predict_proba"), ("Viterbi", "predict")):
            if name != "GMMHMM":
                calls = [getattr(model, method) for model in ready]
                runs = [lambda call=call, x=x, n=lengths: call(x, n) for call in calls]
                ours, *theirs = fastest(runs, repeats)
                line(f"{name}, {what}", ours, theirs)
        rounds = 1 if name == "GMMHMM" else repeats
        ours, *theirs = em_steps(makers, x, lengths, rounds)
        line(f"{name}, Baum-Welch iteration", ours, theirs)
    one = [1, long, *shape[2:]]
    x, lengths = data("GaussianHMM", one)
    ready = [build(models, "GaussianHMM", one)]
    ready += [build(hmmlearn.hmm, "GaussianHMM", one, implementation=way) for way in WAYS]
    ours, *theirs = fastest([lambda m=m: m.predict(x, lengths) for m in ready], repeats)
    line(f"GaussianHMM, Viterbi, one sequence of {long:,} steps", ours, theirs)
    return cells


def write(page: Path, found: dict[str, str]) -> None:
    """Put the cells into the column of the backend, in the table between the markers of a page."""
    column = COLUMNS.index(keras.backend.backend())
    heading, _, *lines = read_between(page, "hmm")
    rows = {row[0]: row[1:] for row in map(cells, lines)}
    for what, cell in found.items():
        rows.setdefault(what, ["–"] * len(COLUMNS))[column] = cell
    write_between(page, "hmm", table(cells(heading), [[what, *row] for what, row in rows.items()]))


def memory(shape: list[int]) -> None:
    """Print the peak memory of a fit of 5,000 sequences."""
    many = [5000, *shape[1:]]
    small, lengths = data("GaussianHMM", [50, *shape[1:]])
    build(models, "GaussianHMM", many, n_iter=1).fit(small, lengths)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    x, lengths = np.tile(small, (100, 1)), lengths * 100
    begin = time.perf_counter()
    model = build(models, "GaussianHMM", many, n_iter=2).fit(x, lengths)
    took = time.perf_counter() - begin
    model.predict_proba(x, lengths)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{many[0]} sequences of {many[1]} steps: peak {peak:.0f} MiB ({before:.0f} MiB before, "
        f"data {x.nbytes / 2**20:.0f} MiB); two steps of Baum-Welch with compiling {took:.1f} s"
    )


def main() -> None:
    """Print the machine's table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="200,200,8,3", help="sequences, steps, states, features")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--long", type=int, default=20_000, help="steps of one long sequence")
    parser.add_argument("--processor-time", action="store_true")
    parser.add_argument("--write", type=Path, help="a page with the table")
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    shape = [int(size) for size in options.shape.split(",")]
    if options.processor_time:
        global clock
        clock = time.process_time
    print(f"backend {keras.backend.backend()}, B,T,K,D = {options.shape}", file=sys.stderr)
    if options.memory:
        memory(shape)
    else:
        cells = compare(shape, options.long, options.repeats)
        if options.write:
            write(options.write, cells)


if __name__ == "__main__":
    main()
