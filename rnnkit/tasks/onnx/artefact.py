"""What an ONNX export of a task consists of, and what it is compared with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.onnx_graph import Graph, Tensor

Shape = tuple[int | str, ...]  # an axis of any size has a name


class Artefact(NamedTuple):
    """The parts of an export, and the task's own answers.

    Attributes:
        runner: the name of the file in `runners`, without underscore and suffix, and of its class.
        preprocessing: what the runner reads beside the name of the model; of JSON's types.
        network: the functional model whose inputs are those of the file.
        add: adds the outputs to a graph: the names of the inputs -> output -> tensor, dtype, shape.
        run: inputs -> the same outputs, computed by the task.
        inputs: arrays for `run`, of several batch sizes and lengths.
        examples: raw examples, each the arguments of a call of `ask` and `ask_runner`.
        ask: what the task answers to a raw example, as an array or a list.
        ask_runner: what an object of the runner's class answers to it.
    """

    runner: tuple[str, str]
    preprocessing: dict[str, Any]
    network: Any
    add: Callable[[Graph, list[Tensor]], dict[str, tuple[Tensor, str, Shape]]]
    run: Callable[[list[np.ndarray]], dict[str, np.ndarray]]
    inputs: list[list[np.ndarray]]
    examples: list[Any]
    ask: Callable[[Any], Any]
    ask_runner: Callable[[Any, Any], Any]


def described(patterns: dict[str, re.Pattern[str]]) -> dict[str, tuple[str, int]]:
    """Return regular expressions as JSON holds them, with their flags.

    Example:
        >>> described({"a": re.compile("a", re.IGNORECASE)})
        {'a': ('a', 2)}
    """
    return {name: (one.pattern, int(one.flags & ~re.UNICODE)) for name, one in patterns.items()}


def random_ids(shapes: Sequence[tuple[int, ...]], size: int, seed: int = 0) -> list[np.ndarray]:
    """Return arrays of ids below `size`, int32: some rows end in padding, some are padding alone.

    Example:
        >>> [ids.shape for ids in random_ids([(2, 5), (1, 3)], 9)]
        [(2, 5), (1, 3)]
    """
    random = np.random.default_rng(seed)
    found = []
    for shape in shapes:
        ids = random.integers(1, max(size, 2), shape).astype("int32")
        for row in ids[1:]:  # the first one is full
            row[random.integers(0, shape[1] + 1) :] = 0
        found.append(ids)
    return found
