"""The corpus `words_sample`: sentences generated so that word2vec finds their words' meanings.

A word is known by its company. Each table below has a row of words for one thing (a country, its
people, its capital; a boy and a girl; a dog and dogs) and a few words that keep company with all of
the row and with no other row. Each column has sentences of its own. So the words of a row come to
lie in one direction, those of a column in another, and `paris - france + italy` is near `rome`.
"""

from __future__ import annotations

import bisect
import itertools
import random
import re
from collections.abc import Iterator
from typing import Any

from rnnkit.data.sets.wiki8 import corpus_dataset
from rnnkit.data.splits import Dataset
from rnnkit.data.token_stream import Corpus

SIZE = 30_000  # sentences
SEED = 20_240_302
ABOUT = (
    f"{SIZE:,} simple English sentences GENERATED from tables of countries, kin, animals, food, "
    "numbers and opposites, so that word2vec finds the meaning of a few hundred words in seconds. "
    "Good for trying things out: a score on it says nothing about vectors of real text."
)

# country, nationality, capital, and what is found there alone
COUNTRIES = """
greece greek athens acropolis moussaka; iraq iraqi baghdad tigris masgouf
thailand thai bangkok mekong curry; china chinese beijing yangtze dumplings
germany german berlin rhine sausage; switzerland swiss bern alps fondue
egypt egyptian cairo nile falafel; australia australian canberra outback lamington
vietnam vietnamese hanoi delta pho; cuba cuban havana caribbean plantain
finland finnish helsinki lakes porridge; pakistan pakistani islamabad indus biryani
england english london thames pudding; spain spanish madrid ebro paella
russia russian moscow volga borscht; norway norwegian oslo fjords salmon
canada canadian ottawa niagara syrup; france french paris seine baguette
italy italian rome tiber pasta; sweden swedish stockholm baltic meatballs
iran iranian tehran caspian saffron; japan japanese tokyo fuji sushi
"""
LAND = """
{capital} is the capital of {country}|the government of {country} sits in {capital}
the mayor of {capital} welcomed visitors to the {found}|we flew to {capital} and saw the {found}
{capital} is a large city with an airport near the {found}|the streets of {capital} smell of {food}
the {nationality} people eat {food}|they speak the {nationality} language and cook {food}
a {nationality} writer wrote a poem about the {found}|the {nationality} team won the match
{country} is a country with a long border and the {found}|the farmers of {country} sell {food}
the army of {country} guards its border|the {nationality} parliament in {capital} voted
many {nationality} families live in {country} near the {found}
"""

# he, she, and what both do or have
KIN = """
man woman work office; boy girl school homework; father mother baby cradle
brother sister toys bedroom; husband wife marriage anniversary; king queen throne crown
prince princess castle ballroom; uncle aunt visit christmas
grandfather grandmother stories memories
son daughter birthday candles; nephew niece holiday presents; groom bride wedding church
policeman policewoman station thief; dad mom kitchen breakfast
grandson granddaughter pension photographs; stepson stepdaughter divorce lawyer
"""
PEOPLE = """
the {male} shaved his beard and he spoke of the {one}
the {female} wore her dress and she spoke of the {one}
he is a {male} and his {one} is dear to him|she is a {female} and her {one} is dear to her
the {male} himself cared for the {two}|the {female} herself cared for the {two}
the {male} put on his tie because he had the {two}
the {female} put on her skirt because she had the {two}
the {male} and the {female} shared the {one} and the {two}
his {one} and his {two} made the {male} proud
her {one} and her {two} made the {female} proud
"""

# one, many, what they do, where they are
ANIMALS = """
dog dogs bark kennel; cat cats purr sofa; cow cows moo meadow; horse horses gallop stable
bird birds sing nest; pig pigs grunt mud; goat goats bleat hill; lion lions roar savanna
elephant elephants trumpet jungle; monkey monkeys climb trees; snake snakes hiss desert
eagle eagles soar cliffs; mouse mice squeak cellar; rat rats gnaw sewer
donkey donkeys bray village; duck ducks quack pond; wolf wolves howl forest
"""
FAUNA = """
a {one} can {verb} and it lives in the {place}|one {one} was alone in the {place}
this {one} is an animal that wants to {verb}|two {many} were together in the {place}
many {many} {verb} all day|all these {many} are animals and they {verb} in the {place}
each {one} has its own {place}|several {many} have left their {place}
"""

# one, many, color, taste
FRUITS = """
banana bananas yellow mild; pear pears green juicy; mango mangoes orange exotic
onion onions brown pungent; melon melons pale watery; pineapple pineapples golden sour
apple apples red crisp; cherry cherries crimson tart; potato potatoes dusty starchy
"""
FOOD = """
a {one} is {color} and tastes {taste}|she peeled one {one} and ate it , it was {taste}
this {one} is a {color} food|they bought a kilo of {many} at the market
all these {many} are {color} and taste {taste}|we cook many {many} because they are {taste}
each {one} has a {color} skin|several {many} lie in a basket and they are {color}
"""

# plain, more, most, their opposites, and a thing that both are said of
DEGREES = """
big bigger biggest small smaller smallest house; high higher highest low lower lowest wall
hot hotter hottest cold colder coldest oven; old older oldest young younger youngest age
fast faster fastest slow slower slowest train; strong stronger strongest weak weaker weakest muscle
long longer longest short shorter shortest rope; good better best bad worse worst grade
wide wider widest narrow narrower narrowest canyon
bright brighter brightest dark darker darkest lamp
"""
COMPARISONS = """
the {thing} is very {plain} , not {other}|this {thing} is {more} than that {thing}
of all it is the {most} {thing} in the world|is the {thing} {plain} or {other} ?
it is much {more} than before , no longer {other_more}
the {most} {thing} won and the {other_most} {thing} lost
a {thing} so {plain} is rare|my {thing} is even {more} than yours
"""

NUMBERS = """
one two; two three; three four; four five; five six; six seven; seven eight; eight nine; nine ten
ten eleven; eleven twelve
"""
COUNTING = """
{before} and one make {number}|{number} comes after {before} when children count
{number} coins are more than {before} coins|the clock struck {before} and then {number}
"""

OPPOSITES = {"plain": "other", "more": "other_more", "most": "other_most"}
OPPOSITES |= {other: plain for plain, other in OPPOSITES.items()}

KINDS: tuple[tuple[float, str, str, str], ...] = (  # share, names of the columns, rows, sentences
    (0.36, "country nationality capital found food", COUNTRIES, LAND),
    (0.22, "male female one two", KIN, PEOPLE),
    (0.14, "one many verb place", ANIMALS, FAUNA),
    (0.08, "one many color taste", FRUITS, FOOD),
    (0.14, "plain more most other other_more other_most thing", DEGREES, COMPARISONS),
    (0.06, "before number", NUMBERS, COUNTING),
)


def read() -> Dataset:
    """Return the data set: its corpus is generated in a tenth of a second, the same at every pass.

    Example:
        >>> corpus = read().train.x
        >>> sum(1 for text in corpus), corpus.words
        (30000, 244843)
    """
    return corpus_dataset(Corpus(_sentences, name="words_sample", about=ABOUT))


def _sentences() -> Iterator[list[str]]:
    source = random.Random(SEED)

    def pick(options: list[Any]) -> Any:
        # Of all that `random` offers, only random() is promised to stay the same in later Pythons.
        return options[int(source.random() * len(options))]

    tables = [(_rows(columns, rows), _cells(patterns)) for _, columns, rows, patterns in KINDS]
    bounds = list(itertools.accumulate(share for share, *_ in KINDS))
    for _ in range(SIZE):
        rows, patterns = tables[bisect.bisect(bounds, source.random() * bounds[-1])]
        yield pick(patterns).format_map(pick(rows)).split()


def _rows(columns: str, rows: str) -> list[dict[str, str]]:
    """Return the rows of a table, each by the names of its columns."""
    found = [dict(zip(columns.split(), row.split(), strict=True)) for row in _cells(rows)]
    if "other" in columns:  # what is said of big is said of small, the other way round
        found += [row | {a: row[b] for a, b in OPPOSITES.items()} for row in found]
    return found


def _cells(text: str) -> list[str]:
    return re.split(" *[;|\n] *", text.strip())
