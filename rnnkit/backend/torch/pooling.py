"""Mean and maximum over the real steps, with a gradient of few passes over the steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from rnnkit.backend.torch.blocks import can_read


class _MeanMax(Function):
    """Mean and maximum of `(B, T, U)` over the real steps, zeros for a row without one.

    Of several equal maxima each gets the same part of the gradient, as on the other backends.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, count: Tensor, masked: Tensor, empty: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return both, given the numbers of real steps `(B, 1)`, the masked steps, empty rows."""
        x = _fill(x.clone(memory_format=torch.contiguous_format) if len(masked) else x, masked, 0.0)
        mean = x.sum(1) / count
        best = _fill(x, masked, -torch.inf).amax(1)
        hit = _fill(x == best.unsqueeze(1), masked, False)
        ctx.save_for_backward(hit, count, masked, empty)
        return mean, best.index_fill(0, empty, 0.0)

    @staticmethod
    def backward(ctx: Any, *d: Tensor) -> tuple[Tensor, None, None, None]:
        """Return the gradient by x, which can be differentiated again."""
        hit, count, masked, empty = ctx.saved_tensors
        hit = hit.to(d[1].dtype)
        d_best = d[1] / hit.sum(1).index_fill(0, empty, 1.0)
        d_x = torch.addcmul((d[0] / count).unsqueeze(1), hit, d_best.unsqueeze(1))
        return _fill(d_x, masked, 0.0), None, None, None


def _fill(x: Tensor, masked: Tensor, value: float) -> Tensor:
    """Write a value to the masked steps of `(B, T, U)`, which are few: a fill by index."""
    if len(masked):
        x.view(-1, x.shape[-1]).index_fill_(0, masked, value)
    return x


def mean_and_max(x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor] | None:
    """Return mean and maximum over the real steps; see `rnnkit.heads.MaskedPooling`.

    None where this is not faster or not exact: on a GPU, in half precision, in a traced graph.

    Example:
        >>> mask = torch.tensor([[True, True, False]])
        >>> [part.item() for part in mean_and_max(torch.tensor([[[1.0], [3.0], [9.0]]]), mask)]
        [2.0, 3.0]
    """
    if not can_read(x) or x.dtype not in (torch.float32, torch.float64):
        return None
    if mask is None:
        none = torch.empty(0, dtype=torch.long, device=x.device)
        return _MeanMax.apply(x, x.new_full((1, 1), float(x.shape[1])), none, none)
    real = mask.sum(1, keepdim=True)
    masked = mask.flatten().logical_not().nonzero().squeeze(1)
    empty = (real[:, 0] == 0).nonzero().squeeze(1)
    return _MeanMax.apply(x, real.clamp(min=1).to(x.dtype), masked, empty)
