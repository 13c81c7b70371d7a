"""Loops on NumPy arrays that serve every backend: those of `rnnkit.backend.numba.groups`.

An estimator gets arrays and returns arrays, and asks for no gradient: on a CPU it needs no tensor.
"""

from __future__ import annotations

import rnnkit.backend as current
from rnnkit.backend.kernels import Implementation, KernelRequest, choose, device_unsupported_reason
from rnnkit.backend.numba.available import missing


def _unsupported_reason(request: KernelRequest) -> str | None:
    return device_unsupported_reason(request) or missing()


ARRAY_LOOPS = (
    Implementation(
        "numba groups",
        "groups of sequences in NumPy arrays, by loops that Numba compiles once; where few "
        "sequences or transition probabilities near 0 rule them out, as a layer",
        _unsupported_reason,
    ),
)


def runs_on_arrays(dtype: str) -> bool:
    """Return whether the running backend's device leaves inference to loops on NumPy arrays.

    Example:
        >>> runs_on_arrays("float16")
        False
    """
    request = KernelRequest("hidden_markov", device=current.device(), dtype=dtype, arrays=True)
    return choose(request, ARRAY_LOOPS) is not None
