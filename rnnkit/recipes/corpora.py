"""What does a word mean? A vector for each, learned from the company it keeps (S10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnkit.embeddings.model import Word2Vec


def word_vectors(
    *,
    method: str = "skip-gram",
    loss: str = "negative-sampling",
    trainer: str = "keras",
    vector_size: int = 100,
    window: int = 5,
    negative: int = 5,
    min_count: int = 5,
    sample: float = 1e-3,
    epochs: int = 5,
    alpha: float = 0.025,
    min_alpha: float = 0.0001,
    batch_size: int = 128,
    workers: int | None = None,
    seed: int = 0,
) -> Word2Vec:
    """Learn word vectors with word2vec: skip-gram or CBOW.

    Args:
        method: "skip-gram": a word predicts each word around it; "cbow": the mean of the words
            around it predicts a word.
        loss: "negative-sampling": tell the word from noise words; "hierarchical-softmax": tell its
            way down a Huffman tree.
        trainer: "keras", on the backend; or "gensim", for the same model in its C code.
        vector_size: numbers in a vector.
        window: words of context on either side, at most; drawn anew for each word.
        negative: noise words for each word that is predicted.
        min_count: words that occur less often get no vector.
        sample: words that make up more than this share of all are thinned out; 0 = none.
        epochs: passes over the texts.
        alpha: the first learning rate.
        min_alpha: the last one; it falls with the words read.
        batch_size: words of a step of the backend's trainer; more of them pay on a GPU.
        workers: gensim's threads; None = one below a million words, and one a core above.
        seed: of the first vectors and of all that is drawn.

    Returns:
        `rnnkit.embeddings.SkipGram` or `rnnkit.embeddings.CBOW`: a Keras model whose `fit` takes
        whatever `rnnkit.data.corpus.open_corpus` takes, and whose `predict` takes words.

    Raises:
        InputError: a setting that cannot be used.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Example:
        >>> model = word_vectors(vector_size=8, window=1, min_count=1, epochs=1)
        >>> history = model.fit([["paris", "is", "in", "france"]] * 8, verbose=0)
        >>> model.predict("paris").shape
        (1, 8)
    """
    settings = dict(locals())
    from rnnkit.embeddings.model import of_method

    model = of_method(**settings)
    model.settings = {"recipe": "word_vectors", **settings}
    return model
