"""Run an exported text classifier with Python 3.11 or later, NumPy and ONNX Runtime.

    python runner.py "A wonderful little production."
    python runner.py < texts.txt

One text a line; prints the class, its probability and the text, with tabs between them. From
Python: `Classifier().predict(["A wonderful little production."])`. What it reads lies beside this
file: `preprocessing.json` and the model that it names.
"""

from __future__ import annotations

import html
import json
import re
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

Features = tuple[np.ndarray, ...]  # of one text, one array for each input of the model


class _Characters(dict[int, str]):
    """Table of `str.translate`: letters, marks, numbers, white space; all others replaced."""

    def __init__(self, replacement: str) -> None:
        super().__init__(dict.fromkeys(map(ord, "'\u2018\u2019\u02bc\uff07"), "'"))
        self.replacement = replacement

    def __missing__(self, code: int) -> str:
        character = chr(code)
        keep = unicodedata.category(character)[0] in "LMN" or character.isspace()
        self[code] = character if keep else self.replacement.format(character)
        return self[code]


class Classifier:
    """A classifier of texts: `classes` in the order of the probabilities, and `predict`."""

    def __init__(self, folder: str | Path = Path(__file__).parent) -> None:
        given = json.loads((Path(folder) / "preprocessing.json").read_text(encoding="utf-8"))
        self.settings, self.classes = given, given["classes"]
        path, place = str(Path(folder) / given["model"]), ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(path, providers=place)
        self._pattern = {k: re.compile(p, flags) for k, (p, flags) in given["patterns"].items()}
        self._to_space, self._spaced = _Characters(" "), _Characters(" {} ")
        self._drop = set(given["pipeline"]["stop_words"])
        self._ids = {token: i for i, token in enumerate(given["vocabulary"])}
        self._words: dict[str, int] = {}
        self._longer: list[dict[tuple[int, int], int]] = []
        if given["ngrams"] is not None:
            self._read_ngrams(**given["ngrams"])

    def _read_ngrams(self, words: list[str], orders: list[dict[str, list[int]]]) -> None:
        """Number the n-grams: of one token first, then those that continue the ones before."""
        self._words = {word: i for i, word in enumerate(words, 1)}
        first, size = 1, len(words)
        for order in orders:
            heads = np.repeat(np.arange(first, first + size), order["followers"]).tolist()
            first, size = first + size, len(heads)
            pairs = zip(heads, order["last"], strict=True)
            self._longer.append({pair: i for i, pair in enumerate(pairs, first)})

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a text."""
        use, pattern = self.settings["pipeline"], self._pattern
        if use["strip_html"]:
            text = html.unescape(pattern["huge_reference"].sub(" ", pattern["html"].sub(" ", text)))
        if use["lowercase"]:
            text = unicodedata.normalize("NFC", text.lower())
        if "abbreviation" in pattern:
            full = use["expand_abbreviations"]
            text = pattern["abbreviation"].sub(
                lambda found: full.get(" ".join(found[0].lower().split()), found[0]), text
            )
        if use["strip_punctuation"]:
            text = pattern["outer_apostrophe"].sub(" ", text.translate(self._to_space))
        else:
            text = pattern["outer_apostrophe"].sub(" ' ", text.translate(self._spaced))
        found = text.split() if use["tokens"] == "words" else _characters(text)
        found = [token for token in found if token not in self._drop]
        lengths = range(1, self.settings["token_ngrams"] + 1)
        return [" ".join(found[i : i + n]) for n in lengths for i in range(len(found) - n + 1)]

    def features(self, text: str) -> Features:
        """Return the inputs of the model for one text: ids, or ids with counts, and n-grams."""
        tokens, most = self.tokens(text), self.settings["max_length"]
        ids = np.array([self._ids.get(token, 1) for token in tokens], np.int32)
        if self.settings["bag"]:
            ids = np.stack(np.unique(ids, return_counts=True), 1).astype(np.int32)
        if most is not None and len(ids) > most:
            ends = {"head": (most, 0), "tail": (0, most), "both": (most - most // 2, most // 2)}
            head, tail = ends[self.settings["truncate"]]
            ids = np.concatenate([ids[:head], ids[len(ids) - tail :]])
        return (ids, self._ngrams(tokens)) if self._words else (ids,)

    def _ngrams(self, tokens: list[str]) -> np.ndarray:
        """Return the numbers of the known n-grams of a text, each once."""
        words = numbers = [self._words.get(token, 0) for token in tokens]
        found = set(words)
        for length, known in enumerate(self._longer, 1):
            numbers = [known.get(two, 0) for two in zip(numbers, words[length:], strict=False)]
            found.update(numbers)
        return np.array(sorted(found - {0}), np.int32)

    def predict(self, texts: Sequence[str], batch_size: int = 32) -> np.ndarray:
        """Return `(N, 1)`, the probability of the second of two classes; or `(N, C)`."""
        rows, names = [self.features(t) for t in texts], self._session.get_inputs()
        order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))  # little padding
        outputs: Any = [None] * len(rows)
        for start in range(0, len(rows), batch_size):
            batch = order[start : start + batch_size]
            columns = zip(*(rows[i] for i in batch), strict=True)
            inputs = {one.name: _pad(c) for one, c in zip(names, columns, strict=True)}
            for i, found in zip(batch, self._session.run(None, inputs)[0], strict=True):
                outputs[i] = found
        return np.array(outputs, np.float32).reshape(len(rows), -1)


def _pad(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Return rows as one array, padded with 0 to the longest, to one step at least."""
    out = np.zeros((len(rows), max(1, *map(len, rows)), *rows[0].shape[1:]), np.int32)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def _characters(text: str) -> list[str]:
    """Return the characters of a text but white space; marks stay with the letter before them."""
    found: list[str] = []
    for character in text:
        if found and unicodedata.category(character)[0] == "M":
            found[-1] += character
        elif not character.isspace():
            found.append(character)
    return found


if __name__ == "__main__":
    model = Classifier()
    for text in sys.argv[1:] or sys.stdin:
        row = model.predict([text])[0].tolist()
        row = [1 - row[0], row[0]] if len(row) == 1 else row
        best = row.index(max(row)) if len(row) > 2 else int(row[1] >= 0.5)
        print(model.classes[best], f"{row[best]:.4f}", " ".join(text.split()), sep="\t")
