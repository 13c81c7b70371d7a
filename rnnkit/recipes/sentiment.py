"""Is a text positive or negative? Many words in, one probability out (S1).

One function holds all settings; the four recipes are it with other defaults.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnkit.recipes.family import listed, recipe_of

if TYPE_CHECKING:
    from rnnkit.tasks import TextClassifier

# The textbook configuration of the comparison RNN against LSTM against GRU: zero initial state,
# last state, binary cross-entropy, the best validation loss kept.
CLASSIC: dict[str, Any] = {
    "layers": 1,
    "units": 50,
    "embedding": "random",
    "embedding_size": 100,
    "word_dropout": 0.0,
    "embedding_dropout": 0.0,
    "recurrent_dropout": 0.0,
    "dropout": 0.5,
    "pooling": "last",
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "learning_rate_schedule": "constant",
    "clip_norm": 5.0,
    "batch_size": 50,
    "epochs": 5,
}
PRESETS = {"classic": CLASSIC}


def _classifier(
    *,
    cell: str = "lstm",
    bidirectional: bool = False,
    layers: int = 1,
    units: int = 64,
    embedding: str | Path = "skip-gram",
    embedding_size: int = 100,
    embedding_trainer: str = "gensim",
    trainable: bool = True,
    word_dropout: float = 0.0,
    embedding_dropout: float = 0.5,
    recurrent_dropout: float = 0.0,
    dropout: float = 0.5,
    pooling: str = "mean+max",
    optimizer: str = "adam",
    learning_rate: float = 2e-3,
    learning_rate_schedule: str = "cosine",
    clip_norm: float | None = 1.0,
    batch_size: int = 32,
    epochs: int | None = None,
    max_length: int | None = 400,
    truncate: str = "tail",
    vocabulary_size: int | None = 20_000,
    min_count: int = 2,
    lowercase: bool = True,
    expand_abbreviations: bool = True,
    strip_html: bool = True,
    strip_punctuation: bool = True,
    stop_words: str | None = None,
    classes: str | tuple[str, ...] | None = None,
    seed: int = 0,
) -> TextClassifier:
    """Return a compiled-on-first-fit `TextClassifier`; the settings are those of the recipes."""
    from rnnkit.data.text import TextPipeline
    from rnnkit.tasks import TextClassifier, recurrent_classifier
    from rnnkit.tasks.training.optimizers import optimizer_factory

    make_optimizer = optimizer_factory(optimizer, learning_rate, clip_norm)
    build_network = functools.partial(
        recurrent_classifier,
        cell=cell,
        bidirectional=bidirectional,
        layers=layers,
        units=units,
        embedding_size=embedding_size,
        embedding_trainable=trainable,
        word_dropout=word_dropout,
        embedding_dropout=embedding_dropout,
        recurrent_dropout=recurrent_dropout,
        dropout=dropout,
        pooling=pooling,
        seed=seed,
    )
    return TextClassifier(
        build_network,
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
        max_length=max_length,
        truncate=truncate,
        embedding=embedding,
        embedding_trainer=embedding_trainer,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        learning_rate_schedule=learning_rate_schedule,
    )


_SETTINGS = """
A setting that is not given has the recipe's default; with a preset, the preset's.

Args:
    preset: "classic" for the textbook configuration (1 layer, embedding 100, units 50, dropout 0.5,
        last state, batch 50, Adam 1e-3, clip 5), or None.
    layers: recurrent layers on top of each other.
    units: size of each layer's state.
    embedding: how the words' vectors start: "random"; "skip-gram" or "cbow", which word2vec learns
        from the texts of the first `fit` and from `fit(..., unlabelled=texts)`; or the path of a
        file of word vectors, which `rnnkit.embeddings.files.load_vectors` reads.
    embedding_size: size of a word's vector; with a file, the size of its vectors.
    embedding_trainer: what trains "skip-gram" and "cbow": "gensim" or "keras".
    trainable: whether the words' vectors learn with the network, or stay as they start. With
        "random", too: each word then keeps a vector drawn at random, the yardstick for frozen ones.
    word_dropout: share of the words whose vector is dropped, anew at each place.
    embedding_dropout: share of the numbers in the words' vectors that are dropped.
    recurrent_dropout: share of the state dropped on its way into the recurrent product.
    dropout: share of the pooled vector that is dropped, and of what passes between layers.
    pooling: "last", "mean", "max" or "mean+max", over the real steps.
    optimizer: the name of a Keras optimizer.
    learning_rate: its first learning rate.
    learning_rate_schedule: "constant", or, after a short rise, "linear" or "cosine" to zero.
    clip_norm: gradients are clipped to this global norm; None = not at all.
    batch_size: texts of a batch.
    epochs: how often `fit` goes through the texts, where it is not told; None = enough for 2,000
        steps, 3 to 15.
    max_length: longer texts are cut to this many tokens; None = never.
    truncate: which end a cut keeps: "head", "tail", "both".
    vocabulary_size: tokens kept, the most frequent ones; None = all.
    min_count: tokens kept occur at least this often.
    lowercase, expand_abbreviations, strip_html, strip_punctuation: steps of the text pipeline.
    stop_words: None, "keep-negations" or "full": words that are left out.
    classes: names of the classes in the order of the labels, as a tuple or separated by commas;
        learned from the labels when left out.
    seed: of the first weights, the order of the batches and the dropout.

Returns:
    `TextClassifier`: a Keras model whose `fit`, `evaluate` and `predict` take raw text.

Raises:
    InputError: a setting that cannot be used.
    TypeError: a setting that does not exist; the message names the nearest.

Example:
    >>> model = {name}(units=8)
    >>> history = model.fit(["a fine film", "a dull film"] * 8, [1, 0] * 8, verbose=0)
    >>> model.predict("a fine film", verbose=0).shape
    (1, 1)
"""


def _recipe(
    name: str, summary: str, *, cell: str, bidirectional: bool = False, **defaults: Any
) -> Callable[..., TextClassifier]:
    return recipe_of(
        name,
        summary,
        _classifier,
        _SETTINGS,
        fixed={"cell": cell, "bidirectional": bidirectional},
        presets=PRESETS,
        **defaults,
    )


rnn_sentiment = _recipe(
    "rnn_sentiment",
    "Classify texts by sentiment with a simple (Elman) recurrent network.",
    cell="rnn",
    learning_rate=1e-3,
    pooling="mean",  # its last state forgets, and a maximum keeps what one unlucky step put out
)
lstm_sentiment = _recipe("lstm_sentiment", "Classify texts by sentiment with an LSTM.", cell="lstm")
gru_sentiment = _recipe(
    "gru_sentiment", "Classify texts by sentiment with a gated recurrent unit (GRU).", cell="gru"
)
bilstm_sentiment = _recipe(
    "bilstm_sentiment",
    "Classify texts by sentiment with an LSTM that reads in both directions.",
    cell="lstm",
    bidirectional=True,
)
