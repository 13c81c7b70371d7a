"""Run an exported sequence tagger with Python 3.11 or later, NumPy and ONNX Runtime.

    python runner.py "Why don't you ask John?"
    python runner.py < sentences.txt

One sentence a line; prints a line for each word, with its tag after a tab, and an empty line after
each sentence. From Python: `Tagger().predict(["Why don't you ask John?"])`. What it reads lies
beside this file: `preprocessing.json` and the model that it names.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


class Tagger:
    """A tagger of sentences: `classes` are the names of the tags; `predict`."""

    def __init__(self, folder: str | Path = Path(__file__).parent) -> None:
        given = json.loads((Path(folder) / "preprocessing.json").read_text(encoding="utf-8"))
        self.settings, self.classes = given, given["classes"]
        path, place = str(Path(folder) / given["model"]), ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(path, providers=place)
        self._pattern = {k: re.compile(p, flags) for k, (p, flags) in given["patterns"].items()}
        self._ids = {token: i for i, token in enumerate(given["vocabulary"])}
        self._letters = {letter: i for i, letter in enumerate(given["letters"])}

    def words(self, text: str) -> list[tuple[str, int, int]]:
        """Return the words of a raw sentence, each with its first character and its end."""
        found, place = [], 0
        while place < len(text):
            if text[place].isspace():
                place += 1
                continue
            end, cut = self._next(text, place)
            parts = ((place, cut), (cut, end))
            found += [(text[start:stop], start, stop) for start, stop in parts if stop > start]
            place = end
        return found

    def _next(self, text: str, place: int) -> tuple[int, int]:
        """Return the end of the word that starts here, and where it is cut in two, or its start."""
        for name in ("negation", "clitic"):
            if match := self._pattern[name].match(text, place):
                return match.end(), match.start(1)
        match = self._pattern["word"].match(text, place)
        assert match is not None  # the pattern matches any character
        return match.end(), place + self.settings["cut_after"].get(match[0].lower(), 0)

    def features(self, words: Sequence[str]) -> np.ndarray:
        """Return the ids of the words and of their characters, int32 `(T, 1 + L)`."""
        length = self.settings["word_length"]
        ids = np.zeros((len(words), 1 + length), np.int32)
        for row, word in zip(ids, words, strict=True):
            row[0] = self._ids.get(word.lower() if self.settings["lowercase"] else word, 1)
            if length and len(word) > length:  # both ends of a long word
                word = word[: length - length // 2] + word[len(word) - length // 2 :]
            if length:
                row[1 : 1 + len(word)] = [self._letters.get(letter, 1) for letter in word]
        return ids

    def predict(
        self, sentences: Sequence[str | Sequence[str]], batch_size: int = 32
    ) -> list[list[str]]:
        """Return a tag for each word of each sentence, a raw text or a list of words."""
        split = [[w for w, _, _ in self.words(s)] if isinstance(s, str) else s for s in sentences]
        rows = [self.features(words) for words in split]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))  # little padding
        found: list[Any] = [None] * len(rows)
        for start in range(0, len(rows), batch_size):
            batch = order[start : start + batch_size]
            steps = max(1, *(len(rows[i]) for i in batch))
            ids = np.zeros((len(batch), steps, 1 + self.settings["word_length"]), np.int32)
            for k, i in enumerate(batch):
                ids[k, : len(rows[i])] = rows[i]
            (tags,) = self._session.run(["tags"], {"ids": ids})
            for k, i in enumerate(batch):
                found[i] = [self.classes[tag] for tag in tags[k, : len(rows[i])]]
        return found


if __name__ == "__main__":
    model = Tagger()
    for text in sys.argv[1:] or sys.stdin:
        for (word, _, _), tag in zip(model.words(text), model.predict([text])[0], strict=True):
            print(word, tag, sep="\t")
        print()
