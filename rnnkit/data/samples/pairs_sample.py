"""Generated text pairs: German sentences with English ones, e-mails with their subjects.

In German the time may stand first, the verb then comes before its subject, and articles and
adjectives agree with their nouns: word by word the translation goes wrong. In an e-mail the
subject has to be picked from one line of several, and names come up that no training e-mail held.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from rnnkit.data.samples.grammar import pick
from rnnkit.data.splits import Dataset, Split

SIZES = {"train": 2_000, "valid": 200, "test": 200}
SEED = 20_240_303

# gender, German, English
PEOPLE: list[Any] = [
    ("m", "Mann", "man"),
    ("m", "Junge", "boy"),
    ("m", "Koch", "cook"),
    ("f", "Frau", "woman"),
    ("f", "Lehrerin", "teacher"),
    ("n", "Kind", "child"),
    ("n", "Paar", "couple"),
]
THINGS: list[Any] = [
    ("m", "Hund", "dog"),
    ("m", "Ball", "ball"),
    ("m", "Baum", "tree"),
    ("f", "Katze", "cat"),
    ("f", "Blume", "flower"),
    ("n", "Auto", "car"),
    ("n", "Boot", "boat"),
]
ADJECTIVES: list[Any] = [
    ("alt", "old"),
    ("jung", "young"),
    ("klein", "small"),
    ("schnell", "fast"),
    ("lustig", "funny"),
    ("braun", "brown"),
]
VERBS: list[Any] = [
    ("sieht", "sees"),
    ("malt", "paints"),
    ("sucht", "looks for"),
    ("findet", "finds"),
    ("zeigt", "shows"),
]
TIMES: list[Any] = [
    ("heute", "today"),
    ("jetzt", "now"),
    ("morgens", "in the morning"),
    ("oft", "often"),
]
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
        "E-mails with their subjects, GENERATED; each names somebody whom no other does. Good for "
        "trying things out: ROUGE on them says nothing about real e-mails.",
    )


def _dataset(name: str, make: Callable[[random.Random], tuple[str, str]], about: str) -> Dataset:
    source = random.Random(SEED)
    seen: set[str] = set()
    splits = {}
    for part, size in SIZES.items():
        x: list[str] = []
        y: list[str] = []
        while len(x) < size:
            text, target = make(source)
            if text not in seen:
                seen.add(text)
                x.append(text)
                y.append(target)
        splits[part] = Split(x, y)
    total = sum(SIZES.values())
    return Dataset(
        name, splits["train"], splits["valid"], splits["test"], about=f"{total:,} {about}"
    )


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
    return german[0].upper() + german[1:], f"{english[0].upper()}{english[1:]}."


def _mail(source: random.Random) -> tuple[str, str]:
    name = "".join(pick(source, SOUNDS) for _ in range(3)).capitalize()
    topic, event = pick(source, TOPICS), pick(source, EVENTS)
    day = pick(source, DAYS)
    news: list[Any] = [
        (f"the {topic} {event} with {name} is on {day}.", f"{topic} {event} with {name}"),
        (f"{name} has sent the {topic} {event}.", f"{topic} {event} from {name}"),
        (f"{name} cannot come on {day}.", f"{name} not here on {day}"),
    ]
    told, subject = pick(source, news)
    lines = ["Hi all,", told[0].upper() + told[1:], pick(source, CHATTER)]
    if source.random() < 0.5:
        lines.insert(1, pick(source, [line for line in CHATTER if line not in lines]))
    return "\n".join(lines), subject[0].upper() + subject[1:]
