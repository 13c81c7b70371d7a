"""The encoder-decoder network of `Seq2Seq`, for training and for decoding step by step."""

from __future__ import annotations

from typing import Any, NamedTuple, Unpack

import keras
from keras import ops

from rnnkit.errors import InputError
from rnnkit.options import pick, takes
from rnnkit.recurrent.attention_decoder import AttentionDecoder, Memory
from rnnkit.recurrent.pointer import PointerGenerator, ScheduledSampling
from rnnkit.recurrent.tied_embedding import TiedEmbedding, UnitVectors
from rnnkit.settings.stack import StackOptions
from rnnkit.settings.text_to_text import AttentionNetworkOptions
from rnnkit.tasks.network import find_parts
from rnnkit.tasks.recurrent_stack import Seeds, drop, recurrent_stack


@takes(AttentionNetworkOptions, units=256, embedding_dropout=0.3, dropout=0.4)
def attention_network(
    source_size: int, target_size: int | None, **options: Unpack[AttentionNetworkOptions]
) -> keras.Model:
    """Build an encoder-decoder with attention, for teacher forcing.

    A bidirectional encoder reads the source; the decoder is initialized with its final states, and
    attends to all of its outputs at every step. One table embeds and scores the sub-words of the
    target; with a shared vocabulary it embeds those of the source, too.

    Args:
        source_size: number of the source's sub-words; 0 is padding.
        target_size: number of the target's; None = the vocabulary is shared.

    Returns:
        A functional model, `(sources (B, S), entering (B, T))` ids to scores `(B, T, V)`.

    Raises:
        InputError: a setting out of range, copying between two vocabularies.

    Example:
        >>> attention_network(50, None, units=4, decoder_units=6, embedding_size=5).output_shape
        (None, None, 50)
    """
    copy, dropout = options["copy"], options["dropout"]
    if copy and target_size is not None:
        raise InputError("copy=True outputs sub-words of the source: set shared_vocabulary=True.")
    seeds = Seeds(options["seed"])
    source = keras.Input((None,), dtype="int32", name="source")
    entering = keras.Input((None,), dtype="int32", name="entering")
    size = options["embedding_size"]

    def embedding(words: int, **more: Any) -> TiedEmbedding:
        return TiedEmbedding(words, size, embeddings_initializer=UnitVectors(seeds.next()), **more)

    table = source_table = embedding(target_size or source_size, name="embedding")
    if target_size is not None:
        source_table = embedding(source_size, scores=False, name="source_embedding")

    real = ops.not_equal(source, 0)
    x = drop(source_table(source), options["embedding_dropout"], seeds)
    stack: Any = {**pick(options, StackOptions), "seed_layers": False, "name": "encoder"}
    x, states = recurrent_stack(x, seeds, mask=real, bidirectional=True, return_state=True, **stack)
    memory = drop(x, dropout, seeds)
    # States of the last layer: h of both directions gives the decoder's h, c its c.
    last, parts = states[-1], len(states[-1]) // 2
    starts = [
        keras.layers.Dense(
            options["decoder_units"],
            activation="tanh" if part == "h" else None,
            kernel_initializer=seeds.glorot(),
            name=f"start_{part}",
        )(keras.layers.Concatenate()(last[i::parts]))
        for i, part in enumerate("hc"[:parts])
    ]
    initializers = {
        f"{part}_initializer": seeds.orthogonal() if part == "recurrent" else seeds.glorot()
        for part in ("kernel", "feed", "recurrent", "memory", "value", "query", "output")
    }
    kind: Any = {"cell": options["cell"], "attention": options["attention"]}
    decoder = AttentionDecoder(
        options["decoder_units"], size, **kind, **initializers, name="decoder"
    )
    pointer = PointerGenerator(seeds.glorot(), name="pointer") if copy else None
    input_dropout = seeds.dropout(options["embedding_dropout"])
    output_dropout = seeds.dropout(dropout)

    def decode(ids: Any) -> Any:
        vectors = input_dropout(table(ids))
        output = decoder(vectors, memory, real, starts, return_attention=copy)
        output, *attention = output if copy else (output,)
        scores = table(output_dropout(output), reverse=True)
        return pointer(scores, *attention, source, output, vectors) if pointer else scores

    scores = decode(entering)
    if options["scheduled_sampling"]:
        sample = ScheduledSampling(options["scheduled_sampling"], seed=seeds.next(), name="heard")
        scores = decode(sample(entering, scores))
    return keras.Model([source, entering], scores, name=f"{options['cell']}_encoder_decoder")


class Seq2SeqParts(NamedTuple):
    """Named layers: table of the target's sub-words; decoder; pointer, where the network copies."""

    embedding: Any
    decoder: Any
    pointer: Any = None


class Decoding:
    """An `attention_network` in two parts: encode a source once, then decode step by step.

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
        # The decoder's inputs besides the words: the memory, its mask, the initial states.
        self.encoder = keras.Model(network.inputs[0], self.decoder.input[1:])

    def read(self, source: Any) -> tuple[tuple, tuple]:
        """Return the memory of sources `(B, S)`, and the initial states of the decoder."""
        memory, real, *starts = self.encoder(source, training=False)
        states = self.decoder.initial_states(starts[0], starts)
        return (*self.decoder.prepare_memory(memory, real), source), states

    def step(self, words: Any, states: tuple, memory: tuple) -> tuple[Any, tuple, Any]:
        """Run a step of the decoder on the input ids `(B,)`, with states and memory of `read`.

        Returns:
            Log-probabilities `(B, V)`; the new states; attention weights `(B, S)`.
        """
        *seen, source = memory
        vectors = self.table(words)
        projected, parameters = self.decoder.project(vectors), self.decoder.parameters()
        states, weights = self.decoder.step(projected, states, Memory(*seen), parameters)
        scores = self.table(states[0], reverse=True)
        if self.pointer is not None:
            parts = (ops.expand_dims(part, 1) for part in (scores, weights, states[0], vectors))
            scores, attention, output, entering = parts
            scores = self.pointer(scores, attention, source, output, entering)[:, 0]
        return ops.log_softmax(scores, axis=-1), states, weights
