"""Perturbations of texts that keep their labels: typos, upper case, HTML, single sentences.

What happens to a text depends on the seed and on the text alone, not on those around it.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable, Iterable

from rnnkit.data.samples.grammar import pick
from rnnkit.errors import InputError

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"[A-Za-z]{4,}")
_TAG = re.compile(r"<[^<>]*>")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+")
SHORTEST = 4  # words of a single sentence


def typos(texts: Iterable[str], rate: float = 0.1, *, seed: int = 0) -> list[str]:
    """Return texts in which words of four letters or more have a typo each.

    A letter after the first is swapped with the next one, left out, doubled, or becomes a
    neighbour on an English keyboard.

    Args:
        texts: the texts.
        rate: the share of these words, from 0 to 1.
        seed: which words, and which typos.

    Example:
        >>> typos(["A wonderful little production."], rate=1.0, seed=3)
        ['A wnderful ltitle poduction.']
    """
    if not 0 <= rate <= 1:
        raise InputError(f"rate is {rate}: expected a share from 0 to 1.")

    def changed(text: str) -> str:
        source = _source(seed, text)

        def change(match: re.Match[str]) -> str:
            return _mistype(match[0], source) if source.random() < rate else match[0]

        return _WORD.sub(change, text)

    return [changed(text) for text in texts]


def upper_case(texts: Iterable[str], *, seed: int = 0) -> list[str]:
    """Return texts in upper case; there is nothing to draw.

    Example:
        >>> upper_case(["Not bad."])
        ['NOT BAD.']
    """
    del seed
    return [text.upper() for text in texts]


def html_tags(texts: Iterable[str], *, seed: int = 0) -> list[str]:
    """Return texts as a web page holds them: paragraphs, line breaks, bold words, entities.

    Example:
        >>> html_tags(["Tom & Ann are fun. See it!"], seed=1)
        ['<p>Tom <i>&amp;</i> Ann are fun.<br /><br /><b>See</b> it!</p>']
    """
    return [_as_html(text, _source(seed, text)) for text in texts]


def single_sentences(texts: Iterable[str], *, seed: int = 0) -> list[str]:
    """Return one sentence of each text, of four words or more; the text itself if it has none.

    The label of a review need not hold for each of its sentences, so an accuracy on them has a
    ceiling below 1.

    Example:
        >>> single_sentences(["Dull? This is a very good film. No!"])
        ['This is a very good film.']
    """
    found = []
    for text in texts:
        sentences = [one for one in split_sentences(text) if len(one.split()) >= SHORTEST]
        found.append(str(pick(_source(seed, text), sentences)) if sentences else text)
    return found


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text, without HTML tags; they end with a full stop, ! or ?.

    Example:
        >>> split_sentences("Dull?<br />Not at all. See it!")
        ['Dull?', 'Not at all.', 'See it!']
    """
    return [one for one in _SENTENCE_END.split(" ".join(_TAG.sub(" ", text).split())) if one]


PERTURBATIONS: dict[str, Callable[..., list[str]]] = {
    "typos": typos,
    "upper case": upper_case,
    "HTML": html_tags,
    "single sentences": single_sentences,
}


def _source(seed: int, text: str) -> random.Random:
    return random.Random(f"{seed} {text}")


def _mistype(word: str, source: random.Random) -> str:
    i = 1 + int(source.random() * (len(word) - 2))  # neither the first letter nor the last
    way = int(source.random() * 4)
    if way == 0 and word[i] != word[i + 1]:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if way == 1:
        return word[:i] + word[i + 1 :]
    if way == 2:
        return word[:i] + word[i] + word[i:]
    return word[:i] + _neighbour(word[i], source) + word[i + 1 :]


def _neighbour(letter: str, source: random.Random) -> str:
    """Return a letter next to this one on the keyboard, in the same case."""
    row = next(row for row in _ROWS if letter.lower() in row)
    i = row.index(letter.lower())
    other = str(pick(source, [one for one in (row[i - 1 : i], row[i + 1 : i + 2]) if one]))
    return other.upper() if letter.isupper() else other


def _as_html(text: str, source: random.Random) -> str:
    sentences = _SENTENCE_END.split(" ".join(_TAG.sub(" ", text).split()))
    marked = []
    for sentence in sentences:
        words = [html.escape(word) for word in sentence.split()]
        if len(words) > 1:
            i = int(source.random() * len(words))
            words[i] = f"<{'bi'[i % 2]}>{words[i]}</{'bi'[i % 2]}>"
        marked.append(" ".join(words))
    return f"<p>{'<br /><br />'.join(marked)}</p>"
