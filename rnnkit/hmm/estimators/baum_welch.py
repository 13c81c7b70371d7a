"""Baum-Welch: expectation-maximisation, all sequences and all restarts at once."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.hmm import inference
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.estimators.chunks import Chunks
from rnnkit.hmm.estimators.passes import (
    Model,
    Same,
    block_pass,
    refuse_nan,
    to_block,
    to_model,
    to_numpy,
)
from rnnkit.progress import Bar

Tensor = Any
OnIteration = Callable[[int, dict[str, np.ndarray], float], None]
# A state that has fewer expected steps than this has lost all its data.
LOST = 1e-6


@dataclass(frozen=True)
class Training:
    """What Baum-Welch is told.

    Attributes:
        update: the names of what is learned, of "startprob", "transmat" and the emission's
            parameters; the others keep their first values.
        startprob_prior: Dirichlet, a number or `(K,)`.
        transmat_prior: Dirichlet for each row, a number or `(K, K)`.
        n_iter: the most iterations.
        tol: a restart is done when its log-likelihood gains less than this in an iteration.
        dtype: "float32" or "float64".
        verbose: print a line for each iteration to standard error.
        on_iteration: called with the iteration, the parameters of the best restart so far and
            the log-likelihood of those before the update.
    """

    update: frozenset[str]
    startprob_prior: Any = 1.0
    transmat_prior: Any = 1.0
    n_iter: int = 100
    tol: float = 1e-3
    dtype: str = "float32"
    verbose: bool = False
    on_iteration: OnIteration | None = None


@dataclass(frozen=True)
class Trained:
    """What Baum-Welch found: the best of the restarts.

    Attributes:
        parameters: `startprob`, `transmat` and the emission's, without restarts.
        history: the log-likelihood before each iteration's update, without the priors'.
        converged: whether the tolerance stopped it rather than the number of iterations.
        lost: the states that had no data in the last iteration.
    """

    parameters: dict[str, np.ndarray]
    history: list[float]
    converged: bool
    lost: list[int]


def baum_welch(
    emission: Emission, chunks: Chunks, first: Mapping[str, np.ndarray], training: Training
) -> Trained:
    """Learn the parameters from the sequences, from every start at once.

    With gamma and xi the posteriors of states and transitions under the parameters so far:
    `pi_k ~ sum_b gamma_b1k + a_k - 1`, `A_ij ~ sum_bt xi_btij + a_ij - 1`, and the emission's
    M-step with the weights gamma. What is zero in start and transitions stays zero. A state that
    loses all its data keeps its last parameters.

    Args:
        emission: the emission.
        chunks: the sequences, see `rnnkit.hmm.estimators.chunks.split`.
        first: `startprob` `(R, K)`, `transmat` `(R, K, K)` and the emission's parameters
            `(R, ...)`.
        training: how.

    Returns:
        `Trained`: the restart whose last log-likelihood is the highest.

    Raises:
        InputError: the emission answers NaN.

    Source: Baum et al. 1970, A maximization technique occurring in the statistical analysis of
    probabilistic functions of Markov chains; Rabiner 1989, A Tutorial on Hidden Markov Models.
    """
    same = Same(emission)
    model = native.tensors(to_model(first, training.dtype))
    restarts, states = first["startprob"].shape
    blocks = [native.tensors(to_block(chunk)) for chunk in chunks.blocks]
    xs = [block["x"] for block in blocks]
    x = xs[0] if len(xs) == 1 else ops.concatenate(xs)
    priors = {
        "startprob": _prior(training.startprob_prior, (states,), training.dtype, "startprob_prior"),
        "transmat": _prior(
            training.transmat_prior, (states, states), training.dtype, "transmat_prior"
        ),
    }
    update = m_step(same, training.update, _shared(emission, states, _features(xs[0])))
    active = np.ones(restarts, bool)
    histories: list[list[float]] = [[] for _ in range(restarts)]
    occupancy = np.ones((restarts, states))
    smallest = float(first["transmat"].min())
    with Bar("Baum-Welch", total=training.n_iter) as bar:
        for iteration in range(training.n_iter):
            count = block_pass(same, "count", inference.way(smallest, training.dtype))
            counts = [count(model, block) for block in blocks]
            model, seen = update(model, x, counts, priors, native.tensors(active))
            found = _log_likelihood(counts, chunks, emission)
            occupancy = ops.convert_to_numpy(seen["occupancy"])
            smallest = float(ops.convert_to_numpy(seen["smallest"]))
            for restart in np.flatnonzero(active):
                history = histories[restart]
                history.append(float(found[restart]))
                if len(history) > 1 and not history[-1] - history[-2] >= training.tol:
                    active[restart] = False
            best = int(np.argmax([history[-1] for history in histories]))
            _report(training, iteration, histories[best], model, best)
            bar.advance_to(iteration + 1)
            if not active.any():
                break
    best = int(np.argmax([history[-1] for history in histories]))
    lost = [int(state) for state in np.flatnonzero(occupancy[best] < LOST)]
    parameters = {name: value[best] for name, value in to_numpy(model).items()}
    return Trained(parameters, histories[best], not active[best], lost)


def warn_of_lost(lost: Sequence[int]) -> None:
    """Name the states that have no data."""
    if lost:
        names = ", ".join(str(state) for state in lost)
        warnings.warn(
            f"No data were left for state {names}: it keeps the parameters that it had last. "
            "Fit with fewer states (n_components), or from more starts (n_init).",
            UserWarning,
            stacklevel=3,
        )


@functools.lru_cache(maxsize=64)
def m_step(same: Same, update: frozenset[str], shared: frozenset[str]) -> Callable[..., Any]:
    """Return the compiled M-step `(model, x, counts, priors, active) -> model, what it saw`.

    Args:
        same: the emission.
        update: what is learned.
        shared: the emission's parameters that belong to no single state.
    """

    def run(
        model: Model,
        x: Tensor,
        counts: Sequence[Mapping[str, Tensor]],
        priors: Mapping[str, Tensor],
        active: Tensor,
    ) -> tuple[Model, dict[str, Tensor]]:
        weights = [count["weights"] for count in counts]
        weights = weights[0] if len(weights) == 1 else ops.concatenate(weights, 1)
        occupancy = ops.sum(weights, 1)
        new = dict(model)
        if "startprob" in update:
            first = sum(count["first"] for count in counts)
            new["startprob"] = _share(model["startprob"], first, priors["startprob"])
        if "transmat" in update:
            moves = sum(count["transitions"] for count in counts)
            new["transmat"] = _share(model["transmat"], moves, priors["transmat"])
        old = model["emission"]
        if update & set(old):
            found = same.emission.m_step(old, x, weights)
            new["emission"] = {
                name: _keep(value, found[name], occupancy, name in shared)
                if name in update
                else value
                for name, value in old.items()
            }
        new = {
            "startprob": _where(active, new["startprob"], model["startprob"]),
            "transmat": _where(active, new["transmat"], model["transmat"]),
            "emission": {
                name: _where(active, new["emission"][name], value) for name, value in old.items()
            },
        }
        return new, {"occupancy": occupancy, "smallest": ops.min(new["transmat"])}

    return native.compiled(run)


def _share(old: Tensor, counts: Tensor, prior: Tensor) -> Tensor:
    """Return counts as shares of their sum; where there are none, what was there before."""
    counts = ops.where(old > 0, ops.maximum(counts + prior - 1.0, 0.0), 0.0)
    total = ops.sum(counts, -1, keepdims=True)
    return ops.where(total > LOST, counts / ops.maximum(total, LOST), old)


def _keep(old: Tensor, new: Tensor, occupancy: Tensor, shared: bool) -> Tensor:
    """Return the new parameter, and the old one of the states that have no data."""
    if shared:
        return new
    seen = ops.reshape(occupancy, (*occupancy.shape, *([1] * (len(old.shape) - 2))))
    return ops.where(seen > LOST, new, old)


def _where(active: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """Return the new values of the restarts that go on."""
    return ops.where(ops.reshape(active, (-1, *([1] * (len(old.shape) - 1)))), new, old)


def _shared(emission: Emission, states: int, features: int) -> frozenset[str]:
    """Return the parameters whose shape does not depend on the number of states."""
    if type(emission).shapes is Emission.shapes:
        return frozenset()
    fewer, more = emission.shapes(states, features), emission.shapes(states + 1, features)
    return frozenset(name for name in fewer if fewer[name] == more[name])


def _features(x: Tensor) -> int:
    return int(x.shape[1]) if len(x.shape) > 1 else 1


def _prior(prior: Any, shape: tuple[int, ...], dtype: str, name: str) -> Tensor:
    """Return a Dirichlet prior in full."""
    values = np.asarray(prior, dtype)
    if values.shape not in ((), shape, shape[1:]) or not (values >= 0).all():
        raise InputError(
            f"{name} has the shape {values.shape}; expected one number or {shape}, none negative."
        )
    return native.tensors(np.broadcast_to(values, shape).copy())


def _log_likelihood(
    counts: Sequence[Mapping[str, Tensor]], chunks: Chunks, emission: Emission
) -> np.ndarray:
    """Return the log-likelihood of each restart, summed in float64."""
    total: Any = 0.0
    for count, chunk in zip(counts, chunks.blocks, strict=True):
        each = ops.convert_to_numpy(count["log_prob"])[:, : len(chunk.rows)]
        total = total + each.astype("float64").sum(1)
    refuse_nan(total, emission)
    return total


def _report(
    training: Training, iteration: int, history: list[float], model: Model, best: int
) -> None:
    """Tell whoever wants to know how the best restart does."""
    if training.verbose:
        gain = history[-1] - history[-2] if len(history) > 1 else float("nan")
        print(f"{iteration + 1:>10d} {history[-1]:>16.8f} {gain:>+16.8f}", file=sys.stderr)
    if training.on_iteration is not None:
        parameters = {name: value[best] for name, value in to_numpy(model).items()}
        training.on_iteration(iteration, parameters, history[-1])
