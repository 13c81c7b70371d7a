"""How wide a beam, and how much to like long texts? Chosen on valid, measured on test.

rnnkit train translator --data multi30k --out runs/multi30k
python tests/benchmarks/beams.py runs/multi30k

Writes the valid split once with each beam and length penalty, and test once greedily and once with
what was best on valid. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import itertools

from rnnkit import recipes, study
from rnnkit.study.sources import Source

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 5, 10])
    parser.add_argument("--penalties", type=float, nargs="+", default=[0.6, 1.0, 1.4])
    parser.add_argument("--limit", type=int, help="texts of valid to write")
    options = parser.parse_args()
    run = study.open_run(options.run)
    recipe = run.settings["recipe"]
    data = Source(**run.settings["data"]).load(recipes.kind_of(recipe))
    valid = data.valid.x[: options.limit], data.valid.y[: options.limit]
    measure = "bleu" if recipe == "translator" else "rouge1"
    print(f"| beam | length penalty | {measure}, valid |\n|---|---|---|", flush=True)

    def scores_of(x: list[str], y: list, beam: int, penalty: float) -> dict[str, float]:
        """Return what the run's model reaches on texts with a beam and a length penalty."""
        search = {"beam_size": beam, "length_penalty": penalty}
        return run.model.evaluate(x, y, return_dict=True, verbose=0, **search)

    found = {}
    for beam, penalty in itertools.product(options.beams, options.penalties):
        if beam == 1 and penalty != options.penalties[0]:
            continue  # one sequence is compared with no other
        found[beam, penalty] = scores_of(*valid, beam, penalty)[measure]
        print(f"| {beam} | {penalty} | {found[beam, penalty]:.2f} |", flush=True)
    print("\n| test | beam | length penalty | scores |\n|---|---|---|---|", flush=True)
    for name, (beam, penalty) in {
        "greedy": (1, options.penalties[0]),
        "best on valid": max(found, key=found.__getitem__),
    }.items():
        scores = scores_of(data.test.x, data.test.y, beam, penalty)
        shown = ", ".join(f"{key} {value:.4g}" for key, value in scores.items())
        print(f"| {name} | {beam} | {penalty} | {shown} |", flush=True)
