"""Is a text positive or negative, by its words alone? The feed-forward yardstick (S11)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from rnnkit.recipes.family import listed

if TYPE_CHECKING:
    from rnnkit.tasks.texts.bag_of_words import BagOfWords


def bag_of_words_sentiment(
    *,
    weighting: str = "tf-idf",
    ngrams: int = 2,
    layers: int = 0,
    units: int = 64,
    embedding: str | Path = "random",
    embedding_size: int = 100,
    embedding_trainer: str = "gensim",
    trainable: bool = True,
    word_dropout: float = 0.0,
    dropout: float = 0.5,
    penalty: float = 0.0,
    optimizer: str = "adam",
    learning_rate: float = 2e-2,
    learning_rate_schedule: str = "linear",
    clip_norm: float | None = None,
    batch_size: int = 64,
    epochs: int | None = 5,
    vocabulary_size: int | None = 100_000,
    min_count: int = 2,
    lowercase: bool = True,
    expand_abbreviations: bool = True,
    strip_html: bool = True,
    strip_punctuation: bool = True,
    stop_words: str | None = None,
    classes: str | tuple[str, ...] | None = None,
    seed: int = 0,
) -> BagOfWords:
    """Classify texts by sentiment with a feed-forward network that does not know their order.

    Args:
        weighting: how much a word counts: "tf-idf", "count", "binary" (all three scaled to length 1
            in each text); or "mean", the mean of the words' vectors.
        ngrams: words of a sequence that counts as a word, at most: 1 = single words alone.
        layers: dense layers before the last; 0 is logistic regression.
        units: size of each.
        embedding: with "mean", how the words' vectors start: "random"; "skip-gram" or "cbow", which
            word2vec learns from the texts of the first `fit` and from `fit(..., unlabelled=texts)`;
            or the path of a file of word vectors.
        embedding_size: with "mean", size of a word's vector; with a file, the size of its vectors.
        embedding_trainer: what trains "skip-gram" and "cbow": "gensim" or "keras".
        trainable: with "mean", whether the words' vectors learn with the network.
        word_dropout: share of a text's different words that is dropped.
        dropout: share of each layer's output that is dropped.
        penalty: of the squares of the first layer's weights, in the loss.
        optimizer: the name of a Keras optimizer.
        learning_rate: its first learning rate.
        learning_rate_schedule: "constant", or, after a short rise, "linear" or "cosine" to zero.
        clip_norm: gradients are clipped to this global norm; None = not at all.
        batch_size: texts of a batch.
        epochs: how often `fit` goes through the texts, where it is not told; None = enough for
            2,000 steps, 3 to 15.
        vocabulary_size: tokens kept, the most frequent ones; None = all.
        min_count: tokens kept occur at least this often.
        lowercase: a step of the text pipeline, as the next three.
        expand_abbreviations: "u" becomes "you", and so on.
        strip_html: drop tags, resolve character references.
        strip_punctuation: put a space for all that is no letter, digit or inner apostrophe.
        stop_words: None, "keep-negations" or "full": words that are left out.
        classes: names of the classes in the order of the labels, as a tuple or separated by commas;
            learned from the labels when left out.
        seed: of the first weights, the order of the batches and the dropout.

    Returns:
        `BagOfWords`, a `TextClassifier`: a Keras model whose `fit`, `evaluate` and `predict` take
        raw text.

    Raises:
        InputError: a setting that cannot be used.

    Source: Wang and Manning 2012, Baselines and bigrams, ACL (why it is hard to beat).

    Example:
        >>> model = bag_of_words_sentiment(ngrams=1)
        >>> history = model.fit(["a fine film", "a dull film"] * 8, [1, 0] * 8, verbose=0)
        >>> model.predict_labels("a fine film")
        ['1']
    """
    settings = {**locals(), "embedding": str(embedding)}
    from rnnkit.data.text import TextPipeline
    from rnnkit.errors import InputError
    from rnnkit.tasks.bag_networks import TokenWeights, bag_of_words_classifier
    from rnnkit.tasks.texts.bag_of_words import BagOfWords
    from rnnkit.tasks.training.optimizers import optimizer_factory

    make_optimizer = optimizer_factory(optimizer, learning_rate, clip_norm)
    TokenWeights(1, weighting)  # and so does this
    if weighting != "mean" and str(embedding) != "random":
        raise InputError(
            f"embedding is {str(embedding)!r}, and weighting {weighting!r} has no vectors of words "
            "that could start from it. Set weighting='mean', or leave embedding out."
        )
    return BagOfWords(
        functools.partial(
            bag_of_words_classifier,
            weighting=weighting,
            layers=layers,
            units=units,
            embedding_size=embedding_size,
            embedding_trainable=trainable,
            word_dropout=word_dropout,
            dropout=dropout,
            penalty=penalty,
            seed=seed,
        ),
        ngrams=ngrams,
        classes=listed(classes),
        optimizer=make_optimizer,
        pipeline=TextPipeline(
            lowercase=lowercase,
            expand_abbreviations=expand_abbreviations,
            strip_html=strip_html,
            strip_punctuation=strip_punctuation,
            stop_words=stop_words,
        ),
        vocabulary_size=vocabulary_size,
        min_count=min_count,
        embedding=embedding,
        embedding_trainer=embedding_trainer,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        learning_rate_schedule=learning_rate_schedule,
        settings={"recipe": "bag_of_words_sentiment", **settings},
    )
