"""Beam search: the most probable sequences of a decoder, batched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops, tree

from rnnkit.backend import native
from rnnkit.data.subwords import BEGIN, END, PADDING, UNKNOWN
from rnnkit.errors import InputError, check_count

NEVER = (PADDING, UNKNOWN, BEGIN)  # never part of a sequence
_LOW = -1e9

Step = Callable[[Any, Any, Any, Any], tuple[Any, Any]]


class Beams(NamedTuple):
    """The K beams of each of N rows."""

    words: Any  # ids so far, `(N, K, L)`, padded with 0
    scores: Any  # `log P` of each, `(N, K)`
    lengths: Any  # number of words, with the end
    finished: Any  # whether the end was reached and the beam is frozen


class Hypotheses(NamedTuple):
    """The best hypothesis of each row."""

    words: list[np.ndarray]  # the ids of each, without the end
    scores: np.ndarray  # `log P / lp` of each


def length_norm(lengths: Any, length_penalty: float) -> Any:
    """Length normalisation: `lp = ((5 + n) / 6)^α`, by which `log P(y)` is divided.

    Args:
        lengths: n, the tokens of y, an array or tensor.
        length_penalty: α; 0 = no normalisation, larger values favour longer sequences.

    Source: Wu et al. 2016, arXiv:1609.08144.

    Example:
        >>> float(length_norm(ops.array(7.0), 1.0))
        2.0
    """
    return ops.power((5.0 + ops.cast(lengths, "float32")) / 6.0, length_penalty)


def advance(
    beams: Beams, log_probabilities: Any, at: Any, length_penalty: float
) -> tuple[Beams, Any]:
    """Extend the beams by one word and keep the best K of each row; finished ones stay frozen.

    Args:
        beams: the current beams.
        log_probabilities: of the next word of each beam, `(N, K, V)`.
        at: the position of that word, 0, 1, ...
        length_penalty: see `length_norm`.

    Returns:
        The new beams, and which old beam each came from, `(N, K)`.
    """
    rows, width, size = ops.shape(log_probabilities)
    ids = ops.arange(size)
    allowed = ops.all(ops.expand_dims(ids, -1) != ops.array(NEVER, dtype=ids.dtype), axis=-1)
    # A frozen beam has one continuation, at no cost: the end once more.
    frozen = ops.where(ids == END, 0.0, _LOW)
    going = ops.where(allowed, log_probabilities, _LOW)
    gained = ops.where(ops.expand_dims(beams.finished, -1), frozen, going)
    sums = ops.expand_dims(beams.scores, -1) + gained
    lengths = beams.lengths + ops.cast(ops.logical_not(beams.finished), "int32")
    compared = sums / ops.expand_dims(length_norm(lengths, length_penalty), -1)
    _, best = ops.top_k(ops.reshape(compared, (rows, width * size)), k=width)
    best = ops.cast(best, "int32")
    parents, words = best // size, best % size

    def of_parent(values: Any) -> Any:
        return ops.take_along_axis(values, parents, axis=1)

    was_finished = of_parent(beams.finished)
    place = ops.arange(beams.words.shape[-1]) == at
    before = ops.take_along_axis(beams.words, ops.expand_dims(parents, -1), axis=1)
    new = ops.expand_dims(ops.where(was_finished, PADDING, words), -1)
    return Beams(
        ops.where(place, new, before),
        ops.take_along_axis(ops.reshape(sums, (rows, width * size)), best, axis=1),
        of_parent(lengths),
        ops.logical_or(was_finished, words == END),
    ), parents


class BeamSearch:
    """Beam search with a decoder step that is compiled once per set of shapes.

    Args:
        step: `(weights, words (N K,), states, memory) -> (log probabilities (N K, V), states)`;
            states and memory are nested tuples of tensors whose first axis is `N K`.

    Source: Sutskever, Vinyals and Le 2014, arXiv:1409.3215; Wu et al. 2016, arXiv:1609.08144.

    Example:
        >>> def step(weights, words, states, memory):  # after 4 the end, after all else 4
        ...     return ops.log_softmax(ops.take(weights, words, axis=0)), states
        >>> weights = 9 * np.eye(5, dtype="float32")[[0, 0, 4, 0, 3]]
        >>> states = (np.zeros((1, 1), "float32"),)
        >>> BeamSearch(step)(weights, states, (), max_length=5).words[0].tolist()
        [4]
    """

    def __init__(self, step: Step) -> None:
        def one(
            weights: Any, memory: Any, states: Any, words: Any, beams: Beams, at: Any, alpha: Any
        ) -> tuple:
            log_probabilities, states = step(weights, words, states, memory)
            rows, width = beams.scores.shape
            log_probabilities = ops.reshape(log_probabilities, (rows, width, -1))
            beams, parents = advance(beams, log_probabilities, at, alpha)
            # Every row's memory is the same for all of its beams: only the states move.
            chosen = ops.reshape(ops.expand_dims(ops.arange(rows) * width, -1) + parents, (-1,))
            states = tree.map_structure(lambda s: ops.take(s, chosen, axis=0), states)
            words = ops.max(ops.where(ops.arange(beams.words.shape[-1]) == at, beams.words, 0), -1)
            return states, ops.reshape(words, (-1,)), beams, ops.all(beams.finished)

        self._one = native.compiled(one)
        self._repeat: dict[int, Any] = {}  # of the sizes of beams that were asked for

    def _for_each_beam(self, size: int) -> Any:
        """Return the compiled function that repeats the rows of tensors, one for each beam."""

        def repeat(tensors: Any) -> Any:
            return tree.map_structure(lambda one: ops.repeat(one, size, axis=0), tensors)

        return self._repeat.setdefault(size, native.compiled(repeat))

    def __call__(
        self,
        weights: Any,
        states: Any,
        memory: Any,
        *,
        beam_size: int = 1,
        max_length: int = 100,
        length_penalty: float = 0.0,
    ) -> Hypotheses:
        """Return the best sequence of each of N rows.

        With one beam it is the greedy sequence: the likeliest word at each step. A sequence that
        has not ended after `max_length` words is taken as it is.

        Args:
            weights: handed on to the step.
            states: before the first step, tensors `(N, ...)`.
            memory: tensors `(N, ...)`.
            beam_size: K, sequences that are followed at once.
            max_length: words of a sequence, at most.
            length_penalty: see `length_norm`.
        """
        check_search(beam_size, max_length, length_penalty)
        rows = int(tree.flatten(states)[0].shape[0])

        if beam_size > 1:
            states, memory = self._for_each_beam(beam_size)((states, memory))
        # All beams begin alike: but for one of them, they are not there yet.
        scores = np.full((rows, beam_size), _LOW, "float32")
        scores[:, 0] = 0.0
        # In NumPy: JAX compiles a program for each operation and shape.
        start = Beams(
            np.zeros((rows, beam_size, max_length), "int32"),
            scores,
            np.zeros((rows, beam_size), "int32"),
            np.zeros((rows, beam_size), bool),
        )
        beams = Beams(*map(ops.convert_to_tensor, start))
        words = ops.convert_to_tensor(np.full(rows * beam_size, BEGIN, "int32"))
        alpha = ops.convert_to_tensor(np.float32(length_penalty))
        for at in range(max_length):
            place = ops.convert_to_tensor(np.int32(at))
            states, words, beams, over = self._one(
                weights, memory, states, words, beams, place, alpha
            )
            if bool(over):
                break
        return _best(beams, length_penalty)


def check_search(beam_size: int, max_length: int, length_penalty: float) -> None:
    """Refuse settings of a search that cannot be used."""
    check_count("beam_size", beam_size)
    check_count("max_length", max_length)
    if not isinstance(length_penalty, (int, float)) or not 0 <= length_penalty < float("inf"):
        raise InputError(f"length_penalty is {length_penalty!r}; expected a number from 0 on.")


def _best(beams: Beams, length_penalty: float) -> Hypotheses:
    words, sums, lengths, finished = map(ops.convert_to_numpy, beams)
    scores = sums / ((5.0 + lengths) / 6.0) ** length_penalty
    best = scores.argmax(axis=1)
    rows = np.arange(len(best))
    cut = (lengths - finished)[rows, best]  # the end is not told
    found: Sequence = [words[i, k, :n] for i, k, n in zip(rows, best, cut, strict=True)]
    return Hypotheses(list(found), scores[rows, best])
