"""Which loops over time PyTorch runs in machine code: those of `rnnkit.backend.numba`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from rnnkit.backend.kernels import (
    Implementation,
    KernelRequest,
    choose,
    compiled_loop_unsupported_reason,
)
from rnnkit.backend.numba.available import missing


def _unsupported_reason(request: KernelRequest) -> str | None:
    return compiled_loop_unsupported_reason(request) or missing()


LOOPS = (
    Implementation(
        "numba", "one loop in machine code, compiled once by Numba", _unsupported_reason
    ),
)


def loop_threads() -> int:
    """Return the number of threads for loops on NumPy arrays: as many as PyTorch has."""
    return torch.get_num_threads()


def runs_in_numba(loop: str, *tensors: Tensor) -> bool:
    """Return whether the loop over these tensors is one in machine code.

    Example:
        >>> runs_in_numba("linear_scan", torch.zeros(1, dtype=torch.float16))
        False
    """
    if any(tensor.numel() == 0 for tensor in tensors):
        return False  # there is nothing to compute
    return choose(request_for(loop, *tensors), LOOPS) is not None


def run_rows(loop: Callable[..., None], rows: int, operations: int, *arrays: Any) -> None:
    """Run a loop over rows, by as many threads as PyTorch has.

    Args:
        loop: of `rnnkit.backend.numba`.
        rows: the number of rows.
        operations: of all rows together.
        *arrays: the arguments of the loop; tensors are given as the arrays that they lie in.
    """
    from rnnkit.backend.numba.threads import over_rows

    given = [x.detach().contiguous().numpy() if torch.is_tensor(x) else x for x in arrays]
    over_rows(loop, rows, operations, loop_threads(), *given)


def request_for(loop: str, *tensors: Tensor) -> KernelRequest:
    """Return the properties of a pass over tensors.

    Example:
        >>> request_for("linear_scan", torch.zeros(1, dtype=torch.float16)).dtype
        'float16'
    """
    device = next((t.device.type for t in tensors if t.device.type != "cpu"), "cpu")
    dtypes = {str(t.dtype).removeprefix("torch.") for t in tensors}
    return KernelRequest(
        loop,
        device="gpu" if device == "cuda" else device,
        dtype=" and ".join(sorted(dtypes)),
        transformed=_transformed(),
    )


def _transformed() -> bool:
    """Return whether operators would miss what is done to the tensors beside their values."""
    if exporting():
        return True
    if torch.compiler.is_compiling():
        return False
    functions = torch._C._are_functorch_transforms_active()
    return functions or forward_ad._current_level >= 0


def exporting(sequences: Any = None) -> bool:
    """Return whether a graph is traced for an export, which must run without rnnkit.

    That is `torch.export`, and `torch.jit.trace` as the exporter of ONNX files calls it.
    """
    del sequences
    return torch.compiler.is_exporting() or torch.jit.is_tracing()
