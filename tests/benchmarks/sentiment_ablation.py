"""What each part of the training of `best_sentiment` brings and costs, on the validation split.

python tests/benchmarks/sentiment_ablation.py RUN [--unlabelled 5000] [--only NAME ...]

The teachers are those of a run of `best_sentiment`; its test split is not read. One part after the
other is left out, or added, and the recurrent network is trained anew; what it answers alone is
measured, without n-grams: `sentiment_parts.py` measures what they add. One seed. The columns are
those of `sentiment_parts.py`, and the processor minutes of the training, without those of teachers
and word vectors. Rows are kept in `--rows` as they come: what is there is not trained again, and
several processes may share the work by `--only`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sentiment_parts import logits_of, sets_of
from tables import write_between

from rnnkit import datasets
from rnnkit.progress import showing
from rnnkit.recipes import best_sentiment
from rnnkit.study.report import markdown
from rnnkit.tasks.ensemble import Ensemble

MINUTES = "processor minutes"
# Settings that differ from those of `best_sentiment`, and arguments of `fit`.
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "all parts": ({}, {}),
    "labels alone, no teacher": ({}, {"teacher": None}),
    "without unlabelled reviews": ({}, {"distil_unlabelled": False}),
    "without edited copies": ({"counterfactuals": 0.0}, {}),
    "without generated reviews": ({"synthetic_reviews": 0.0}, {}),
    "without passages": ({"passages": 0.0}, {}),
    "without averaged weights": ({"averaged_weights": 0.0}, {}),
    "random word vectors": ({"embedding": "random"}, {}),
    "128 units": ({"units": 128}, {}),
    "400 instead of 600 tokens": ({"max_length": 400}, {}),
    "and adversarial steps of norm 5": ({"adversarial": 5.0}, {}),
    "and adversarial steps of norm 1": ({"adversarial": 1.0}, {}),
}


class Remembering:
    """A teacher that is asked once for each text."""

    def __init__(self, teacher: Ensemble) -> None:
        self.teacher, self.known = teacher, {}  # type: ignore[var-annotated]
        self.classes = teacher.classes

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Return the probabilities of texts; those of new ones are asked for."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known |= zip(new, self.teacher.predict_proba(new), strict=True)
        return np.stack([self.known[text] for text in texts])


def measure(
    name: str, teacher: Any, data: Any, unlabelled: Sequence[str], epochs: int, sets: Any
) -> list[str]:
    """Train one variant, and return its row."""
    settings, options = VARIANTS[name]
    cheap = {"document_vector_size": 0, "ngram_order": 1, "ngram_min_count": 50}
    # A classifier that has no teacher refuses the settings of one.
    settings = {"teachers": 0} | cheap | settings
    given = {"unlabelled": list(unlabelled), "verbose": 0, "teacher": teacher} | options
    # The word vectors, which are then in the cache.
    best_sentiment(**settings).fit(data.train.x, data.train.y, epochs=0, **given)
    model = best_sentiment(**settings, epochs=epochs)
    began = time.process_time()
    with showing(True):
        model.fit(
            *(data.train.x, data.train.y), validation_data=(data.valid.x, data.valid.y), **given
        )
    minutes = (time.process_time() - began) / 60
    cells = []
    for texts, labels in sets.values():
        z = logits_of(model, texts)[0][:, 0]
        cells.append(f"{np.mean((z > 0) == labels):.4f}")
    return [name, *cells, f"{minutes:.1f}"]


def main() -> None:
    """Read the arguments, train, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="the folder of a run of best_sentiment")
    parser.add_argument("--data", default="imdb")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--unlabelled", type=int, default=5_000, help="reviews of 50,000")
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--rows", type=Path, default=Path("ablation.jsonl"), help="kept rows")
    parser.add_argument("--write", type=Path, help="write the kept rows into a page with markers")
    given = parser.parse_args()
    if given.write:
        write_between(given.write, "sentiment ablation", list(markdown(kept_rows(given.rows))))
        return
    data = datasets.load(given.data)
    folders = sorted((given.run / "checkpoints").glob("teacher-*/model.keras"))
    ensemble = Ensemble(folders).fit_weights(data.valid.x, data.valid.y)
    teacher = Remembering(ensemble)
    sets = sets_of(data.valid.texts, np.asarray(data.valid.labels))
    unlabelled = list(data.unlabelled or ())[: given.unlabelled]
    with showing(True):
        teacher.predict_proba([*data.train.x, *unlabelled])
    for name in given.only:
        if name in [row[0] for row in kept_rows(given.rows)]:
            continue
        row = measure(name, teacher, data, unlabelled, given.epochs, sets)
        print(" | ".join(row), flush=True)
        with given.rows.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(zip(["variant", *sets, MINUTES], row, strict=True))) + "\n")


def kept_rows(path: Path) -> list[list[str]]:
    """Return the heading and the rows that are kept in a file, in the order of `VARIANTS`."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    rows = sorted(map(json.loads, lines), key=lambda row: list(VARIANTS).index(row["variant"]))
    return [list(rows[0]), *(list(row.values()) for row in rows)] if rows else []


if __name__ == "__main__":
    main()
