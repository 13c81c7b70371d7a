"""Baum-Welch: expectation-maximisation over all sequences, with all restarts as one batch."""

from __future__ import annotations

import numbers
import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.hmm import inference
from rnnkit.hmm.emissions.base import Emission, Tensor
from rnnkit.hmm.estimators.em_steps import MIN_OCCUPANCY, compiled_m_step
from rnnkit.hmm.estimators.expectations import EStep
from rnnkit.hmm.estimators.params import Params
from rnnkit.hmm.estimators.shards import ShardedEStep
from rnnkit.progress import Bar

OnIteration = Callable[[int, dict[str, np.ndarray], float], None]
# Steps times states times restarts of one batch: its posteriors take 256 MiB in float32.
MAX_BATCH_ELEMENTS = 1 << 26


def restarts_at_once(steps: int, states: int, restarts: int) -> int:
    """Return how many restarts are one batch: as many as memory allows.

    >>> restarts_at_once(1000, 4, 10), restarts_at_once(10**7, 4, 10)
    (10, 1)
    """
    return min(max(MAX_BATCH_ELEMENTS // (steps * states), 1), restarts)


@dataclass(frozen=True)
class EMResult:
    """The best of the restarts."""

    params: Params  # without restarts
    history: list[float]  # log-likelihood before each iteration's update, without the priors
    converged: bool  # whether the tolerance was reached before the maximum number of iterations
    empty_states: list[int]  # without data in the last iteration


@dataclass(frozen=True)
class EM:
    """The Baum-Welch algorithm.

    With gamma and xi the posteriors of states and transitions under the current parameters:
    `pi_k ~ sum_b gamma_b1k + a_k - 1`, `A_ij ~ sum_bt xi_btij + a_ij - 1`, and the M-step of the
    emission with the weights gamma. Zeros among start and transition probabilities stay zero. A
    state without data keeps its parameters. The settings are those of the estimators.

    Attributes:
        emission: of the model.
        update: the names of the parameters to learn.
        on_iteration: called with the iteration, the parameters of the best restart after the
            update, and its log-likelihood before.
        restore: returns parameters of the emission in the units of the data.
        log_jacobian: what an observation's log-density loses on the way to these units.

    Source: Baum et al. 1970, A maximization technique occurring in the statistical analysis of
    probabilistic functions of Markov chains; Rabiner 1989, A Tutorial on Hidden Markov Models.
    """

    emission: Emission
    update: frozenset[str]
    startprob_prior: Any = 1.0
    transmat_prior: Any = 1.0
    n_iter: int = 100
    tol: float = 1e-3
    dtype: str = "float32"
    verbose: bool = False
    on_iteration: OnIteration | None = None
    restore: Callable[[Mapping[str, Any]], dict[str, np.ndarray]] = dict
    log_jacobian: float = 0.0

    def fit(self, e_step: EStep | ShardedEStep, params: Params, batch: int) -> EMResult:
        """Learn from every restart, some at once, and keep the best.

        Args:
            e_step: returns expected counts under parameters.
            params: the initial parameters, with restarts.
            batch: how many restarts at once.

        Raises:
            InputError: `n_iter` is less than 1, or the emission returns NaN.
        """
        if not isinstance(self.n_iter, numbers.Integral) or self.n_iter < 1:
            raise InputError(
                f"n_iter is {self.n_iter!r}; expected an integer: at least one iteration."
            )
        restarts, results = params.startprob.shape[0], []
        for start in range(0, restarts, batch):
            chosen = slice(start, start + batch)
            results.append(self._fit_batch(e_step, params.map(operator.itemgetter(chosen))))
        return max(results, key=lambda result: result.history[-1])

    def _fit_batch(self, e_step: EStep | ShardedEStep, first: Params) -> EMResult:
        """Iterate from several initial parameters as one batch, and keep the best."""
        params = native.tensors(first.map(lambda value: value.astype(self.dtype)))
        restarts, states = first.startprob.shape
        priors = self._priors(states)
        shared = _stateless(self.emission, states, e_step.features)
        m_step = compiled_m_step(self.emission, self.update, shared)
        active = np.ones(restarts, bool)
        histories: list[list[float]] = [[] for _ in range(restarts)]
        occupancy = np.ones((restarts, states))
        smallest = float(first.transmat.min())
        steps = e_step.steps
        jacobian = self.log_jacobian * steps
        with Bar("Baum-Welch", total=self.n_iter) as bar:
            for iteration in range(self.n_iter):
                numerics = inference.select_numerics(smallest, self.dtype)
                x, counts, inner = e_step(params, numerics)
                params, seen = m_step(params, x, counts, priors, native.tensors(active))
                found = inner - jacobian
                occupancy = ops.convert_to_numpy(seen["occupancy"])
                smallest = float(ops.convert_to_numpy(seen["smallest"]))
                for restart in np.flatnonzero(active):
                    history = histories[restart]
                    history.append(float(found[restart]))
                    if len(history) > 1:
                        size = max(abs(inner[restart]), steps)
                        active[restart] = not self._converged(history[-1] - history[-2], size)
                best = int(np.argmax([history[-1] for history in histories]))
                self._report(iteration, histories[best], params, best)
                bar.advance_to(iteration + 1)
                if not active.any():
                    break
        empty = np.flatnonzero(occupancy[best] < MIN_OCCUPANCY).tolist()
        return EMResult(_select(params, best), histories[best], not active[best], empty)

    def _converged(self, gain: float, size: float) -> bool:
        """Return whether a gain is below the tolerance, or too small to be told from rounding.

        Rounding moves a log-likelihood by about one unit in the last place for each step. A loss
        that is larger is no convergence. A negative tolerance asks for every iteration.

        Args:
            gain: in log-likelihood.
            size: the number of steps, or the log-likelihood itself if it is larger.
        """
        if self.tol < 0:
            return not gain >= self.tol
        rounding = float(np.finfo(self.dtype).eps) * size if np.isfinite(size) else 0.0
        return not abs(gain) > max(self.tol, rounding)  # true for NaN, too

    def _priors(self, states: int) -> dict[str, Tensor]:
        """Return the Dirichlet priors as tensors of their full shape."""
        found = {}
        for name, prior, shape in (
            ("startprob", self.startprob_prior, (states,)),
            ("transmat", self.transmat_prior, (states, states)),
        ):
            values = np.asarray(prior, self.dtype)
            if values.shape not in ((), shape, shape[1:]) or not (values >= 0).all():
                expected = f"one number or {shape}, none negative"
                raise InputError(f"{name}_prior has the shape {values.shape}; expected {expected}.")
            found[name] = native.tensors(np.broadcast_to(values, shape).copy())
        return found

    def _report(self, iteration: int, history: list[float], params: Params, best: int) -> None:
        """Print a line, and call `on_iteration`."""
        if self.verbose:
            gain = history[-1] - history[-2] if len(history) > 1 else float("nan")
            print(f"{iteration + 1:>10d} {history[-1]:>16.8f} {gain:>+16.8f}", file=sys.stderr)
        if self.on_iteration is not None:
            found = _select(params, best)
            found = found._replace(emission=self.restore(found.emission))
            self.on_iteration(iteration, found.to_dict(), history[-1])


def _stateless(emission: Emission, states: int, features: int) -> frozenset[str]:
    """Return the parameters whose shape does not depend on the number of states."""
    if type(emission).shapes is Emission.shapes:
        return frozenset()
    fewer, more = emission.shapes(states, features), emission.shapes(states + 1, features)
    return frozenset(name for name in fewer if fewer[name] == more[name])


def _select(params: Params, restart: int) -> Params:
    """Return the parameters of one restart as arrays."""
    return params.map(lambda value: ops.convert_to_numpy(value)[restart])
