"""Scan of a linear recurrence `h_t = a_t ⊙ h_{t-1} + b_t`, on any backend.

The step has no matrix product, so steps can be combined: two of them in a row are one of the
same form, `(a_1, b_1) then (a_2, b_2) = (a_1 a_2, a_2 b_1 + b_2)`. Which algorithm is fastest
depends on the device and on the overhead of an operation there
(`rnnkit.backend.kernels.select_scan_algorithm`). Every algorithm is exact for any `a`, zeros
included: none divides, none takes a logarithm.
"""

from __future__ import annotations

from typing import Any

from rnnkit.backend import native
from rnnkit.backend.portable import linear_scan as portable_scan
from rnnkit.deprecation import renamed_names

Tensor = Any


def linear_scan(a: Tensor, b: Tensor, h0: Tensor, *, reverse: bool = False) -> Tensor:
    """Return every state of `h_t = a_t ⊙ h_{t-1} + b_t`.

    The gradient is one scan in the other direction: `g_t = dh_t + a_{t+1} ⊙ g_{t+1}`, `db_t = g_t`,
    `da_t = g_t ⊙ h_{t-1}`, `dh_0 = a_1 ⊙ g_1`. It keeps only `a`, `h` and `h_0`.
    `a_t = 1, b_t = 0` leaves the state unchanged (a masked step), `a_t = 0` zeroes it (a reset).

    Args:
        a: `(B, T, U)`, the factors.
        b: `(B, T, U)`, the inputs.
        h0: `(B, U)`, the state before the first step.
        reverse: run from the last step to the first; `h` keeps the order of `b`.

    Returns:
        `(B, T, U)`, the state after every step.

    Source: Martin and Cundy 2018, Parallelizing Linear Recurrent Neural Nets, arXiv:1709.04057.

    Example:
        >>> from keras import ops
        >>> a, b = ops.full((1, 3, 1), 0.5), ops.ones((1, 3, 1))
        >>> [float(h) for h in linear_scan(a, b, ops.zeros((1, 1)))[0, :, 0]]
        [1.0, 1.5, 1.75]
    """
    if native.exporting(b):
        return portable_scan(a, b, h0, reverse=reverse)
    return native.linear_scan(a, b, h0, reverse=reverse)


__getattr__ = renamed_names(
    __name__,
    {
        "way": "rnnkit.backend.kernels:select_scan_algorithm",
        "portable": "rnnkit.backend.portable:linear_scan",
    },
)
