"""The network of a recurrent text classifier."""

from __future__ import annotations

from typing import Unpack

import keras

from rnnkit.options import pick, takes
from rnnkit.settings.stack import PooledStackOptions
from rnnkit.settings.texts import TextNetworkOptions
from rnnkit.tasks.recurrent_stack import Seeds, class_probabilities, drop, pooled_stack


@takes(TextNetworkOptions)
def recurrent_classifier(
    vocabulary_size: int, outputs: int, **options: Unpack[TextNetworkOptions]
) -> keras.Model:
    """Build token ids -> embedding -> recurrent layers -> pooling over time -> probabilities.

    Args:
        vocabulary_size: number of token ids; 0 is padding and masked.
        outputs: 1 for a sigmoid unit, more for a softmax.

    Returns:
        A functional model, `(B, T)` ids to `(B, outputs)` probabilities.

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
    x = class_probabilities(x, outputs, seeds)
    return keras.Model(ids, x, name=f"{options['cell']}_classifier")
