"""Gradients of a function of tensors, by `torch.autograd`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def gradient(function: Callable[..., Any]) -> Callable[..., tuple]:
    """Return a function that computes the gradients; see `rnnkit.backend.gradient`."""

    def gradients(*arguments: torch.Tensor) -> tuple:
        arguments = tuple(argument.detach().requires_grad_() for argument in arguments)
        with torch.enable_grad():
            value = function(*arguments)
        return torch.autograd.grad(value, arguments, materialize_grads=True)

    return gradients
