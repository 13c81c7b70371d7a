"""The number of units with which a network has a given number of parameters."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from rnnkit.errors import InputError

MOST = 1 << 16  # units that are tried
_MULTIPLES = (1, 2, 4, 8, 16)  # of which numbers of units may have to be


def units_for(
    wanted: int, recipe: str, build: Callable[..., Any], given: dict[str, Any], dataset: Any
) -> int:
    """Return the units with which a recipe's network comes closest to a number of parameters.

    Parameters are counted as `network_parameters` does: without embedding tables, which are of the
    same size whatever the network. The vocabulary, the classes and so on are learned once from the
    data; then networks are built, and none is trained.

    Args:
        wanted: number of parameters.
        recipe: name of the recipe, for messages.
        build: the recipe.
        given: its settings, without `units`.
        dataset: as the run loads it.

    Raises:
        InputError: the smallest network has more parameters; the message says how many.
    """
    # Vectors of the same size that are learned in no time, and no teachers before the network.
    quick = {"embedding": "random", "teachers": 0}
    given |= {name: quick[name] for name in quick.keys() & inspect.signature(build).parameters}
    learned = _learn(build(**given), dataset)
    counts: dict[int, int] = {}

    def count(units: int) -> int:
        if units not in counts:
            counts[units] = _parameters(build(**given, units=units), learned)
        return counts[units]

    step = _least_units(count)
    if wanted < count(step):
        raise InputError(
            f"budget is {wanted:,} parameters, and the smallest network of {recipe}, with {step} "
            f"unit{'' if step == 1 else 's'}, has {count(step):,} without its embedding table. "
            "Give that many or more."
        )
    low, high = 1, 2  # in steps; count(low) <= wanted < count(high)
    while count(high * step) <= wanted:
        low, high = high, 2 * high
        if high * step > MOST:
            raise InputError(
                f"budget is {wanted:,} parameters, and {recipe} with {MOST:,} units has fewer: "
                f"{count(low * step):,}. Give fewer parameters."
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle * step) <= wanted else (low, middle)
    return min((low * step, high * step), key=lambda units: abs(count(units) - wanted))


def network_parameters(network: Any) -> int:
    """Return the number of parameters of a network without its embedding tables.

    Tables have a row for each word, letter, n-gram or label. One that scores words, too, counts as
    a table; the biases of its words are parameters.
    """
    import keras

    from rnnkit.bags import EmbeddingBag, NaiveBayesLogits
    from rnnkit.recurrent.tied_embedding import TiedEmbedding
    from rnnkit.tasks.language.softmax_layers import WordVectors

    with_tables = (keras.layers.Embedding, EmbeddingBag, TiedEmbedding, WordVectors)
    tables: dict[int, Any] = {}  # a layer may stand in two places
    for layer in network._flatten_layers():
        if isinstance(layer, NaiveBayesLogits):
            found = layer.weights
        elif isinstance(layer, with_tables):
            found = getattr(layer, "input_part", None) or [layer.embeddings]
        else:
            continue
        tables |= {id(table): table for table in found}
    return int(network.count_params()) - sum(math.prod(one.shape) for one in tables.values())


class _Learned(Exception):
    """Leaves `fit` where the network would be built: what the task has learned of the data."""

    def __init__(self, arguments: tuple, features: dict[str, Any]) -> None:
        super().__init__()
        self.arguments, self.features = arguments, features


def _learn(task: Any, dataset: Any) -> _Learned:
    """Return what a task builds its network from."""

    def stop(*arguments: Any, **features: Any) -> Any:
        raise _Learned(arguments, features)

    task.__dict__["_new_network"] = stop  # past Keras, which would track it
    try:
        task.fit(dataset.train.x, dataset.train.y, verbose=0)
    except _Learned as found:
        return found
    raise InputError(
        "budget is a number of parameters, and this task builds no network from units. Leave it "
        "out."
    )


def _parameters(task: Any, learned: _Learned) -> int:
    network = task._new_network(*learned.arguments, **learned.features)
    return network_parameters(network)


def _least_units(count: Callable[[int], int]) -> int:
    """Return the smallest number of units that the network takes, of which others are multiples."""
    for units in _MULTIPLES[:-1]:
        try:
            count(units)
        except InputError:
            continue
        return units
    count(_MULTIPLES[-1])
    return _MULTIPLES[-1]
