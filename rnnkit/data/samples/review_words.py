"""The words and sentences of the data set `sample`, from lexicons and by English morphology."""

from __future__ import annotations

import re
from typing import NamedTuple

from rnnkit.data.samples.grammar import read_lexicon

OPINIONS = ("adj", "noun", "like", "liked", "well", "felt", "best", "better", "remark", "advice")
SIDES = ("negative", "positive")
# Sections of sentences; every other section fills a slot.
SENTENCES = re.compile(r".+: (straight|negated)|contrast|contrast of words|agreement|denial")
IRREGULAR = {"man": "men", "woman": "women", "child": "children", "policeman": "policemen"}
IRREGULAR |= {"fireman": "firemen", "postman": "postmen", "salesman": "salesmen"}
IRREGULAR |= {"fisherman": "fishermen", "mouse": "mice", "goose": "geese", "thief": "thieves"}
IRREGULAR |= {"wolf": "wolves", "knife": "knives", "leaf": "leaves", "scarf": "scarves"}
IRREGULAR |= {name: name for name in ("sheep", "deer", "moose", "salmon", "bread")}
_DOUBLED = re.compile(r"(^|[^aeiou])[aeiou][bdgkmnprt]$")


class Words(NamedTuple):
    """Everything that a review is made of.

    Attributes:
        opinions: for each side, 0 = negative, kind -> words.
        sentences: section -> sentences of the verdict.
        slots: name -> what fills the slot.
    """

    opinions: tuple[dict[str, list[str]], dict[str, list[str]]]
    sentences: dict[str, list[str]]
    slots: dict[str, list[str]]


def everyday_words() -> Words:
    """Read the lexicons, and make plurals, past tenses and family names.

    Example:
        >>> words = everyday_words()
        >>> words.opinions[1]["like"][:3], words.slots["jobs"][:2]
        (['love', 'like', 'enjoy'], ['detectives', 'teachers'])
    """
    lexicon = read_lexicon("reviews")
    opinions = tuple({kind: lexicon.pop(f"{side} {kind}") for kind in OPINIONS} for side in SIDES)
    sentences = {name: lexicon.pop(name) for name in list(lexicon) if SENTENCES.fullmatch(name)}
    slots = lexicon | read_lexicon("details")
    beginnings, ends = slots.pop("last: beginning"), slots.pop("last: end")
    slots["last"] = [begin + end for begin in beginnings for end in ends if begin[-1] != end[0]]
    for name in ("job", "thing", "animal"):
        slots[f"{name}s"] = [plural(noun) for noun in slots[name]]
    known = dict(pair.split() for pair in slots.pop("irregular past"))
    slots["past"] = [past(verb, known) for verb in slots["deed"]]
    slots["ing"] = [ing(verb) for verb in slots["deed"]]
    return Words((opinions[0], opinions[1]), sentences, slots)


def plural(noun: str) -> str:
    """Return the plural of an English noun; of a phrase, that of its first noun.

    Example:
        >>> [plural(noun) for noun in ("fox", "fairy", "toy", "wolf", "painting of a fox")]
        ['foxes', 'fairies', 'toys', 'wolves', 'paintings of a fox']
    """
    noun, of, rest = noun.partition(" of ")
    if noun in IRREGULAR:
        noun = IRREGULAR[noun]
    elif re.search(r"(s|x|z|ch|sh)$", noun):
        noun += "es"
    else:
        noun = re.sub(r"(?<![aeiou])y$", "ie", noun) + "s"
    return noun + of + rest


def past(verb: str, irregular: dict[str, str]) -> str:
    """Return the past tense of an English verb, whose first word is the one that changes.

    Example:
        >>> [past(verb, {"dig": "dug"}) for verb in ("carry", "grab", "move", "dig up")]
        ['carried', 'grabbed', 'moved', 'dug up']
    """
    verb, space, rest = verb.partition(" ")
    if verb in irregular:
        verb = irregular[verb]
    elif verb.endswith("e"):
        verb += "d"
    else:
        verb = _doubled(re.sub(r"(?<![aeiou])y$", "i", verb)) + "ed"
    return verb + space + rest


def ing(verb: str) -> str:
    """Return the present participle of an English verb.

    Example:
        >>> [ing(verb) for verb in ("carry", "grab", "move", "dig up")]
        ['carrying', 'grabbing', 'moving', 'digging up']
    """
    verb, space, rest = verb.partition(" ")
    stem = verb[:-1] if re.search(r"[^eo]e$", verb) else verb
    return (_doubled(stem) if stem == verb else stem) + "ing" + space + rest


def _doubled(verb: str) -> str:
    """Double the last letter of a short verb such as "stop"; not of "open" or "deliver"."""
    short = len(re.findall(r"[aeiou]+", verb)) == 1
    return verb + verb[-1] if short and _DOUBLED.search(verb) else verb
