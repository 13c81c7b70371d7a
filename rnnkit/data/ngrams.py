"""Vocabulary of n-grams, and what numbers of it a text holds: the features of linear models."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.vocabulary import token_rows
from rnnkit.errors import InputError, check_count, quote
from rnnkit.untrusted import parse_json

CHUNK = 1_000_000  # tokens that are encoded at once


class _Tokens(NamedTuple):
    """Texts end to end: the number of each token (0 = unknown), and the text that it stands in."""

    numbers: np.ndarray
    texts: np.ndarray


class NGramVocabulary:
    """The n-grams of one to n tokens that occur often enough, numbered from 1; 0 is padding.

    An n-gram can be frequent only where its first n - 1 tokens are. So it is stored as two
    integers, the number of those and the number of its last token: a million n-grams take a few
    megabytes, and millions of tokens are counted with NumPy, one order after the other.

    Args:
        words: the tokens that are n-grams of one token; their numbers are 1, 2, ...
        prefixes: for each higher order, the number of the first n - 1 tokens of each n-gram.
        last: for each higher order, the number of the last token of each n-gram.

    Raises:
        InputError: the n-grams are not distinct, or are made of others than those before them.

    Example:
        >>> texts = [["not", "a", "good", "film"], ["not", "a", "film"]]
        >>> NGramVocabulary.learn(texts, order=3, min_count=2).ngrams()
        ['a', 'film', 'not', 'not a']
    """

    def __init__(
        self,
        words: Sequence[str],
        prefixes: Sequence[np.ndarray] = (),
        last: Sequence[np.ndarray] = (),
    ) -> None:
        self.words = list(words)
        self._index = {word: i for i, word in enumerate(self.words, start=1)}
        if len(self._index) < len(self.words) or not all(isinstance(w, str) for w in self.words):
            raise InputError("The words of an n-gram vocabulary are not different texts.")
        self._base = len(self.words) + 1
        first, self._starts, self._keys = 1, [1], []
        before = len(self.words)
        for order, (heads, tails) in enumerate(zip(prefixes, last, strict=True), start=2):
            heads, tails = np.asarray(heads, np.int64), np.asarray(tails, np.int64)
            keys = heads * self._base + tails
            outside = (heads < first) | (heads >= first + before)
            outside |= (tails < 1) | (tails >= self._base)
            if outside.any() or (keys[1:] <= keys[:-1]).any():
                raise InputError(
                    f"The {order}-grams are not sorted, or not made of shorter n-grams."
                )
            first, before = first + before, len(keys)
            self._starts.append(first)
            self._keys.append(keys)
        self._size = first + before

    @classmethod
    def learn(
        cls,
        token_lists: Sequence[Sequence[str]],
        order: int,
        min_count: int = 2,
        max_size: int | None = None,
    ) -> NGramVocabulary:
        """Build the vocabulary of the n-grams of one to `order` tokens of texts.

        Args:
            token_lists: the tokens of each text; no n-gram reaches into the next text.
            order: of the longest n-gram.
            min_count: less frequent n-grams are left out.
            max_size: keep at most this many numbers, padding included: the most frequent n-grams,
                of equally frequent ones the shorter.

        Raises:
            InputError: items that are no lists of `str`, or a limit that is too small.

        Example:
            >>> NGramVocabulary.learn([["so", "so", "good"]], 2, min_count=1, max_size=4).ngrams()
            ['good', 'so', 'so good']
        """
        check_count("order", order)
        check_count("min_count", min_count)
        if max_size is not None:
            check_count("max_size", max_size, 2)  # padding and one n-gram
        seen: Counter[str] = Counter()
        for row in token_rows(token_lists):
            seen.update(row)
        if wrong := [token for token in seen if not isinstance(token, str)]:
            raise InputError(
                f"A token is {type(wrong[0]).__name__} ({quote(wrong[0])}): expected str."
            )
        words = sorted(word for word, count in seen.items() if count >= min_count)
        found = cls(words)
        counts = [np.array([seen[word] for word in words], np.int64)]
        tokens = found._look_up(token_lists)
        numbers = tokens.numbers
        for length in range(2, order + 1):
            keys = found._keys_of(numbers, tokens, length)
            different, times = np.unique(keys[keys > 0], return_counts=True)
            often = times >= min_count
            found._append(different[often])
            counts.append(times[often])
            numbers = found._numbers_of(keys, length)
        return found if max_size is None else found._most_frequent(counts, max_size - 1)

    def __len__(self) -> int:
        """Return how many numbers there are, padding included."""
        return self._size

    @property
    def order(self) -> int:
        """The order of the longest n-grams."""
        return len(self._starts)

    def encode_many(self, token_lists: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return the numbers of the n-grams of each text, each once, sorted, int32.

        N-grams that are not in the vocabulary are left out.

        Example:
            >>> NGramVocabulary(["a", "so"], [[2]], [[2]]).encode_many([["so", "so", "odd"], []])
            [array([2, 3], dtype=int32), array([], dtype=int32)]
        """
        rows: list[np.ndarray] = []
        for chunk in _chunks(token_lists):
            tokens = self._look_up(chunk)
            found = [
                tokens.texts[: len(numbers)] * self._size + numbers
                for numbers in self._numbers_at(tokens)
            ]
            places = np.unique(np.concatenate(found))
            texts, numbers = np.divmod(places, self._size)
            texts, numbers = texts[numbers > 0], numbers[numbers > 0].astype(np.int32)
            ends = np.searchsorted(texts, np.arange(1, len(chunk)))
            rows += np.split(numbers, ends) if chunk else []
        return rows

    def numbers_at(self, tokens: Sequence[str]) -> list[np.ndarray]:
        """Return, for each order, the number of the n-gram that begins at each token; 0 = none.

        Example:
            >>> vocabulary = NGramVocabulary(["a", "so"], [[2]], [[1]])
            >>> [one.tolist() for one in vocabulary.numbers_at(["so", "a"])]
            [[2, 1], [3]]
        """
        found = self._numbers_at(self._look_up([tokens]))
        return [numbers[: max(len(tokens) - order, 0)] for order, numbers in enumerate(found)]

    def ngrams(self, joint: str = " ") -> list[str]:
        """Return every n-gram as a text, in the order of their numbers.

        Example:
            >>> NGramVocabulary(["not", "good"], [[1]], [[2]]).ngrams()
            ['not', 'good', 'not good']
        """
        found = ["", *self.words]
        for keys in self._keys:
            heads, tails = (part.tolist() for part in np.divmod(keys, self._base))
            found += [found[h] + joint + found[t] for h, t in zip(heads, tails, strict=True)]
        return found[1:]

    def to_json(self) -> str:
        """Return the vocabulary as JSON.

        For each higher order there is a list with how many n-grams begin with each of the n-grams
        that are one token shorter, and a list with the numbers of the last tokens.
        """
        orders = []
        for start, keys in zip(self._starts, self._keys, strict=False):
            heads, tails = np.divmod(keys, self._base)
            before = self._starts[self._starts.index(start) + 1] - start
            followers = np.bincount(heads - start, minlength=before)
            orders.append({"followers": followers.tolist(), "last": tails.tolist()})
        return json.dumps({"words": self.words, "orders": orders}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> NGramVocabulary:
        """Build a vocabulary from the result of `to_json`; any other text is an `InputError`."""
        try:
            found = parse_json(text)
            words, orders = list(found["words"]), list(found["orders"])
            start, prefixes, last = 1, [], []
            before = len(words)
            for one in orders:
                followers, tails = (np.array(one[key], np.int64) for key in ("followers", "last"))
                if len(followers) != before or followers.sum() != len(tails):
                    raise ValueError("its n-grams do not continue those before them")
                prefixes.append(np.repeat(np.arange(start, start + before), followers))
                last.append(tails)
                start, before = start + before, len(tails)
            return cls(words, prefixes, last)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise InputError(
                f"This is not an n-gram vocabulary written by to_json: {error}."
            ) from error

    def _look_up(self, token_lists: Sequence[Sequence[str]]) -> _Tokens:
        """Return the tokens of texts end to end, a 0 after each text."""
        rows = list(token_rows(token_lists))
        find: Any = self._index.get  # None is no token: it ends a text
        numbers = [find(token, 0) for row in rows for token in itertools.chain(row, (None,))]
        lengths = np.array([len(row) + 1 for row in rows], np.int64)
        return _Tokens(np.array(numbers, np.int64), np.repeat(np.arange(len(rows)), lengths))

    def _numbers_at(self, tokens: _Tokens) -> Iterator[np.ndarray]:
        """Yield, for each order, the number of the n-gram that begins at each place."""
        numbers = tokens.numbers
        yield numbers
        for length in range(2, self.order + 1):
            numbers = self._numbers_of(self._keys_of(numbers, tokens, length), length)
            yield numbers

    def _keys_of(self, numbers: np.ndarray, tokens: _Tokens, length: int) -> np.ndarray:
        """Return the key of the n-gram of this length at each place; 0 = there is none."""
        tails = tokens.numbers[length - 1 :]
        heads = numbers[: len(tails)]
        return np.where((heads > 0) & (tails > 0), heads * self._base + tails, 0)

    def _numbers_of(self, keys: np.ndarray, length: int) -> np.ndarray:
        """Return the number of the n-gram of each key; 0 = unknown."""
        known = self._keys[length - 2]
        if not len(known):
            return np.zeros_like(keys)
        places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.where(known[places] == keys, places + self._starts[length - 1], 0)

    def _append(self, keys: np.ndarray) -> None:
        """Add the n-grams of the next order, by their sorted keys."""
        self._starts.append(self._size)
        self._keys.append(keys)
        self._size += len(keys)

    def _most_frequent(self, counts: list[np.ndarray], size: int) -> NGramVocabulary:
        """Return the vocabulary of the most frequent n-grams.

        No n-gram is more frequent than its first or its last tokens, and of equals the shorter are
        kept: so the parts of what is kept are kept, too.
        """
        times = np.concatenate(counts)
        kept = np.zeros(len(times) + 1, np.int64)
        chosen = np.argsort(-times, kind="stable")[:size] + 1
        kept[chosen] = 1
        renumbered = np.where(kept > 0, np.cumsum(kept), 0)
        words = [word for i, word in enumerate(self.words, start=1) if kept[i]]
        prefixes, last = [], []
        for start, keys in zip(self._starts[1:], self._keys, strict=True):
            own = keys[kept[start : start + len(keys)] > 0]
            heads, tails = np.divmod(own, self._base)
            prefixes.append(renumbered[heads])
            last.append(renumbered[tails])
        return NGramVocabulary(words, prefixes, last)


def _chunks(token_lists: Sequence[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """Yield the texts in parts of about `CHUNK` tokens."""
    chunk: list[Sequence[str]] = []
    tokens = 0
    for row in token_rows(token_lists):
        chunk.append(row)
        tokens += len(row)
        if tokens >= CHUNK:
            yield chunk
            chunk, tokens = [], 0
    yield chunk
