"""A tag for each word of a sentence: which words are names (S2), and their parts of speech (S3).

One function holds all settings; the two recipes are it with other defaults.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from rnnkit.recipes.family import listed, recipe_of

if TYPE_CHECKING:
    from rnnkit.tasks.tagging.tagger import SequenceTagger


def _tagger(
    *,
    cell: str = "lstm",
    layers: int = 1,
    units: int = 128,
    embedding: str | Path = "random",
    embedding_size: int = 100,
    embedding_trainer: str = "gensim",
    trainable: bool = True,
    characters: str | None = "cnn",
    character_units: int = 50,
    word_length: int = 16,
    output: str = "crf",
    word_dropout: float = 0.1,
    embedding_dropout: float = 0.4,
    recurrent_dropout: float = 0.0,
    dropout: float = 0.5,
    optimizer: str = "adam",
    learning_rate: float = 3e-3,
    learning_rate_schedule: str = "cosine",
    clip_norm: float | None = 1.0,
    batch_size: int = 32,
    epochs: int | None = 10,
    vocabulary_size: int | None = 100_000,
    min_count: int = 1,
    lowercase: bool = True,
    classes: str | tuple[str, ...] | None = None,
    seed: int = 0,
) -> SequenceTagger:
    """Return a compiled-on-first-fit `SequenceTagger`; the settings are those of the recipes."""
    from rnnkit.tasks.tagging.tagger import SequenceTagger
    from rnnkit.tasks.tagging.tagger_networks import recurrent_tagger
    from rnnkit.tasks.training.optimizers import optimizer_factory

    make_optimizer = optimizer_factory(optimizer, learning_rate, clip_norm)
    return SequenceTagger(
        functools.partial(
            recurrent_tagger,
            cell=cell,
            layers=layers,
            units=units,
            trainable=trainable,
            characters=characters,
            character_units=character_units,
            output=output,
            word_dropout=word_dropout,
            embedding_dropout=embedding_dropout,
            recurrent_dropout=recurrent_dropout,
            dropout=dropout,
            seed=seed,
        ),
        classes=listed(classes),
        lowercase=lowercase,
        vocabulary_size=vocabulary_size,
        min_count=min_count,
        embedding=embedding,
        embedding_size=embedding_size,
        embedding_trainer=embedding_trainer,
        word_length=word_length if characters else 0,
        optimizer=make_optimizer,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        learning_rate_schedule=learning_rate_schedule,
    )


_SETTINGS = """
Args:
    cell: "lstm", "gru" or "rnn".
    layers: recurrent layers on top of each other, each reading in both directions.
    units: size of each direction's state.
    embedding: how the words' vectors start: "random"; "skip-gram" or "cbow", which word2vec learns
        from the sentences of the first `fit` and from `fit(..., unlabelled=texts)`; or the path of
        a file of word vectors, all of whose words the model then knows.
    embedding_size: size of a word's vector; with a file, the size of its vectors.
    embedding_trainer: what trains "skip-gram" and "cbow": "gensim" or "keras".
    trainable: whether the words' vectors learn with the network, or stay as they start.
    characters: what reads a word's characters: "cnn", "lstm", or None.
    character_units: size of the vector made of them.
    word_length: how many characters of a word are read; of longer ones those at both ends.
    output: "crf", tags that fit each other; or "softmax", each tag by itself.
    word_dropout: share of the words that count as unknown while training.
    embedding_dropout: share of a word's numbers that is dropped.
    recurrent_dropout: share of the state dropped on its way into the recurrent product.
    dropout: share of what each recurrent layer gives that is dropped.
    optimizer: the name of a Keras optimizer.
    learning_rate: its first learning rate.
    learning_rate_schedule: "constant", or, after a short rise, "linear" or "cosine" to zero.
    clip_norm: gradients are clipped to this global norm; None = not at all.
    batch_size: sentences of a batch.
    epochs: how often `fit` goes through the sentences, where it is not told; None = enough for
        2,000 steps, 3 to 15.
    vocabulary_size: words kept, the most frequent ones, those of a file of vectors among them;
        None = all.
    min_count: words of the training set that are kept occur at least this often.
    lowercase: look words up in lower case; their characters are read as they stand.
    classes: the tags, as a tuple or separated by commas; learned when left out.
    seed: of the first weights, the order of the batches and the dropout.

Returns:
    `SequenceTagger`: a Keras model whose `fit` and `evaluate` take lists of words and lists of
    tags, and whose `predict` takes raw sentences too.

Raises:
    InputError: a setting that cannot be used.
    TypeError: a setting that does not exist; the message names the nearest.

Source: Ma and Hovy 2016, arXiv:1603.01354; Lample et al. 2016, arXiv:1603.01360.

Example:
    >>> model = {name}(units=4, epochs=1)
    >>> history = model.fit([["Ask", "John"]] * 8, [{tags}] * 8, verbose=0)
    >>> len(model.predict("Ask John!")[0])
    3
"""


name_tagger = recipe_of(
    "name_tagger",
    "Find the names in sentences: which words are a person, a place, an organisation.",
    _tagger,
    _SETTINGS.replace("{tags}", '["O", "B-PER"]'),
)
pos_tagger = recipe_of(
    "pos_tagger",
    "Find the part of speech of each word of a sentence.",
    _tagger,
    _SETTINGS.replace("{tags}", '["VERB", "PROPN"]'),
    output="softmax",
    characters="lstm",
    word_dropout=0.2,
    epochs=15,
)
