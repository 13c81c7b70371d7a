"""Vocabulary: the mapping from tokens to integer ids, saved with the model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rnnkit.errors import InputError, check_count, quote
from rnnkit.untrusted import parse_json

PADDING, UNKNOWN = 0, 1
UNKNOWN_TOKEN = "[UNK]"
_RESERVED = ("", UNKNOWN_TOKEN)


class _Index(dict[str, int]):
    def __missing__(self, token: str) -> int:
        return UNKNOWN


class Vocabulary:
    """Mapping from tokens to ids and back; 0 is padding, 1 is every unknown token.

    Args:
        counts: the frequency of each token; its order is the order of the ids, which begin at 2.
        unknown_count: the number of occurrences of tokens that are not in `counts`.

    Raises:
        InputError: a token is not a `str`, or a count not an integer of at least 0.

    Example:
        >>> vocabulary = Vocabulary.learn([["a", "good", "film"], ["a", "film"]])
        >>> vocabulary.tokens
        ['', '[UNK]', 'a', 'film', 'good']
    """

    def __init__(self, counts: Mapping[str, int], *, unknown_count: int = 0) -> None:
        for token, count in counts.items():
            if not isinstance(token, str):
                raise InputError(
                    f"A token is {type(token).__name__} ({quote(token)}): expected str."
                )
            if isinstance(count, bool) or not isinstance(count, int) or count < 0:
                raise InputError(
                    f"The count of {quote(token)} is {quote(count)}: expected 0, 1, 2, ..."
                )
        if reserved := [token for token in _RESERVED if token in counts]:
            raise InputError(
                f"{quote(reserved[0])} is reserved for padding or unknown tokens: drop it."
            )
        self.tokens: list[str] = [*_RESERVED, *counts]
        self.counts: list[int] = [0, unknown_count, *counts.values()]
        self._index = _Index({token: i for i, token in enumerate(counts, start=2)})

    @classmethod
    def learn(
        cls, token_lists: Iterable[Sequence[str]], max_size: int | None = None, min_count: int = 1
    ) -> Vocabulary:
        """Build a vocabulary of the most frequent tokens; ties are in alphabetical order.

        Args:
            token_lists: the tokens of each text.
            max_size: the largest number of ids, padding and unknown included.
            min_count: less frequent tokens are unknown.

        Raises:
            InputError: items that are no lists of `str`, or a limit that is too small.

        Example:
            >>> len(Vocabulary.learn([["b", "a", "b"]], max_size=3))
            3
        """
        if max_size is not None:
            check_count("max_size", max_size, 2)  # padding and unknown
        check_count("min_count", min_count)
        seen: Counter[str] = Counter()
        for row in token_rows(token_lists):
            seen.update(row)
        total = seen.total()
        for token in _RESERVED:
            seen.pop(token, None)
        if wrong := [token for token in seen if not isinstance(token, str)]:
            raise InputError(
                f"A token is {type(wrong[0]).__name__} ({quote(wrong[0])}): expected str."
            )
        kept = sorted(
            (item for item in seen.items() if item[1] >= min_count),
            key=lambda item: (-item[1], item[0]),
        )
        kept = kept if max_size is None else kept[: max_size - 2]
        return cls(dict(kept), unknown_count=total - sum(count for _, count in kept))

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._index

    def encode(self, tokens: Sequence[str]) -> np.ndarray:
        """Return the id of each token as int32: 1 for unknown tokens, never 0.

        Example:
            >>> Vocabulary({"good": 3}).encode(["good", "grief"])
            array([2, 1], dtype=int32)
        """
        return self.encode_many([tokens])[0]

    def encode_many(self, token_lists: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """Return an int32 array of ids for each list of tokens."""
        find = self._index.__getitem__
        return [np.array(list(map(find, row)), dtype=np.int32) for row in token_rows(token_lists)]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the token of each id: ``""`` for padding, ``"[UNK]"`` for unknown tokens.

        Raises:
            InputError: an id is outside the vocabulary.

        Example:
            >>> Vocabulary({"good": 3}).decode([2, 1, 0])
            ['good', '[UNK]', '']
        """
        ids = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids))
        if ids.size == 0:
            return []
        if ids.ndim != 1 or ids.dtype.kind not in "iu":
            raise InputError(f"ids are {ids.dtype} of shape {ids.shape}: expected a row of ints.")
        if ids.min() < 0 or ids.max() >= len(self):
            wrong = ids[(ids < 0) | (ids >= len(self))][0]
            raise InputError(f"Id {wrong} is outside the vocabulary: expected 0..{len(self) - 1}.")
        return [self.tokens[i] for i in ids.tolist()]

    def share_known(self, token_lists: Iterable[Sequence[str]]) -> float:
        """Return the coverage: the share of tokens, 0 to 1, in the vocabulary (1.0 if none).

        Example:
            >>> Vocabulary({"good": 3}).share_known([["good", "grief"], ["good", "good"]])
            0.75
        """
        known = total = 0
        for row in token_rows(token_lists):
            total += len(row)
            known += sum(map(self._index.__contains__, row))
        return known / total if total else 1.0

    def unknown_tokens(self, token_lists: Iterable[Sequence[str]]) -> list[list[str]]:
        """Return the tokens of each list that are not in the vocabulary, each once.

        Example:
            >>> Vocabulary({"good": 3}).unknown_tokens([["good", "grief"], ["oh", "oh"]])
            [['grief'], ['oh']]
        """
        rows = map(dict.fromkeys, token_rows(token_lists))
        return [[token for token in row if token not in self._index] for row in rows]

    def to_json(self) -> str:
        """Return the vocabulary as JSON."""
        return json.dumps({"tokens": self.tokens[2:], "counts": self.counts[1:]})

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Build a vocabulary from the result of `to_json`; any other text is an `InputError`."""
        try:
            found = parse_json(text)
            tokens, (unknown_count, *counts) = found["tokens"], found["counts"]
            pairs = dict(zip(list(tokens), counts, strict=True))
            check_count("the count of unknown tokens", unknown_count, 0)
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"This is not a vocabulary written by to_json: {error}.") from error
        if not isinstance(tokens, list) or not isinstance(found["counts"], list):
            raise InputError("This vocabulary has no list of tokens and of counts.")
        if len(pairs) < len(tokens):
            raise InputError("This vocabulary repeats a token.")
        return cls(pairs, unknown_count=unknown_count)


def token_rows(token_lists: Iterable[Sequence[str]]) -> Iterable[Sequence[str]]:
    """Yield lists of tokens; refuse texts, which would silently become lists of characters.

    Args:
        token_lists: the tokens of each text.

    Raises:
        InputError: one of them is a text.

    Example:
        >>> list(token_rows([["a", "film"], []]))
        [['a', 'film'], []]
    """
    for index, row in enumerate([token_lists] if isinstance(token_lists, str) else token_lists):
        if isinstance(row, str | bytes):
            raise InputError(
                f"token_lists[{index}] is a text ({quote(row)}): expected a list of tokens; "
                "tokenize texts with TextPipeline().tokens(texts) first."
            )
        yield row
