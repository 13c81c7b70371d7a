"""Linear recurrences on PyTorch: a loop in machine code, or a chunked scan of large operations."""

from __future__ import annotations

from typing import Any

import torch

from rnnkit.backend.kernels import select_scan_algorithm
from rnnkit.backend.torch.loops import run_rows, runs_in_numba

Tensor = Any

torch.library.define(
    "rnnkit::linear_scan", "(Tensor a, Tensor b, Tensor h0, bool reverse) -> Tensor"
)
torch.library.define(
    "rnnkit::linear_scan_gradient",
    "(Tensor a, Tensor h0, Tensor h, Tensor dh, bool reverse) -> (Tensor, Tensor, Tensor)",
)

CHUNK = 16
SHORT = 64  # up to this length a plain loop is as fast as chunks


def linear_scan(a: Tensor, b: Tensor, h0: Tensor, *, reverse: bool = False) -> Tensor:
    """Return every state of `h_t = a_t ⊙ h_{t-1} + b_t`; see `rnnkit.backend.linear`."""
    return _Scan.apply(a, b, h0, reverse)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
        if runs_in_numba("linear_scan", a, b, h0):
            h = torch.ops.rnnkit.linear_scan(a, b, h0, reverse)
        else:
            h = torch.empty_like(b)
            device = "cpu" if a.device.type == "cpu" else "gpu"
            chunked = select_scan_algorithm("torch", device, h0.numel()) == "chunked"
            (_chunks if chunked else _loop)(a, b, h0, h, reverse)
        ctx.save_for_backward(a, h, h0)
        ctx.reverse = reverse
        return h

    @staticmethod
    def backward(ctx: Any, dh: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        a, h, h0 = ctx.saved_tensors
        if not torch.is_grad_enabled() and runs_in_numba("linear_scan", a, h, h0, dh):
            return *torch.ops.rnnkit.linear_scan_gradient(a, h0, h, dh, ctx.reverse), None
        first = h0[:, None]
        none = torch.zeros_like(first)
        if ctx.reverse:
            later, before = torch.cat([none, a[:, :-1]], 1), torch.cat([h[:, 1:], first], 1)
        else:
            later, before = torch.cat([a[:, 1:], none], 1), torch.cat([first, h[:, :-1]], 1)
        g = linear_scan(later, dh, torch.zeros_like(h0), reverse=not ctx.reverse)
        end = -1 if ctx.reverse else 0
        return g * before, g, a[:, end] * g[:, end], None


@torch.library.impl("rnnkit::linear_scan", "CPU")
def _scan(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
    from rnnkit.backend.numba import recurrence  # Numba comes with the first loop

    h = torch.empty(b.shape, dtype=b.dtype)
    run_rows(recurrence.scan_rows, len(a), a.numel(), a, b, h0, reverse, h)
    return h


@torch.library.impl("rnnkit::linear_scan_gradient", "CPU")
def _scan_gradient(
    a: Tensor, h0: Tensor, h: Tensor, dh: Tensor, reverse: bool
) -> tuple[Tensor, Tensor, Tensor]:
    from rnnkit.backend.numba import recurrence

    found = [torch.empty(x.shape, dtype=x.dtype) for x in (a, h, h0)]
    given = (a, h0, h, dh, reverse, *found)
    run_rows(recurrence.scan_gradient_rows, len(a), a.numel(), *given)
    return found[0], found[1], found[2]


@torch.library.register_fake("rnnkit::linear_scan")
def _(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
    return b.new_empty(b.shape)


@torch.library.register_fake("rnnkit::linear_scan_gradient")
def _(a: Tensor, h0: Tensor, h: Tensor, dh: Tensor, reverse: bool) -> tuple[Tensor, Tensor, Tensor]:
    return a.new_empty(a.shape), h.new_empty(h.shape), h0.new_empty(h0.shape)


def _loop(a: Tensor, b: Tensor, h: Tensor, out: Tensor, reverse: bool) -> Tensor:
    """Write the states into `out` one step after the other; return the last one."""
    steps = list(zip(a.unbind(1), b.unbind(1), out.unbind(1), strict=True))
    for a_t, b_t, out_t in reversed(steps) if reverse else steps:
        h = torch.addcmul(b_t, a_t, h, out=out_t)
    return h


def _chunks(a: Tensor, b: Tensor, h: Tensor, out: Tensor, reverse: bool) -> Tensor:
    """Write the states into `out`, step k of all chunks at once; return the last one."""
    steps = a.shape[1]
    if steps <= SHORT:
        return _loop(a, b, h, out, reverse)
    whole = steps - steps % CHUNK  # the remainder goes step by step
    rest = a[:, whole:], b[:, whole:], out[:, whole:]
    if reverse:
        h = _loop(rest[0], rest[1], h, rest[2], reverse)
    columns = [x[:, :whole].unflatten(1, (-1, CHUNK)).unbind(2) for x in (a, b, out)]
    order = list(zip(*columns, strict=True))[:: -1 if reverse else 1]

    # Each chunk as one step of the same form: its end is factor * its start + end.
    factor, end = order[0][0].clone(), order[0][1].clone()
    for a_k, b_k, _ in order[1:]:
        factor.mul_(a_k)
        torch.addcmul(b_k, a_k, end, out=end)
    ends = torch.empty_like(end)
    last = _chunks(factor, end, h, ends, reverse)

    first = h[:, None]
    states = torch.cat([ends[:, 1:], first] if reverse else [first, ends[:, :-1]], 1)
    for a_k, b_k, out_k in order:
        states = torch.addcmul(b_k, a_k, states, out=out_k)
    return last if reverse else _loop(rest[0], rest[1], last, rest[2], reverse)
