"""Log-odds of a classifier's classes, from the scores before its sigmoid or softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError, quote, quote_all, suggest
from rnnkit.tasks.inference import predict_batches

Tensor = Any
_SMALLEST = 1e-7  # of probabilities whose logarithm is taken


class ClassScores:
    """Scores of the classes of a network whose output are probabilities.

    They are the inputs of its sigmoid or softmax, where that is the network's last layer or the
    activation of its last layer; else `log p`, or `log p - log (1 - p)` of a single probability,
    with p no closer to 0 and 1 than 1e-7.

    Args:
        network: functional, with the output `(B, O)`, or `(B, T, O)`.
    """

    def __init__(self, network: keras.Model) -> None:
        last = network.output._keras_history.operation
        squashing = getattr(last, "activation", None) in (
            keras.activations.sigmoid,
            keras.activations.softmax,
        )
        kinds = (keras.layers.Activation, keras.layers.Dense)
        self.last = last if squashing and isinstance(last, kinds) else None
        self.model = network if self.last is None else keras.Model(network.input, last.input)

    def __call__(self, inputs: Any) -> Tensor:
        """Return the scores of a batch as a tensor, float32."""
        return self.finish(native.run_network(self.model, inputs))

    def of_rows(self, batches: Any) -> np.ndarray:
        """Return the scores of all rows of batches, in the order of the rows."""
        found = predict_batches(self.model, batches, verbose=0)
        return ops.convert_to_numpy(self.finish(ops.convert_to_tensor(found)))

    def finish(self, found: Tensor) -> Tensor:
        """Return scores from what the model returns."""
        found = ops.cast(found, "float32")
        if isinstance(self.last, keras.layers.Dense):
            found = ops.matmul(found, ops.cast(self.last.kernel, "float32"))
            return found if self.last.bias is None else found + self.last.bias
        if self.last is not None:
            return found
        safe = ops.clip(found, _SMALLEST, 1 - _SMALLEST)
        return ops.log(safe) - (ops.log(1 - safe) if found.shape[-1] == 1 else 0.0)


def log_odds(scores: Tensor, place: int) -> Tensor:
    """Return `log p - log (1 - p)` of a class.

    Args:
        scores: `(..., 1)`, of the second of two classes, or `(..., C)`.
        place: the number of the class.

    Example:
        >>> scores = ops.log(ops.convert_to_tensor([[0.5, 0.3, 0.2]]))
        >>> ops.convert_to_numpy(log_odds(scores, 0)).tolist()
        [0.0]
    """
    scores = ops.convert_to_tensor(scores)
    if scores.shape[-1] == 1:
        return scores[..., 0] if place else -scores[..., 0]
    others = ops.concatenate([scores[..., :place], scores[..., place + 1 :]], axis=-1)
    return scores[..., place] - ops.logsumexp(others, axis=-1)


def step_log_odds(scores: Tensor, at: int, place: int, crf: Any, mask: np.ndarray) -> Tensor:
    """Return the log-odds of a label at a step: by softmax, or as marginal of a CRF.

    Args:
        scores: `(N, T, K)`.
        at: the step.
        place: the number of the label.
        crf: the layer; None = softmax.
        mask: `(T,)`, true at real steps.

    Returns:
        `(N,)`.
    """
    if crf is None:
        return log_odds(scores[:, at], place)
    log_p = label_log_probabilities(scores, at, possible_labels(crf, at, mask), crf, mask)
    return log_odds(log_p, possible_labels(crf, at, mask).index(place))


def label_log_probabilities(
    scores: Tensor, at: int, labels: Sequence[int], crf: Any, mask: np.ndarray
) -> Tensor:
    """Return the logarithm of a CRF's marginal of some labels at a step, `(N, labels)`."""
    rows, count = scores.shape[0], len(labels)
    known = np.full((count, len(mask)), -1, "int32")  # -1: any label
    known[:, at] = labels
    tiled = ops.repeat(scores, count, axis=0)
    found = crf.nll(tiled, np.tile(known, (rows, 1)), np.tile(mask, (rows * count, 1)))
    return -ops.reshape(ops.cast(found, "float32"), (rows, count))


def possible_labels(crf: Any, at: int, mask: np.ndarray) -> list[int]:
    """Return the labels that some allowed sequence has at a step.

    A label that none has would have the log-probability minus infinity, and no gradient.
    """
    states = np.ones(crf.units, bool) if crf.allowed_start is None else crf.allowed_start.copy()
    steps = np.ones((crf.units,) * 2, bool)
    if crf.allowed_transitions is not None:
        steps = crf.allowed_transitions
    for _ in range(int(mask[:at].sum())):
        states = states @ steps
    return np.flatnonzero(states).tolist()


def find_class(target: Any, classes: Sequence[Any], best: int, noun: str = "class") -> int:
    """Return the number of the class that is asked about; None = the best one.

    Args:
        target: its name, or the label that it was learned by.
        classes: the names, or labels.
        best: the number of the most probable class.
        noun: what messages call it.

    Raises:
        InputError: there is no such class.

    Example:
        >>> find_class("pos", ("neg", "pos"), 0), find_class(None, ("neg", "pos"), 0)
        (1, 0)
    """
    if target is None:
        return best
    names = [str(one) for one in classes]
    if str(target) not in names:
        raise InputError(
            f"target is {quote(target)}; expected a {noun} of the model: {quote_all(names)}."
            f"{suggest(str(target), names)}"
        )
    return names.index(str(target))


def best_class(scores: np.ndarray) -> int:
    """Return the number of the most probable class of one example's scores.

    Example:
        >>> best_class(np.array([-0.5])), best_class(np.array([0.1, 2.0, 1.0]))
        (0, 1)
    """
    return int(scores[0] > 0) if len(scores) == 1 else int(scores.argmax())


def probability_of(odds: float) -> float:
    """Return `1 / (1 + exp(-z))`.

    Example:
        >>> probability_of(0.0)
        0.5
    """
    return float(1 / (1 + np.exp(-odds))) if odds > -700 else 0.0


def one_example(x: Any, noun: str) -> Any:
    """Return the only item of a list, and what is no list as it is.

    Raises:
        InputError: a list of another length.

    Example:
        >>> one_example(["A fine film."], "text")
        'A fine film.'
    """
    if not isinstance(x, list | tuple):
        return x
    if len(x) != 1:
        raise InputError(f"explain takes one {noun}, and {len(x)} were given. Call it for each.")
    return x[0]
