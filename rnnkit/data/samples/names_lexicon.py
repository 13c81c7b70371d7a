"""The words and sentences that `rnnkit.data.samples.names_sample` is made of."""

from __future__ import annotations


def _words(text: str, upos: str) -> tuple[list[str], str]:
    return text.split(), upos


# Some are words too, which the sentences below use as such.
FIRST = _words(
    "Anna Bill Carla David Emma Frank Grace Hope Irene Jack Joy Karl Laura Mark Maria Nora Oscar "
    "Paul Peter Rose Ruth Sam Sara Tom Vera Will Mary George Alice Robert Helen Joe Lucy Henry "
    "Martin Eva Simon Julia Max Clara",
    "PROPN",
)[0]
SYLLABLES = _words(
    "ba be bor ca dan del dor el en fa fer gar gan han hol ill jo jan kel ken la len lor ma mar "
    "mel na nor ol per ra rin ros sa sel ston tal ter ton val vel ver wen wil win yor zan",
    "",
)[0]

_THINGS = (
    "book house letter garden car plan watch paint answer work walk play song bill rose mark visit "
    "call picture door table river bridge market game meal film train road report"
)
# What a slot of a sentence is filled with, and which part of speech that is.
SLOTS: dict[str, tuple[list[str], str]] = {
    "noun": _words(_THINGS, "NOUN"),
    "nouns": _words(_THINGS.replace(" ", "s ") + "s", "NOUN"),
    "who": _words(
        "girl boy man woman doctor teacher singer friend driver player writer cook guest", "NOUN"
    ),
    "kin": _words("brother sister uncle aunt mother father friend neighbour cousin", "NOUN"),
    "adj": _words(
        "talented good old new young clever happy cheap long fast big small quiet rich famous "
        "strange brown late",
        "ADJ",
    ),
    "very": _words("very really quite rather", "ADV"),
    "do": _words(
        "book watch paint answer plan mark visit call open find read like leave show buy need",
        "VERB",
    ),
    "did": _words(
        "booked watched painted answered planned marked visited called opened found read liked "
        "left showed bought needed sold",
        "VERB",
    ),
    "said": _words("said thinks knows heard", "VERB"),
    "went": _words("went drove flew moved came walked", "VERB"),
    "can": _words("can will should could would must may", "AUX"),
    "is": _words("is was", "AUX"),
    "my": _words("my your his her our their", "PRON"),
    "she": _words("she he they we you I", "PRON"),
    "her": _words("her him them us you me", "PRON"),
    "day": _words("Monday Tuesday Friday Sunday", "PROPN"),
    "when": _words("today yesterday now again here often soon", "ADV"),
    "two": _words("two three four ten 12 200", "NUM"),
    "end": _words(". . . . !", "PUNCT"),
    "title": _words("Dr. Mr. Mrs.", "PROPN"),
    "firm": _words("Bank Motors Press Records Airlines Foods University Group", "PROPN"),
}

# Words that are the same part of speech in every sentence below, where none is written behind them.
UPOS: dict[str, str] = {
    word: upos
    for words, upos in (
        _words("the a an this", "DET"),
        _words("in at of from for by with about near", "ADP"),
        _words("I it you who what", "PRON"),
        _words("and", "CCONJ"),
        _words("is are do did have", "AUX"),
        _words("if because", "SCONJ"),
        _words("n't 's", "PART"),
        _words("why where how there", "ADV"),
        _words("yes hello please", "INTJ"),
        _words(". , ? !", "PUNCT"),
    )
    for word in words
}

TEMPLATES = """
{per} is a {very} {adj} {who} {end}
{per} is {very} {adj} {who}
{per} {is} {adj}
{per} {is} {very} {adj} {end}
why do n't you ask/VERB {per} ?
why do n't {she} ask/VERB {per}
why did {per} {do} the {noun} ?
did {per} {do} {my} {noun} {when} ?
please ask/VERB {per} about the {noun} {end}
I saw/VERB {per} {when} {end}
I gave/VERB {per} a {adj} {noun} {end}
{she} {can} {do} {per} {when} {end}
{per} and {per} {did} the {noun} {end}
{my} {kin} {per} lives/VERB in {loc} {end}
{per} {did} the {noun} of {per} {end}
{per} 's {noun} {is} {adj} {end}
{my} {kin} {said} that/SCONJ {per} {did} it {end}
thank/VERB you , {per} !
hello , {per} !
{title} {per} {did} {two} {nouns} in {loc} {end}
{per} works/VERB for {org} in {loc} {end}
{per} {went} to/ADP {loc} with {per} {end}
who {is} {per} ?
where {is} {per} {when} ?
a {who} like/ADP {per} {can} {do} it {end}
I like/VERB {per} {end}
tell/VERB {her} that/SCONJ {per} {went} from {loc} {end}
{she} {went} from {loc} to/ADP {loc} {end}
{she} {went} to/ADP {loc} on/ADP {day} {end}
the {noun} in {loc} {is} {very} {adj} {end}
the {noun} near {loc} {is} {adj} {end}
it rains/VERB a lot/NOUN in {loc} {end}
{loc} is a {adj} city/NOUN {end}
{she} {can} {do} a {noun} in {loc} {end}
the people/NOUN of {loc} {did} the {noun} {end}
how far/ADJ is {loc} from {loc} ?
{she} works/VERB at {org} {end}
{org} bought/VERB {org} on/ADP {day} {end}
{org} opened/VERB a {noun} in {loc} {end}
shares/NOUN of {org} fell/VERB {when} {end}
the {noun} by {org} {is} {adj} {end}
{she} sold/VERB {two} shares/NOUN of {org} {end}
will/AUX you {do} the {noun} ?
will/AUX {per} {do} the {noun} ?
will/AUX {loc} be/AUX {adj} ?
mark/VERB the {adj} {noun} {end}
may/AUX I {do} {my} {noun} ?
a rose/NOUN is a {adj} flower/NOUN {end}
the bill/NOUN {is} {very} {adj} {end}
{she} hope/VERB to/PART {do} the {noun} {end}
there is no/DET hope/NOUN for {my} {noun} {end}
what a joy/NOUN to/PART {do} a {noun} !
{my} {noun} and {my} {noun} are {adj} {end}
do n't {do} {my} {noun} !
{do} the {noun} {when} {end}
{adj} {nouns} and {adj} {nouns} , please {end}
{she} {did} {her} {very} fast/ADV {end}
{she} {can} {do} that/DET {noun} {when} {end}
that/PRON is {my} {noun} {end}
{she} have n't {did} the {noun} {end}
if {she} {can} {do} it , do it {when} {end}
on/ADP {day} {she} {did} a {noun} {end}
where {is} the {noun} ?
yes , the {who} {is} {very} {adj} {end}
the {who} {did} it because {she} {can} {do} {her} {end}
{two} {adj} {nouns} {end}
""".strip().splitlines()
