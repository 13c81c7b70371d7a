"""The base class of the estimators: fit, score, decode, sample."""

from __future__ import annotations

import inspect
import numbers
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator

from rnnkit.backend import device
from rnnkit.backend.kernels import KernelRequest, loop_request
from rnnkit.errors import InputError, check_choice, check_count
from rnnkit.hmm import inference
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.estimators.array_passes import has_loops
from rnnkit.hmm.estimators.blocks import Blocks, make_blocks
from rnnkit.hmm.estimators.coordinates import Coordinates, bounds_found
from rnnkit.hmm.estimators.em import EM, OnIteration, restarts_at_once
from rnnkit.hmm.estimators.expectations import EStep
from rnnkit.hmm.estimators.filter_export import write_filter
from rnnkit.hmm.estimators.params import (
    Params,
    check_chain,
    check_emission,
    initial_params,
    random_generator,
)
from rnnkit.hmm.estimators.passes import (
    Op,
    first_impossible,
    float64_enabled,
    prepare_observations,
    run_inference,
)
from rnnkit.hmm.estimators.sequences import Sequences, read_sequences
from rnnkit.hmm.estimators.shards import Map, ShardedEStep, Shards, read_shard
from rnnkit.hmm.estimators.streaming import StreamingFilter
from rnnkit.options import Option, Setting, described_args, with_args

ALGORITHMS = ("viterbi", "posterior", "map")


@dataclass(repr=False, eq=False)
class BaseHMM(BaseEstimator):
    """Abstract hidden Markov model with the interface of scikit-learn; subclasses add an emission.

    `P(x, z) = pi_z1 prod_t A_z(t),z(t+1) prod_t p(x_t | z_t)`

    X has one of three forms, and results have the form of X: a list of sequences `(T, D)`; a padded
    array `(B, T, D)` with `mask (B, T)`, true = real step, any pattern; or all steps in a row,
    `(N, D)`, with `lengths`. `states`, in the same form, gives known states, -1 = unknown. A step
    with a NaN is a missing observation: time passes. Masked steps get the posterior 0 and the
    state -1. An observation that no state can explain makes the log-probability -inf; the
    posteriors treat it as missing, and a warning names it.

    Args:
        n_components: K, the number of states.
        startprob_prior: Dirichlet prior of the start probabilities, a number or `(K,)`; 1 = none.
        transmat_prior: Dirichlet prior of each row of the transition matrix, a number or `(K, K)`.
        algorithm: of `predict`: "viterbi", the most likely path, or "posterior" (or "map"), the
            most likely state of each step.
        random_state: a seed, a generator of NumPy, or None.
        n_iter: the maximum number of iterations of Baum-Welch.
        tol: Baum-Welch stops when the log-likelihood changes by less than this in an iteration, or
            by no more than rounding does (1e-7 of it in float32); with less than 0, never.
        verbose: print iteration, log-likelihood and gain to standard error.
        params: the parameters that `fit` learns, by their letters: s startprob, t transmat, and
            those of the emission.
        init_params: the parameters that `fit` initialises; the others keep the values set before.
        n_init: the number of restarts; the best result is kept.
        dtype: "float32" or "float64".

    Attributes:
        startprob_: `(K,)`.
        transmat_: `(K, K)`, from row to column.
        history: the log-likelihood before each iteration's update, without the priors.
        converged_: whether Baum-Welch reached its tolerance, or the precision of `dtype`.
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

    _emission_type: ClassVar[Any] = Emission
    _emission_letters: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__doc__:  # list the shared settings in the docstring of each model
            doc = inspect.cleandoc(cls.__doc__)
            shared = described_args(inspect.cleandoc(BaseHMM.__doc__ or ""))
            missing = [name for name in shared if name not in described_args(doc)]
            more = [Setting(name, Any, Option(None, shared[name])) for name in missing]
            cls.__doc__ = with_args(doc, more)

    def _letters(self) -> dict[str, tuple[str, ...]]:
        """Return the letters of `params` -> the names of the parameters."""
        return {"s": ("startprob",), "t": ("transmat",), **self._emission_letters}

    def _emission(self, x: np.ndarray | None = None) -> Emission:
        """Return the emission, built from the settings of the same names; `x` is given by `fit`."""
        del x
        names = [field.name for field in fields(self._emission_type)]
        return self._emission_type(**{name: getattr(self, name) for name in names})

    # Parameters ---------------------------------------------------------------------------------

    @property
    def emission_(self) -> Emission:
        """The emission, built from the settings of this model."""
        return self._emission()

    @property
    def params_(self) -> dict[str, np.ndarray]:
        """The parameters of the emission by their names, without the underscore."""
        return self.emission_params()

    def emission_params(self) -> dict[str, np.ndarray]:
        """Return the parameters of the emission by their names; refuse one that is not set."""
        return {name: self._get(name) for name in self._emission().constraints}

    def _get(self, name: str) -> np.ndarray:
        if not hasattr(self, name + "_"):
            raise InputError(f"{name}_ is not set: fit the model, or set it.")
        return np.asarray(getattr(self, name + "_"))

    def _check_settings(self) -> None:
        check_count("n_components", self.n_components)
        check_choice("dtype", self.dtype, ("float32", "float64"))
        if self.dtype == "float64" and not float64_enabled():
            raise InputError(
                "dtype is 'float64', but JAX is configured for float32 only. Call "
                'jax.config.update("jax_enable_x64", True) first, or use dtype="float32".'
            )
        if not isinstance(self.tol, numbers.Real) or self.tol != self.tol:
            raise InputError(f"tol is {self.tol!r}; expected a number.")
        letters = self._letters()
        known = ", ".join(f"{letter} = {'+'.join(names)}" for letter, names in letters.items())
        for setting in ("params", "init_params"):
            given = getattr(self, setting)
            unknown = sorted(set(given) - set(letters))
            if unknown:
                raise InputError(
                    f"{setting} is {given!r}; {unknown[0]!r} is not the letter of a parameter. "
                    f"Known: {known}."
                )

    def _named_by(self, setting: str) -> frozenset[str]:
        letters = self._letters()
        return frozenset(name for letter in getattr(self, setting) for name in letters[letter])

    # Training -----------------------------------------------------------------------------------

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

        Sequences without any observed step or known state are ignored.

        Args:
            X: the sequences, in one of three forms.
            lengths: of the sequences, if X has all steps in a row.
            mask: `(B, T)`, true = real step, if X is padded.
            states: known states in the form of X, -1 = unknown.
            on_iteration: called as `on_iteration(iteration, parameters, log_likelihood)`, with the
                updated parameters by name, and the log-likelihood before the update.

        Returns:
            The fitted model.

        Raises:
            InputError: invalid X or settings, or fewer observed steps than states.
        """
        self._check_settings()
        sequences = read_sequences(X, lengths, mask, states, self.n_components)
        return self._baum_welch(sequences, None, on_iteration)

    def fit_shards(
        self,
        shards: Sequence[Any],
        *,
        map: Map = map,
        on_iteration: OnIteration | None = None,
    ) -> Self:
        """Learn the parameters by Baum-Welch from data in parts, which need not fit into memory.

        Each iteration runs the E-step on every shard, by `map`, and one M-step on the sums of all:
        the result is that of `fit` on all data from the same initial parameters. Parameters that
        are not set, and the units of the computation (so also the default of `min_covar`), come
        from the first shard: shuffle the sequences.

        A shard is the path of a `.npy` file with X or of a `.npz` file with arrays named as the
        arguments of `fit`; or X itself, or a mapping of these arguments; or a function that returns
        one of these. Each worker reads its shards anew in every iteration. From a shard come back a
        few numbers for each state; with mixtures and emissions of your own, which have no
        `summarize`, its observations and posteriors.

        Args:
            shards: one or more.
            map: called as `map(function, items)`; returns a result for each item, in order:
                the built-in one, or that of a `concurrent.futures` or Ray pool.
            on_iteration: as for `fit`.

        Returns:
            The fitted model.

        Raises:
            InputError: a shard is missing or does not fit the others, or one of the errors of
                `fit`.

        Example:
            >>> import numpy as np
            >>> from rnnkit.hmm import CategoricalHMM
            >>> x = np.array([0, 0, 1, 1, 1, 0, 0, 1])
            >>> whole, parts = (CategoricalHMM(2, random_state=0, n_features=2) for _ in range(2))
            >>> whole = whole.fit([x[:4], x[4:]])
            >>> parts = parts.fit_shards([[x[:4]], [x[4:]]])
            >>> np.allclose(whole.transmat_, parts.transmat_, atol=1e-5)
            True
        """
        self._check_settings()
        described = Shards.of(shards, map, self.n_components)
        first = read_shard(0, shards[0], self.n_components)
        return self._baum_welch(first, described, on_iteration)

    def _baum_welch(
        self, sequences: Sequences, shards: Shards | None, on_iteration: OnIteration | None
    ) -> Self:
        """Learn from sequences, or from shards of which the sequences are the first."""
        count, name = self.n_components, "X" if shards is None else "Shard 0"
        if sequences.unobserved_feature is not None:
            raise InputError(
                f"{sequences.unobserved_feature} of {name} is NaN at every step, so that no step "
                "is complete: leave the feature out, or fill it in."
            )
        if sequences.observed.sum() < count:
            raise InputError(
                f"{name} has {int(sequences.observed.sum())} observed steps, fewer than "
                f"n_components={count} states: give more data, or take fewer states."
            )
        sequences = sequences.drop_uninformative()
        seen = sequences.observed
        emission = self._emission(sequences.x[seen])
        observed = emission.check(sequences.x[seen])
        units = getattr(self, "_shared_units", None) or emission.units_of_data(observed)
        coordinates, width = Coordinates.of(emission, units), sequences.x.shape[1]
        x = prepare_observations(emission, sequences, None, self.dtype, coordinates.units)
        given, rng = self._given(emission), random_generator(self.random_state)
        own = {name: value for name, value in given.items() if name in emission.constraints}
        check_emission(emission, own, count, width)
        begin = {**given, **coordinates.standardize(own)}
        restarts = check_count("n_init", self.n_init)
        params = initial_params(coordinates, observed, count, restarts, begin, rng)
        first = params.map(lambda value: value[0])
        check_chain(first.startprob, first.transmat, count)
        check_emission(emission, first.emission, count, width)
        e_step: EStep | ShardedEStep
        if shards is None:
            batch = restarts_at_once(len(x), count, len(params.startprob))
            e_step = EStep(coordinates.inner, sequences, x, count * batch, self.dtype)
        else:
            batch = len(params.startprob)
            e_step = ShardedEStep(shards, coordinates, self.dtype)
        names = ("startprob_prior", "transmat_prior", "n_iter", "tol", "dtype", "verbose")
        settings = {name: getattr(self, name) for name in names}
        update = self._named_by("params")
        em = EM(
            coordinates.inner,
            update,
            on_iteration=on_iteration,
            restore=coordinates.restore,
            log_jacobian=coordinates.log_jacobian,
            **settings,
        )
        result = em.fit(e_step, params, batch)
        found = {**result.params.to_dict(), **coordinates.restore(result.params.emission)}
        found |= {name: value for name, value in given.items() if name not in update}
        self._learned = {}
        for name, values in found.items():
            values = np.array(values, "float64")
            if name in ("startprob", "transmat") or emission.constraints[name] == "simplex":
                values /= values.sum(-1, keepdims=True)  # sums of 1 in float64, too
            self._learned[name] = values
            setattr(self, name + "_", values.copy())  # it may be changed in place
        self.history, self.converged_ = result.history, result.converged
        self.n_features_in_ = width
        bounds = bounds_found(coordinates, result.params.emission, self.dtype)
        if bounds and "covars" in update:
            warnings.warn(bounds, stacklevel=2)
        if result.empty_states:
            warnings.warn(
                f"No data were left for state {', '.join(map(str, result.empty_states))}: it keeps "
                "its last parameters. Fit with a smaller n_components or a larger n_init.",
                stacklevel=2,
            )
        return self

    def _given(self, emission: Emission) -> dict[str, np.ndarray]:
        """Return the parameters that `fit` does not initialise."""
        learned = getattr(self, "_learned", {})
        anew = self._named_by("init_params")
        given = {}
        for name in ("startprob", "transmat", *emission.constraints):
            value = getattr(self, name + "_", None)
            if value is not None and name not in anew:
                given[name] = np.asarray(value)
            elif value is not None and not _same(value, learned.get(name)):
                warnings.warn(
                    f"{name}_ was set, but fit initialises it: remove its letter from "
                    f"init_params={self.init_params!r} to begin with the value set.",
                    stacklevel=3,
                )
        return given

    # Inference ----------------------------------------------------------------------------------

    def score(self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None) -> float:
        """Return the log-likelihood of all sequences, `sum_b log P(x_b)`; arguments as for `fit`.

        With `states`, it is the joint one of the observations and the known states.
        """
        return float(self.score_each(X, lengths, mask=mask, states=states).sum())

    def score_each(
        self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None
    ) -> np.ndarray:
        """Return the log-likelihood of each sequence, `log P(x_b)`, as `(B,)`; see `score`."""
        return self._run("score", X, lengths, mask, states)[1]

    def score_samples(
        self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None
    ) -> tuple[float, Any]:
        """Return the log-likelihood and the smoothed posteriors; see `score` and `smooth`."""
        given, each, results = self._run("smooth", X, lengths, mask, states)
        return float(each.sum()), given.restore(results)

    def smooth(self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None) -> Any:
        """Forward-backward: the posterior of each state given all steps, `P(z_t | x_1..x_T)`.

        Arguments are those of `fit`; the result has the form of X, K probabilities per step.
        """
        return self.score_samples(X, lengths, mask=mask, states=states)[1]

    def predict_proba(
        self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None
    ) -> Any:
        """Return the smoothed posteriors; see `smooth`."""
        return self.smooth(X, lengths, mask=mask, states=states)

    def filter(self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None) -> Any:
        """Filter: the posterior of each state given the past and present, `P(z_t | x_1..x_t)`.

        Arguments and result are those of `smooth`.
        """
        given, _, results = self._run("filter", X, lengths, mask, states)
        return given.restore(results)

    def fixed_lag(
        self, X: Any, lag: int, lengths: Any = None, *, mask: Any = None, states: Any = None
    ) -> Any:
        """Fixed-lag smoothing: the posterior given `lag` later steps, `P(z_t | x_1..x_t+lag)`.

        The other arguments and the result are those of `smooth`.
        """
        lag = check_count("lag", lag, least=0)
        given, _, results = self._run("fixed-lag", X, lengths, mask, states, lag)
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
        """Decode: return the log-probability `log P(x, z)` of a path, and its states in X's form.

        `algorithm` is "viterbi", the most likely path, or "posterior" (or "map"), the most likely
        state of each step, which may be an impossible path; None = that of the model. The other
        arguments are those of `fit`.
        """
        algorithm = check_choice("algorithm", algorithm or self.algorithm, ALGORITHMS)
        if algorithm == "viterbi":
            given, each, path = self._run("viterbi", X, lengths, mask, states)
            return float(each.sum()), given.restore(path, -1)
        given, _, posteriors = self._run("smooth", X, lengths, mask, states)
        path = given.restore(posteriors.argmax(-1).astype("int32"), -1)
        with warnings.catch_warnings():  # the posteriors gave the same warning
            warnings.simplefilter("ignore")
            return self.score(X, lengths, mask=mask, states=path), path

    def predict(self, X: Any, lengths: Any = None, *, mask: Any = None, states: Any = None) -> Any:
        """Return the states in the form of X, by the model's `algorithm`; see `decode`."""
        return self.decode(X, lengths, mask=mask, states=states)[1]

    def stream(self) -> StreamingFilter:
        """Return an online filter for live data, which takes one observation at a time.

        Example:
            >>> from rnnkit.hmm.estimators.models import CategoricalHMM
            >>> model = CategoricalHMM(2)
            >>> model.startprob_, model.transmat_ = [0.5, 0.5], [[0.7, 0.3], [0.3, 0.7]]
            >>> model.emissionprob_ = [[0.9, 0.1], [0.2, 0.8]]
            >>> live = model.stream()
            >>> [f"{live.step(0)[0]:.3f}" for day in range(2)]
            ['0.818', '0.883']
        """
        coordinates, params = self._checked_params()
        emission, own = coordinates.emission, self.emission_params()

        def prepare(x: Any) -> tuple[np.ndarray, bool]:
            sequences = read_sequences(np.reshape(np.asarray(x), (1, -1)))
            prepared = prepare_observations(emission, sequences, own, self.dtype, coordinates.units)
            return prepared, bool(sequences.observed[0])

        inner = coordinates.inner.density()
        return StreamingFilter(inner, params, prepare, coordinates.log_jacobian)

    def export_filter(self, path: str | os.PathLike[str]) -> None:
        """Write the online filter as an ONNX model, which other programs run step by step.

        | name | dtype, shape | what |
        |---|---|---|
        | `x` | float64 `(B, D)` | observations of B sequences; NaN = missing |
        | | int64 `(B,)` | the same of a `CategoricalHMM`: symbols; -1 = missing |
        | `state` | float64 `(B, K)` | `posterior` of the step before; zeros begin a sequence |
        | `posterior` | float64 `(B, K)` | of the states, given all observations so far |
        | `log_prob` | float64 `(B,)` | of `x`, given those before; -inf = impossible |

        Before the file gets its name, it is run on a sampled sequence and compared with `stream`,
        up to 1e-5.

        Raises:
            InputError: an emission of your own, a name that does not end in ".onnx", an answer that
                differs; onnx or onnxruntime are not installed (`pip install "rnnkit[onnx]"`).
            DiskError: the file cannot be written.

        Example:
            >>> model.export_filter("regimes.onnx")  # doctest: +SKIP
        """
        write_filter(self, path)

    def aic(self, X: Any, lengths: Any = None, *, mask: Any = None) -> float:
        """Return Akaike's information criterion, `2 p - 2 log P(x)`: lower is better."""
        sequences = read_sequences(X, lengths, mask)
        return 2 * self._count_parameters(sequences) - 2 * self.score(X, lengths, mask=mask)

    def bic(self, X: Any, lengths: Any = None, *, mask: Any = None) -> float:
        """Return the Bayesian criterion `p log N - 2 log P(x)`, N observed steps, as for `aic`."""
        sequences = read_sequences(X, lengths, mask)
        penalty = self._count_parameters(sequences) * np.log(max(sequences.observed.sum(), 1))
        return float(penalty - 2 * self.score(X, lengths, mask=mask))

    def sample(
        self, n_samples: int = 1, random_state: Any = None, currstate: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sample a sequence from the model: observations `(N, D)` and states `(N,)`.

        Args:
            n_samples: the length of the sequence.
            random_state: a seed or a generator; None = that of the model.
            currstate: the state of the first step; None = drawn.
        """
        n_samples = check_count("n_samples", n_samples)
        if currstate is not None and check_count("currstate", currstate, 0) >= self.n_components:
            raise InputError(
                f"currstate is {currstate}; the states go from 0 to {self.n_components - 1}."
            )
        emission = self._checked_params()[0].emission
        rng = random_generator(self.random_state if random_state is None else random_state)
        moves = np.cumsum(self._get("transmat").astype("float64"), -1)
        begin = np.cumsum(self._get("startprob").astype("float64"))
        draws = rng.random(n_samples)
        states = np.zeros(n_samples, int)
        for t, draw in enumerate(draws):
            ends = begin if t == 0 else moves[states[t - 1]]  # cumulative probabilities
            states[t] = min(np.searchsorted(ends, draw * ends[-1], "right"), len(begin) - 1)
            if t == 0 and currstate is not None:
                states[t] = currstate
        x = emission.sample(self.emission_params(), states, rng)
        return (x[:, None] if x.ndim == 1 else x), states

    def kernel_request(self, **flags: bool) -> KernelRequest:
        """Return the properties of a pass; see `rnnkit.backend.explain_kernels`."""
        arrays = has_loops(self._emission())
        return loop_request("hidden_markov", device(), str(self.dtype), **flags, arrays=arrays)

    # Internals ----------------------------------------------------------------------------------

    def _checked_params(self, width: int | None = None) -> tuple[Coordinates, Params]:
        """Return the emission in its units, and the parameters there as one restart, checked.

        `width` is D of the observations; None = that of the parameters.
        """
        self._check_settings()
        emission = self._emission()
        params = Params(self._get("startprob"), self._get("transmat"), self.emission_params())
        own = dict(params.emission)
        check_chain(params.startprob, params.transmat, self.n_components)
        check_emission(emission, own, self.n_components, width)
        coordinates = Coordinates.of(emission, emission.units_of_params(own))
        own = coordinates.checked_for_dtype(coordinates.standardize(own), self.dtype)
        params = params._replace(emission=own)
        return coordinates, params.map(lambda value: value[None].astype(self.dtype))

    def _run(
        self, op: Op, X: Any, lengths: Any, mask: Any, states: Any, lag: int = 0
    ) -> tuple[Sequences, np.ndarray, Any]:
        """Return the sequences, the log-probability of each, and the result of each step."""
        sequences = read_sequences(X, lengths, mask, states, self.n_components)
        if sequences.unobserved_feature is not None and len(sequences.x) > 1:
            warnings.warn(
                f"{sequences.unobserved_feature} of X is NaN at every step: all observations count "
                "as missing, and the answer does not depend on them.",
                stacklevel=4,
            )
        coordinates, params = self._checked_params(sequences.x.shape[1])
        emission, own = coordinates.emission, self.emission_params()
        x = prepare_observations(emission, sequences, own, self.dtype, coordinates.units)
        # Viterbi knows no numerics: "log" saves a second compilation.
        smallest = None if op == "viterbi" else float(self._get("transmat").min())
        numerics = inference.select_numerics(smallest, self.dtype)
        inner = coordinates.inner.density()
        each, results = run_inference(inner, params, sequences, x, op, numerics, lag)
        if not np.isfinite(each).all():
            blocks = make_blocks(sequences, x, sequences.observed, self.n_components)
            self._warn_impossible(inner, params, blocks, each)
        observed = np.add.reduceat(sequences.observed.astype("int64"), sequences.starts)
        return sequences, each - coordinates.log_jacobian * observed, results

    def _warn_impossible(
        self, emission: Emission, params: Params, blocks: Blocks, each: np.ndarray
    ) -> None:
        """Warn about the first observation that no state can explain."""
        sequence = int(np.flatnonzero(~np.isfinite(each))[0])
        number = next(i for i, rows in enumerate(blocks.rows) if sequence in rows)
        row = int(np.flatnonzero(blocks.rows[number] == sequence)[0])
        step = first_impossible(emission, params, blocks.blocks[number], row)
        more = int((~np.isfinite(each)).sum()) - 1
        others = f" (and {more} more sequences have such a step)" if more else ""
        warnings.warn(
            f"Step {step} of sequence {sequence} is impossible in every reachable state{others}: "
            "the log-probability is -inf, and the posteriors treat the observation as missing.",
            stacklevel=4,
        )

    def _count_parameters(self, sequences: Sequences) -> int:
        """Count the free parameters; zeros among start and transition probabilities are fixed."""
        free = int((self._get("startprob") > 0).sum()) - 1
        free += int((self._get("transmat") > 0).sum()) - self.n_components
        return free + self._emission().n_parameters(self.n_components, sequences.x.shape[1])


def _same(value: Any, learned: np.ndarray | None) -> bool:
    """Return whether a parameter is still what `fit` learned; copies of files are new objects."""
    return learned is not None and np.array_equal(np.asarray(value), learned)
