"""The estimator that all hidden Markov models share: fit, score, decode, sample."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from keras import ops
from sklearn.base import BaseEstimator

from rnnkit.errors import InputError
from rnnkit.hmm import inference
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.estimators.baum_welch import OnIteration, Training, warn_of_lost
from rnnkit.hmm.estimators.checks import check_chain, check_emission
from rnnkit.hmm.estimators.chunks import Chunks, split
from rnnkit.hmm.estimators.passes import (
    Model,
    Same,
    block_pass,
    first_impossible,
    holds_float64,
    refuse_nan,
    to_block,
    to_model,
)
from rnnkit.hmm.estimators.restarts import first_parameters, generator, train
from rnnkit.hmm.estimators.sequences import Sequences, read
from rnnkit.hmm.estimators.streaming import Stepper

ALGORITHMS = ("viterbi", "posterior", "map")


@dataclass(repr=False, eq=False)
class BaseHMM(BaseEstimator):
    """A hidden Markov model with scikit-learn's habits. Abstract: its subclasses bring an emission.

    `P(x, z) = pi_z1 prod_t A_z(t),z(t+1) prod_t p(x_t | z_t)`

    X has one of three forms, and answers come in the form that X had: a list of sequences
    `(T, D)`; a padded array `(B, T, D)` with `mask` `(B, T)`, true = a real step, any pattern; or
    all steps in a row, `(N, D)`, with `lengths`. A step with NaN in it was not observed: time
    passes, and nothing is known of it. `states` in the same form says what is known of the states:
    a whole number, or -1. Steps that a mask takes out get the posterior 0 and the state -1.

    An observation that no state can explain makes the log-probability -inf; the posteriors go on
    as if it were missing, and a warning names it.

    Args:
        n_components: K, the number of states.
        startprob_prior: Dirichlet prior of the start probabilities, a number or `(K,)`; 1 = none.
        transmat_prior: Dirichlet prior of each row of transitions, a number or `(K, K)`.
        algorithm: of `predict`: "viterbi", the most likely path, or "posterior" (or "map"), the
            most likely state of each step.
        random_state: a seed, a generator of NumPy, or None.
        n_iter: the most iterations of Baum-Welch.
        tol: Baum-Welch stops when the log-likelihood gains less than this in an iteration.
        verbose: print iteration, log-likelihood and gain to standard error.
        params: which parameters `fit` learns, by their letters: s startprob, t transmat, and those
            of the emission.
        init_params: which parameters `fit` begins anew; the others keep what they were set to.
        n_init: from how many starts; the best result is kept.
        dtype: "float32" or "float64".

    Attributes:
        startprob_: `(K,)`.
        transmat_: `(K, K)`, from row to column.
        history: the log-likelihood before each iteration's update, the priors' not included.
        converged_: whether Baum-Welch was ended by its tolerance.
    """

    n_components: int = 1
    _: KW_ONLY
    startprob_prior: Any = 1.0
    transmat_prior: Any = 1.0
    algorithm: str = "viterbi"
    random_state: Any = None
    n_iter: int = 100
    tol: float = 1e-3
    verbose: bool = False
    params: str = "st"
    init_params: str = "st"
    n_init: int = 1
    dtype: str = "float32"

    def _letters(self) -> dict[str, tuple[str, ...]]:
        """Return the letters of `params` and what they stand for."""
        return {"s": ("startprob",), "t": ("transmat",)}

    def _emission(self, x: np.ndarray | None = None) -> Emission:
        """Return the emission; x is what it shall learn from, None outside of `fit`."""
        raise NotImplementedError

    # Parameters ---------------------------------------------------------------------------------

    @property
    def emission_(self) -> Emission:
        """The emission, with the settings of this model."""
        return self._emission()

    @property
    def params_(self) -> dict[str, np.ndarray]:
        """The parameters of the emission by their names, without the underscore."""
        return self.emission_params()

    def emission_params(self) -> dict[str, np.ndarray]:
        """Return the parameters of the emission by their names, without the underscore.

        Raises:
            InputError: some are not there yet.
        """
        return {name: self._get(name) for name in self._emission().kinds}

    def _get(self, name: str) -> np.ndarray:
        if not hasattr(self, name + "_"):
            raise InputError(f"{name}_ is not there yet: fit the model, or set it.")
        return np.asarray(getattr(self, name + "_"))

    def _check_settings(self) -> None:
        count = self.n_components
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise InputError(f"n_components is {count!r}; expected a whole number from 1 on.")
        if self.dtype not in ("float32", "float64"):
            raise InputError(f"dtype is {self.dtype!r}; expected 'float32' or 'float64'.")
        if self.dtype == "float64" and not holds_float64():
            raise InputError(
                "dtype is 'float64', and JAX holds only float32 as it is set. Call "
                'jax.config.update("jax_enable_x64", True) first, or take dtype="float32".'
            )
        letters = self._letters()
        for setting in ("params", "init_params"):
            unknown = sorted(set(getattr(self, setting)) - set(letters))
            if unknown:
                known = ", ".join(f"{letter} = {'+'.join(of)}" for letter, of in letters.items())
                raise InputError(
                    f"{setting} is {getattr(self, setting)!r}, and {unknown[0]!r} stands for no "
                    f"parameter. Known: {known}."
                )

    def _named_by(self, setting: str) -> frozenset[str]:
        letters = self._letters()
        return frozenset(name for letter in getattr(self, setting) for name in letters[letter])

    def _check(self, emission: Emission, parameters: Mapping[str, np.ndarray], width: int) -> None:
        check_chain(parameters["startprob"], parameters["transmat"], self.n_components)
        own = {name: parameters[name] for name in emission.kinds}
        check_emission(emission, own, self.n_components, width)

    # Learning -----------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        lengths: Any = None,
        *,
        mask: Any = None,
        states: Any = None,
        on_iteration: OnIteration | None = None,
    ) -> Self:
        """Learn the parameters by Baum-Welch.

        A sequence of which no step was observed, and no state is known, counts for nothing.

        Args:
            X: the sequences, in one of three forms.
            lengths: of the sequences, when X has all steps in a row.
            mask: `(B, T)`, true = a real step, when X is padded.
            states: known states in the form of X, -1 = not known.
            on_iteration: called as `on_iteration(iteration, parameters, log_likelihood)`, with the
                updated parameters by their names, and the log-likelihood of those before.

        Returns:
            The model itself.

        Raises:
            InputError: X or a setting that cannot be, or fewer observed steps than states.
        """
        self._check_settings()
        sequences = read(X, lengths, mask, states, self.n_components).informed()
        seen = sequences.observed
        if seen.sum() < self.n_components:
            raise InputError(
                f"X has {int(seen.sum())} observed steps, fewer than n_components="
                f"{self.n_components} states: give more data, or take fewer states."
            )
        emission = self._emission(sequences.x[seen])
        x = self._observations(emission, sequences, seen, None)
        width = sequences.x.shape[1]
        given = self._given(emission)
        first = first_parameters(
            emission,
            x[seen],
            self.n_components,
            max(self.n_init, 1),
            given,
            generator(self.random_state),
        )
        self._check(emission, {name: values[0] for name, values in first.items()}, width)
        training = Training(
            self._named_by("params"),
            self.startprob_prior,
            self.transmat_prior,
            self.n_iter,
            self.tol,
            self.dtype,
            self.verbose,
            on_iteration,
        )
        found = train(emission, sequences, x, seen, first, training)
        self._learned = {}
        for name, values in found.parameters.items():
            values = values.astype("float64")
            if name in ("startprob", "transmat") or emission.kinds[name] == "simplex":
                values /= values.sum(-1, keepdims=True)  # beyond float32's rounding
            self._learned[name] = values
            setattr(self, name + "_", values)
        self.history, self.converged_ = found.history, found.converged
        self.n_features_in_ = width
        warn_of_lost(found.lost)
        return self

    def _given(self, emission: Emission) -> dict[str, np.ndarray]:
        """Return the parameters that `fit` does not begin anew."""
        learned = getattr(self, "_learned", {})
        anew = self._named_by("init_params")
        given = {}
        for name in ("startprob", "transmat", *emission.kinds):
            value = getattr(self, name + "_", None)
            if value is not None and name not in anew:
                given[name] = np.asarray(value)
            elif value is not None and value is not learned.get(name):
                warnings.warn(
                    f"{name}_ was set, and fit begins it anew: take its letter out of "
                    f"init_params={self.init_params!r} to begin from what was set.",
                    UserWarning,
                    stacklevel=3,
                )
        return given

    # What the observations say ------------------------------------------------------------------

    def score(self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None) -> float:
        """Return the log-probability of all sequences, `sum_b log P(x_b)`.

        With `states`, it is that of the observations and of what is known of the states.

        Args:
            X: the sequences, in one of three forms.
            lengths: of the sequences, when X has all steps in a row.
            mask: `(B, T)`, true = a real step, when X is padded.
            states: known states in the form of X, -1 = not known.
        """
        return float(self.score_each(X, lengths, mask=mask, states=states).sum())

    def score_each(
        self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None
    ) -> np.ndarray:
        """Return the log-probability of each sequence, `log P(x_b)`, as `(B,)`.

        Arguments are those of `score`.
        """
        return self._run("score", X, lengths, mask, states)[1]

    def score_samples(
        self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None
    ) -> tuple[float, Any]:
        """Return the log-probability and the smoothed posteriors; see `score` and `smooth`."""
        given, each, results = self._run("smooth", X, lengths, mask, states)
        return float(each.sum()), given.restore(results)

    def smooth(self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None) -> Any:
        """Return `P(z_t | x_1..x_T)`, the posterior of each step given the whole sequence.

        Args:
            X: the sequences, in one of three forms.
            lengths: of the sequences, when X has all steps in a row.
            mask: `(B, T)`, true = a real step, when X is padded.
            states: known states in the form of X, -1 = not known.

        Returns:
            In the form of X, K numbers a step.
        """
        return self.score_samples(X, lengths, mask=mask, states=states)[1]

    def predict_proba(
        self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None
    ) -> Any:
        """Return the smoothed posteriors; see `smooth`."""
        return self.smooth(X, lengths, mask=mask, states=states)

    def filter(self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None) -> Any:
        """Return `P(z_t | x_1..x_t)`, the posterior of each step given no later one.

        Arguments and answer are those of `smooth`.
        """
        given, _, results = self._run("filter", X, lengths, mask, states)
        return given.restore(results)

    def fixed_lag(
        self, X: Any, lag: int, lengths: Any = None, *, mask: Any = None, states: Any = None
    ) -> Any:
        """Return `P(z_t | x_1..x_t+lag)`, the posterior given `lag` later steps.

        Arguments and answer are otherwise those of `smooth`.
        """
        if isinstance(lag, bool) or not isinstance(lag, int | np.integer) or lag < 0:
            raise InputError(f"lag is {lag!r}; expected a whole number of steps from 0 on.")
        given, _, results = self._run("fixed-lag", X, lengths, mask, states, int(lag))
        return given.restore(results)

    def decode(
        self,
        X: Any,
        lengths: Any = None,
        algorithm: str | None = None,
        *,
        mask: Any = None,
        states: Any = None,
    ) -> tuple[float, Any]:
        """Return a path of states and its log-probability, `log P(x, z)`.

        Args:
            X: the sequences, in one of three forms.
            lengths: of the sequences, when X has all steps in a row.
            algorithm: "viterbi", the most likely path, or "posterior" (or "map"), the most likely
                state of each step, whose path may be impossible; None = that of the model.
            mask: `(B, T)`, true = a real step, when X is padded.
            states: known states in the form of X, -1 = not known.

        Returns:
            The log-probability, and the states in the form of X.
        """
        algorithm = algorithm or self.algorithm
        if algorithm not in ALGORITHMS:
            raise InputError(
                f"algorithm is {algorithm!r}; expected one of {', '.join(map(repr, ALGORITHMS))}."
            )
        if algorithm == "viterbi":
            given, each, path = self._run("viterbi", X, lengths, mask, states)
            return float(each.sum()), given.restore(path, -1)
        given, _, posteriors = self._run("smooth", X, lengths, mask, states)
        path = given.restore(posteriors.argmax(-1).astype("int32"), -1)
        with warnings.catch_warnings():  # the pass before has named what is impossible
            warnings.simplefilter("ignore")
            return self.score(X, lengths, mask=mask, states=path), path

    def predict(self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None) -> Any:
        """Return the states in the form of X, by the model's `algorithm`; see `decode`."""
        return self.decode(X, lengths, mask=mask, states=states)[1]

    def stream(self) -> Stepper:
        """Return what takes live data in, one observation after the other.

        Example:
            >>> from rnnkit.hmm.estimators.models import CategoricalHMM
            >>> model = CategoricalHMM(2)
            >>> model.startprob_, model.transmat_ = [0.5, 0.5], [[0.7, 0.3], [0.3, 0.7]]
            >>> model.emissionprob_ = [[0.9, 0.1], [0.2, 0.8]]
            >>> live = model.stream()
            >>> [f"{live.step(0)[0]:.3f}" for day in range(2)]
            ['0.818', '0.883']
        """
        emission, same, model = self._ready(None)

        def prepare(x: Any) -> tuple[np.ndarray, bool]:
            sequences = read(np.reshape(np.asarray(x), (1, -1)))
            observed = sequences.observed
            return self._observations(emission, sequences, observed, self.emission_params()), bool(
                observed[0]
            )

        return Stepper(same, model, prepare)

    def aic(self, X: Any, lengths: Any = None, *, mask: Any = None) -> float:
        """Return Akaike's information criterion, `2 p - 2 log P(x)`: the lower the better."""
        sequences = read(X, lengths, mask)
        return 2 * self._count(sequences) - 2 * self.score(X, lengths, mask=mask)

    def bic(self, X: Any, lengths: Any = None, *, mask: Any = None) -> float:
        """Return the Bayesian information criterion, `p log N - 2 log P(x)`: the lower the better.

        N counts the observed steps.
        """
        sequences = read(X, lengths, mask)
        steps = np.log(max(sequences.observed.sum(), 1))
        return float(self._count(sequences) * steps - 2 * self.score(X, lengths, mask=mask))

    def sample(
        self, n_samples: int = 1, random_state: Any = None, currstate: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw a sequence from the model.

        Args:
            n_samples: its length.
            random_state: a seed or a generator; None = that of the model.
            currstate: the state of the first step; None = drawn.

        Returns:
            The observations `(N, D)` and the states `(N,)`.
        """
        emission, _, _ = self._ready(None)
        rng = generator(self.random_state if random_state is None else random_state)
        moves = np.cumsum(self._get("transmat").astype("float64"), -1)
        begin = np.cumsum(self._get("startprob").astype("float64"))
        draws = rng.random(n_samples)
        states = np.zeros(n_samples, int)
        for t, draw in enumerate(draws):
            shares = begin if t == 0 else moves[states[t - 1]]
            states[t] = min(np.searchsorted(shares, draw * shares[-1], "right"), len(begin) - 1)
            if t == 0 and currstate is not None:
                states[t] = currstate
        x = emission.sample(self.emission_params(), states, rng)
        return (x[:, None] if x.ndim == 1 else x), states

    # Inside -------------------------------------------------------------------------------------

    def _ready(self, width: int | None) -> tuple[Emission, Same, Model]:
        """Return the emission and the parameters as tensors, checked for D = width."""
        self._check_settings()
        emission = self._emission()
        names = ("startprob", "transmat", *emission.kinds)
        parameters = {name: self._get(name) for name in names}
        if width is None:
            check_chain(parameters["startprob"], parameters["transmat"], self.n_components)
        else:
            self._check(emission, parameters, width)
        model = to_model({name: value[None] for name, value in parameters.items()}, self.dtype)
        return emission, Same(emission), model

    def _observations(
        self,
        emission: Emission,
        sequences: Sequences,
        observed: np.ndarray,
        params: Mapping[str, np.ndarray] | None,
    ) -> np.ndarray:
        """Return the observations as the emission wants them, a valid one where there is none."""
        x = sequences.x
        if not observed.all():
            x = x[observed] if observed.any() else np.zeros((1, x.shape[1]))
        x = emission.check(x, params)
        if x.dtype.kind == "f":
            x = x.astype(self.dtype)
        if observed.all():
            return x
        full = np.empty((len(observed), *x.shape[1:]), x.dtype)
        full[~observed] = x[0]
        if observed.any():
            full[observed] = x
        return full

    def _run(
        self, what: str, X: Any, lengths: Any, mask: Any, states: Any, lag: int = 0
    ) -> tuple[Sequences, np.ndarray, Any]:
        """Run a pass over all blocks.

        Returns:
            The sequences, the log-probability of each `(B,)`, and what was found for each step
            `(N, ...)`.
        """
        sequences = read(X, lengths, mask, states, self.n_components)
        emission, same, model = self._ready(sequences.x.shape[1])
        seen = sequences.observed
        x = self._observations(emission, sequences, seen, self.emission_params())
        chunks = split(sequences, x, seen, self.n_components)
        way = inference.way(float(self._get("transmat").min()), self.dtype)
        run = block_pass(same, what, "log" if what == "viterbi" else way, lag)
        log_probs, results = [], []
        for chunk in chunks.blocks:
            found = run(model, to_block(chunk))
            log_probs.append(ops.convert_to_numpy(found["log_prob"])[0])
            if what != "score":
                steps = found["states" if what == "viterbi" else "posterior"]
                results.append(ops.convert_to_numpy(steps)[0])
        each = chunks.rows(log_probs).astype("float64")
        refuse_nan(each, emission)
        if not np.isfinite(each).all():
            self._warn(emission, model, chunks, each)
        return sequences, each, chunks.steps(results) if results else None

    def _warn(self, emission: Emission, model: Model, chunks: Chunks, each: np.ndarray) -> None:
        """Name the first observation that no state can explain."""
        sequence = int(np.flatnonzero(~np.isfinite(each))[0])
        chunk = next(chunk for chunk in chunks.blocks if sequence in chunk.rows)
        row = int(np.flatnonzero(chunk.rows == sequence)[0])
        step = first_impossible(emission, model, chunk, row)
        more = int((~np.isfinite(each)).sum()) - 1
        warnings.warn(
            f"Step {step} of sequence {sequence} is impossible in every state that can be reached"
            f"{f' (and {more} more sequences have such a step)' if more else ''}: the "
            "log-probability is -inf, and the posteriors go on as if it had not been observed.",
            UserWarning,
            stacklevel=4,
        )

    def _count(self, sequences: Sequences) -> int:
        """Count the free parameters: what is 0 in start and transitions stays 0 and is none."""
        free = int((self._get("startprob") > 0).sum()) - 1
        free += int((self._get("transmat") > 0).sum()) - self.n_components
        return free + self._emission().n_parameters(self.n_components, sequences.x.shape[1])
