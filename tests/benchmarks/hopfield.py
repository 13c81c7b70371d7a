"""How many of its patterns a Hopfield network recalls from damaged cues, and how fast.

    python tests/benchmarks/hopfield.py                       # 0.1 N patterns, a fifth damaged
    python tests/benchmarks/hopfield.py --rule storkey --load 0.2 --trials 2000

A trial is one pattern: a share of its units, drawn at random, is flipped, and the network runs to
rest. It counts as recalled when at least 97.5 % of the units are right (overlap 0.95): past some
size Hebb's rule leaves a few wrong units in every fixed point (Amit, Gutfreund and Sompolinsky
1985). The exact recalls stand beside it.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np

from rnnkit.recurrent.hopfield import ORDERS, RULES, CapacityWarning, HopfieldNetwork


def trials(units: int, options: argparse.Namespace, order: str) -> dict[str, float]:
    """Store random patterns in new networks until there are trials enough; return the means."""
    count = max(1, round(options.load * units))
    overlaps, risen, storing, recalling, networks = [], 0, 0.0, 0.0, -(-options.trials // count)
    for number in range(networks):
        rng = np.random.default_rng(number)
        patterns = rng.choice([-1, 1], (count, units))
        cues = patterns.copy()
        for row in cues:
            row[rng.choice(units, round(options.damage * units), replace=False)] *= -1
        network = HopfieldNetwork(units)
        begin = time.perf_counter()
        network.store(patterns, options.rule)
        stored = time.perf_counter()
        found = network.recall(cues, order=order, seed=number).states
        recalling += time.perf_counter() - stored
        storing += stored - begin
        risen += int((network.energy(found) > network.energy(cues) + 1e-9).sum())
        overlaps.append((found * patterns).mean(axis=1))
    overlap = np.concatenate(overlaps)
    return {
        "trials": len(overlap),
        "recalled": 100 * (overlap >= 0.95).mean(),
        "exact": 100 * (overlap == 1).mean(),
        "mean overlap": overlap.mean(),
        "energy rose": risen,
        "store ms": 1000 * storing / networks,
        "recall ms": 1000 * recalling / networks,
    }


def main() -> None:
    """Print one line for each size and order."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, nargs="+", default=[100, 200, 300, 500, 1000])
    parser.add_argument("--load", type=float, default=0.1, help="patterns per unit")
    parser.add_argument("--damage", type=float, default=0.2, help="share of flipped units")
    parser.add_argument("--trials", type=int, default=1000, help="at least, for each line")
    parser.add_argument("--rule", choices=RULES, default="hebb")
    parser.add_argument("--orders", choices=ORDERS, nargs="+", default=list(ORDERS))
    options = parser.parse_args()
    warnings.simplefilter("ignore", CapacityWarning)
    print(f"{options.rule}, {options.load} N patterns, {options.damage:.0%} of the units flipped")
    head = "|    N | order       | trials | recalled |  exact | mean overlap | energy rose "
    print(head + "| store ms | recall ms |\n|---|---|---|---|---|---|---|---|---|")
    for units in options.units:
        for order in options.orders:
            row = trials(units, options, order)
            print(
                f"| {units:4} | {order:11} | {row['trials']:6} | {row['recalled']:6.1f} % "
                f"| {row['exact']:4.1f} % | {row['mean overlap']:12.4f} | {row['energy rose']:11} "
                f"| {row['store ms']:8.1f} | {row['recall ms']:9.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
