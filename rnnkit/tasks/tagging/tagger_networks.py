"""The functional Keras network of a tagger: words and characters -> BiLSTM -> softmax or CRF."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import keras
from keras import ops

from rnnkit import layers as kit
from rnnkit.backend.initializers import Seeded
from rnnkit.errors import InputError, suggest
from rnnkit.hmm.layers.crf import bio_constraints
from rnnkit.monitor.spans import is_iob2
from rnnkit.tasks.networks import CELLS
from rnnkit.tasks.tagging.word_layers import KnownWords, Spelling

CHARACTERS = ("lstm", "cnn")
OUTPUTS = ("crf", "softmax")


class TaggerSpec(NamedTuple):
    """What the first `fit` of a tagger learned of its data, for the network to be built.

    Attributes:
        words: number of word ids; 0 is padding, 1 unknown.
        trained: so many of them, the first ones, learn with the network; the others are known from
            a file of vectors only.
        vectors: whether there are word vectors to start from.
        embedding_size: D, of a word's vector.
        letters: number of character ids.
        word_length: how many characters of a word are read; 0 = none.
        tags: their names.

    Example:
        >>> TaggerSpec(100, 100, False, 50, 30, 12, ("O", "B-PER")).tags
        ('O', 'B-PER')
    """

    words: int
    trained: int
    vectors: bool
    embedding_size: int
    letters: int
    word_length: int
    tags: tuple[str, ...]


def recurrent_tagger(
    learned: TaggerSpec,
    *,
    cell: str = "lstm",
    layers: int = 1,
    units: int = 128,
    trainable: bool = True,
    characters: str | None = "cnn",
    character_units: int = 50,
    word_dropout: float = 0.1,
    embedding_dropout: float = 0.4,
    recurrent_dropout: float = 0.0,
    dropout: float = 0.5,
    output: str = "crf",
    seed: int = 0,
) -> keras.Model:
    """Build ids -> word vectors and characters -> recurrent layers -> probability of each tag.

    A word's vector is `v_w + δ_w`: `v` comes from word2vec and stays, for all words of the file;
    `δ` starts at 0 and is learned, for the words of the training set. Without vectors it is a table
    drawn at random and learned.

    Args:
        learned: sizes and tags.
        cell: "lstm", "gru" or "rnn".
        layers: recurrent layers on top of each other, each reading in both directions.
        units: size of each direction's state.
        trainable: whether the words' vectors learn with the network.
        characters: what reads a word's characters: "lstm" (in both directions), "cnn" (windows of
            three and the maximum over them), or None.
        character_units: size of a word's vector out of its characters.
        word_dropout: share of the words that count as unknown while training, so that the vector
            of unknown words is learned.
        embedding_dropout: share of a word's numbers that is dropped.
        recurrent_dropout: see `rnnkit.layers.LSTM`.
        dropout: share of what the recurrent layers give that is dropped.
        output: "softmax", each tag by itself; or "crf", tags that fit each other, and where they
            are IOB2 only those that may follow each other.
        seed: of the first weights (the same on every backend) and of the dropout.

    Returns:
        A functional model, ids `(B, T, 1 + L)` (the word, then its characters) to `(B, T, K)`. Its
        layer "scores" gives the tags' scores before softmax or CRF.

    Raises:
        InputError: a setting that cannot be used.

    Source: Ma and Hovy 2016, arXiv:1603.01354; Lample et al. 2016, arXiv:1603.01360.

    Example:
        >>> learned = TaggerSpec(100, 100, False, 16, 30, 12, ("B-PER", "I-PER", "O"))
        >>> network = recurrent_tagger(learned, units=8)
        >>> network.input_shape, network.output_shape
        ((None, None, 13), (None, None, 3))
    """
    for name, value, known in (
        ("cell", cell, tuple(CELLS)),
        ("characters", characters, (*CHARACTERS, None)),
        ("output", output, OUTPUTS),
    ):
        if value not in known:
            raise InputError(
                f"{name} is {value!r}; expected one of {known}."
                f"{suggest(str(value), map(str, known))}"
            )
    if layers < 1:
        raise InputError(f"layers is {layers}; expected at least 1.")
    seeds = itertools.count(1000 * seed)
    length = learned.word_length if characters else 0
    ids = keras.Input((None, 1 + learned.word_length), dtype="int32", name="ids")
    words = ids[:, :, 0]
    mask = ops.not_equal(words, 0)
    known = KnownWords(learned.trained, word_dropout, seed=next(seeds), name="known")(words)
    parts = []
    if learned.vectors:
        parts.append(
            keras.layers.Embedding(
                learned.words, learned.embedding_size, trainable=False, name="vectors"
            )(words)
        )
    if trainable or not learned.vectors:
        parts.append(
            keras.layers.Embedding(
                learned.trained,
                learned.embedding_size,
                embeddings_initializer=(
                    "zeros" if learned.vectors else Seeded("uniform", next(seeds))
                ),
                trainable=trainable,
                name="embedding",
            )(known)
        )
    x = keras.layers.Add(name="start_and_learned")(parts) if len(parts) > 1 else parts[0]
    if length:
        spelled = Spelling(
            learned.letters, character_units, str(characters), seed=next(seeds), name="spelling"
        )(ids[:, :, 1:])
        x = keras.layers.Concatenate(name="words_and_spelling")([x, spelled])
    if embedding_dropout:
        x = keras.layers.Dropout(embedding_dropout, seed=next(seeds))(x)

    def recurrent(**direction: bool) -> keras.layers.Layer:
        return CELLS[cell](
            units,
            return_sequences=True,
            recurrent_dropout=recurrent_dropout,
            kernel_initializer=Seeded("glorot_uniform", next(seeds)),
            recurrent_initializer=Seeded("orthogonal", next(seeds)),
            seed=next(seeds),
            **direction,
        )

    for _ in range(layers):
        both = kit.Bidirectional(recurrent(), backward_layer=recurrent(go_backwards=True))
        x = both(x, mask=mask)
        if dropout:
            x = keras.layers.Dropout(dropout, seed=next(seeds))(x)
    scores = keras.layers.Dense(
        len(learned.tags),
        kernel_initializer=Seeded("glorot_uniform", next(seeds)),
        dtype="float32",
        name="scores",
    )(x)
    if output == "softmax":
        probabilities = keras.layers.Activation("softmax", dtype="float32", name="probabilities")(
            scores
        )
    else:
        start = transitions = None
        if is_iob2(learned.tags):
            start, transitions = bio_constraints(learned.tags)
        crf = kit.CRF(
            len(learned.tags), allowed_start=start, allowed_transitions=transitions, name="crf"
        )
        probabilities = crf(scores, mask=mask)
    return keras.Model(ids, probabilities, name=f"{cell}_tagger")
