"""Initial weights of a task from a trained language model: word vectors, recurrent layers."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from rnnkit import layers as kit
from rnnkit.embeddings.light_gensim import import_gensim
from rnnkit.errors import InputError, quote, suggest_sibling
from rnnkit.settings.words import LanguageModelLike
from rnnkit.tasks.recurrent_stack import CELLS

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


def check_pretrained(pretrained: Any) -> None:
    """Refuse what is neither a language model nor a path of one.

    Example:
        >>> check_pretrained(None)
        >>> check_pretrained("no/such/run")
        Traceback (most recent call last):
        rnnkit.errors.InputError: pretrained is 'no/such/run', and there is no such run or file.\
 Its folder 'no/such' does not exist either.
    """
    if pretrained is None or isinstance(pretrained, LanguageModelLike):
        return
    if not isinstance(pretrained, str | os.PathLike):
        raise InputError(
            f"pretrained is {quote(pretrained)}; expected a trained language model, the folder of "
            "its run or its .keras file."
        )
    path = Path(pretrained).expanduser()
    if not path.exists():
        raise InputError(
            f"pretrained is {os.fspath(pretrained)!r}, and there is no such run or file."
            f"{suggest_sibling(path)}"
        )
    if path.is_dir() and not (path / "model.keras").is_file():
        raise InputError(
            f"pretrained is {os.fspath(pretrained)!r}, which has no model.keras. Give the folder "
            "of a complete run, or a .keras file."
        )


def open_language_model(pretrained: Any) -> Any:
    """Return a trained language model of words: the object, or the one in a file.

    Raises:
        InputError: another model, one of characters, or one that is not trained.
    """
    from rnnkit.tasks.language.language_model import LanguageModel  # it is a task of words, too
    from rnnkit.tasks.loading import load

    name, model = "a model", pretrained
    if not isinstance(pretrained, LanguageModelLike):
        path = Path(pretrained).expanduser()
        name, model = str(path), load(path / "model.keras" if path.is_dir() else path)
    if not isinstance(model, LanguageModel):
        raise InputError(
            f"pretrained is {name}, a {type(model).__name__}; expected a language model, such as "
            "next_word trains."
        )
    if model.network is None or model.vocabulary is None:
        raise InputError("pretrained is a language model that is not trained yet: call its fit.")
    if model.hub_tokenizer is None and model.tokenizer.unit == "character":
        raise InputError(
            f"pretrained is {name}, a language model of characters; expected one of words, such as "
            "next_word trains."
        )
    return model


def word_vectors(model: Any, size: int) -> KeyedVectors:
    """Return the vectors that the recurrent layers of a language model read, by word.

    Args:
        model: the language model, trained; its network scales the vectors of its table.
        size: that is expected of a vector.

    Raises:
        InputError: vectors of another size.
    """
    import_gensim()
    from gensim.models import KeyedVectors

    table, words = model.parts().words, model.vocabulary.tokens[2:]
    if table.size != size:
        raise InputError(
            f"pretrained is a language model with word vectors of {table.size} numbers, and "
            f"embedding_size is {size}. Set embedding_size={table.size}."
        )
    ids = np.arange(2, 2 + len(words), dtype="int32")[None]
    found = keras.ops.convert_to_numpy(table(keras.ops.convert_to_tensor(ids)))[0]
    vectors = KeyedVectors(table.size)
    vectors.add_vectors(words, (math.sqrt(table.size) * found).astype("float32"))
    return vectors


def take_recurrent_weights(network: keras.Model, model: Any) -> str:
    """Give the recurrent layers of a network the weights of a language model; return what was done.

    Layer i gets those of layer i, a bidirectional one in its forward direction. Where a layer reads
    more than that of the language model, such as the spelling behind words, or the backward
    direction behind the forward one, it gets the rows of what both read.

    Args:
        network: of the task.
        model: the language model.

    Raises:
        InputError: no recurrent layer, or a first one of another kind or size.

    Source: Dai and Le 2015, arXiv:1511.01432; Howard and Ruder 2018, arXiv:1801.06146.
    """
    targets, sources = _recurrent_layers(network), _recurrent_layers(model.network)
    if not targets:
        raise InputError(
            "pretrained was given, and the network has no recurrent layer. Leave it out, or give "
            "the word vectors alone as embedding."
        )
    taken = 0
    for target, source in zip(targets, sources, strict=False):
        problem = _copy_weights(target, source)
        if problem and not taken:
            raise InputError(
                f"pretrained does not fit: the first recurrent layer of the language model is "
                f"{_describe(source)}, and that of this network {_describe(target)}. Expected "
                f"the same kind and sizes: set units={source.units}, and choose a recipe with the "
                f"cell {type(source).__name__}."
            )
        if problem:
            break
        taken += 1
    both = any(isinstance(layer, kit.Bidirectional) for layer in network.layers)
    direction = " in the forward direction" if both else ""
    left = [
        f"{len(layers) - taken} of {whose}"
        for whose, layers in (("the language model", sources), ("this network", targets))
        if len(layers) > taken
    ]
    rest = f"; the other layers are left out: {', '.join(left)}" if left else ""
    noun = "the first recurrent layer" if taken == 1 else f"{taken} recurrent layers"
    return f"the language model gave the weights of {noun}{direction}{rest}"


def _recurrent_layers(network: keras.Model) -> list[Any]:
    """Return the recurrent layers of a network in order; of two directions the forward one."""
    found = [
        layer.forward_layer if isinstance(layer, kit.Bidirectional) else layer
        for layer in network.layers
    ]
    return [layer for layer in found if type(layer) in CELLS.values()]


def _copy_weights(target: Any, source: Any) -> bool:
    """Copy the weights of one layer to another; return whether they do not fit."""
    if type(target) is not type(source):
        return True
    pairs = list(zip(target.weights, source.weights, strict=False))
    if len(target.weights) != len(source.weights):
        return True
    for own, other in pairs:
        reads = own.path.rpartition("/")[2] == "kernel"  # ... more inputs, perhaps
        rows = own.shape[0] - other.shape[0]
        if own.shape[1:] != other.shape[1:] or rows < 0 or (rows and not reads):
            return True
    for own, other in pairs:
        value = np.array(keras.ops.convert_to_numpy(own))
        value[: other.shape[0]] = keras.ops.convert_to_numpy(other)
        own.assign(value)
    return False


def _describe(layer: Any) -> str:
    kernel = layer.weights[0]
    return f"{type(layer).__name__} of {layer.units} units that reads {kernel.shape[0]} numbers"
