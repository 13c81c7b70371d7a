"""Generative sequence classification: one hidden Markov model per class, and Bayes' rule."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from rnnkit.errors import InputError
from rnnkit.hmm.emissions.units import Units
from rnnkit.hmm.estimators.base import BaseHMM
from rnnkit.hmm.estimators.models import GaussianHMM
from rnnkit.hmm.estimators.sequences import read_sequences


class HMMClassifier(ClassifierMixin, BaseEstimator):
    """Generative classifier of sequences: one hidden Markov model per class, and Bayes' rule.

    `P(c | x) = P(c) P(x | c) / Σ_c' P(c') P(x | c')`, with P(x | c) from a hidden Markov model
    fitted to the sequences of class c.

    Args:
        hmm: an unfitted model, cloned for each class; None = `GaussianHMM(3)`.
        priors: P(c) in the order of `classes_`; None = the class frequencies in the training data.

    Attributes:
        classes_: the labels, sorted.
        models_: the fitted model of each class.
        priors_: P(c).

    Raises:
        InputError: from `fit`: invalid sequences, labels or priors.

    Source: Rabiner 1989, A Tutorial on Hidden Markov Models, section VI.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> low = [rng.normal(0, 1, (9, 1)) for _ in range(8)]
        >>> high = [rng.normal(5, 1, (7, 1)) for _ in range(8)]
        >>> model = HMMClassifier(GaussianHMM(2, random_state=0))
        >>> model.fit(low + high, ["low"] * 8 + ["high"] * 8).predict([low[0], high[0]]).tolist()
        ['low', 'high']
    """

    def __init__(
        self, hmm: BaseHMM | None = None, *, priors: Sequence[float] | None = None
    ) -> None:
        self.hmm = hmm
        self.priors = priors

    def fit(self, X: Any, y: Any) -> Self:
        """Fit one model for each class.

        Args:
            X: a list of sequences `(T, D)`; T may differ.
            y: the label of each sequence.

        Warns:
            Whatever the models warn of, once for all classes that it concerns.
        """
        sequences, labels = list(X), np.asarray(y)
        if labels.shape != (len(sequences),) or not sequences:
            raise InputError(
                f"y has the shape {labels.shape} and X {len(sequences)} sequences: expected one "
                "label for each of at least one sequence."
            )
        missing = [place for place, label in enumerate(labels.tolist()) if label != label]
        if missing or None in labels.tolist():
            place = missing[0] if missing else labels.tolist().index(None)
            raise InputError(f"y[{place}] is missing: leave the sequence out, or give its label.")
        classes, codes = np.unique(labels, return_inverse=True)
        frequencies = np.bincount(codes) / len(codes)
        priors = frequencies if self.priors is None else np.asarray(self.priors, "float64")
        if priors.shape != classes.shape or (priors < 0).any() or not np.isclose(priors.sum(), 1):
            raise InputError(
                f"priors is {self.priors!r}; expected {len(classes)} numbers that sum to 1, one "
                f"for each of the classes {classes.tolist()}."
            )
        blank = GaussianHMM(3) if self.hmm is None else self.hmm
        units = _units_of_all(blank, sequences)
        models = []
        heard: dict[tuple[type[Warning], str], list[Any]] = {}
        for code, label in enumerate(classes.tolist()):
            own = [sequences[i] for i in np.flatnonzero(codes == code)]
            with warnings.catch_warnings(record=True) as caught:
                try:
                    models.append(_fit_in_units(clone(blank), own, units))
                except InputError as error:
                    raise InputError(f"Class {label!r}: {error}") from error
            for one in caught:
                of = heard.setdefault((one.category, str(one.message)), [])
                of += [] if label in of else [label]
        for (category, message), of in heard.items():
            about = f"Class{'es' * (len(of) > 1)} {', '.join(map(repr, of))}: "
            about = about if issubclass(category, UserWarning) else ""  # that of a library
            warnings.warn(about + message, category, stacklevel=2)
        self.classes_, self.models_, self.priors_ = classes, models, priors
        return self

    def predict_joint_log_proba(self, X: Any) -> np.ndarray:
        """Return `log P(x, c)` of each sequence and class, `(B, C)`.

        Raises:
            InputError: the classifier is not fitted, or X is invalid.
        """
        if not hasattr(self, "models_"):
            raise InputError("The classifier is not fitted yet: call fit first.")
        sequences = list(X)
        if not sequences:
            return np.zeros((0, len(self.classes_)))
        with warnings.catch_warnings():  # impossible in one class may be usual in another
            warnings.filterwarnings("ignore", message="Step .* is impossible")
            scores = np.stack([model.score_each(sequences) for model in self.models_], axis=1)
        with np.errstate(divide="ignore"):
            return scores + np.log(self.priors_)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return `log P(c | x)`, `(B, C)`; the priors if no class explains the sequence."""
        joint = self.predict_joint_log_proba(X)
        with np.errstate(divide="ignore"):
            joint = np.where(np.isneginf(joint).all(1, keepdims=True), np.log(self.priors_), joint)
        return joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return `P(c | x)`, `(B, C)`."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most likely label of each sequence."""
        best = self.predict_log_proba(X).argmax(axis=1)
        return self.classes_[best]


def _units_of_all(blank: BaseHMM, sequences: list[Any]) -> Units | None:
    """Return the units of all classes together: lower bounds then mean the same in each."""
    read = read_sequences(sequences)
    seen = read.x[read.observed]
    if not len(seen):
        return None
    emission = blank._emission(seen)
    return emission.units_of_data(emission.check(seen))


def _fit_in_units(model: BaseHMM, sequences: list[Any], units: Units | None) -> BaseHMM:
    """Fit the model of a class."""
    model._shared_units = units
    try:
        return model.fit(sequences)
    finally:
        del model._shared_units
