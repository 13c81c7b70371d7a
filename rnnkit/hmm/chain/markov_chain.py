"""The Markov chain: what comes next depends on what is there now, and on nothing before it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from rnnkit.errors import InputError, suggest
from rnnkit.hmm.chain import stationary
from rnnkit.hmm.chain.labels import Label, label_sequences, labels, states

_SUM = 1e-5  # a row of float32 numbers may be this far from 1


class MarkovChain(BaseEstimator):
    """A Markov chain over labels, learned by counting.

    `P(s_1, ..., s_T) = P(s_1) Π_{t=1..T-1} P(s_{t+1} | s_t)`, with
    `P(j | i) = (n_ij + prior) / Σ_j (n_ij + prior)`, where `n_ij` counts how often j followed i.

    A state that was only ever seen at the end of a sequence tells nothing of what follows it: all
    states get the same probability there, which is what ever smaller priors lead to, and a warning
    names it.

    Args:
        prior: this much is added to each count of a transition and of a first state; 0 = nothing,
            1 = Laplace's rule.
        classes: the states in their order; None = all labels in the sequences, sorted.

    Attributes:
        classes_: `(K,)` the states.
        startprob_: `(K,)` probability of the first state.
        transmat_: `(K, K)` probability of the next state; a row for each state before.

    Source: Norris 1997, Markov Chains, chapter 1; Grinstead and Snell 1997, Introduction to
        Probability, chapter 11.

    Example:
        >>> days = [["sun", "sun", "rain", "sun", "sun"], ["rain", "rain", "sun"]]
        >>> chain = MarkovChain().fit(days)
        >>> chain.classes_.tolist(), chain.transmat_.round(3).tolist()
        (['rain', 'sun'], [[0.333, 0.667], [0.333, 0.667]])
        >>> round(chain.probability(["sun", "sun", "rain"]), 6)
        0.111111
    """

    def __init__(self, prior: float = 0.0, classes: Sequence[Label] | None = None) -> None:
        self.prior = prior
        self.classes = classes

    @classmethod
    def from_matrix(
        cls,
        transmat: Any,
        startprob: Any = None,
        classes: Sequence[Label] | None = None,
    ) -> MarkovChain:
        """Make a chain of known probabilities.

        Args:
            transmat: `(K, K)`, rows = from; each row sums to 1.
            startprob: `(K,)`; None = each state alike.
            classes: names of the K states; None = 0 .. K-1.

        Raises:
            InputError: a matrix that is not square, rows that do not sum to 1, a negative number,
                other sizes.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.9, 0.1], [0.5, 0.5]], classes=["up", "down"])
            >>> chain.predict_proba("up")
            array([0.9, 0.1])
        """
        matrix = np.asarray(transmat, "float64")
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
            raise InputError(
                f"transmat has the shape {matrix.shape}; expected (K, K), a row and a column for "
                "each state."
            )
        size = len(matrix)
        names = np.arange(size) if classes is None else states(classes)
        if len(names) != size:
            raise InputError(
                f"There are {len(names)} classes and a transmat for {size} states; give one name "
                "for each state."
            )
        start = np.full(size, 1 / size) if startprob is None else np.asarray(startprob, "float64")
        if start.shape != (size,):
            raise InputError(f"startprob has the shape {start.shape}; expected ({size},).")
        chain = cls(classes=classes)
        chain.classes_ = names
        chain.startprob_ = _distribution(start, "startprob")
        chain.transmat_ = np.stack(
            [
                _distribution(row, f"Row {i} of transmat (state {name!r})")
                for i, (row, name) in enumerate(zip(matrix, names.tolist(), strict=True))
            ]
        )
        return chain

    def fit(self, sequences: Any, lengths: Any = None) -> MarkovChain:
        """Count first states and transitions.

        Args:
            sequences: a list of sequences of labels, strings or numbers; or all labels in a row,
                `(N,)` or `(N, 1)`, cut up by `lengths`, one sequence if there are none. In a list
                of strings each string is a label.
            lengths: how many labels each sequence has; they sum to N.

        Raises:
            InputError: no sequence, an empty one, a missing label, strings among numbers, a label
                that is not among `classes`, a prior below 0.

        Example:
            >>> MarkovChain(prior=1).fit([0, 1, 1, 0, 1], lengths=[3, 2]).transmat_
            array([[0.25      , 0.75      ],
                   [0.33333333, 0.66666667]])
        """
        if not isinstance(self.prior, (int, float)) or not 0 <= self.prior < np.inf:
            raise InputError(f"prior is {self.prior!r}; expected a number that is 0 or more.")
        split = label_sequences(sequences, lengths)
        if self.classes is None:
            classes = np.asarray(sorted({label for each in split for label in each}))
        else:
            classes = states(self.classes)
        size = len(classes)
        codes = [_codes(classes, each, place) for place, each in enumerate(split)]
        steps = np.concatenate([each[:-1] * size + each[1:] for each in codes])
        counts = np.bincount(steps, minlength=size**2).reshape(size, size) + self.prior
        first = np.bincount([each[0] for each in codes], minlength=size) + self.prior
        silent = counts.sum(1) == 0
        if silent.any():
            warnings.warn(
                f"Nothing ever followed {classes[silent].tolist()}: after these, each state "
                "is taken to be as likely as any other. A prior above 0 says so on purpose.",
                stacklevel=2,
            )
        counts[silent] = 1.0
        self.classes_ = classes
        self.transmat_ = counts / counts.sum(1, keepdims=True)
        self.startprob_ = first / first.sum()
        return self

    def probability(self, sequence: Sequence[Label]) -> float:
        """Return `P(s_1, ..., s_T) = P(s_1) Π_{t=1..T-1} P(s_{t+1} | s_t)`.

        Of a long sequence it is too small for a number: take `log_probability`.

        Args:
            sequence: T labels.

        Raises:
            InputError: an empty sequence or a label that is no state of the chain.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.75, 0.25], [0.5, 0.5]])
            >>> chain.probability([0, 0, 1])  # 1/2 * 3/4 * 1/4
            0.09375
        """
        return float(np.prod(self._factors(sequence)))

    def log_probability(self, sequence: Sequence[Label]) -> float:
        """Return `log P(s_1) + Σ_{t=1..T-1} log P(s_{t+1} | s_t)`; -inf if it cannot be.

        Args:
            sequence: T labels.

        Raises:
            InputError: an empty sequence or a label that is no state of the chain.

        Example:
            >>> MarkovChain.from_matrix([[0, 1], [1, 0]]).log_probability([0, 1, 1])
            -inf
        """
        with np.errstate(divide="ignore"):
            return float(np.log(self._factors(sequence)).sum())

    def score(self, sequences: Any, lengths: Any = None) -> float:
        """Return the log-probability of all sequences together, a sum.

        Args:
            sequences: as for `fit`.
            lengths: as for `fit`.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
            >>> round(chain.score([[0, 1], [1]]), 6)  # 3 log 1/2
            -2.079442
        """
        return sum(map(self.log_probability, label_sequences(sequences, lengths)))

    def marginals(self, n: int) -> np.ndarray:
        """Return the distributions of the first n steps: `π_1 = startprob`, `π_{t+1} = π_t P`.

        Args:
            n: number of steps.

        Returns:
            `(n, K)`.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.5, 0.5], [0, 1]], startprob=[1, 0])
            >>> chain.marginals(3)
            array([[1.  , 0.  ],
                   [0.5 , 0.5 ],
                   [0.25, 0.75]])
        """
        check_is_fitted(self)
        found = np.empty((_count(n), len(self.classes_)))
        now = self.startprob_
        for row in found:
            row[:] = now
            now = now @ self.transmat_
        return found

    def predict_proba(self, before: Any, steps: int = 1) -> np.ndarray:
        """Return how likely each state is some steps after a state: a row of `P^steps`.

        Args:
            before: one label, or `(N,)` labels.
            steps: how many steps later.

        Returns:
            `(K,)` for one label, otherwise `(N, K)`; columns in the order of `classes_`.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.5, 0.5], [0, 1]])
            >>> chain.predict_proba(0, steps=3)
            array([0.125, 0.875])
        """
        check_is_fitted(self)
        single = np.ndim(before) == 0
        codes = _codes(self.classes_, [before] if single else labels(before))
        later = np.linalg.matrix_power(self.transmat_, _count(steps))
        return later[codes[0] if single else codes]

    def predict(self, before: Any, steps: int = 1) -> Any:
        """Return the most likely state some steps after a state; of equal ones the first.

        Args:
            before: one label, or `(N,)` labels.
            steps: how many steps later.

        Returns:
            A label, or `(N,)` labels.

        Example:
            >>> MarkovChain.from_matrix([[0, 1], [0.6, 0.4]]).predict([0, 1])
            array([1, 0])
        """
        likeliest = self.predict_proba(before, steps).argmax(-1)
        found = self.classes_[likeliest]
        return found if np.ndim(found) else found.item()  # a plain string or number

    def sample(self, n: int = 1, random_state: Any = None) -> np.ndarray:
        """Draw a sequence of n labels.

        Args:
            n: how many.
            random_state: a seed or a `numpy.random.Generator`; None = another one each time.

        Returns:
            `(n,)` labels.

        Example:
            >>> MarkovChain.from_matrix([[0, 1], [1, 0]], startprob=[1, 0]).sample(5)
            array([0, 1, 0, 1, 0])
        """
        check_is_fitted(self)
        draws = np.random.default_rng(random_state).random(_count(n))
        after = np.cumsum(np.vstack([self.transmat_, self.startprob_]), axis=1)
        after /= after[:, -1:]  # exactly 1 at the end, which no draw reaches
        now, path = len(self.classes_), []  # the row before the first state is the last one
        for draw in draws:
            now = np.searchsorted(after[now], draw, side="right")
            path.append(now)
        return self.classes_[path]

    def communicating_classes(self) -> list[list[Label]]:
        """Sort the states into classes within which each can be reached from each other one.

        Returns:
            The labels of each class. One class alone: the chain is irreducible.

        Source: Norris 1997, Markov Chains, section 1.2.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.5, 0.5], [0, 1]], classes=["alive", "dead"])
            >>> chain.communicating_classes()
            [['alive'], ['dead']]
        """
        check_is_fitted(self)
        found = stationary.communicating_classes(self.transmat_)
        return [self.classes_[members].tolist() for members, _ in found]

    def period(self, state: Label | None = None) -> int:
        """Return the greatest common divisor of the lengths of all ways from a state back to it.

        Args:
            state: whose period; None = that of all states of an irreducible chain.

        Returns:
            The period: 1 is aperiodic, 0 means that there is no way back.

        Raises:
            InputError: no state is given and the chain is reducible; no such state.

        Source: Norris 1997, Markov Chains, section 1.8.

        Example:
            >>> MarkovChain.from_matrix([[0, 1], [1, 0]]).period()
            2
        """
        check_is_fitted(self)
        if state is None:
            self._refuse_reducible("period")
        code = 0 if state is None else int(_codes(self.classes_, [state])[0])
        return stationary.period(self.transmat_, code)

    def stationary_distribution(self) -> np.ndarray:
        """Return the distribution that every start leads to: `π P = π`, `Σ_k π_k = 1`.

        Returns:
            `(K,)`: in the long run, the share of steps in each state.

        Raises:
            InputError: a reducible chain, with the states that cannot reach each other, or a
                periodic one, with its period.

        Source: Norris 1997, Markov Chains, theorem 1.8.3; the numbers by Grassmann, Taksar and
            Heyman 1985.

        Example:
            >>> oz = [[0.5, 0.25, 0.25], [0.5, 0, 0.5], [0.25, 0.25, 0.5]]
            >>> chain = MarkovChain.from_matrix(oz, classes=["rain", "nice", "snow"])
            >>> chain.stationary_distribution()
            array([0.4, 0.2, 0.4])
        """
        check_is_fitted(self)
        self._refuse_reducible("stationary distribution")
        rhythm = stationary.period(self.transmat_, 0)
        if rhythm > 1:
            raise InputError(
                f"The chain is periodic with period {rhythm}: its distribution goes round and "
                "settles nowhere. For the share of time in each state take the lazy chain, which "
                "has the same: MarkovChain.from_matrix((chain.transmat_ + np.eye(K)) / 2)."
            )
        return stationary.stationary(self.transmat_)

    def _refuse_reducible(self, what: str) -> None:
        classes = stationary.communicating_classes(self.transmat_)
        if len(classes) == 1:
            return
        ways = stationary.reachable(self.transmat_)
        names = self.classes_
        gaps = "; ".join(
            f"{names[i]!s} cannot reach {', '.join(map(str, names[~ways[i]]))}"
            for i in np.flatnonzero(~ways.all(1))[:5]
        )
        closed = [names[members].tolist() for members, is_closed in classes if is_closed]
        raise InputError(
            f"The chain is reducible and has no {what} of all its states: {gaps}. Closed classes, "
            f"which are never left: {', '.join(map(str, closed))}. Make a chain of one closed "
            "class alone with MarkovChain.from_matrix; or, if the missing transitions are possible "
            "and were just not seen, fit with prior=1."
        )

    def _factors(self, sequence: Sequence[Label]) -> np.ndarray:
        """Return the probabilities of the first state and of each transition."""
        check_is_fitted(self)
        codes = _codes(self.classes_, labels(sequence))
        steps = self.transmat_[codes[:-1], codes[1:]]
        return np.concatenate([self.startprob_[codes[:1]], steps])


def _codes(classes: np.ndarray, sequence: Sequence[Label], place: int = 0) -> np.ndarray:
    """Return the number of each label's state."""
    numbers = {name: code for code, name in enumerate(classes.tolist())}
    codes = [numbers.get(label, -1) for label in sequence]
    if -1 in codes:
        step = codes.index(-1)
        near = suggest(str(sequence[step]), map(str, numbers))
        raise InputError(
            f"Label {sequence[step]!r} (sequence {place}, step {step}) is no state of the chain; "
            f"its states are {', '.join(map(repr, list(numbers)[:20]))}.{near}"
        )
    return np.asarray(codes, "int64")


def _distribution(given: np.ndarray, what: str) -> np.ndarray:
    """Return probabilities that sum to 1 but for rounding so that they sum to 1."""
    # Written so that NaN is refused too.
    if not (given >= 0).all():
        raise InputError(f"{what} is {given.tolist()}; a probability is a number from 0 to 1.")
    if not abs(given.sum() - 1) <= _SUM:
        raise InputError(
            f"{what} is {given.tolist()} and sums to {given.sum():.6g}; expected 1. If these are "
            "counts or weights, divide each row by its sum."
        )
    return given / given.sum()


def _count(n: Any) -> int:
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise InputError(f"The number of steps is {n!r}; expected a whole number, 0 or more.")
    return int(n)
