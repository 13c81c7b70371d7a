"""Markov chains over observed labels: maximum likelihood, prediction, long-run behaviour."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from rnnkit.errors import InputError, check_count, suggest
from rnnkit.hmm.chain import stationary
from rnnkit.hmm.chain.labels import Label, label_sequences, labels, state_names

_SUM_TOLERANCE = 1e-5  # rounding error of a sum of float32 probabilities


class MarkovChain(BaseEstimator):
    """A first-order Markov chain over labels, estimated by counting.

    `P(s_1, ..., s_T) = P(s_1) Π_{t=1..T-1} P(s_{t+1} | s_t)`, with
    `P(j | i) = (n_ij + prior) / Σ_j (n_ij + prior)`, where `n_ij` counts how often j followed i.

    A state that only occurs at the end of sequences gets a uniform row, the limit of small priors,
    and a warning names it.

    Args:
        prior: pseudo-count of each transition and each first state; 0 = maximum likelihood,
            1 = Laplace smoothing.
        classes: the states in order; None = all labels in the sequences, sorted.

    Attributes:
        classes_: `(K,)` the states.
        startprob_: `(K,)` probability of the first state.
        transmat_: `(K, K)` transition probabilities, from row to column.

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
        cls, transmat: Any, startprob: Any = None, classes: Sequence[Label] | None = None
    ) -> MarkovChain:
        """Create a chain from known probabilities.

        Args:
            transmat: `(K, K)`, rows = from; each row sums to 1.
            startprob: `(K,)`; None = uniform.
            classes: names of the K states; None = 0 .. K-1.

        Raises:
            InputError: a matrix that is not square, rows that do not sum to 1, a negative number,
                or other sizes.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.9, 0.1], [0.5, 0.5]], classes=["up", "down"])
            >>> chain.predict_proba("up")
            array([0.9, 0.1])
        """
        matrix = np.asarray(transmat, "float64")
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
            raise InputError(f"transmat has the shape {matrix.shape}; expected (K, K).")
        size = len(matrix)
        names = np.arange(size) if classes is None else state_names(classes)
        if len(names) != size:
            raise InputError(
                f"There are {len(names)} classes; expected {size}, one for each state."
            )
        start = np.full(size, 1 / size) if startprob is None else np.asarray(startprob, "float64")
        if start.shape != (size,):
            raise InputError(f"startprob has the shape {start.shape}; expected ({size},).")
        chain = cls(classes=classes)
        chain.classes_ = names
        chain.startprob_ = _distribution(start, "startprob")
        rows = enumerate(zip(matrix, names.tolist(), strict=True))
        chain.transmat_ = np.stack(
            [_distribution(row, f"Row {i} of transmat (state {name!r})") for i, (row, name) in rows]
        )
        return chain

    def fit(self, sequences: Any, lengths: Any = None) -> MarkovChain:
        """Estimate start and transition probabilities by counting.

        Args:
            sequences: a list of sequences of labels, strings or numbers; or all labels in a row,
                `(N,)` or `(N, 1)`, split by `lengths`, one sequence without them. In a list of
                strings each string is a label.
            lengths: the number of labels of each sequence; they sum to N.

        Raises:
            InputError: no sequence, an empty one, a missing label, strings among numbers, a label
                outside `classes`, or a negative prior.

        Example:
            >>> MarkovChain(prior=1).fit([0, 1, 1, 0, 1], lengths=[3, 2]).transmat_
            array([[0.25      , 0.75      ],
                   [0.33333333, 0.66666667]])
        """
        if not isinstance(self.prior, (int, float)) or not 0 <= self.prior < np.inf:
            raise InputError(f"prior is {self.prior!r}; expected a number of at least 0.")
        split = label_sequences(sequences, lengths)
        if self.classes is None:
            classes = np.asarray(sorted({label for each in split for label in each}))
        else:
            classes = state_names(self.classes)
        size = len(classes)
        codes = [_encode(classes, each, place) for place, each in enumerate(split)]
        steps = np.concatenate([each[:-1] * size + each[1:] for each in codes])
        counts = np.bincount(steps, minlength=size**2).reshape(size, size) + self.prior
        first = np.bincount([each[0] for each in codes], minlength=size) + self.prior
        unseen = counts.sum(1) == 0
        if unseen.any():
            warnings.warn(
                f"No transition from {classes[unseen].tolist()} was observed: these rows of "
                "transmat_ are uniform. A prior above 0 does the same without a warning.",
                stacklevel=2,
            )
        counts[unseen] = 1.0
        self.classes_ = classes
        self.transmat_ = counts / counts.sum(1, keepdims=True)
        self.startprob_ = first / first.sum()
        return self

    def probability(self, sequence: Sequence[Label]) -> float:
        """Return `P(s_1, ..., s_T) = P(s_1) Π_{t=1..T-1} P(s_{t+1} | s_t)`.

        It underflows for long sequences: use `log_probability`.

        Args:
            sequence: T labels.

        Raises:
            InputError: an empty sequence, or a label that is not a state of the chain.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.75, 0.25], [0.5, 0.5]])
            >>> chain.probability([0, 0, 1])  # 1/2 * 3/4 * 1/4
            0.09375
        """
        return float(np.prod(self._factors(sequence)))

    def log_probability(self, sequence: Sequence[Label]) -> float:
        """Return `log P(s_1) + Σ_{t=1..T-1} log P(s_{t+1} | s_t)`; -inf if impossible.

        Argument and errors are those of `probability`.

        Example:
            >>> MarkovChain.from_matrix([[0, 1], [1, 0]]).log_probability([0, 1, 1])
            -inf
        """
        with np.errstate(divide="ignore"):
            return float(np.log(self._factors(sequence)).sum())

    def score(self, sequences: Any, lengths: Any = None) -> float:
        """Return the log-likelihood, the sum of `log P` of all sequences; arguments as for `fit`.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
            >>> round(chain.score([[0, 1], [1]]), 6)  # 3 log 1/2
            -2.079442
        """
        return sum(map(self.log_probability, label_sequences(sequences, lengths)))

    def marginals(self, n: int) -> np.ndarray:
        """Return the marginals of n steps, `(n, K)`: `π_1 = startprob`, `π_{t+1} = π_t P`.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.5, 0.5], [0, 1]], startprob=[1, 0])
            >>> chain.marginals(3)
            array([[1.  , 0.  ],
                   [0.5 , 0.5 ],
                   [0.25, 0.75]])
        """
        check_is_fitted(self)
        found = np.empty((check_count("n", n, least=0), len(self.classes_)))
        now = self.startprob_
        for row in found:
            row[:] = now
            now = now @ self.transmat_
        return found

    def predict_proba(self, before: Any, steps: int = 1) -> np.ndarray:
        """Return the distribution some steps after a state: a row of `P^steps`.

        Args:
            before: one label, or `(N,)` labels.
            steps: the number of steps.

        Returns:
            `(K,)` for one label, otherwise `(N, K)`; columns in the order of `classes_`.

        Example:
            >>> chain = MarkovChain.from_matrix([[0.5, 0.5], [0, 1]])
            >>> chain.predict_proba(0, steps=3)
            array([0.125, 0.875])
        """
        check_is_fitted(self)
        single = np.ndim(before) == 0
        codes = _encode(self.classes_, [before] if single else labels(before))
        later = np.linalg.matrix_power(self.transmat_, check_count("steps", steps, least=0))
        return later[codes[0] if single else codes]

    def predict(self, before: Any, steps: int = 1) -> Any:
        """Return the most likely state some steps after one or `(N,)` states; ties go to the first.

        Example:
            >>> MarkovChain.from_matrix([[0, 1], [0.6, 0.4]]).predict([0, 1])
            array([1, 0])
        """
        likeliest = self.predict_proba(before, steps).argmax(-1)
        found = self.classes_[likeliest]
        return found if np.ndim(found) else found.item()  # a plain string or number

    def sample(self, n: int = 1, random_state: Any = None) -> np.ndarray:
        """Sample a sequence of n labels, `(n,)`.

        Args:
            n: the length of the sequence.
            random_state: a seed or a `numpy.random.Generator`; None = not reproducible.

        Example:
            >>> MarkovChain.from_matrix([[0, 1], [1, 0]], startprob=[1, 0]).sample(5)
            array([0, 1, 0, 1, 0])
        """
        check_is_fitted(self)
        draws = np.random.default_rng(random_state).random(check_count("n", n, least=0))
        after = np.cumsum(np.vstack([self.transmat_, self.startprob_]), axis=1)
        after /= after[:, -1:]  # exactly 1 at the end: draws are below 1
        now, path = len(self.classes_), []  # the last row is startprob_
        for draw in draws:
            now = np.searchsorted(after[now], draw, side="right")
            path.append(now)
        return self.classes_[path]

    def communicating_classes(self) -> list[list[Label]]:
        """Return the communicating classes: sets of states that can be reached from each other.

        A chain with one class is irreducible.

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
        """Return the period of a state: the greatest common divisor of the lengths of its cycles.

        1 is aperiodic; 0 is a state that cannot be reached again.

        Args:
            state: the state; None = the common period of an irreducible chain.

        Raises:
            InputError: no state is given and the chain is reducible, or an unknown state.

        Source: Norris 1997, Markov Chains, section 1.8.

        Example:
            >>> MarkovChain.from_matrix([[0, 1], [1, 0]]).period()
            2
        """
        check_is_fitted(self)
        if state is None:
            self._refuse_reducible("period")
        code = 0 if state is None else int(_encode(self.classes_, [state])[0])
        return stationary.period(self.transmat_, code)

    def stationary_distribution(self) -> np.ndarray:
        """Return the stationary distribution, the limit from every start: `π P = π`, `Σ_k π_k = 1`.

        `(K,)`, the long-run fraction of steps in each state.

        Raises:
            InputError: a reducible chain (the message names states that cannot reach each other),
                or a periodic one (the message gives its period).

        Source: Norris 1997, Markov Chains, theorem 1.8.3; algorithm: Grassmann, Taksar and
            Heyman 1985.

        Example:
            >>> oz = [[0.5, 0.25, 0.25], [0.5, 0, 0.5], [0.25, 0.25, 0.5]]
            >>> chain = MarkovChain.from_matrix(oz, classes=["rain", "nice", "snow"])
            >>> chain.stationary_distribution()
            array([0.4, 0.2, 0.4])
        """
        check_is_fitted(self)
        self._refuse_reducible("stationary distribution")
        period = stationary.period(self.transmat_, 0)
        if period > 1:
            raise InputError(
                f"The chain is periodic with period {period}: its distribution does not converge. "
                "The long-run fraction of time in each state is the stationary distribution of the "
                "lazy chain, MarkovChain.from_matrix((chain.transmat_ + np.eye(K)) / 2)."
            )
        return stationary.stationary_distribution(self.transmat_)

    def _refuse_reducible(self, what: str) -> None:
        classes = stationary.communicating_classes(self.transmat_)
        if len(classes) == 1:
            return
        reachable = stationary.reachable(self.transmat_)
        names = self.classes_
        gaps = "; ".join(
            f"{names[i]!s} cannot reach {', '.join(map(str, names[~reachable[i]]))}"
            for i in np.flatnonzero(~reachable.all(1))[:5]
        )
        closed = [names[members].tolist() for members, is_closed in classes if is_closed]
        raise InputError(
            f"The chain is reducible, so it has no single {what}: {gaps}. Closed classes, which "
            f"the chain never leaves: {', '.join(map(str, closed))}. Build a chain of one closed "
            "class with MarkovChain.from_matrix; or, if the missing transitions are possible but "
            "were not observed, fit with prior=1."
        )

    def _factors(self, sequence: Sequence[Label]) -> np.ndarray:
        """Return the probabilities of the first state and of each transition."""
        check_is_fitted(self)
        codes = _encode(self.classes_, labels(sequence))
        steps = self.transmat_[codes[:-1], codes[1:]]
        return np.concatenate([self.startprob_[codes[:1]], steps])


def _encode(classes: np.ndarray, sequence: Sequence[Label], place: int = 0) -> np.ndarray:
    """Return the index of the state of each label."""
    numbers = {name: code for code, name in enumerate(classes.tolist())}
    codes = [numbers.get(label, -1) for label in sequence]
    if -1 in codes:
        step = codes.index(-1)
        near = suggest(str(sequence[step]), map(str, numbers))
        raise InputError(
            f"Label {sequence[step]!r} (sequence {place}, step {step}) is not a state of the "
            f"chain; its states are {', '.join(map(repr, list(numbers)[:20]))}.{near}"
        )
    return np.asarray(codes, "int64")


def _distribution(given: np.ndarray, what: str) -> np.ndarray:
    """Check that probabilities sum to 1 up to rounding, and normalise them."""
    # Written so that NaN is refused too.
    if not (given >= 0).all():
        raise InputError(f"{what} is {given.tolist()}; expected probabilities, from 0 to 1.")
    if not abs(given.sum() - 1) <= _SUM_TOLERANCE:
        raise InputError(
            f"{what} is {given.tolist()} and sums to {given.sum():.6g}; expected 1. If these are "
            "counts or weights, divide each row by its sum."
        )
    return given / given.sum()
