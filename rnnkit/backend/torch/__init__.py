"""PyTorch: whole-sequence kernels, loops with a gradient of their own, and the portable loop."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from rnnkit.backend.torch.feed import dense, feed, tensors
from rnnkit.backend.torch.recurrent import KERNELS
from rnnkit.backend.torch.scan import HOIST_INPUT_PROJECTION, scan
from rnnkit.backend.torch.table import add_rows, mix_rows, take_rows

__all__ = [
    "HOIST_INPUT_PROJECTION",
    "KERNELS",
    "add_rows",
    "compiled",
    "dense",
    "devices",
    "feed",
    "fixed_shapes",
    "mix_rows",
    "scan",
    "take_rows",
    "tensors",
]


def devices() -> list[str]:
    """Return the devices that PyTorch sees."""
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    return [*gpus, "cpu"]


def fixed_shapes() -> bool:
    """Tell whether the pass that is being traced is compiled for known shapes; here never."""
    return False


def compiled(function: Callable[..., Any], given_up: int = 0) -> Callable[..., Any]:
    """Return the function: PyTorch runs it op by op; see `backend.jax`."""
    del given_up  # what changes an argument in place does so in any case

    @functools.wraps(function)
    def run(*args: Any) -> Any:
        return function(*tensors(args))

    return run
