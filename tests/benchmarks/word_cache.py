"""How much does a cache of the last words help a trained language model?

rnnkit train next_word --data wikitext2 --out runs/wikitext2
python tests/benchmarks/word_cache.py runs/wikitext2

Reads the run's data set from its first word to its last, in one row. The cache's three numbers are
chosen on valid; test is measured once, without a cache and with it. Prints a Markdown table.
"""

from __future__ import annotations

import argparse

from result_runs import record

from rnnkit import recipes, study
from rnnkit.study.sources import Source

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--windows", type=int, nargs="+", default=[500, 2000, 4000])
    parser.add_argument(
        "--record", action="store_true", help="in recipes/results.json and its table"
    )
    options = parser.parse_args()
    run = study.open_run(options.run)
    data = Source(**run.settings["data"]).load(recipes.kind_of(run.settings["recipe"]))
    alone = run.model.evaluate(data.test.x, batch_size=1, return_dict=True, verbose=0)
    cache = run.model.choose_cache(data.valid.x, batch_size=1, windows=options.windows)
    measured = run.model.evaluate(data.test.x, batch_size=1, cache=cache, return_dict=True)
    print("| | perplexity, test |\n|---|---|")
    print(f"| the model alone | {alone['perplexity']:.1f} |")
    print(f"| with {cache} | {measured['perplexity']:.1f} |")
    if options.record:
        one = "the same with batch size 1"
        rows = [
            ({"recipe": "`next_word`", "how": how}, {"perplexity": scores["perplexity"]})
            for how, scores in ((one, alone), (f"{one} and a cache", measured))
        ]
        record("wikitext2", rows, seeds=1)
