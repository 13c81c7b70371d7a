"""How a classifier of film reviews stands edits that flip the sentiment, and ones that do not.

The edited reviews are those of `rnnkit.data.edited_reviews`, the other changes those of
`rnnkit.data.perturbations`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit import recipes
from rnnkit.data.edited_reviews import KINDS, LABELS, EditedPair, edited_reviews
from rnnkit.data.perturbations import PERTURBATIONS
from rnnkit.errors import InputError, quote
from rnnkit.study.evaluation import test_split_for
from rnnkit.study.runs import Run

OF_PAIRS = tuple(name for name in PERTURBATIONS if name != "single sentences")
_Z = 1.959964  # of 95 %


class Score(NamedTuple):
    """A share of right answers.

    Attributes:
        right: the number of right answers.
        total: the number of questions.

    Example:
        >>> score = Score(45, 50)
        >>> score.share, [round(bound, 2) for bound in score.interval]
        (0.9, [0.79, 0.96])
    """

    right: int
    total: int

    @property
    def share(self) -> float:
        """The share of right answers."""
        return self.right / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the share, after Wilson."""
        if not self.total:
            return math.nan, math.nan
        n, share = self.total, self.share
        middle = share + _Z**2 / (2 * n)
        reach = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        low, high = ((middle + way) / (1 + _Z**2 / n) for way in (-reach, reach))
        return max(low, 0.0), min(high, 1.0)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.3f} ({low:.2f}-{high:.2f})" if self.total else "-"


def robustness(
    model: Any,
    texts: Sequence[str] = (),
    labels: Sequence[Any] = (),
    *,
    pairs: Sequence[EditedPair] | None = None,
    classes: tuple[str, str] = LABELS,
    seed: int = 0,
) -> dict[str, Score]:
    """Measure a classifier of film reviews on edited pairs, and on changed texts with labels.

    Args:
        model: a task for texts, an estimator with ``predict``, or a function; it takes a list of
            raw texts and answers with names of classes, with 0 and 1, or with probabilities of
            the positive class.
        texts: labelled texts, such as the test split of ``imdb``: they are asked as they are and
            under each perturbation; none = the pairs alone.
        labels: their labels, as names or as 0 and 1.
        pairs: the edited pairs; None = `rnnkit.data.edited_reviews.edited_reviews`.
        classes: the names of the negative and of the positive class.
        seed: of the perturbations.

    Returns:
        `Score` by measure: ``originals``, ``edited``, ``both right`` (one question for each pair,
        right if both of its texts are), ``both right: KIND``, and ``both right: typos`` and others;
        with texts also ``texts``, ``texts: typos`` and so on.

    Raises:
        InputError: answers or labels that are none of the classes, or of another number.

    Example:
        >>> scores = robustness(lambda texts: ["bad" not in text for text in texts])
        >>> scores["both right"].share < 0.25
        True
        >>> robustness(lambda texts: [1] * len(texts))["both right"].right
        0
    """
    pairs = edited_reviews() if pairs is None else list(pairs)
    if len(texts) != len(labels):
        raise InputError(f"There are {len(labels)} labels for {len(texts)} texts.")
    flat = [text for pair in pairs for text in pair.texts]
    wanted = np.array([LABELS.index(label) for pair in pairs for label in pair.labels], dtype=int)

    def right(asked: list[str], expected: np.ndarray) -> np.ndarray:
        return _answers(model, asked, classes) == expected

    found = right(flat, wanted).reshape(-1, 2)
    both = np.all(found, axis=1)
    scores = {"originals": _score(found[:, 0]), "edited": _score(found[:, 1])}
    scores["both right"] = _score(both)
    parts: dict[str, list[bool]] = {
        "written by hand": [pair.source == "written" for pair in pairs],
        "generated": [pair.source == "generated" for pair in pairs],
    }
    parts |= {kind: [pair.kind == kind for pair in pairs] for kind in KINDS}
    for name, rows in parts.items():
        scores[f"both right: {name}"] = _score(both[np.array(rows, dtype=bool)])
    for name in OF_PAIRS:
        changed = right(PERTURBATIONS[name](flat, seed=seed), wanted).reshape(-1, 2)
        scores[f"both right: {name}"] = _score(np.all(changed, axis=1))
    if len(texts):
        expected = _numbers(labels, classes, "label")
        plain = list(map(str, texts))
        scores["texts"] = _score(right(plain, expected))
        for name, perturb in PERTURBATIONS.items():
            scores[f"texts: {name}"] = _score(right(perturb(plain, seed=seed), expected))
    return scores


def robustness_of_run(run: Run, **data: Any) -> dict[str, Score]:
    """Measure a run of a sentiment recipe as `robustness` does, with a test split as the texts.

    Args:
        run: its model knows the classes ``neg`` and ``pos``, in this order.
        **data: the data whose test split is asked, as in `rnnkit.study.evaluate`.

    Raises:
        InputError: a run that answers something else, or data that do not suit it.

    Example:
        >>> robustness_of_run(open_run("runs/mine"), name="imdb", limit=1000)  # doctest: +SKIP
    """
    recipe = run.settings["recipe"]
    kind = recipes.kind_of(recipe)
    if kind != "texts":
        raise InputError(
            f"{run.path} is a run of {recipe}, which learns from {kind}: robustness is measured "
            "with film reviews. Expected a run of a sentiment recipe."
        )
    if tuple(run.model.classes) != LABELS:
        raise InputError(
            f"The model in {run.path} answers with {', '.join(map(quote, run.model.classes))}: "
            f"robustness is measured with film reviews whose labels are {' and '.join(LABELS)}. "
            "In Python, rnnkit.study.robustness takes the names of other classes."
        )
    texts, labels = test_split_for(run, **data)
    return robustness(run.model, texts, labels)


def robustness_table(scores: Mapping[str, Mapping[str, Score]]) -> list[list[str]]:
    """Return a table as text, the heading first: a row for each measure, a column for each model.

    A cell has the share of right answers and its 95 % confidence interval.
    `rnnkit.study.report.markdown` writes it as Markdown.

    Example:
        >>> robustness_table({"mine": {"edited": Score(8, 10)}})
        [['measure', 'questions', 'mine'], ['edited', '10', '0.800 (0.49-0.94)']]
    """
    measures = list(dict.fromkeys(name for found in scores.values() for name in found))
    rows = [["measure", "questions", *scores]]
    for name in measures:
        totals = {found[name].total for found in scores.values() if name in found}
        cells = [str(found[name]) if name in found else "-" for found in scores.values()]
        rows.append([name, " / ".join(f"{total:,}" for total in sorted(totals)), *cells])
    return rows


def _score(right: np.ndarray) -> Score:
    return Score(int(right.sum()), len(right))


def _answers(model: Any, texts: list[str], classes: tuple[str, str]) -> np.ndarray:
    """Return 0 or 1 for each text."""
    ask: Callable[[list[str]], Any] = model
    for name in ("predict_labels", "predict"):
        if hasattr(model, name):
            ask = getattr(model, name)
            break
    answers = ask(texts) if texts else []
    if len(answers) != len(texts):
        raise InputError(f"The model gave {len(answers)} answers to {len(texts)} texts.")
    return _numbers(answers, classes, "answer")


def _numbers(values: Any, classes: tuple[str, str], what: str) -> np.ndarray:
    """Return classes as 0 and 1; numbers between are probabilities of the positive class."""
    found = np.asarray(values)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        raise InputError(
            f"Expected one {what} for each text, a class or a probability of {classes[1]!r}; got "
            f"an array of shape {found.shape}."
        )
    if found.dtype.kind in "biuf":
        if len(found) and not ((found >= 0) & (found <= 1)).all():
            raise InputError(
                f"Expected 0, 1 or a probability as {what}; got numbers from {found.min():g} to "
                f"{found.max():g}."
            )
        return (found > 0.5).astype(int)
    for value in found.tolist():
        if value not in classes:
            raise InputError(
                f"One {what} is {quote(value)}: expected {quote(classes[0])} or "
                f"{quote(classes[1])}. Name the negative and the positive class with classes."
            )
    return (found == classes[1]).astype(int)
