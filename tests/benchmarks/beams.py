"""How wide a beam, and how much to like long texts? Chosen on valid, measured on test.

rnnkit train translator --data multi30k --out runs/multi30k
python tests/benchmarks/beams.py runs/multi30k

Writes the valid split once with each beam and length penalty, and test once greedily and once with
what was best on valid. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import itertools

from rnnkit import datasets, study

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 5, 10])
    parser.add_argument("--penalties", type=float, nargs="+", default=[0.6, 1.0, 1.4])
    parser.add_argument("--limit", type=int, help="texts of valid to write")
    options = parser.parse_args()
    run = study.open_run(options.run)
    model = run.model
    data = datasets.load(run.settings["data"]["name"])
    measure = "bleu" if run.settings["recipe"] == "translator" else "rouge1"
    print(f"| beam | length penalty | {measure}, valid |\n|---|---|---|", flush=True)
    found = {}
    for beam, penalty in itertools.product(options.beams, options.penalties):
        if beam == 1 and penalty != options.penalties[0]:
            continue  # one sequence is compared with no other
        model.beam_size, model.length_penalty = beam, penalty
        valid = data.valid.x[: options.limit], data.valid.y[: options.limit]
        scores = model.evaluate(*valid, return_dict=True, verbose=0)
        found[beam, penalty] = scores[measure]
        print(f"| {beam} | {penalty} | {scores[measure]:.2f} |", flush=True)
    print("\n| test | beam | length penalty | scores |\n|---|---|---|---|", flush=True)
    for name, (beam, penalty) in {
        "greedy": (1, options.penalties[0]),
        "best on valid": max(found, key=found.__getitem__),
    }.items():
        model.beam_size, model.length_penalty = beam, penalty
        scores = model.evaluate(data.test.x, data.test.y, return_dict=True, verbose=0)
        shown = ", ".join(f"{key} {value:.4g}" for key, value in scores.items())
        print(f"| {name} | {beam} | {penalty} | {shown} |", flush=True)
