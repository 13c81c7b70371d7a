"""Norm and clipping of all gradients of a step, in few calls of PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def global_norm(gradients: Sequence[Tensor]) -> Tensor:
    """Return `sqrt(Σ_w ‖g_w‖²)`; see `rnnkit.backend.gradient.global_norm`.

    Example:
        >>> float(global_norm([torch.tensor([3.0]), torch.tensor([[4.0]])]))
        5.0
    """
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))


def clip_by_global_norm(gradients: Sequence[Tensor], limit: float, norm: Tensor) -> list[Tensor]:
    """Return gradients with their global norm limited, as Keras does, given that norm.

    Where there is nothing to clip, on a CPU, they are returned as they are: Keras multiplies them
    by 1 there. A norm that is not finite makes all of them NaN.

    Example:
        >>> clip_by_global_norm([torch.tensor([3.0, 4.0])], 1.0, torch.tensor(5.0))[0].tolist()
        [0.6000000238418579, 0.800000011920929]
    """
    if norm.device.type == "cpu" and float(norm) <= limit:
        return list(gradients)
    scale = limit * torch.clamp(1.0 / norm, max=1.0 / limit) + (norm - norm)
    return list(torch._foreach_mul(gradients, scale))
