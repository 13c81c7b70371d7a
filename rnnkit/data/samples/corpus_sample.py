"""The corpus `words_sample`: sentences generated so that word2vec finds analogies.

Word vectors follow from co-occurrence. Each row of a table has the words of one thing (a country,
its people, its capital; a boy and a girl; a dog and dogs) and a few words that occur with all of
the row and with no other row. Each column has its own sentences. So the words of a row share one
direction, those of a column another, and `paris - france + italy` is near `rome`.
"""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Iterator

from rnnkit.data.samples.grammar import fill, pick, read_lexicon
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

OPPOSITES = {"plain": "other", "more": "other_more", "most": "other_most"}
OPPOSITES |= {other: plain for plain, other in OPPOSITES.items()}

# Share of the sentences, columns of the table, and the sections of its rows and templates.
KINDS = (
    (0.36, "country nationality capital found food", "countries", "land"),
    (0.22, "male female one two", "kin", "people"),
    (0.14, "one many verb place", "animals", "fauna"),
    (0.08, "one many color taste", "fruits", "food"),
    (0.14, "plain more most other other_more other_most thing", "degrees", "comparisons"),
    (0.06, "before number", "numbers", "counting"),
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
    lexicon = read_lexicon("corpus")
    tables = [
        (_rows(columns, lexicon[rows]), lexicon[templates]) for _, columns, rows, templates in KINDS
    ]
    bounds = list(itertools.accumulate(share for share, *_ in KINDS))
    for _ in range(SIZE):
        rows, templates = tables[bisect.bisect(bounds, source.random() * bounds[-1])]
        yield fill(pick(source, templates), pick(source, rows)).split()


def _rows(columns: str, rows: list[str]) -> list[dict[str, str]]:
    """Return the rows of a table, each by the names of its columns."""
    found = [dict(zip(columns.split(), row.split(), strict=True)) for row in rows]
    if "other" in columns:  # each row serves its opposite, too
        found += [row | {a: row[b] for a, b in OPPOSITES.items()} for row in found]
    return found
