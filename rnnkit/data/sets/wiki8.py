"""The corpus `wiki8`: 100 million characters of English Wikipedia, for training word vectors."""

from __future__ import annotations

from rnnkit.data.release import ANY_TEXT, Release
from rnnkit.data.splits import Dataset, Split
from rnnkit.data.token_stream import MAX_TEXT_WORDS, Corpus, read_lines

RELEASE = Release(
    "wiki8",
    "wiki8.xz",
    hint=f"No public home of it is known. {ANY_TEXT}",
    about="100,000,000 characters of English Wikipedia, 16.96 million words, cleaned like text8: a "
    "to z and spaces, digits spelled out, no marks between sentences or articles. CC BY-SA 3.0.",
)
NOTE = f"The file is one line without sentence ends, read in texts of {MAX_TEXT_WORDS:,} words."


def read() -> Dataset:
    """Find the file and return its corpus as train; iterating over the corpus reads the file."""
    read_words = read_lines(RELEASE.path())
    return corpus_dataset(Corpus(read_words, name="wiki8", about=RELEASE.about, notes=[NOTE]))


def corpus_dataset(corpus: Corpus) -> Dataset:
    """Return a data set whose train is a corpus; its other splits are empty.

    Example:
        >>> one = corpus_dataset(Corpus(lambda: iter([["a"]]), name="one"))
        >>> one.name, list(one.train.x), len(one.test)
        ('one', [['a']], 0)
    """
    empty = Split([])
    return Dataset(corpus.name, Split(corpus), empty, empty, about=corpus.about, notes=corpus.notes)
