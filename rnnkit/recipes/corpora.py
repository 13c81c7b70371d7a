"""Word vectors, learned from a corpus of unlabelled texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnkit.embeddings.options import Word2VecOptions
from rnnkit.recipes.recipe import Settings, recipe

if TYPE_CHECKING:
    from rnnkit.embeddings.model import Word2Vec


def _word2vec(settings: Settings) -> Word2Vec:
    from rnnkit.embeddings.model import make_word2vec

    return make_word2vec(**settings)


word_vectors = recipe(
    "word_vectors",
    "Word vectors by word2vec: skip-gram or CBOW.",
    _word2vec,
    groups=(Word2VecOptions,),
    text="""
Returns:
    `rnnkit.embeddings.SkipGram` or `rnnkit.embeddings.CBOW`: a Keras model whose `fit` takes
    whatever `rnnkit.data.corpus.open_corpus` takes, and whose `predict` takes words.

Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

Example:
    >>> model = word_vectors(vector_size=8, window=1, min_count=1, epochs=1)
    >>> history = model.fit([["paris", "is", "in", "france"]] * 8, verbose=0)
    >>> model.predict("paris").shape
    (1, 8)
""",
)
