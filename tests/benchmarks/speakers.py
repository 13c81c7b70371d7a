"""Spoken digits of a speaker who was never heard: each of the six is left out once.

python tests/benchmarks/speakers.py
python tests/benchmarks/speakers.py --no-centred --epochs 20

Trains `sequence_classifier` on log-mel bands of five speakers and measures the sixth with the
weights of the last epoch: recordings held out of the five would say nothing of a sixth. Prints a
Markdown table.
"""

from __future__ import annotations

import argparse
import statistics

from result_runs import record

from rnnkit.data.sets.spoken_digits import SPEAKERS, read_by_speaker
from rnnkit.recipes import sequence_classifier

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--centred", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--record", action="store_true", help="in recipes/results.json and its table"
    )
    options = parser.parse_args()
    print("| speaker left out | accuracy, % |\n|---|---|", flush=True)
    found = []
    for speaker in SPEAKERS:
        data = read_by_speaker(speaker)
        model = sequence_classifier(
            features="log-mel",
            subtract_mean=options.centred,
            bidirectional=True,
            epochs=options.epochs,
            classes=data.classes,
            seed=options.seed,
        )
        model.fit(data.train.x, data.train.y, verbose=0)
        measured = model.evaluate(data.test.x, data.test.y, return_dict=True, verbose=0)
        found.append(100 * measured["accuracy"])
        print(f"| {speaker} | {found[-1]:.1f} |", flush=True)
    print(f"| mean | {statistics.mean(found):.1f} ± {statistics.stdev(found):.1f} |")
    if options.record:
        shares = [share / 100 for share in found]
        values = {**dict(zip(SPEAKERS, shares, strict=True)), "mean": shares}
        record("speakers", [({"model": "`sequence_classifier`"}, values)], seeds=1)
