"""Autocompletion: the next word, or the rest of a word that is being typed."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

import numpy as np

from rnnkit.data.tokenizer import END_OF_LINE
from rnnkit.data.vocabulary import UNKNOWN
from rnnkit.errors import InputError
from rnnkit.tasks.language.generation import Reader, States

if TYPE_CHECKING:
    from rnnkit.tasks.language.generation_model import GenerationModel


class Completer:
    """Autocompletion with a word-level model; the shared part of two prefixes is read once.

    The states after each word of the last prefix are kept. One more letter is a lookup in the last
    probabilities; one more word is one step, and so is any number of words fewer.

    Args:
        model: a trained `LanguageModel` of words.
        reader: of its network; the model's own when left out.

    Raises:
        InputError: a model of characters, or one that is conditioned on labels.

    Example:
        >>> Completer(model)("the capital of fr", 3)  # doctest: +SKIP
        [('france', 0.81), ('friuli', 0.02), ('fragrance', 0.01)]
    """

    def __init__(self, model: GenerationModel, reader: Reader | None = None) -> None:
        if model.tokenizer.unit != "word" or model.classes:
            raise InputError("complete needs a model of words without labels; else call generate.")
        self._model = model
        self._reader = reader or model.reader()
        vocabulary = model.vocabulary
        assert vocabulary is not None  # a model that has a reader has one
        never = {"", END_OF_LINE, "<unk>", vocabulary.tokens[UNKNOWN]}
        self._words = sorted(
            (token, i) for i, token in enumerate(vocabulary.tokens) if token not in never
        )
        self._all = np.array([i for _, i in self._words])
        self._encode = vocabulary.encode
        self._tokens = vocabulary.tokens
        self._ids: list[int] = []  # the last prefix, and the log-probabilities after it
        self._log_p = np.zeros(0)
        # states before ids[i]
        self._state_checkpoints: list[tuple[int, States]] = [(0, self._reader.start(1))]

    def __call__(self, prefix: str, k: int = 5) -> list[tuple[str, float]]:
        """Return the k most probable continuations of the prefix, each with its probability.

        After white space that is a new word, else one that begins with the last letters; its
        probability is divided by the sum over all words that do. There may be fewer than k.
        """
        typed = self._model.tokenizer.tokenize(prefix)
        if self._model.tokenizer.lowercase:
            prefix = prefix.lower()
        half = ""
        if typed and prefix and not prefix[-1].isspace():
            half = typed.pop()
        log_p = self._read([self._model.first_token(), *self._encode(typed).tolist()])
        found = self._beginning(half)
        if not len(found):
            return []
        scores = log_p[found]
        top = min(k, len(found))
        best = np.argpartition(-scores, top - 1)[:top]
        best = best[np.argsort(-scores[best], kind="stable")]
        powers = np.exp(scores - scores.max())
        p = powers / powers.sum()
        return [(self._tokens[found[i]], float(p[i])) for i in best]

    def _beginning(self, half: str) -> np.ndarray:
        """Return the ids of the words that begin with these letters."""
        if not half:
            return self._all
        first = bisect.bisect_left(self._words, (half,))
        end = bisect.bisect_left(self._words, (half + "\U0010ffff",))
        return self._all[first:end]

    def _read(self, ids: list[int]) -> np.ndarray:
        """Return the log-probabilities after these ids; reuse those of the last prefix."""
        if ids == self._ids:
            return self._log_p
        same = 0
        while same < min(len(ids) - 1, len(self._ids)) and ids[same] == self._ids[same]:
            same += 1
        while self._state_checkpoints[-1][0] > same:
            self._state_checkpoints.pop()
        for end in (len(ids) - 1, len(ids)):
            begin, states = self._state_checkpoints[-1]
            if begin < end:
                log_p, states = self._reader.read(np.array([ids[begin:end]], "int32"), states)
                self._state_checkpoints.append((end, states))
        self._ids, self._log_p = ids, log_p[0]
        return self._log_p
