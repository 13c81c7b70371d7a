"""Inference over all sequences of a model, on NumPy arrays, one group of sequences at a time.

The log-likelihoods, messages and posteriors of a group are computed, used and forgotten while they
are in the cache of the processor; only what is returned is as long as the data. Threads share the
groups. See `layout.py` for the arrays of a group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rnnkit.backend.numba import group_emissions, group_smoothing, group_viterbi
from rnnkit.backend.numba.layout import LANES, LOG_ZERO, TERMS, WIDTH, Array
from rnnkit.backend.numba.threads import over_rows

MAX_ELEMENTS = 1 << 21  # of one array of a group, 16 MiB, if that leaves eight sequences


@dataclass(frozen=True)
class Table:
    """Log-probabilities of symbols: `symbols (N,)` in `table (R, V, K)`."""

    symbols: Array
    table: Array

    def write(self, restart: int, counts: Array, starts: Array, logs: Array) -> None:
        """Write the log-likelihoods of a group under the parameters of one restart."""
        group_emissions.look_up(counts, starts, self.symbols, self.table[restart], logs)


@dataclass(frozen=True)
class Diagonal:
    """Gaussians with diagonal covariances.

    Args:
        x: `(N, D)`.
        means: `(R, K, D)`.
        precisions: `(R, K, D)`, -1/2 of the inverse variances.
        constants: `(R, K)`, the log-densities at the means.
    """

    x: Array
    means: Array
    precisions: Array
    constants: Array

    def write(self, restart: int, counts: Array, starts: Array, logs: Array) -> None:
        """Write the log-likelihoods of a group under the parameters of one restart."""
        params = (part[restart] for part in (self.means, self.precisions, self.constants))
        work = np.empty((self.x.shape[1], logs.shape[2]))
        group_emissions.diagonal_densities(counts, starts, self.x, *params, work, logs)


class Smoothed(NamedTuple):
    """Result of smoothing.

    Args:
        log_prob: `(R, B)`.
        posteriors: `(R, N, K)`, or None.
        first: `(R, K)`, the expected number of sequences that start in each state, or None.
        transitions: `(R, K, K)`, the expected number of transitions, or None.
    """

    log_prob: Array
    posteriors: Array | None = None
    first: Array | None = None
    transitions: Array | None = None


class _Group(NamedTuple):
    """Some sequences, and memory for them."""

    restart: int
    place: int  # among the groups
    sequences: Array  # (L,), indices
    counts: Array  # (T,)
    starts: Array  # (L,)
    logs: Array  # (T, K filled up, L)
    messages: Array  # the same shape
    tops: Array  # (T, L)
    small: Array  # (2, K filled up, L), zeros
    totals: Array  # (2, L)


@dataclass(frozen=True)
class Models:
    """R hidden Markov models over the same B sequences of N steps.

    Args:
        startprob: `(R, K)`.
        transmat: `(R, K, K)`, from row to column.
        emission: of the observations.
        starts: `(B,)`, the first row of each sequence.
        lengths: `(B,)`, at least 1 each.
        observed: boolean `(N,)`, or None: all are.
        states: int32 `(N,)`, the known state or -1, or None: none is known.
        threads: the most threads.
    """

    startprob: Array
    transmat: Array
    emission: Table | Diagonal
    starts: Array
    lengths: Array
    observed: Array | None = None
    states: Array | None = None
    threads: int = 1

    def filter(self, dtype: str = "float32", *, posteriors: bool = True) -> Smoothed:
        """Return log-probabilities and `P(z_t | x_1..x_t)`; transitions must not be near zero."""
        return self._infer(dtype, posteriors=posteriors)

    def smooth(self, dtype: str = "float32", *, transitions: bool = False) -> Smoothed:
        """Return log-probabilities and `P(z_t | x_1..x_T)`; transitions must not be near zero."""
        return self._infer(dtype, backward=True, transitions=transitions)

    def decode(self) -> tuple[Array, Array]:
        """Return the log-probabilities of the most likely paths, `(R, B)`, and these, `(R, N)`."""
        restarts = len(self.startprob)
        log_pi, moves = _logarithms(self.startprob), _logarithms(self.transmat)
        leaving, entering = _filled(moves, -np.inf), _reversed(moves)
        log_prob = np.zeros((restarts, len(self.starts)))
        states = np.empty((restarts, int(self.lengths.sum())), np.int32)

        def run(group: _Group) -> None:
            r, found = group.restart, np.zeros(len(group.starts))
            known = group.logs, group.totals[0], group.messages
            group_viterbi.score_paths(group.counts, log_pi[r], leaving[r], *known)
            given = group.counts, group.starts, log_pi[r], entering[r], group.logs, group.messages
            group_viterbi.backtrack(*given, np.zeros(len(found), int), found, states[r])
            log_prob[r, group.sequences] = found

        self._over_groups(run)
        return log_prob, states

    def _infer(
        self,
        dtype: str,
        *,
        posteriors: bool = True,
        backward: bool = False,
        transitions: bool = False,
    ) -> Smoothed:
        restarts, size = self.startprob.shape
        log_pi = _logarithms(self.startprob)
        leaving, entering = _filled(self.transmat), _filled(_reversed(self.transmat))
        log_prob = np.empty((restarts, len(self.starts)))
        out = np.empty((restarts, int(self.lengths.sum()) * posteriors, size), dtype)
        counted = (restarts, len(self._members()) * transitions, size)
        first, pairs = np.zeros(counted), np.zeros((*counted, leaving.shape[1]))
        uncounted = pairs.reshape(-1, leaving.shape[1])[:0]

        def run(group: _Group) -> None:
            r, count, found = group.restart, len(group.starts), np.empty(len(group.starts))
            logs, posterior, totals = group.logs, group.messages, group.totals
            group_smoothing.condition_first(count, log_pi[r], logs, posterior, found)
            group_emissions.to_likelihoods(group.counts, size, logs, group.tops)
            given = leaving[r], logs, group.tops, totals, posterior, found
            group_smoothing.forward(group.counts, *given)
            log_prob[r, group.sequences] = found
            if backward:
                memory = logs, *group.small, totals, posterior
                into = pairs[r, group.place] if transitions else uncounted
                group_smoothing.backward(group.counts, entering[r], *memory, into)
            if posteriors:
                group_smoothing.write_posteriors(group.counts, group.starts, posterior, out[r])
            if transitions:
                first[r, group.place] = posterior[0, :size].sum(-1)

        self._over_groups(run)
        if not transitions:
            return Smoothed(log_prob, out if posteriors else None)
        moves = pairs.sum(1)[..., :size] * self.transmat
        return Smoothed(log_prob, out, first.sum(1), moves)

    def _members(self) -> list[Array]:
        """Return the sequences of each group, the longest first."""
        order, groups, begin = np.argsort(-self.lengths, kind="stable"), [], 0
        width = -(-self.startprob.shape[1] // TERMS) * TERMS
        while begin < len(order):
            elements = int(self.lengths[order[begin]]) * width  # of one sequence
            count = min(LANES, max(MAX_ELEMENTS // elements, WIDTH))
            groups.append(order[begin : begin + count])
            begin += count
        return groups

    def _over_groups(self, run: Callable[[_Group], None]) -> None:
        """Run a function on each group of each restart, with its log-likelihoods."""
        restarts, size = self.startprob.shape
        members, width = self._members(), -(-size // TERMS) * TERMS
        most = max(len(group) * int(self.lengths[group[0]]) for group in members)

        def loop(begin: int, stop: int) -> None:
            memory = np.empty((2, most * width))
            tops = np.empty(most)
            for number in range(begin, stop):
                place = number % len(members)
                group = self._group(number // len(members), place, members[place], memory, tops)
                run(group)

        operations = restarts * int(self.lengths.sum()) * (size + TERMS) ** 2
        over_rows(loop, restarts * len(members), operations, self.threads)

    def _group(
        self, restart: int, place: int, sequences: Array, memory: Array, tops: Array
    ) -> _Group:
        """Return a group with its log-likelihoods, in the memory of one thread."""
        size, lengths = self.startprob.shape[1], self.lengths[sequences]
        width, steps, count = -(-size // TERMS) * TERMS, int(lengths[0]), len(sequences)
        shape, cells = (steps, width, count), steps * width * count
        logs, messages = (part[:cells].reshape(shape) for part in memory)
        messages[:, size:] = 0.0
        ended = np.bincount(lengths, minlength=steps + 1)[:steps].cumsum()
        counts, starts = count - ended, self.starts[sequences]
        self.emission.write(restart, counts, starts, logs)
        if self.observed is not None or self.states is not None:
            observed, states = self.observed, self.states
            if observed is None:
                observed = np.ones(int(self.lengths.sum()), bool)
            if states is None:
                states = np.zeros(0, np.int32)
            group_emissions.set_known(counts, starts, observed, states, size, logs)
        tops = tops[: steps * count].reshape(steps, count)
        small, totals = np.zeros((2, width, count)), np.empty((2, count))
        found = restart, place, sequences, counts, starts, logs, messages, tops, small, totals
        return _Group(*found)


def _logarithms(probabilities: Array) -> Array:
    """Return logarithms of at least `LOG_ZERO`."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(probabilities), LOG_ZERO)


def _filled(matrices: Array, value: float = 0.0) -> Array:
    """Return `(R, K, K)` with rows filled up to a multiple of four, `(R, K filled up, K)`."""
    missing = -matrices.shape[1] % TERMS
    return np.pad(matrices, ((0, 0), (0, missing), (0, 0)), constant_values=value)


def _reversed(matrices: Array) -> Array:
    """Return transposed matrices, in that order in memory."""
    return np.ascontiguousarray(matrices.swapaxes(1, 2))
