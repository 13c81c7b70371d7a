"""Explanation of the label of one step: a word's tag, or the class of a step of a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from rnnkit.errors import InputError, quote, quote_all
from rnnkit.explain.question import Outputs
from rnnkit.tasks.explaining.scores import (
    find_class,
    possible_labels,
    probability_of,
    step_log_odds,
)

Tensor = Any


class StepLabel:
    """The label of a step that is asked about.

    Args:
        names: of all steps.
        classes: names of the labels.
        predicted: the label of each step.
        at: the step; None = `default`.
        default: see above.
        target: the label; None = the predicted one.
        crf: of the network, or None.
        mask: `(W,)`, true at real steps of the padded example.
        noun: what messages call a step, and a label.

    Raises:
        InputError: a step or label that does not exist, or a label that the CRF does not allow.
    """

    def __init__(
        self,
        names: Sequence[str],
        classes: Sequence[str],
        predicted: Sequence[str],
        at: int | None,
        default: int,
        target: Any,
        crf: Any,
        mask: np.ndarray,
        noun: tuple[str, str],
    ) -> None:
        self.names, self.classes, self.predicted = names, list(classes), list(predicted)
        self.at = check_place(at, default, len(names), noun[0])
        best = self.classes.index(self.predicted[self.at])
        self.place = find_class(target, self.classes, best, noun[1])
        self.crf, self.mask, self.noun = crf, mask, noun
        possible = range(len(classes)) if crf is None else possible_labels(crf, self.at, mask)
        if self.place not in possible:
            raise InputError(
                f"target is {quote(self.classes[self.place])}, which no allowed sequence of "
                f"{noun[1]}s has at {noun[0]} {self.at}; expected one of "
                f"{quote_all(self.classes[i] for i in possible)}."
            )

    def odds(self, scores: Tensor) -> Tensor:
        """Return the log-odds of the label from scores `(N, W, K)`: `(N,)`."""
        scores = ops.cast(scores, "float32")
        return step_log_odds(scores, self.at, self.place, self.crf, self.mask)

    def about(self, value: float, **more: Any) -> dict[str, Any]:
        """Return what is known of the explanation before it."""
        label, answered = self.classes[self.place], self.predicted[self.at]
        step = f"{self.noun[0]} {self.at}, {self.names[self.at]!r}"
        probability = f"probability {probability_of(value):.4f}"
        answer = f"{answered}, with the {probability}"
        if label != answered:
            answer = f"{answered}; {label} has the {probability}"
        question = f"log-odds of the {self.noun[1]} {label!r} of {step}"
        known = {"question": question, "target": label, "answer": answer, "unit": "log-odds"}
        return known | {"place": self.at, **more}

    def outputs(self, scores: Any, sequences: int = 1) -> Outputs:
        """Return the outputs that connectivity is measured of: the score of each step's label.

        Args:
            scores: tensors of the question's inputs -> scores `(N, W, K)` before softmax or CRF.
            sequences: how many of the inputs are sequences.
        """
        labels = [self.classes.index(one) for one in self.predicted]
        labels[self.at] = self.place
        ones = np.eye(len(self.classes), dtype="float32")[labels]

        def chosen_score(*given: Tensor) -> Tensor:
            *points, chosen = given
            own = ops.sum(scores(*points)[:, : len(labels)] * ops.convert_to_tensor(ones), axis=-1)
            return ops.sum(own * chosen, axis=-1)

        names = [f"{n}: {self.classes[k]}" for n, k in zip(self.names, labels, strict=True)]
        return Outputs(chosen_score, names, np.arange(len(labels)), sequences)


def check_place(at: int | None, default: int, count: int, noun: str) -> int:
    """Return the number of a step, or refuse one that does not exist.

    Raises:
        InputError: the number is none from 0 to before `count`.

    Example:
        >>> check_place(None, 2, 5, "word")
        2
    """
    if at is None:
        return default
    if isinstance(at, bool) or not isinstance(at, int | np.integer) or not 0 <= at < count:
        raise InputError(
            f"at is {quote(at)}; expected the number of a {noun}, from 0 to {count - 1}."
        )
    return int(at)
