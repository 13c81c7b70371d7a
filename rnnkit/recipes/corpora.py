"""The recipe of word vectors, learned from a corpus of unlabelled texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from rnnkit.embeddings.options import Word2VecOptions
from rnnkit.options import takes

if TYPE_CHECKING:
    from rnnkit.embeddings.model import Word2Vec


@takes(Word2VecOptions)
def word_vectors(**options: Unpack[Word2VecOptions]) -> Word2Vec:
    """Learn word vectors with word2vec: skip-gram or CBOW.

    Returns:
        `rnnkit.embeddings.SkipGram` or `rnnkit.embeddings.CBOW`: a Keras model whose `fit` takes
        whatever `rnnkit.data.corpus.open_corpus` takes, and whose `predict` takes words.

    Raises:
        InputError: an invalid setting.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Example:
        >>> model = word_vectors(vector_size=8, window=1, min_count=1, epochs=1)
        >>> history = model.fit([["paris", "is", "in", "france"]] * 8, verbose=0)
        >>> model.predict("paris").shape
        (1, 8)
    """
    from rnnkit.embeddings.model import make_word2vec

    model = make_word2vec(**options)
    model.settings = {"recipe": "word_vectors", **options}
    return model
