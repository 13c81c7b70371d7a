"""A question about an answer: what is explained, as a function of arrays, and its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnkit.errors import InputError, check_count
from rnnkit.explain.explanation import Connectivity, Explanation
from rnnkit.explain.gradient_norms import connectivity
from rnnkit.explain.integration import MOST, Function, integrated_gradients, values_at

LONGEST = 2_000  # words or steps
Parts = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Outputs:
    """Outputs of a network whose connectivity is asked for.

    Attributes:
        function: as `rnnkit.explain.connectivity` takes it, of the inputs of the question.
        names: of the outputs.
        sequences: how many of the inputs are sequences; they come first.
        columns: the row of the sequences that each word or step stands in; -1 = none.
        note: what a reader of the connectivity has to know.
    """

    function: Function
    names: Sequence[str]
    columns: np.ndarray
    sequences: int = 1
    note: str = ""


@dataclass(frozen=True)
class Question:
    """What a task says about an answer that is to be explained.

    Attributes:
        about: the fields of the `Explanation` that are known before it: question, target, answer,
            unit, baseline, without, place.
        words: T names.
        function: the explained value, as `integrated_gradients` takes it.
        inputs: arrays that make the answer.
        baselines: the same where nothing is said.
        share: attributions of the inputs -> name of the part -> `(T,)`.
        occluded: returns the function's value without each word, `(T,)`.
        blind: the function with other words in the place of all that `inputs` do not hold; at the
            baseline it must not differ.
        outputs: for connectivity; None = there are none.
        offset: added to the function's values; attributions do not depend on it.
        features: attributions of the inputs -> features of several words, with their attribution.
        notes: what a reader has to know.
    """

    about: dict[str, Any]
    words: Sequence[str]
    function: Function
    inputs: Sequence[np.ndarray]
    baselines: Sequence[np.ndarray]
    share: Callable[[Sequence[np.ndarray]], Parts]
    occluded: Callable[[], np.ndarray]
    blind: Function | None = None
    outputs: Outputs | None = None
    offset: float = 0.0
    features: Callable[[Sequence[np.ndarray]], list[tuple[str, float]]] = lambda parts: []
    notes: list[str] = field(default_factory=list)


def check_length(count: int, noun: str, advice: str) -> None:
    """Refuse more words or steps than can be explained.

    Raises:
        InputError: there are more than `LONGEST`.

    Example:
        >>> check_length(2_000, "words", "Give a part of it.")
    """
    if count > LONGEST:
        raise InputError(
            f"There are {count:,} {noun} to explain; expected at most {LONGEST:,}, since each is "
            f"left out once. {advice}"
        )


def explain(
    question: Question,
    *,
    occlusion: bool = True,
    with_connectivity: bool = False,
    steps: int | None = None,
) -> Explanation:
    """Return the explanation of an answer.

    Args:
        question: what is asked.
        occlusion: leave out each word, too.
        with_connectivity: measure connectivity, too.
        steps: as `integrated_gradients` takes it.

    Raises:
        InputError: the network reads words in a way that its attributions would not cover.
    """
    if steps is not None:
        check_count("steps", steps)
    notes = list(question.notes)
    found = integrated_gradients(
        question.function, question.inputs, question.baselines, steps=steps
    )
    _check_covered(question, found.baseline_value)
    parts = dict(question.share(found.parts))
    if not found.complete:
        more = f"more than the {found.steps}" if steps is not None else f"more than {MOST}"
        notes.append(
            f"The attributions add up to {found.value - found.baseline_value + found.error:.4g}, "
            f"and should to {found.value - found.baseline_value:.4g}: the integral needs {more} "
            "steps. Take them as approximations."
        )
    without = None
    if occlusion:
        without = found.value - question.occluded()
    connected = None
    if with_connectivity and question.outputs is not None:
        connected = _connectivity(question, question.outputs)
        notes += [question.outputs.note] if question.outputs.note else []
    return Explanation(
        **question.about,
        words=tuple(question.words),
        attributions=np.sum(list(parts.values()), axis=0),
        value=found.value + question.offset,
        baseline_value=found.baseline_value + question.offset,
        parts=parts,
        occlusion=without,
        features=question.features(found.parts),
        connectivity=connected,
        steps=found.steps,
        notes=tuple(notes),
    )


def _connectivity(question: Question, outputs: Outputs) -> Connectivity:
    count = len(outputs.names)
    norms = connectivity(outputs.function, question.inputs, count, outputs.sequences)
    there = outputs.columns >= 0
    return Connectivity(
        tuple(outputs.names), np.where(there, norms[:, np.maximum(outputs.columns, 0)], 0.0)
    )


def _check_covered(question: Question, at_baseline: float) -> None:
    """Refuse a network whose answer depends on words by another way than the inputs."""
    if question.blind is None:
        return
    (blind,) = values_at(question.blind, [question.baselines])
    if not np.isclose(blind, at_baseline, rtol=1e-4, atol=1e-4):
        raise InputError(
            "The network reads its input by more layers than those whose outputs can be "
            f"attributed: without any of them its value is {at_baseline:.4g} for these words and "
            f"{blind:.4g} for others. Attributions would leave a part of the answer out. Build the "
            "network with the recipe's own layers, such as rnnkit.tasks.recurrent_classifier."
        )
