"""Inference in hidden Markov models by the operators of `markov.py`, and its gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from keras import ops
from torch import Tensor
from torch.autograd import Function

from rnnkit.backend.torch import markov  # noqa: F401  (defines the operators)
from rnnkit.backend.torch.double import reference_gradients
from rnnkit.backend.torch.loops import runs_in_numba

Loop = Callable[..., Sequence[Tensor | None]]


class HiddenMarkov:
    """Filtering, smoothing and decoding of one batch by loops in machine code.

    Args:
        log_pi, log_A, log_lik, mask: as in `rnnkit.hmm.inference`.
    """

    def __init__(self, log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Any) -> None:
        self.lead = torch.broadcast_shapes(log_pi.shape[:-1], log_A.shape[:-2], log_lik.shape[:-3])
        batch, steps, size = self.shape = log_lik.shape[-3:]
        self.log_pi = log_pi.expand(*self.lead, size).reshape(-1, size)
        self.log_A = log_A.expand(*self.lead, size, size).reshape(-1, size, size)
        self.log_lik = log_lik.expand(*self.lead, *self.shape).reshape(-1, steps, size)
        real = torch.ones(batch, steps, dtype=torch.bool) if mask is None else mask
        self.mask = ops.cast(ops.convert_to_tensor(real), "bool")

    @property
    def differentiable(self) -> bool:
        """Whether gradients of the results are asked for."""
        inputs = self.log_pi, self.log_A, self.log_lik
        return torch.is_grad_enabled() and any(part.requires_grad for part in inputs)

    def smooth(
        self,
        loop: Loop,
        *,
        scaled: bool,
        filtered: bool = True,
        smoothed: bool = True,
        transitions: bool = True,
    ) -> tuple[Tensor | None, ...]:
        """Return what `rnnkit.hmm.inference.smooth_each` returns, None where it is not asked for.

        Args:
            loop: computes the same, as a function of `log_pi`, `log_A`, `log_lik` and the mask: for
                gradients.
            scaled: messages are probabilities, else their logarithms.
            filtered: return the filtered posteriors.
            smoothed: smooth; without it, there are no first posteriors and no transitions.
            transitions: count expected transitions.
        """
        inputs = self.log_pi, self.log_A, self.log_lik
        options = self.mask, scaled, filtered, smoothed, transitions
        if self.differentiable:
            found = _Posteriors.apply(self._flat(loop), options, *inputs)
        else:
            found = torch.ops.rnnkit.hmm_smooth(*inputs, *options)
        batch, steps, size = self.shape
        tails = (steps,), (steps, size), (steps, size), (size,), (size, size)
        asked = True, filtered, smoothed, smoothed, smoothed and transitions
        results = [
            part.reshape(*self.lead, batch, *tail) if wanted else None
            for part, tail, wanted in zip(found, tails, asked, strict=True)
        ]
        return found[0].reshape(*self.lead, batch, steps).movedim(-1, 0), *results[1:]

    def states(self) -> tuple[Tensor, Tensor]:
        """Return what `rnnkit.hmm.inference.viterbi_each` returns, without gradients."""
        inputs = (part.detach() for part in (self.log_pi, self.log_A, self.log_lik))
        log_probs, states = torch.ops.rnnkit.hmm_viterbi(*inputs, self.mask)
        shape = *self.lead, *self.shape[:2]
        return log_probs.reshape(shape).movedim(-1, 0), states.reshape(shape)

    def _flat(self, loop: Loop) -> Loop:
        """Return the loop as a function of the operator's inputs, with the operator's outputs."""
        mask, (batch, *tail) = self.mask, self.shape

        def run(log_pi: Tensor, log_A: Tensor, log_lik: Tensor) -> list[Tensor | None]:
            log_lik = log_lik.reshape(len(log_pi), batch, *tail)
            found = loop(log_pi, log_A, log_lik, mask)
            flat = [None if part is None else part.flatten(0, 1) for part in found[1:]]
            flat.insert(0, torch.as_tensor(found[0]).movedim(0, -1).flatten(0, 1))
            return [*flat, *[None] * (5 - len(flat))]

        return run


class _Posteriors(Function):
    @staticmethod
    def forward(ctx: Any, loop: Loop, options: tuple, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.loop = loop
        ctx.save_for_backward(*inputs)
        ctx.set_materialize_grads(False)
        return torch.ops.rnnkit.hmm_smooth(*inputs, *options)

    @staticmethod
    def backward(ctx: Any, *d: Tensor | None) -> tuple[Tensor | None, ...]:
        wanted, again = ctx.needs_input_grad[2:], torch.is_grad_enabled()
        with torch.enable_grad():
            found = reference_gradients(ctx.loop, ctx.saved_tensors, wanted, d)
        return None, None, *(g if again or g is None else g.detach() for g in found)


def hidden_markov_chains(log_pi: Any, log_A: Any, log_lik: Any, mask: Any) -> HiddenMarkov | None:
    """Return a batch for loops in machine code; None where a loop of operations has to run."""
    log_pi, log_A, log_lik = map(ops.convert_to_tensor, (log_pi, log_A, log_lik))
    if not runs_in_numba("hidden_markov", log_pi, log_A, log_lik):
        return None
    return HiddenMarkov(log_pi, log_A, log_lik, mask)
