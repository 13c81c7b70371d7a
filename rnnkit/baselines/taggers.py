"""Baselines of tagging: the most frequent tag of each word, or a gazetteer of training spans."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from rnnkit.data.splits import Dataset, Split
from rnnkit.data.tag_schemes import detect_scheme, to_iob2
from rnnkit.monitor.spans import extract_spans, span_scores

Lexicon = dict[tuple[str, ...], str]
Entries = Iterator[tuple[tuple[str, ...], str]]


def most_frequent_tag(dataset: Dataset) -> dict[str, Any]:
    """Most-frequent-tag baseline of tagged sentences; of spans, a gazetteer of the training spans.

    A word gets its most frequent tag in train. A word that train lacks gets the most frequent tag
    of the words that occur once in train and are capitalised alike. Of spans: every sequence of
    words that is a span in train becomes a span with its most frequent type, the longest match
    first, from left to right. Tags of another scheme than IOB2 are converted first.

    Example:
        >>> part = Split([["Ann", "ran"], ["Bo", "ran"]], [["B-PER", "O"], ["B-PER", "O"]])
        >>> most_frequent_tag(Dataset("x", part, part, part, ("B-PER", "O")))["test"]["f1"]
        1.0
    """
    begin = time.perf_counter()
    train, test = dataset.train, dataset.test
    has_spans = detect_scheme([*train.y, *test.y]) is not None
    if has_spans:
        train, test = (Split(part.x, [*map(to_iob2, part.y)]) for part in (train, test))
    lexicon = _lexicon(_seen_spans(train) if has_spans else _seen_words(train))
    rare = _rare_word_tags(train)
    seconds = time.perf_counter() - begin
    predicted = [
        _match_spans(words, lexicon)
        if has_spans
        else [lexicon.get((word,), rare[word[:1].isupper()]) for word in words]
        for words in test.x
    ]
    right = [
        tag == guess
        for tags, row in zip(test.y, predicted, strict=True)
        for tag, guess in zip(tags, row, strict=True)
    ]
    scores = {"accuracy": sum(right) / max(len(right), 1)}
    if has_spans:
        scores |= span_scores(test.y, predicted)
    return {"test": scores, "seconds": seconds, "parameters": len(lexicon)}


def _seen_words(split: Split) -> Entries:
    for words, tags in zip(split.x, split.y, strict=True):
        for word, tag in zip(words, tags, strict=True):
            yield (word,), tag


def _seen_spans(split: Split) -> Entries:
    for words, tags in zip(split.x, split.y, strict=True):
        for span in extract_spans(tags):
            yield tuple(words[span.start : span.end]), span.type


def _most_frequent(counts: Counter[str]) -> str:
    """Return the most frequent tag, of equals the one that sorts first; "O" where there is none."""
    return min(counts, key=lambda tag: (-counts[tag], tag), default="O")


def _lexicon(seen: Entries) -> Lexicon:
    """Return the most frequent tag of each entry."""
    counts: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for words, tag in seen:
        counts[words][tag] += 1
    return {words: _most_frequent(found) for words, found in counts.items()}


def _rare_word_tags(split: Split) -> dict[bool, str]:
    """Return the most frequent tag of words that occur once, by whether they are capitalised."""
    counts = Counter(word for words in split.x for word in words)
    seen: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for (word,), tag in _seen_words(split):
        seen[word[:1].isupper()][tag] += counts[word] == 1
    return {shape: _most_frequent(found) for shape, found in seen.items()}


def _match_spans(words: list[str], lexicon: Lexicon) -> list[str]:
    """Return the tags of a sentence, known spans marked, the longest match first."""
    longest = max(map(len, lexicon), default=0)
    tags = ["O"] * len(words)
    place = 0
    while place < len(words):
        for size in range(min(longest, len(words) - place), 0, -1):
            kind = lexicon.get(tuple(words[place : place + size]))
            if kind is not None:
                tags[place : place + size] = [f"B-{kind}", *[f"I-{kind}"] * (size - 1)]
                place += size
                break
        else:
            place += 1
    return tags
