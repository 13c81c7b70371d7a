"""PyTorch adapter: whole-sequence kernels, packed loops with hand-written gradients, scan."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from rnnkit.backend.torch.feed import dense, feed, tensors
from rnnkit.backend.torch.gradient import gradient
from rnnkit.backend.torch.linear import linear_scan
from rnnkit.backend.torch.memory import remat
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
    "gradient",
    "linear_scan",
    "mix_rows",
    "remat",
    "scan",
    "static_shapes",
    "take_rows",
    "tensors",
]


def devices() -> list[str]:
    """Return the devices of PyTorch."""
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    return [*gpus, "cpu"]


def static_shapes() -> bool:
    """Return whether the current trace is compiled for static shapes; here never."""
    return False


def compiled(function: Callable[..., Any], donate: int = 0) -> Callable[..., Any]:
    """Return the function, run eagerly; see `backend.jax`."""
    del donate  # eager in-place operations need no donation

    @functools.wraps(function)
    def run(*args: Any) -> Any:
        return function(*tensors(args))

    return run
