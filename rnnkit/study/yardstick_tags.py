"""What learning by heart does to sentences: each word's usual tag, and the names seen before."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from rnnkit.data.splits import Dataset, Split
from rnnkit.monitor.spans import extract_spans, is_iob2, span_scores

Memory = dict[tuple[str, ...], str]


def measure_memory(dataset: Dataset) -> dict[str, Any]:
    """Learn the training split by heart, and measure that on the test split.

    Of tags that mark spans: a span of words that was seen in train is one again, with the type it
    had most often; the longest first, from left to right. Of other tags: each word gets the tag it
    had most often, and a word that train does not have the tag that most of those have that stand
    in train once, capitalised or not as it is.

    Args:
        dataset: the splits, of tagged sentences.

    Returns:
        A dictionary shaped like a run's results.json: ``test``, ``seconds``, ``parameters``.

    Example:
        >>> part = Split([["Ann", "ran"], ["Bo", "ran"]], [["B-PER", "O"], ["B-PER", "O"]])
        >>> measure_memory(Dataset("x", part, part, part, ("B-PER", "O")))["test"]["f1"]
        1.0
    """
    begin = time.perf_counter()
    of_spans = is_iob2(dataset.classes)
    memory = _memory(_seen_spans(dataset.train) if of_spans else _seen_words(dataset.train))
    usual = _usual(dataset.train)
    seconds = time.perf_counter() - begin
    guessed = [
        _named(words, memory)
        if of_spans
        else [memory.get((word,), usual[word[:1].isupper()]) for word in words]
        for words in dataset.test.x
    ]
    pairs = [
        pair
        for tags, row in zip(dataset.test.y, guessed, strict=True)
        for pair in zip(tags, row, strict=True)
    ]
    scores = {"accuracy": sum(tag == guess for tag, guess in pairs) / max(len(pairs), 1)}
    if of_spans:
        scores |= span_scores(dataset.test.y, guessed)
    return {"test": scores, "seconds": seconds, "parameters": len(memory)}


def _seen_words(split: Split) -> Iterator[tuple[tuple[str, ...], str]]:
    for words, tags in zip(split.x, split.y, strict=True):
        for word, tag in zip(words, tags, strict=True):
            yield (word,), tag


def _seen_spans(split: Split) -> Iterator[tuple[tuple[str, ...], str]]:
    for words, tags in zip(split.x, split.y, strict=True):
        for span in extract_spans(tags):
            yield tuple(words[span.start : span.end]), span.type


def _memory(seen: Iterator[tuple[tuple[str, ...], str]]) -> Memory:
    """Return what each was most often; of two that were as often, what comes first by name."""
    counts: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for words, tag in seen:
        counts[words][tag] += 1
    return {
        words: min(found, key=lambda tag: (-found[tag], tag)) for words, found in counts.items()
    }


def _usual(split: Split) -> dict[bool, str]:
    """Return the tag of rare words that are capitalised, and of those that are not."""
    counts = Counter(word for words in split.x for word in words)
    seen: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for (word,), tag in _seen_words(split):
        seen[word[:1].isupper()][tag] += counts[word] == 1
    return {
        shape: min(found, key=lambda tag: (-found[tag], tag), default="O")
        for shape, found in seen.items()
    }


def _named(words: list[str], memory: Memory) -> list[str]:
    """Return the tags of a sentence in which known spans are marked."""
    longest = max(map(len, memory), default=0)
    tags = ["O"] * len(words)
    place = 0
    while place < len(words):
        for size in range(min(longest, len(words) - place), 0, -1):
            kind = memory.get(tuple(words[place : place + size]))
            if kind is not None:
                tags[place : place + size] = [f"B-{kind}", *[f"I-{kind}"] * (size - 1)]
                place += size
                break
        else:
            place += 1
    return tags
