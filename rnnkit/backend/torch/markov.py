"""Hidden Markov models on PyTorch's CPU: the loops of `rnnkit.backend.numba` as operators.

PyTorch prepares what has no order in time, the loops do the rest; see `numba/layout.py` for the
arrays that they share. Everything is computed in float64.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rnnkit.backend.numba.layout import IMPOSSIBLE, LOG_ZERO, WIDTH
from rnnkit.backend.torch.loops import run_rows

Tensors = tuple[Tensor, ...]

torch.library.define(
    "rnnkit::hmm_smooth",
    "(Tensor log_pi, Tensor log_A, Tensor log_lik, Tensor mask, bool scaled, bool filtered, "
    "bool smoothed, bool transitions) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)
torch.library.define(
    "rnnkit::hmm_viterbi",
    "(Tensor log_pi, Tensor log_A, Tensor log_lik, Tensor mask) -> (Tensor, Tensor)",
)


def lay(x: Tensor, filling: float) -> Tensor:
    """Return `(..., K)` as `(..., C, 8)` in float64, the last group filled up."""
    missing = -x.shape[-1] % WIDTH
    wide = functional.pad(x.double(), (0, missing), value=filling) if missing else x.double()
    return wide.contiguous().unflatten(-1, (-1, WIDTH))


def lift(x: Tensor, size: int, dtype: torch.dtype) -> Tensor:
    """Return `(..., C, 8)` as `(..., K)`: the inverse of `lay`."""
    return x.flatten(-2)[..., :size].to(dtype).contiguous()


def floored(logarithms: Tensor) -> Tensor:
    """Return logarithms with `LOG_ZERO` in place of -inf."""
    return logarithms.clamp(min=LOG_ZERO)


class Chain:
    """A batch of chains, as the loops need them.

    Args:
        log_pi: `(M, K)`.
        log_A: `(M, K, K)`.
        log_lik: `(M B, T, K)`.
        mask: boolean `(B, T)`.
    """

    def __init__(self, log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor) -> None:
        self.size, self.dtype, self.mask = log_lik.shape[-1], log_lik.dtype, mask.contiguous()
        self.rows, self.steps = log_lik.shape[:2]
        self.begins = mask.int().argmax(1)
        self.log_pi, self.logs = floored(log_pi.double()), floored(log_A.double()).contiguous()
        self.log_lik = log_lik.contiguous()
        repeats = self.rows // len(mask)
        self.real, self.begin = mask.repeat(repeats, 1), self.begins.repeat(repeats)
        self.row = torch.arange(self.rows)
        self.some = self.real[self.row, self.begin][:, None, None]  # the row has a real step

    def tables(self) -> Tensors:
        """Return the transition probabilities, from row to column and back, and their scale."""
        scale = self.logs.amax((1, 2))
        scale = torch.where(scale < IMPOSSIBLE, 0.0, scale)
        chances = (self.logs - scale[:, None, None]).exp()
        return lay(chances, 0.0), lay(chances.mT, 0.0), scale

    def per_row(self, of_models: Tensor) -> Tensor:
        """Return `(M, ...)` as `(M B, ...)`."""
        return of_models.repeat_interleave(len(self.mask), 0)

    def run(self, loop: Any, *arrays: Any) -> None:
        """Run a loop over all rows; see `run_rows`."""
        operations = self.rows * self.steps * (self.size + WIDTH) ** 2
        run_rows(loop, self.rows, operations, *arrays)


def _first(chain: Chain) -> Tensors:
    """Condition the start probabilities on the first real step of each row.

    It gives `log P(z_1 | x_1)`, `(R, C, 8)`, and `log P(x_1)`, `(R,)`.
    """
    predicted = lay(chain.per_row(chain.log_pi), LOG_ZERO)
    observed = floored(chain.log_lik[chain.row, chain.begin].double())
    joint = predicted + lay(observed, LOG_ZERO)
    impossible = joint.amax((1, 2)) < IMPOSSIBLE
    joint = torch.where(impossible[:, None, None], predicted, joint)
    total = joint.logsumexp((1, 2))
    return joint - total[:, None, None], torch.where(impossible, -torch.inf, total)


def _up_to_first(chain: Chain, before: Tensor, first: Tensor) -> Tensor:
    """Return `(R, T, C, 8)` with `before (R, C, 8)` before the first real step, `first` there."""
    found = first.new_empty(chain.rows, chain.steps, *first.shape[1:])
    if bool(chain.begins.any()):
        found[:] = before[:, None]
    found[chain.row, chain.begin] = torch.where(chain.some, first, before)
    return found


@torch.library.impl("rnnkit::hmm_smooth", "CPU")
def _smooth(
    log_pi: Tensor,
    log_A: Tensor,
    log_lik: Tensor,
    mask: Tensor,
    scaled: bool,
    filtered: bool,
    smoothed: bool,
    transitions: bool,
) -> Tensors:
    """Filter and smooth: log-probabilities of the steps, filtered, smoothed, first, transitions."""
    parts = (part.detach() for part in (log_pi, log_A, log_lik, mask))
    chain = Chain(*parts)
    tables = leaving, _, _ = chain.tables()
    log_first, log_prob = _first(chain)
    log_start = lay(chain.per_row(chain.log_pi.log_softmax(-1)), LOG_ZERO)
    run = _scaled if scaled else _logarithmic
    log_probs, posterior, both, pairs, exact = run(
        chain, tables, log_start, log_first, smoothed, transitions
    )
    log_probs[chain.row, chain.begin] = log_prob
    log_probs = torch.where(chain.real, log_probs, 0.0).to(chain.dtype)
    found = [log_lik.new_empty(0) for _ in range(4)]
    if filtered:
        found[0] = lift(posterior, chain.size, chain.dtype)
    if smoothed:
        found[1] = lift(both, chain.size, chain.dtype)
        found[2] = torch.where(chain.some[..., 0], found[1][chain.row, chain.begin], 0.0)
    if smoothed and transitions:
        found[3] = lift(pairs * chain.per_row(leaving) + exact, chain.size, chain.dtype)
    return log_probs, *found


def _work(chain: Chain, posterior: Tensor, smoothed: bool, transitions: bool) -> Tensors:
    """Return memory for the backward pass: messages, posteriors, two for expected transitions."""
    tail = posterior.shape[2:]
    rows = chain.rows if transitions else 0
    counts = posterior.new_zeros(2, rows, chain.size, *tail)
    messages = posterior.new_empty(chain.rows, 3, *tail)
    return messages, torch.empty_like(posterior) if smoothed else posterior[:0], *counts


def _scaled(
    chain: Chain,
    tables: Tensors,
    log_start: Tensor,
    log_first: Tensor,
    smoothed: bool,
    transitions: bool,
) -> Tensors:
    from rnnkit.backend.numba import scaled

    leaving, entering, scale = tables
    posterior = _up_to_first(chain, log_start.exp(), log_first.exp())
    seen, tops = torch.empty_like(posterior), posterior.new_empty(posterior.shape[:2])
    chain.run(scaled.likelihood_rows, chain.log_lik, seen, tops)
    totals = torch.ones_like(tops)
    chain.run(scaled.forward_rows, leaving, chain.mask, chain.begins, seen, posterior, totals)
    log_probs = totals.log_().add_(tops).add_(chain.per_row(scale)[:, None])
    work = _work(chain, posterior, smoothed, transitions)
    if smoothed:
        given = (entering, chain.mask, chain.begins, seen, posterior, *work[:3])
        chain.run(scaled.backward_rows, *given)
    return log_probs, posterior, *work[1:]


def _logarithmic(
    chain: Chain,
    tables: Tensors,
    log_start: Tensor,
    log_first: Tensor,
    smoothed: bool,
    transitions: bool,
) -> Tensors:
    from rnnkit.backend.numba import log_space

    leaving, entering, scale = tables
    log_posterior = _up_to_first(chain, log_start, log_first)
    posterior = _up_to_first(chain, log_start.exp(), log_first.exp())
    totals = torch.zeros(chain.rows, chain.steps, dtype=torch.float64)
    log_lik = lay(floored(chain.log_lik.double()), LOG_ZERO)  # a copy: the loop writes to it
    shared = chain.mask, chain.begins, log_lik, log_posterior, posterior
    chain.run(log_space.forward_rows, chain.logs, leaving, scale, *shared, totals)
    work = _work(chain, posterior, smoothed, transitions)
    if smoothed:
        chain.run(log_space.backward_rows, chain.logs, entering, scale, *shared, *work)
    return totals, posterior, *work[1:]


@torch.library.register_fake("rnnkit::hmm_smooth")
def _(
    log_pi: Tensor,
    log_A: Tensor,
    log_lik: Tensor,
    mask: Tensor,
    scaled: bool,
    filtered: bool,
    smoothed: bool,
    transitions: bool,
) -> Tensors:
    rows, steps, size = log_lik.shape
    none, pairs = log_lik.new_empty(0), log_lik.new_empty(rows, size, size)
    return (
        log_lik.new_empty(rows, steps),
        log_lik.new_empty(log_lik.shape) if filtered else none,
        log_lik.new_empty(log_lik.shape) if smoothed else none.clone(),
        log_lik.new_empty(rows, size) if smoothed else none.clone(),
        pairs if smoothed and transitions else none.clone(),
    )


@torch.library.impl("rnnkit::hmm_viterbi", "CPU")
def _viterbi(log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor) -> Tensors:
    """Decode: log-probabilities of the steps of the path, `(M B, T)`, and its states, int32."""
    from rnnkit.backend.numba import viterbi

    chain = Chain(*(part.detach() for part in (log_pi, log_A, log_lik, mask)))
    start = lay(chain.log_pi, LOG_ZERO)
    blocks = -(-chain.size // WIDTH)
    scores = start.new_empty(chain.rows, chain.steps, blocks, WIDTH)
    log_probs = torch.zeros(chain.rows, chain.steps, dtype=torch.float64)
    states = torch.zeros(chain.rows, chain.steps, dtype=torch.int32)
    leaving = lay(chain.logs, LOG_ZERO)
    shared = chain.mask, chain.begins, chain.log_lik, scores
    chain.run(viterbi.score_rows, start, leaving, *shared)
    chain.run(viterbi.backtrack_rows, start, chain.logs.mT.contiguous(), *shared, log_probs, states)
    return log_probs.to(chain.dtype), states


@torch.library.register_fake("rnnkit::hmm_viterbi")
def _(log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor) -> Tensors:
    rows, steps, _ = log_lik.shape
    return log_lik.new_empty(rows, steps), log_lik.new_empty(rows, steps, dtype=torch.int32)
