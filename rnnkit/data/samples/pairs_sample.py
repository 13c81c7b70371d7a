"""Generated text pairs: German sentences with English ones, e-mails with their subjects.

In German the time may come first, the verb then precedes its subject, and articles and adjectives
agree with their nouns: a word-by-word translation fails. In an e-mail the subject has to be copied
from one line of several, and names occur that no training e-mail contains.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

from rnnkit.data.samples.grammar import distinct, pick, sentence_case
from rnnkit.data.splits import Dataset, Split

SIZES = {"train": 2_000, "valid": 200, "test": 200}
SEED = 20_240_303


def _table(text: str, columns: int) -> list[Any]:
    return [row.split(maxsplit=columns - 1) for row in text.split(" | ")]


# gender, German, English
PEOPLE = _table(
    "m Mann man | m Junge boy | m Koch cook | f Frau woman | f Lehrerin teacher | n Kind child | "
    "n Paar couple",
    3,
)
THINGS = _table(
    "m Hund dog | m Ball ball | m Baum tree | f Katze cat | f Blume flower | n Auto car | "
    "n Boot boat",
    3,
)
ADJECTIVES = _table(
    "alt old | jung young | klein small | schnell fast | lustig funny | braun brown", 2
)
VERBS = _table("sieht sees | malt paints | sucht looks for | findet finds | zeigt shows", 2)
TIMES = _table("heute today | jetzt now | morgens in the morning | oft often", 2)
THE = {"m": "der", "f": "die", "n": "das"}
A = {"m": ("einen", "en"), "f": ("eine", "e"), "n": ("ein", "es")}

TOPICS = ["budget", "contract", "travel", "training", "pipeline", "invoice", "office"]
EVENTS = ["meeting", "call", "review", "report"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
CHATTER = [
    "I hope you had a good weekend.",
    "The coffee machine works again.",
    "Thanks for your help last month.",
    "It was nice to see everybody.",
    "My phone is out of order.",
]
SOUNDS = ["ka", "lo", "mi", "ne", "ru", "sta", "ti", "vo", "ze", "bra"]


def read() -> Dataset:
    """Generate German sentences with English ones, the same at every call.

    Example:
        >>> data = read()
        >>> data.train.x[0], data.train.y[0]
        ('Der schnelle Koch malt jetzt einen alten Ball.', 'The fast cook paints an old ball now.')
    """
    return _dataset(
        "pairs_sample",
        _sentence,
        "German sentences with English ones, GENERATED from a few dozen words; order and endings "
        "differ. Good for trying things out: BLEU on them says nothing about real sentences.",
    )


def read_mails() -> Dataset:
    """Generate e-mails with their subjects, the same at every call.

    Example:
        >>> data = read_mails()
        >>> len(data.train), len(data.test)
        (2000, 200)
    """
    return _dataset(
        "mails_sample",
        _mail,
        "E-mails with their subjects, GENERATED; each has its own name of a person. Good for "
        "trying things out: ROUGE on them says nothing about real e-mails.",
    )


def _dataset(name: str, make: Callable[[random.Random], tuple[str, str]], about: str) -> Dataset:
    columns = (list(map(list, zip(*rows, strict=True))) for rows in _pairs(make))
    train, valid, test = (Split(source, target) for source, target in columns)
    return Dataset(name, train, valid, test, about=f"{sum(SIZES.values()):,} {about}")


@functools.cache
def _pairs(make: Callable[[random.Random], tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Return the pairs of each split, generated once in a process."""
    source = random.Random(SEED)
    seen: set[str] = set()
    return [
        distinct(size, lambda _: make(source), seen, lambda pair: pair[0])
        for size in SIZES.values()
    ]


def _sentence(source: random.Random) -> tuple[str, str]:
    gender, person, english_person = pick(source, PEOPLE)
    other, thing, english_thing = pick(source, THINGS)
    one, english_one = pick(source, ADJECTIVES)
    two, english_two = pick(source, ADJECTIVES)
    verb, english_verb = pick(source, VERBS)
    time, english_time = pick(source, TIMES)
    article, ending = A[other]
    subject = f"{THE[gender]} {one}e {person}"
    seen = f"{article} {two}{ending} {thing}"
    if source.random() < 0.5:
        german = f"{time} {verb} {subject} {seen}."
    else:
        german = f"{subject} {verb} {time} {seen}."
    a = "an" if english_two[0] in "aeiou" else "a"
    english = f"the {english_one} {english_person} {english_verb} {a} {english_two} {english_thing}"
    if time == "oft":
        english = english.replace(english_verb, f"often {english_verb}")
    else:
        english = f"{english} {english_time}"
    return sentence_case(german), f"{sentence_case(english)}."


def _mail(source: random.Random) -> tuple[str, str]:
    name = "".join(pick(source, SOUNDS) for _ in range(3)).capitalize()
    topic, event = pick(source, TOPICS), pick(source, EVENTS)
    day = pick(source, DAYS)
    news: list[Any] = [
        (f"the {topic} {event} with {name} is on {day}.", f"{topic} {event} with {name}"),
        (f"{name} has sent the {topic} {event}.", f"{topic} {event} from {name}"),
        (f"{name} cannot come on {day}.", f"{name} not here on {day}"),
    ]
    line, subject = pick(source, news)
    lines = ["Hi all,", sentence_case(line), pick(source, CHATTER)]
    if source.random() < 0.5:
        lines.insert(1, pick(source, [line for line in CHATTER if line not in lines]))
    return "\n".join(lines), sentence_case(subject)
