"""The E-step and the M-step of Baum-Welch, compiled once per emission and shape."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from keras import ops

from rnnkit.backend import native
from rnnkit.hmm import inference
from rnnkit.hmm.emissions.arithmetic import with_axes
from rnnkit.hmm.emissions.base import Emission, Tensor
from rnnkit.hmm.estimators.blocks import Block
from rnnkit.hmm.estimators.params import Params
from rnnkit.hmm.estimators.passes import over_block

# A state with fewer expected steps than this has no data: it keeps its parameters.
MIN_OCCUPANCY = 1e-6


class ExpectedCounts(NamedTuple):
    """Result of the E-step on one block."""

    log_prob: Tensor  # (R, B, P), the log-likelihood of each sequence in parts
    first: Tensor  # (R, K), the expected number of sequences that start in each state
    transitions: Tensor  # (R, K, K), the expected number of transitions
    weights: Tensor  # (R, B * T, K), the posterior of each step; 0 without an observation


@functools.lru_cache(maxsize=256)
def compiled_e_step(
    emission: Emission, numerics: inference.Numerics
) -> Callable[[Params, Block], ExpectedCounts]:
    """Return the compiled E-step of one block."""

    def run(params: Params, block: Block) -> ExpectedCounts:
        def infer(*inputs: Tensor) -> ExpectedCounts:
            log_prob, _, smoothed, first, transitions = inference.smooth_each(
                *inputs, numerics=numerics, transitions=True, filtered=False
            )
            weights = smoothed
            if not isinstance(block.observed, tuple):
                weights = smoothed * ops.cast(ops.expand_dims(block.observed, -1), smoothed.dtype)
            *restarts, _, _, states = weights.shape
            weights = ops.reshape(weights, (*restarts, -1, states))
            first, transitions = ops.sum(first, -2), ops.sum(transitions, -3)
            return ExpectedCounts(log_prob, first, transitions, weights)

        return ExpectedCounts(*over_block(emission, params, block, infer))

    return native.compiled(run)


@functools.lru_cache(maxsize=64)
def compiled_m_step(
    emission: Emission, update: frozenset[str], stateless: frozenset[str]
) -> Callable[..., tuple[Params, dict[str, Tensor]]]:
    """Return the compiled M-step of the parameters `update`; all states share the `stateless` ones.

    It maps `(params, x, counts of the blocks, priors, active restarts)` to the new parameters, and
    the occupancy of each state and the smallest transition probability.
    """

    def run(
        params: Params,
        x: Tensor,
        counts: Sequence[ExpectedCounts],
        priors: Mapping[str, Tensor],
        active: Tensor,
    ) -> tuple[Params, dict[str, Tensor]]:
        parts = [count.weights for count in counts]
        weights = parts[0] if len(parts) == 1 else ops.concatenate(parts, 1)
        occupancy = ops.sum(weights, 1)
        old = params.to_dict()
        new = dict(old)
        if "startprob" in update:
            first = sum(count.first for count in counts)
            new["startprob"] = _map_probabilities(old["startprob"], first, priors["startprob"])
        if "transmat" in update:
            moves = sum(count.transitions for count in counts)
            new["transmat"] = _map_probabilities(old["transmat"], moves, priors["transmat"])
        if update & set(params.emission):
            found = emission.m_step(params.emission, x, weights)
            for name, value in params.emission.items():
                if name in update:
                    occupied = with_axes(occupancy, value) > MIN_OCCUPANCY
                    kept = name in stateless
                    new[name] = found[name] if kept else ops.where(occupied, found[name], value)
        for name, value in new.items():
            new[name] = ops.where(with_axes(active, value), value, old[name])
        return Params.from_dict(new), {"occupancy": occupancy, "smallest": ops.min(new["transmat"])}

    return native.compiled(run)


def _map_probabilities(old: Tensor, counts: Tensor, prior: Tensor) -> Tensor:
    """MAP estimate under a Dirichlet prior; rows without counts and zeros stay as they were."""
    counts = ops.where(old > 0, ops.maximum(counts + prior - 1.0, 0.0), 0.0)
    total = ops.sum(counts, -1, keepdims=True)
    return ops.where(total > MIN_OCCUPANCY, counts / ops.maximum(total, MIN_OCCUPANCY), old)
