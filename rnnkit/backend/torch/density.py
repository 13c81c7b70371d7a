"""Gaussians with diagonal covariances on PyTorch's CPU: one pass over memory for each result."""

from __future__ import annotations

import math
from typing import Any

import torch
from keras import ops
from torch import Tensor

from rnnkit.backend.torch.loops import run_rows, runs_in_numba
from rnnkit.backend.torch.markov import lay, lift

torch.library.define(
    "rnnkit::diagonal_density", "(Tensor x, Tensor means, Tensor covars) -> Tensor"
)
torch.library.define(
    "rnnkit::diagonal_scatter", "(Tensor x, Tensor means, Tensor weights) -> Tensor"
)
PART = 1024  # observations whose squares one thread adds up


def diagonal_density(x: Any, means: Any, covars: Any) -> Tensor | None:
    """Return `log N(x_n | mean_c, covariance_c)`, `(R, N, C)`, by a loop in machine code.

    None where operations have to compute it: for gradients, and where no such loop can run.

    Args:
        x: `(N, D)`.
        means: `(R, C, D)`.
        covars: `(R, C, D)`, the variances.
    """
    inputs = _for_loops(x, means, covars)
    return None if inputs is None else torch.ops.rnnkit.diagonal_density(*inputs)


def diagonal_scatter(x: Any, means: Any, weights: Any) -> Tensor | None:
    """Return `sum_n w_nc (x_n - mean_c)²`, `(R, C, D)`, or None; see `diagonal_density`.

    Args:
        x: `(N, D)`.
        means: `(R, C, D)`.
        weights: `(R, N, C)`.
    """
    inputs = _for_loops(x, means, weights)
    return None if inputs is None else torch.ops.rnnkit.diagonal_scatter(*inputs)


def _for_loops(*arguments: Any) -> list[Tensor] | None:
    """Return arguments as tensors, None where operations have to compute the result."""
    inputs = [ops.convert_to_tensor(argument) for argument in arguments]
    differentiable = torch.is_grad_enabled() and any(part.requires_grad for part in inputs)
    if differentiable or not runs_in_numba("hidden_markov", *inputs):
        return None
    return inputs


@torch.library.impl("rnnkit::diagonal_density", "CPU")
def _density(x: Tensor, means: Tensor, covars: Tensor) -> Tensor:
    from rnnkit.backend.numba import density

    variances = covars.detach().double()
    constants = -0.5 * (variances.log().sum(-1) + math.log(2 * math.pi) * x.shape[-1])
    restarts, components, _ = means.shape
    out = x.new_empty(restarts, len(x), components)
    work = torch.empty(len(x), 8, dtype=torch.float64)
    tables = lay(means.detach().mT, 0.0), lay((-0.5 / variances).mT, 0.0), lay(constants, 0.0)
    operations = out.numel() * (x.shape[1] + 1)
    run_rows(density.diagonal_rows, len(x), operations, x, *tables, work, out)
    return out


@torch.library.register_fake("rnnkit::diagonal_density")
def _(x: Tensor, means: Tensor, covars: Tensor) -> Tensor:
    return x.new_empty(means.shape[0], x.shape[0], means.shape[1])


@torch.library.impl("rnnkit::diagonal_scatter", "CPU")
def _scatter(x: Tensor, means: Tensor, weights: Tensor) -> Tensor:
    from rnnkit.backend.numba import density  # Numba comes with the first loop

    table = lay(means.detach().mT, 0.0)
    parts = -(-len(x) // PART)
    out = table.new_zeros(parts, *table.shape)
    operations = weights.numel() * x.shape[1]
    run_rows(density.scatter_rows, parts, operations, x, table, weights, PART, out)
    return lift(out.sum(0), means.shape[1], x.dtype).mT


@torch.library.register_fake("rnnkit::diagonal_scatter")
def _(x: Tensor, means: Tensor, weights: Tensor) -> Tensor:
    return x.new_empty(means.shape[0], means.shape[2], means.shape[1]).mT
