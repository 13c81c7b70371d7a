"""What each part of a classifier with n-grams answers, alone and pooled, on the validation split.

python tests/benchmarks/sentiment_parts.py RUN [--data imdb] [--write docs/experiments.md]

The model of the run is an `NGramTextClassifier`: a recurrent network, n-grams with naive-Bayes
weights, and document vectors if it has any. Their logits are asked once; weights of a pool are
chosen on the validation reviews as they are, for each cap anew. Columns: validation reviews; edited
copies of them, by the edits that may have been trained on; the last sentence of each; the pairs of
edited reviews that are written by hand, and the generated ones. The test split is not read.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tables import write_between

from rnnkit import datasets
from rnnkit.data.counterfactuals import counterfactual
from rnnkit.data.edited_reviews import generated_pairs, written_pairs
from rnnkit.data.perturbations import SHORTEST, split_sentences
from rnnkit.layers import LogOpinionPool
from rnnkit.study import open_model
from rnnkit.study.report import markdown
from rnnkit.tasks.inference import predict_batches
from rnnkit.tasks.texts.naive_bayes import pool_weights

CAPS = (None, 3.0, 2.0, 1.5, 1.0, 0.5)
Asked = tuple[list[str], np.ndarray]


def sets_of(texts: Sequence[str], labels: np.ndarray) -> dict[str, Asked]:
    """Return the sets that are asked, with their labels."""
    generator = random.Random(1)
    edits = [counterfactual(text, generator) for text in texts]
    found = [i for i, text in enumerate(edits) if text is not None]
    last = [
        ([one for one in split_sentences(text) if len(one.split()) >= SHORTEST] or [text])[-1]
        for text in texts
    ]
    sets: dict[str, Asked] = {
        "validation": (list(texts), labels),
        "edited": ([str(edits[i]) for i in found], 1 - labels[found]),
        "last sentences": (last, labels),
    }
    for name, pairs in (("pairs by hand", written_pairs()), ("generated", generated_pairs())):
        both = [text for pair in pairs for text in (pair.negative, pair.positive)]
        sets[name] = both, np.arange(len(both)) % 2
    return sets


def logits_of(model: Any, texts: list[str]) -> list[np.ndarray]:
    """Return the logits of each member of the pool, `(N, 1)`."""
    outputs = keras.tree.flatten(model.parts().pool.input)
    network = keras.Model(model.network.inputs, keras.ops.concatenate(outputs, axis=-1))
    found = predict_batches(network, model.make_batches(model.encode(texts)), verbose=0)
    return np.split(found, len(outputs), axis=1)


def main() -> None:
    """Read the arguments, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="the folder of a run, or a .keras file")
    parser.add_argument("--data", default="imdb")
    parser.add_argument("--write", type=Path, help="a page of the docs with markers")
    given = parser.parse_args()
    model = open_model(given.model)
    valid = datasets.load(given.data).valid
    sets = sets_of(valid.texts, np.asarray(valid.labels))
    logits = {name: logits_of(model, texts) for name, (texts, _) in sets.items()}
    count = len(logits["validation"])
    names = ["recurrent network", "n-grams", "document vectors"][:count]

    def row(name: str, members: Sequence[int], weights: Any, cap: float | None) -> list[str]:
        pool = LogOpinionPool([float(weight) for weight in weights], logit_cap=cap)
        cells = []
        for asked, (_, labels) in sets.items():
            z = keras.ops.convert_to_numpy(pool([logits[asked][k] for k in members]))[:, 0]
            cells.append(f"{np.mean((z > 0) == labels):.4f}")
        return [name, ", ".join(f"{weight:.2f}" for weight in weights), *cells]

    rows = [row(name, [k], [1.0], None) for k, name in enumerate(names)]
    for cap in CAPS:
        for members in ([0, count - 1], range(count))[0 if cap is None and count > 2 else 1 :]:
            known = [logits["validation"][k] for k in members]
            weights = pool_weights(known, sets["validation"][1], logit_cap=cap)
            what = "all" if len(members) == count else f"{names[0]} and {names[-1]}"
            capped = "" if cap is None else f", n-grams capped at {cap:g}"
            rows.append(row(what + capped, list(members), weights, cap))
    pool = model.parts().pool
    own = keras.ops.convert_to_numpy(pool.pool_weights).tolist()
    rows.append(row("the model as it is", range(count), own, pool.logit_cap))
    lines = list(markdown([["parts", "weights", *sets], *rows]))
    print("\n".join(lines))
    if given.write:
        write_between(given.write, "sentiment parts", lines)


if __name__ == "__main__":
    main()
