"""The network of a tagger: words and characters -> BiLSTM -> softmax or CRF."""

from __future__ import annotations

from typing import Any, NamedTuple, Unpack

import keras
from keras import ops

from rnnkit import layers as kit
from rnnkit.deprecation import takes_old_options
from rnnkit.hmm.layers.crf import bio_constraints
from rnnkit.monitor.spans import is_iob2
from rnnkit.options import pick, takes
from rnnkit.settings.tagging import TaggerNetworkOptions
from rnnkit.tasks.recurrent_stack import RecurrentStackOptions, Seeds, drop, recurrent_stack
from rnnkit.tasks.tagging.word_layers import CharEncoder, WordDropout


class TaggerSpec(NamedTuple):
    """What the network of a tagger depends on in the training set.

    Attributes:
        words: number of word ids; 0 is padding, 1 unknown.
        trained: ids below this one have trainable vectors, others only those of the file.
        vectors: whether there are pretrained word vectors.
        embedding_size: D, the size of a word vector.
        letters: number of character ids.
        word_length: characters that are read of a word; 0 = none.
        tags: their names.
        spans: whether tags that look like IOB2 mark spans.
    """

    words: int
    trained: int
    vectors: bool
    embedding_size: int
    letters: int
    word_length: int
    tags: tuple[str, ...]
    spans: bool = True


@takes_old_options(trainable="embedding_trainable")
@takes(TaggerNetworkOptions, units=128, embedding_dropout=0.4)
def recurrent_tagger(spec: TaggerSpec, **options: Unpack[TaggerNetworkOptions]) -> keras.Model:
    """Build ids -> word vectors and character encodings -> BiLSTM -> tag probabilities.

    With pretrained vectors a word's vector is `v_w + δ_w`: `v` stays frozen, for all words of the
    file; `δ` is initialized to 0 and trained, for the words of the training set. Without them it is
    initialized at random and trained. All recurrent layers are bidirectional.

    Args:
        spec: sizes and tags.

    Returns:
        A functional model, ids `(B, T, 1 + L)` (the word, then its characters) to `(B, T, K)`. Its
        layer "scores" outputs the scores of the tags before softmax or CRF. The CRF of IOB2 tags
        allows only valid sequences of them.

    Source: Ma and Hovy 2016, arXiv:1603.01354; Lample et al. 2016, arXiv:1603.01360.

    Example:
        >>> spec = TaggerSpec(100, 100, False, 16, 30, 12, ("B-PER", "I-PER", "O"))
        >>> network = recurrent_tagger(spec, units=8)
        >>> network.input_shape, network.output_shape
        ((None, None, 13), (None, None, 3))
    """
    seeds, characters = Seeds(options["seed"]), options["characters"]
    ids = keras.Input((None, 1 + spec.word_length), dtype="int32", name="ids")
    words = ids[:, :, 0]
    mask = ops.not_equal(words, 0)
    x = _word_vectors(words, spec, seeds, options)
    if characters and spec.word_length:
        encoder = CharEncoder(
            spec.letters, options["character_units"], characters, seed=seeds.next(), name="spelling"
        )
        x = keras.layers.Concatenate(name="words_and_spelling")([x, encoder(ids[:, :, 1:])])
    x = drop(x, options["embedding_dropout"], seeds)
    stack = pick(options, RecurrentStackOptions)
    x = recurrent_stack(x, seeds, mask=mask, bidirectional=True, **stack)
    x = drop(x, options["dropout"], seeds)
    scores = keras.layers.Dense(
        len(spec.tags), kernel_initializer=seeds.glorot(), dtype="float32", name="scores"
    )(x)
    if options["output"] == "softmax":
        x = keras.layers.Activation("softmax", dtype="float32", name="probabilities")(scores)
    else:
        spans = spec.spans and is_iob2(spec.tags)
        start, transitions = bio_constraints(spec.tags) if spans else (None, None)
        allowed: Any = {"allowed_start": start, "allowed_transitions": transitions}
        x = kit.CRF(len(spec.tags), **allowed, name="crf")(scores, mask=mask)
    return keras.Model(ids, x, name=f"{options['cell']}_tagger")


def _word_vectors(words: Any, spec: TaggerSpec, seeds: Seeds, options: TaggerNetworkOptions) -> Any:
    """Look up the sum of frozen pretrained vectors and trained ones, `(B, T, D)`."""
    known = WordDropout(spec.trained, options["word_dropout"], seed=seeds.next(), name="known")
    known_words = known(words)
    parts = []
    if spec.vectors:
        frozen = keras.layers.Embedding(
            spec.words, spec.embedding_size, trainable=False, name="vectors"
        )
        parts.append(frozen(words))
    if options["embedding_trainable"] or not spec.vectors:
        table = keras.layers.Embedding(
            spec.trained,
            spec.embedding_size,
            embeddings_initializer="zeros" if spec.vectors else seeds.uniform(),
            trainable=options["embedding_trainable"],
            name="embedding",
        )
        parts.append(table(known_words))
    return keras.layers.Add(name="start_and_learned")(parts) if len(parts) > 1 else parts[0]
