"""The encoder-decoder network inside `Seq2Seq`, whole for training and cut up for decoding."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import keras
from keras import ops

from rnnkit import layers as kit
from rnnkit.backend.initializers import Seeded
from rnnkit.errors import InputError, suggest
from rnnkit.recurrent.attention_decoder import AttentionDecoder, Memory
from rnnkit.recurrent.pointer import PointerGenerator, ScheduledSampling
from rnnkit.recurrent.tied_embedding import TiedEmbedding, UnitVectors
from rnnkit.tasks.network import find_parts

CELLS: dict[str, Any] = {"lstm": kit.LSTM, "gru": kit.GRU}


def attention_network(
    source_size: int,
    target_size: int | None,
    *,
    cell: str = "gru",
    layers: int = 1,
    units: int = 256,
    decoder_units: int = 512,
    embedding_size: int = 256,
    attention: str = "dot",
    copy: bool = False,
    embedding_dropout: float = 0.3,
    dropout: float = 0.4,
    scheduled_sampling: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Build an encoder-decoder with attention, for teacher forcing.

    A bidirectional encoder reads the source; the decoder starts from its last states, and looks
    at all of its states before every word. The target's words are looked up and scored by one
    table; with a joint vocabulary the source's words are, too.

    Args:
        source_size: number of the source's sub-words; 0 is padding.
        target_size: number of the target's; None = the vocabulary is joint.
        cell: "lstm" or "gru", in encoder and decoder.
        layers: bidirectional layers of the encoder.
        units: size of each direction's state.
        decoder_units: size of the decoder's state.
        embedding_size: size of a sub-word's vector, and of what the decoder puts out.
        attention: "dot" or "additive".
        copy: mix the words of the vocabulary with those of the source; needs a joint vocabulary.
        embedding_dropout: share of the numbers in the sub-words' vectors that are dropped.
        dropout: of what passes between layers, from the encoder to the decoder, and out of it.
        scheduled_sampling: share of the target's words that are the decoder's own, in training.
        seed: of the first weights (the same on every backend) and of the dropout.

    Returns:
        A functional model, `(sources (B, S), entering (B, T))` ids to scores `(B, T, V)`.

    Raises:
        InputError: an unknown cell or attention, no layer, copying between two vocabularies.

    Example:
        >>> attention_network(50, None, units=4, decoder_units=6, embedding_size=5).output_shape
        (None, None, 50)
    """
    if cell not in CELLS:
        raise InputError(f"cell is {cell!r}; expected one of {list(CELLS)}.{suggest(cell, CELLS)}")
    if layers < 1:
        raise InputError(f"layers is {layers}; expected at least 1.")
    if copy and target_size is not None:
        raise InputError("copy=True needs vocabulary='joint': the source's words are put out.")
    seeds = itertools.count(1000 * seed)

    def glorot() -> Seeded:
        return Seeded("glorot_uniform", next(seeds))

    def drop(x: Any, rate: float) -> Any:
        return keras.layers.Dropout(rate, seed=next(seeds))(x) if rate else x

    def recurrent(**direction: bool) -> keras.layers.Layer:
        return CELLS[cell](
            units,
            return_sequences=True,
            return_state=True,
            kernel_initializer=glorot(),
            recurrent_initializer=Seeded("orthogonal", next(seeds)),
            **direction,
        )

    source = keras.Input((None,), dtype="int32", name="source")
    entering = keras.Input((None,), dtype="int32", name="entering")
    table = TiedEmbedding(
        target_size or source_size,
        embedding_size,
        embeddings_initializer=UnitVectors(next(seeds)),
        name="embedding",
    )
    source_table = table
    if target_size is not None:
        source_table = TiedEmbedding(
            source_size,
            embedding_size,
            scores=False,
            embeddings_initializer=UnitVectors(next(seeds)),
            name="source_embedding",
        )

    real = ops.not_equal(source, 0)
    x = drop(source_table(source), embedding_dropout)
    for depth in range(layers):
        both = kit.Bidirectional(
            recurrent(), backward_layer=recurrent(go_backwards=True), name=f"encoder_{depth}"
        )
        x, *last = both(x, mask=real)
        x = drop(x, dropout)
    # h of both directions makes the decoder's h, c its c.
    starts = [
        keras.layers.Dense(
            decoder_units,
            activation="tanh" if part == "h" else None,
            kernel_initializer=glorot(),
            name=f"start_{part}",
        )(keras.layers.Concatenate()(last[i :: len(last) // 2]))
        for i, part in enumerate("hc"[: len(last) // 2])
    ]
    decoder = AttentionDecoder(
        decoder_units,
        embedding_size,
        cell=cell,
        attention=attention,
        kernel_initializer=glorot(),
        feed_initializer=glorot(),
        recurrent_initializer=Seeded("orthogonal", next(seeds)),
        memory_initializer=glorot(),
        value_initializer=glorot(),
        query_initializer=glorot(),
        output_initializer=glorot(),
        name="decoder",
    )
    mix = PointerGenerator(glorot(), name="pointer") if copy else None
    word_dropout = keras.layers.Dropout(embedding_dropout, seed=next(seeds))
    told_dropout = keras.layers.Dropout(dropout, seed=next(seeds))

    def decode(ids: Any) -> Any:
        words = word_dropout(table(ids))
        told = decoder(words, x, real, starts, return_attention=copy)
        weights = None
        if copy:
            told, weights = told
        scores = table(told_dropout(told), reverse=True)
        return scores if mix is None else mix(scores, weights, source, told, words)

    scores = decode(entering)
    if scheduled_sampling:
        heard = ScheduledSampling(scheduled_sampling, seed=next(seeds), name="heard")
        scores = decode(heard(entering, scores))
    return keras.Model([source, entering], scores, name=f"{cell}_encoder_decoder")


class Seq2SeqParts(NamedTuple):
    """The named layers of a sequence-to-sequence network.

    Attributes:
        embedding: the table of the target's sub-words.
        decoder: the decoder with attention.
        pointer: copies from the source, where the network does.
    """

    embedding: Any
    decoder: Any
    pointer: Any = None


class Decoding:
    """A trained network cut up for decoding: read a source once, then go word by word.

    Args:
        network: what `attention_network` built.

    Example:
        >>> network = attention_network(50, None, units=4, decoder_units=6, embedding_size=5)
        >>> decoding = Decoding(network)
        >>> memory, states = decoding.read(ops.ones((2, 7), dtype="int32"))
        >>> scores, _, weights = decoding.step(ops.ones((2,), dtype="int32"), states, memory)
        >>> scores.shape
        (2, 50)
    """

    def __init__(self, network: keras.Model) -> None:
        self.network = network
        self.table, self.decoder, self.pointer = find_parts(network, Seq2SeqParts)
        # What enters the decoder beside the words: the memory, its mask, the first states.
        self.encoder = keras.Model(network.inputs[0], self.decoder.input[1:])

    def read(self, source: Any) -> tuple[tuple, tuple]:
        """Return what the steps need of sources `(B, S)`, and the states before the first."""
        memory, real, *starts = self.encoder(source, training=False)
        states = self.decoder.initial_states(starts[0], starts)
        return (*self.decoder.prepare_memory(memory, real), source), states

    def step(self, words: Any, states: tuple, memory: tuple) -> tuple[Any, tuple, Any]:
        """Take one step.

        Args:
            words: the ids that enter, `(B,)`.
            states: of the step before.
            memory: of `read`.

        Returns:
            Logarithms of the words' probabilities, `(B, V)`; the new states; the weights `(B, S)`.
        """
        *seen, source = memory
        vectors = self.table(words)
        projected = self.decoder.project(vectors)
        states, weights = self.decoder.step(
            projected, states, Memory(*seen), self.decoder.parameters()
        )
        scores = self.table(states[0], reverse=True)
        if self.pointer is not None:
            rows = (scores, weights)
            told = (states[0], vectors)
            scores = self.pointer(
                *(ops.expand_dims(row, 1) for row in rows),
                source,
                *(ops.expand_dims(row, 1) for row in told),
            )[:, 0]
        return ops.log_softmax(scores, axis=-1), states, weights
