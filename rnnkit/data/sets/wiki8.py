"""The corpus `wiki8`: 100 million characters of English Wikipedia, to learn word vectors from."""

from __future__ import annotations

from rnnkit.data.archive import ANY_TEXT, find, missing_dataset_error
from rnnkit.data.splits import Dataset, Split
from rnnkit.data.token_stream import MAX_TEXT_WORDS, Corpus, read_lines

FILE_NAME = "wiki8.xz"
ABOUT = (
    "100,000,000 characters of English Wikipedia, 16.96 million words, cleaned as text8 is: a to z "
    "and spaces, digits spelled out, no sentences or articles told apart. CC BY-SA 3.0."
)
NOTE = f"The file is one line without ends of sentences; it is read in texts of {MAX_TEXT_WORDS:,} words."


def read() -> Dataset:
    """Find the file and return its corpus as train; it is read when the corpus is gone through.

    Raises:
        InputError: the file is neither in ``$RNNKIT_DATA`` nor in the cache.

    Example:
        >>> read().train.x.name  # doctest: +SKIP
        'wiki8'
    """
    path = find(FILE_NAME)
    if path is None:
        raise missing_dataset_error(
            FILE_NAME, "it", more=f" No public home of it is known.{ANY_TEXT}"
        )
    return corpus_dataset(Corpus(read_lines(path), name="wiki8", about=ABOUT, notes=[NOTE]))


def corpus_dataset(corpus: Corpus) -> Dataset:
    """Return a data set that is nothing but a corpus to learn from.

    Example:
        >>> one = corpus_dataset(Corpus(lambda: iter([["a"]]), name="one"))
        >>> one.name, list(one.train.x), len(one.test)
        ('one', [['a']], 0)
    """
    empty = Split([])
    return Dataset(corpus.name, Split(corpus), empty, empty, about=corpus.about, notes=corpus.notes)
