"""Counterfactual edits of reviews: few words change, and with them the opinion."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from rnnkit.data.opposites import NEGATED, NEGATIONS, OPPOSITES

_PIECE = re.compile(r"\w+(?:['’-]\w+)*|\s+|[^\w\s]")
_CLAUSE = frozenset('.,;:!?()"')  # a negation does not reach past these
_REACH = 3  # words between a negation and the word that it negates, at most
_INTENSIFIERS = frozenset(["a", "an", "very", "really", "so", "quite", "pretty"])
_OUT_OF = (["out", "of", "10"], ["out", "of", "ten"])
_STARS = re.compile(r"stars?", re.I)


def counterfactual(text: str, generator: random.Random, least: int = 3) -> str | None:
    """Return an English review with every opinion turned into its opposite.

    Words of opinion are replaced by opposites ("great" -> "awful"), negations are added and taken
    away ("is good" -> "isn't good"), and ratings are mirrored ("9/10" -> "2/10", "1 star" -> "5
    star"). Which of these, and which opposite, is drawn for each word. Nothing knows irony.

    Args:
        text: the review.
        generator: draws the edits.
        least: words and ratings that must change.

    Returns:
        The edited review; None where fewer changes than `least` are found.

    Source: Kaushik, Hovy and Lipton 2020, arXiv:1909.12434, whose edits are by people; Wang and
    Culotta 2021, arXiv:2012.10040, for edits by a lexicon.

    Example:
        >>> counterfactual("Great acting, 9/10.", random.Random(0), least=2)
        'Inferior acting, 2/10.'
        >>> counterfactual("A film about a dog.", random.Random(0)) is None
        True
    """
    pieces = _PIECE.findall(text)
    places = [i for i, piece in enumerate(pieces) if not piece.isspace()]
    words = [pieces[i].lower().replace("’", "'") for i in places]
    changes: dict[int, str] = {}
    found = 0
    for i, word in enumerate(words):
        if word in OPPOSITES:
            if not _is_opinion(words, i):
                continue
            place, new = _turn(words, i, changes, generator)
            changes[place] = new
            found += 1
        elif word.isdigit() and (scale := _scale(words, i)):
            changes[i] = str(min(scale, scale + 1 - int(word)))
            found += 2  # a rating says more than a word
    if found < least:
        return None
    for place, new in changes.items():
        pieces[places[place]] = _like(pieces[places[place]], new)
    return "".join(pieces)


def _is_opinion(words: Sequence[str], i: int) -> bool:
    """Return whether a word of the table is likely to be meant as an opinion."""
    if words[i] == "like":  # "looks like", "like a dog": only "I like", "didn't like", "to like"
        return i > 0 and words[i - 1] in _LIKERS
    # "Well, ..." starts a sentence, and "as well" and "well known" are no praise.
    after = words[i + 1] if i + 1 < len(words) else "."
    before = words[i - 1] if i else "."
    return words[i] != "well" or not (after in {",", "known"} or before in {"as", "."})


_LIKERS = frozenset(
    ["i", "you", "we", "they", "to", "really", "do", "did", "don't", "didn't", "not", "would"]
)


def _turn(
    words: Sequence[str], i: int, changes: dict[int, str], generator: random.Random
) -> tuple[int, str]:
    """Return which word to replace, and by what, so that the opinion `words[i]` is turned."""
    drawn = generator.random()
    negation = next((j for j in _before(words, i) if words[j] in NEGATIONS), None)
    if negation is not None and negation not in changes and drawn < 0.5:
        return negation, NEGATIONS[words[negation]]
    verb = i - 2 if i and words[i - 1] in _INTENSIFIERS else i - 1
    may_negate = verb >= 0 and words[verb] in NEGATED and verb not in changes
    if negation is None and may_negate and drawn < 0.12:
        return verb, NEGATED[words[verb]]
    return i, generator.choice(OPPOSITES[words[i]])


def _before(words: Sequence[str], i: int) -> list[int]:
    """Return the places of the words before word i in its clause, the nearest first."""
    places = []
    for j in range(i - 1, max(-1, i - 1 - _REACH), -1):
        if words[j] in _CLAUSE:
            break
        places.append(j)
    return places


def _scale(words: Sequence[str], i: int) -> int:
    """Return the highest grade of the scale where word i is a rating, else 0."""
    number, after = int(words[i]), words[i + 1 : i + 4]
    if number <= 10 and (after[:2] == ["/", "10"] or after in _OUT_OF):
        return 10
    if number <= 5 and after and _STARS.fullmatch(after[0]) and after[1:3] != ["out", "of"]:
        return 5
    return 0


def _like(old: str, new: str) -> str:
    """Return a word with the capitals of another."""
    if len(old) > 1 and old.isupper():
        return new.upper()
    return new[:1].upper() + new[1:] if old[:1].isupper() else new
