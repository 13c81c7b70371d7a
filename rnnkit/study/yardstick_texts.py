"""What simple models write: the source as it is, or the likeliest n-gram."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rnnkit.data.splits import Dataset

ORDERS = {"word": 3, "character": 6}  # how many tokens an n-gram has


def measure_source(dataset: Dataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Measure each source as if it were the target; for summaries its first line.

    Args:
        dataset: the splits, of text pairs.
        settings: those of the run beside it: its recipe.

    Returns:
        A dictionary shaped like a run's results.json: ``test``, ``seconds``, ``parameters``.

    Example:
        >>> measure_source(load_data("aeslc"), {"recipe": "summarizer"})["test"]  # doctest: +SKIP
        {'rouge1': 15.4, 'rouge2': 6.6, 'rougeL': 14.2}
    """
    from rnnkit.tasks.text_to_text.text_scores import bleu, rouge

    references = [[y] if isinstance(y, str) else list(y) for y in dataset.test.y]
    if settings.get("recipe") == "summarizer":
        lines = [(text.strip().splitlines() or [""])[0] for text in dataset.test.x]
        scores = rouge(lines, references).values
    else:
        scores = bleu(dataset.test.x, references).values
    return {"test": scores, "seconds": 0.0, "parameters": 0}


def measure_ngrams(dataset: Dataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Count n-grams in the training split, smoothed by Kneser and Ney, and measure perplexity.

    Words in threes, characters in sixes; the tokens and the vocabulary are those of the run.

    Args:
        dataset: the splits, of running text.
        settings: those of the run: ``unit`` and what its vocabulary keeps.

    Returns:
        A dictionary shaped like a run's results.json: ``test``, ``seconds``, ``parameters``.

    Source: Chen and Goodman 1999, An empirical study of smoothing techniques.
    """
    from rnnkit.data.tokenizer import Tokenizer

    unit = settings.get("unit", "word")
    begin = time.perf_counter()
    options = {name: settings[name] for name in ("split", "lowercase") if name in settings}
    units = Tokenizer(unit, **options)
    texts = [units.tokenize(text) for text in dataset.train.x]
    counts = Counter(token for text in texts for token in text)
    kept = {token for token, count in counts.items() if count >= settings.get("min_count", 1)}
    size = settings.get("vocabulary_size")
    if size is not None and len(kept) > size - 2:  # padding and unknown are always there
        kept = {token for token, _ in counts.most_common(size - 2)}
    model = KneserNey(
        [[t if t in kept else None for t in text] for text in texts], ORDERS[unit], len(kept) + 1
    )
    seconds = time.perf_counter() - begin
    held_out = [[t if t in kept else None for t in units.tokenize(text)] for text in dataset.test.x]
    lost = sum(model.surprise(text) for text in held_out)
    mean = lost / max(sum(map(len, held_out)), 1)
    scores = {"loss": mean, "perplexity": math.exp(mean)}
    if unit == "character":
        scores["bits_per_character"] = mean / math.log(2)
    return {"test": scores, "seconds": seconds, "parameters": len(model)}


class KneserNey:
    """n-grams, interpolated, with a discount for each order.

    `p(w | h) = max(c(hw) - d, 0) / c(h) + d N(h·) / c(h) p(w | h')`, h' without its first token;
    below the highest order c counts how many tokens stand before, and at last `p(w) = 1 / V`.
    `d = n_1 / (n_1 + 2 n_2)`, n_i the number of n-grams that were counted i times; without any 0.5.

    Args:
        texts: tokens; None stands for any that is not in the vocabulary.
        order: n.
        size: V, None among them.

    Example:
        >>> model = KneserNey([list("abab")], order=2, size=3)
        >>> round(sum(model.probability(("a",), token) for token in ("a", "b", None)), 6)
        1.0
    """

    def __init__(self, texts: Sequence[Sequence[Any]], order: int, size: int) -> None:
        self.order, self.size = order, size
        self._counts: list[dict[tuple, int]] = []
        highest = Counter(gram for text in texts for gram in _grams(text, order))
        # A text's first tokens have fewer before them: they count as they are in the lower orders.
        first = [gram for text in texts for gram in _first(text, order)]
        self._counts.append(highest)
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
        """How many n-grams of all orders it keeps."""
        return sum(map(len, self._counts))

    def probability(self, before: tuple, token: Any) -> float:
        """Return `p(token | before)`, of which the last `n - 1` count."""
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

    def surprise(self, text: Sequence[Any]) -> float:
        """Return `-Σ log p` of a text, in nats."""
        return -sum(
            math.log(self.probability(tuple(text[max(0, i - self.order + 1) : i]), token))
            for i, token in enumerate(text)
        )


def _grams(text: Sequence[Any], order: int) -> Iterable[tuple]:
    return zip(*(text[i:] for i in range(order)), strict=False)


def _first(text: Sequence[Any], order: int) -> Iterable[tuple]:
    return (tuple(text[:n]) for n in range(1, min(order, len(text) + 1)))
