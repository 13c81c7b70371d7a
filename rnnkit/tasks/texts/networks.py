"""The network of a recurrent text classifier."""

from __future__ import annotations

from typing import Unpack

import keras

from rnnkit import layers as kit
from rnnkit.options import pick, takes
from rnnkit.settings.stack import PooledStackOptions
from rnnkit.settings.texts import TextNetworkOptions
from rnnkit.tasks.recurrent_stack import Seeds, class_probabilities, drop, pooled_stack


@takes(TextNetworkOptions)
def recurrent_classifier(
    vocabulary_size: int,
    outputs: int,
    ngram_count: int = 0,
    document_vectors: bool = False,
    **options: Unpack[TextNetworkOptions],
) -> keras.Model:
    """Build token ids -> embedding -> recurrent layers -> pooling over time -> probabilities.

    With n-grams the network has two inputs, and its logits are those of a `LogOpinionPool` of the
    recurrent network and of linear classifiers of the n-grams, whose weights are constants: "wide
    and deep" (Cheng et al. 2016, arXiv:1606.07792).

    Args:
        vocabulary_size: number of token ids; 0 is padding and masked.
        outputs: 1 for a sigmoid unit, more for a softmax.
        ngram_count: the numbers of n-grams, padding included; 0 = there is no such input.
        document_vectors: whether there is a classifier of document vectors, too: its logits are the
            mean of one number for each n-gram and output.

    Returns:
        A functional model, `(B, T)` ids, or ids and n-grams `(B, M)`, to `(B, outputs)`
        probabilities.

    Raises:
        InputError: a setting out of range.

    Example:
        >>> recurrent_classifier(100, 1, cell="gru", units=8).output_shape
        (None, 1)
    """
    seeds = Seeds(options["seed"])
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = keras.layers.Embedding(
        vocabulary_size,
        options["embedding_size"],
        mask_zero=True,
        trainable=options["embedding_trainable"],
        embeddings_initializer=seeds.uniform(),
        name="embedding",
    )(ids)
    x = drop(x, options["word_dropout"], seeds, noise_shape=(None, None, 1))
    x = drop(x, options["embedding_dropout"], seeds)
    x = pooled_stack(x, seeds, **pick(options, PooledStackOptions))
    x = drop(x, options["dropout"], seeds)
    name = f"{options['cell']}_classifier"
    if not ngram_count:
        return keras.Model(ids, class_probabilities(x, outputs, seeds), name=name)
    ngrams = keras.Input((None,), dtype="int32", name="ngrams")
    if size := options["ngram_embedding_size"]:
        start = seeds.uniform()
        document = kit.EmbeddingBag(
            ngram_count, size, embeddings_initializer=start, name="ngram_embedding"
        )(ngrams)
        document = drop(document, options["dropout"], seeds)
        x = keras.layers.Concatenate(name="state_and_document")([x, document])
    deep = keras.layers.Dense(
        outputs, kernel_initializer=seeds.glorot(), dtype="float32", name="recurrent_logits"
    )(x)
    wide = kit.NaiveBayesLogits(ngram_count, outputs, trainable=False, name="ngram_logits")(ngrams)
    members = [deep, wide]
    if document_vectors:
        table = kit.EmbeddingBag(
            ngram_count,
            outputs,
            embeddings_initializer="zeros",
            trainable=False,
            dtype="float32",
            name="document_logits",
        )
        members.append(table(ngrams))
    cap, others = options["ngram_logit_cap"], len(members) - 1
    # Until they are chosen: equal ones; with a cap, in units of the recurrent network's.
    shares = (1 / len(members),) * len(members) if cap is None else (1.0, *(1 / others,) * others)
    logits = kit.LogOpinionPool(shares, logit_cap=cap, name="pool")(members)
    activation = "sigmoid" if outputs == 1 else "softmax"
    x = keras.layers.Activation(activation, dtype="float32", name="probabilities")(logits)
    return keras.Model([ids, ngrams], x, name=name)
