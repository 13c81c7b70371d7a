"""What a run's model answered for each example of the test split: test_answers.npz.

Arrays have a row for each example (a text, a sentence, a series, or a piece of a long one):

classifiers              probabilities, truth, lengths; classes are the names of the columns
taggers                  words, words_right; where tags mark spans: spans, spans_found, spans_right
labellers of steps       steps, steps_right, class_steps, class_found, class_right (one column each)
language models          loss, tokens
forecasters              absolute_error, squared_error, targets
sequence to sequence     bleu (see `bleu_of_sums`), or rouge1, rouge2, rougeL

Lengths are in tokens or steps, before truncation; runs of earlier versions have none.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnkit.atomic import replacing
from rnnkit.errors import InputError
from rnnkit.study.statistics import OfSums
from rnnkit.untrusted import read_arrays

Answers = Mapping[str, np.ndarray]
# The same for all models that were measured on the same examples.
GIVEN = ("truth", "classes", "words", "spans", "steps", "class_steps", "tokens", "targets")
MOST_CLASSES = 100  # for F1, whose table has three columns for each
_COUNTS = ("words", "spans", "steps", "class", "tokens", "targets", "bleu", "rouge", "lengths")


class Measure(NamedTuple):
    """A measure of a test split, as a function of sums over its examples.

    Attributes:
        table: `(N, K)`, the summands of each example.
        of_sums: sums `(..., K)` -> the measure `(...)`.
        higher_is_better: whether a larger value is a better one.
        most: the largest value that there is; the least is 0.
    """

    table: np.ndarray
    of_sums: OfSums
    higher_is_better: bool = True
    most: float = 1.0

    @property
    def value(self) -> float:
        """The measure over all examples."""
        with np.errstate(all="ignore"):  # of damaged files
            return float(self.of_sums(self.table.sum(axis=0)))


def write_answers(path: Path, answers: Answers) -> None:
    """Write what a task's `evaluate_examples` returned, atomically.

    Raises:
        DiskError: it could not be written.
    """
    data = io.BytesIO()
    np.savez_compressed(data, **answers)  # type: ignore[arg-type]  # as "allow_pickle"
    with replacing(path, "the answers of the test split", data.tell()) as temporary:
        temporary.write_bytes(data.getvalue())


def read_answers(path: Path) -> dict[str, np.ndarray]:
    """Read what `write_answers` wrote.

    Raises:
        InputError: the file is missing, damaged, or holds something else.

    Example:
        >>> read_answers(Path("runs/mine/test_answers.npz"))["truth"][:3]  # doctest: +SKIP
        array([1, 0, 1], dtype=int32)
    """
    if not path.is_file():
        raise InputError(
            f"{path} is missing: the run was made by an earlier version, or its task keeps none."
        )
    try:
        found = read_arrays(path)
        _check(found)
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}. Train the run again.") from error
    return found


def _check(answers: Answers) -> None:
    """Refuse arrays that are not answers.

    Raises:
        ValueError: what is wrong with them.
    """
    rows = {name: array for name, array in answers.items() if name != "classes"}
    if not rows:
        raise ValueError("it holds no array")
    for name, array in rows.items():
        if array.ndim not in (1, 2) or array.dtype.kind not in "fiu":
            raise ValueError(f"{name} is no table of numbers")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds a value that is not finite")
        if name.startswith(_COUNTS) and (array < 0).any():
            raise ValueError(f"{name} holds a negative number")
    if len({len(array) for array in rows.values()}) != 1:
        raise ValueError("its arrays have different lengths")
    if "truth" not in rows:
        return
    if rows.keys() - {"lengths"} != {"truth", "probabilities"} or "classes" not in answers:
        raise ValueError("it lacks one of truth, probabilities, classes")
    outputs, classes = rows["probabilities"], len(answers["classes"])
    if outputs.ndim != 2 or outputs.shape[1] != (1 if classes == 2 else classes):
        raise ValueError(f"probabilities {outputs.shape} do not fit {classes} classes")
    truth = rows["truth"]
    if truth.ndim != 1 or truth.dtype.kind not in "iu" or ((truth < 0) | (truth >= classes)).any():
        raise ValueError("truth holds a number that is no class")


def predicted(probabilities: np.ndarray) -> np.ndarray:
    """Return the most probable classes.

    Example:
        >>> predicted(np.array([[0.5], [0.6]])), predicted(np.array([[0.2, 0.5, 0.3]]))
        (array([0, 1]), array([1]))
    """
    if probabilities.shape[1] == 1:
        return (probabilities[:, 0] > 0.5).astype(int)
    return np.asarray(probabilities.argmax(axis=1))


def measures(answers: Answers) -> dict[str, Measure]:
    """Return the measures that answers tell, the most usual first, by the names of `evaluate`.

    Example:
        >>> found = measures({"tokens": np.array([2, 3]), "loss": np.array([1.0, 4.0])})
        >>> round(found["perplexity"].value, 3)
        2.718
    """

    def table(*names: str) -> np.ndarray:
        return np.column_stack([answers[name].astype("float64") for name in names])

    has = answers.keys()
    if "truth" in has:
        return _of_classes(answers)
    if {"steps", "steps_right", "class_steps", "class_found", "class_right"} <= has:
        classes = answers["class_steps"].shape[1]
        counts = _side_by_side(*(answers[f"class_{name}"] for name in ("right", "found", "steps")))
        found = {"accuracy": Measure(table("steps_right", "steps"), ratio)}
        return found | ({"f1": Measure(counts, macro_f1)} if classes <= MOST_CLASSES else {})
    if {"words", "words_right"} <= has:
        accuracy = {"accuracy": Measure(table("words_right", "words"), ratio)}
        if {"spans", "spans_found", "spans_right"} <= has:
            spans = table("spans_right", "spans_found", "spans")
            return {"f1": Measure(spans, macro_f1), **accuracy}
        return accuracy
    if {"loss", "tokens"} <= has:
        return {"perplexity": Measure(table("loss", "tokens"), _perplexity, False, np.inf)}
    if {"absolute_error", "squared_error", "targets"} <= has:
        absolute, squared = (table(f"{name}_error", "targets") for name in ("absolute", "squared"))
        mae = Measure(absolute, ratio, False, np.inf)
        return {"mae": mae, "rmse": Measure(squared, _root, False, np.inf)}
    if "bleu" in has:
        return {"bleu": Measure(answers["bleu"].astype("float64"), bleu_of_sums, most=100)}
    rouges = [name for name in ("rouge1", "rouge2", "rougeL") if name in has]
    return {
        name: Measure(
            np.column_stack([answers[name], np.ones(len(answers[name]))]), ratio, most=100
        )
        for name in rouges
    }


def _of_classes(answers: Answers) -> dict[str, Measure]:
    """Return accuracy and, of not too many classes, F1."""
    truth, guess = answers["truth"], predicted(answers["probabilities"])
    right = np.column_stack([truth == guess, np.ones(len(truth))]).astype("float64")
    found = {"accuracy": Measure(right, ratio)}
    classes = len(answers["classes"])
    if classes <= MOST_CLASSES:
        of = np.arange(classes)
        true, got = truth[:, None] == of, guess[:, None] == of
        found["f1"] = Measure(_side_by_side(true & got, got, true), macro_f1)
    return found


def _side_by_side(*columns: np.ndarray) -> np.ndarray:
    """Return tables `(N, C)` beside each other; of two classes the columns of the second alone."""
    two = columns[0].shape[1] == 2
    return np.concatenate([one[:, 1:] if two else one for one in columns], axis=1).astype("float64")


def ratio(sums: np.ndarray) -> np.ndarray:
    """Return the first sum as a share of the second; 0 where that is 0."""
    return np.asarray(sums[..., 0] / np.where(sums[..., 1] > 0, sums[..., 1], 1))


def macro_f1(sums: np.ndarray) -> np.ndarray:
    """Return the mean F1 over classes, of hits, predicted and true counts of each; see `F1`.

    Example:
        >>> float(macro_f1(np.array([1.0, 2.0, 2.0])))
        0.5
    """
    hits, got, true = np.split(sums, 3, axis=-1)
    below = got + true
    return np.asarray((2 * hits / np.where(below > 0, below, 1)).mean(axis=-1))


def bleu_of_sums(sums: np.ndarray) -> np.ndarray:
    """Return BLEU, 0 to 100, as sacrebleu computes it of its statistics.

    These are length of the output, length of the nearest reference, the right 1- to 4-grams, and
    all 1- to 4-grams of the output. Orders without a right one are smoothed exponentially.

    Source: Post 2018, arXiv:1804.08771.

    Example:
        >>> float(bleu_of_sums(np.array([4.0, 4, 4, 3, 2, 1, 4, 3, 2, 1])).round(6))
        100.0
    """
    length, reference, right, every = sums[..., 0], sums[..., 1], sums[..., 2:6], sums[..., 6:]
    halved = 0.5 ** np.cumsum(right == 0, axis=-1)
    share = np.where(right > 0, right, halved) / np.where(every > 0, every, 1)
    mean = np.exp(np.log(share).mean(axis=-1))
    brevity = np.exp(np.minimum(0, 1 - reference / np.where(length > 0, length, 1)))
    none = (every == 0).any(axis=-1) | (right == 0).all(axis=-1) | (length == 0)
    return np.asarray(np.where(none, 0.0, 100 * brevity * mean))


def _perplexity(sums: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(ratio(sums)))


def _root(sums: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(ratio(sums)))
