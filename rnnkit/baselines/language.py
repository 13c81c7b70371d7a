"""Baseline of language models: n-grams with interpolated Kneser-Ney smoothing."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rnnkit.data.splits import Dataset
from rnnkit.data.token_files import TokenTexts
from rnnkit.data.vocabulary import UNKNOWN
from rnnkit.errors import InputError

MAX_TOKENS = 10_000_000
ORDERS = {"word": 3, "subword": 3, "character": 6}  # how many tokens an n-gram has


def kneser_ney(dataset: Dataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Perplexity of an n-gram model with interpolated Kneser-Ney smoothing.

    Trigrams of words or sub-words, or 6-grams of characters, with the tokens and the vocabulary of
    the run.

    Args:
        dataset: the splits, of running text.
        settings: those of the run: its recipe or ``unit``, and how its vocabulary is made.

    Source: Chen and Goodman 1999, An empirical study of smoothing techniques.
    """
    from rnnkit.data.hub_tokenizer import HubTokenizer
    from rnnkit.data.tokenizer import Tokenizer

    unit = "character" if settings.get("recipe") == "text_generator" else "word"
    unit = settings.get("unit", unit)
    begin = time.perf_counter()
    options = {name: settings[name] for name in ("split", "lowercase") if name in settings}
    subwords = HubTokenizer.of(settings.get("tokenizer"))
    unit = unit if subwords is None else "subword"
    tokenizer = subwords or Tokenizer(unit, **options)
    texts = _tokens(dataset.train.x, tokenizer)
    counts = Counter(token for text in texts for token in text)
    kept = {token for token, count in counts.items() if count >= settings.get("min_count", 1)}
    size = settings.get("vocabulary_size")
    if size is not None and len(kept) > size - 2:  # padding and unknown are always there
        kept = {token for token, _ in counts.most_common(size - 2)}
    model = KneserNey(
        [[t if t in kept else None for t in text] for text in texts], ORDERS[unit], len(kept) + 1
    )
    seconds = time.perf_counter() - begin
    test = [[t if t in kept else None for t in text] for text in _tokens(dataset.test.x, tokenizer)]
    total = sum(model.negative_log_likelihood(text) for text in test)
    mean = total / max(sum(map(len, test)), 1)
    scores = {"loss": mean, "perplexity": math.exp(mean)}
    if unit == "character":
        scores["bits_per_character"] = mean / math.log(2)
    return {"test": scores, "seconds": seconds, "parameters": len(model)}


def _tokens(texts: Any, tokenizer: Any) -> list[list[Any]]:
    """Return the tokens of texts; of a token file their ids, None for unknown ones."""
    if not isinstance(texts, TokenTexts):
        return [tokenizer.tokenize(text) for text in texts]
    if texts.lengths.sum() > MAX_TOKENS:
        raise InputError(
            f"{texts.file.path} has {texts.lengths.sum():,} tokens: the baseline, which keeps all "
            f"n-grams in memory, takes {MAX_TOKENS:,}. Compare without baselines "
            "(--no-baselines)."
        )
    return [[None if i == UNKNOWN else i for i in text.tolist()] for text in texts]


class KneserNey:
    """n-gram model with interpolated Kneser-Ney smoothing and one discount for each order.

    `p(w | h) = max(c(hw) - d, 0) / c(h) + d N(h·) / c(h) p(w | h')`, where h' is h
    without its first token. Below the highest order, c is the number of distinct tokens before;
    below unigrams, `p = 1 / V`.
    `d = n_1 / (n_1 + 2 n_2)`, n_i the number of n-grams with count i; 0.5 where there are none.

    Args:
        texts: tokens; None = a token outside the vocabulary.
        order: n.
        size: V, the size of the vocabulary with None.

    Example:
        >>> model = KneserNey([list("abab")], order=2, size=3)
        >>> round(sum(model.probability(("a",), token) for token in ("a", "b", None)), 6)
        1.0
    """

    def __init__(self, texts: Sequence[Sequence[Any]], order: int, size: int) -> None:
        self.order, self.size = order, size
        grams = (tuple(t[i : i + order]) for t in texts for i in range(len(t) - order + 1))
        self._counts: list[dict[tuple, int]] = [Counter(grams)]
        # The first tokens of a text have shorter histories: their raw counts go to lower orders.
        first = [tuple(t[:n]) for t in texts for n in range(1, min(order, len(t) + 1))]
        for n in range(order - 1, 0, -1):
            lower: Counter[tuple] = Counter(gram[1:] for gram in self._counts[-1])
            lower.update(gram for gram in first if len(gram) == n)
            self._counts.append(lower)
        self._totals: list[dict[tuple, int]] = []
        self._kinds: list[dict[tuple, int]] = []
        self._discounts: list[float] = []
        for counts in self._counts:
            totals: defaultdict[tuple, int] = defaultdict(int)
            kinds: defaultdict[tuple, int] = defaultdict(int)
            for gram, count in counts.items():
                totals[gram[:-1]] += count
                kinds[gram[:-1]] += 1
            of_counts = Counter(counts.values())
            once, twice = of_counts[1], of_counts[2]
            self._totals.append(totals)
            self._kinds.append(kinds)
            self._discounts.append(once / (once + 2 * twice) if once else 0.5)

    def __len__(self) -> int:
        """Return the number of n-grams of all orders."""
        return sum(map(len, self._counts))

    def probability(self, before: tuple, token: Any) -> float:
        """Return `p(token | before)`; only the last `n - 1` tokens matter."""
        found = 1 / self.size
        before = before[max(0, len(before) - self.order + 1) :]
        for n in range(1, self.order + 1):
            level = self.order - n
            if n - 1 > len(before):
                break
            history = before[len(before) - n + 1 :]
            total = self._totals[level].get(history, 0)
            if total:
                discount = self._discounts[level]
                count = self._counts[level].get((*history, token), 0)
                rest = discount * self._kinds[level][history]
                found = (max(count - discount, 0.0) + rest * found) / total
        return found

    def negative_log_likelihood(self, text: Sequence[Any]) -> float:
        """Return the negative log-likelihood `-Σ log p` of a text, in nats."""
        return -sum(
            math.log(self.probability(tuple(text[max(0, i - self.order + 1) : i]), token))
            for i, token in enumerate(text)
        )
