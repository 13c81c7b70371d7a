"""Token embeddings of KerasHub's pretrained models as word vectors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnkit.data.hub_presets import import_keras_hub, load_preset_tokenizer, naming_preset
from rnnkit.data.hub_tokenizer import HubTokenizer
from rnnkit.embeddings.light_gensim import import_gensim
from rnnkit.errors import InputError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

WORD_STARTS = ("Ġ", "▁")  # how byte pairs and sentencepiece mark the beginning of a word
SUFFIX = "##"  # how word pieces mark all but the beginning


def load_preset_vectors(
    preset: str | os.PathLike[str], *, size: int, whole_words: bool
) -> KeyedVectors:
    """Return the input embeddings of a preset by token: row i is that of the tokenizer's id i.

    They are the vectors before the first layer of the pretrained model, which know nothing of the
    context of a token.

    Args:
        preset: a folder that `save_to_preset` of a model and its tokenizer wrote, or a handle.
        size: of a vector.
        whole_words: name tokens as the words that they are, and leave out parts of words; for a
            vocabulary of words. Else they are named as the preset's own tokenizer names them.

    Raises:
        InputError: a preset without a tokenizer or a text model, vectors of another size.

    Example:
        >>> load_preset_vectors("bert_tiny", size=128, whole_words=True)["film"].shape
        ... # doctest: +SKIP
        (128,)
    """
    import_gensim()
    from gensim.models import KeyedVectors

    tokenizer = load_preset_tokenizer(preset)
    table = _table(preset)
    if table.shape[1] != size:
        raise InputError(
            f"{os.fspath(preset)} holds vectors of {table.shape[1]} numbers, and embedding_size is "
            f"{size}. Set embedding_size={table.shape[1]}."
        )
    names = token_names(tokenizer, whole_words=whole_words)
    if max(names.values(), default=0) >= len(table):
        raise InputError(
            f"{os.fspath(preset)} has {len(table)} vectors for the {max(names.values()) + 1} "
            "tokens of its tokenizer: they are not of one model."
        )
    vectors = KeyedVectors(size)
    vectors.add_vectors(list(names), table[list(names.values())])
    return vectors


def token_names(tokenizer: Any, *, whole_words: bool = False) -> dict[str, int]:
    """Return token -> id of a KerasHub tokenizer; the first of equal names counts.

    Args:
        tokenizer: of KerasHub.
        whole_words: leave out parts of words, and the marks of beginnings.

    Example:
        >>> import keras_hub
        >>> one = keras_hub.tokenizers.WordPieceTokenizer(["[UNK]", "the", "qu", "##ick"])
        >>> token_names(one, whole_words=True)
        {'[UNK]': 0, 'the': 1, 'qu': 2}
    """
    size = int(tokenizer.vocabulary_size())
    names = [str(tokenizer.id_to_token(i)) for i in range(size)]
    found: dict[str, int] = {}
    if not whole_words:
        for i, name in enumerate(names):
            found.setdefault(name, i)
        return found
    marked = any(name.startswith(WORD_STARTS) for name in names)
    split = HubTokenizer(tokenizer)
    for i, name in enumerate(names):
        if marked and not name.startswith(WORD_STARTS):
            continue
        word = split.detokenize([name]).strip() if marked else name
        if word and not name.startswith(SUFFIX):
            found.setdefault(word, i)
    return found


def _table(preset: str | os.PathLike[str]) -> np.ndarray:
    hub = import_keras_hub()
    import keras

    with naming_preset("embedding", preset):
        backbone = hub.models.Backbone.from_preset(os.fspath(preset))
    layer = getattr(backbone, "token_embedding", None)
    if layer is None:
        raise InputError(
            f"embedding is {os.fspath(preset)!r}: its {type(backbone).__name__} has no token "
            "embedding. Give a preset of a text model."
        )
    return np.asarray(keras.ops.convert_to_numpy(layer.embeddings), "float32")
