"""Linear recurrences `h_t = a_t ⊙ h_{t-1} + b_t`: the scan that runs, the rule, the portable twin.

The step has no matrix product, so steps can be taken together: two of them in a row are one of the
same form, `(a_1, b_1) then (a_2, b_2) = (a_1 a_2, a_2 b_1 + b_2)`. Which way pays depends on the
device and on what one operation costs there (`way`). Every way is exact for any `a`, zeros
included: none divides, none takes a logarithm.
"""

from __future__ import annotations

import importlib
from typing import Any

from keras import ops

from rnnkit import backend

Tensor = Any

WIDE = 8192  # B U from which one step of a loop is work enough for its own overhead


def way(backend: str, device: str, width: int = 0) -> str:
    """Say in which order the steps of a linear recurrence are taken.

    | backend | device | way |
    |---|---|---|
    | jax | cpu | "loop": XLA runs a step in a microsecond, in place |
    | jax | gpu | "associative": log2 T rounds, each over all steps at once |
    | torch | cpu | "loop" where B U > 8192, else "chunked": a Python step costs microseconds |
    | torch | gpu | "chunked": few operations, each over many steps |
    | tensorflow | any | "chunked": a step of a while_loop costs several operations |

    Args:
        backend: "jax", "tensorflow" or "torch".
        device: "cpu" or "gpu".
        width: B U, the numbers in one step.

    Returns:
        "loop": one step after the other; "chunked": the same step of all chunks of 8 or 16 steps
        at once, then the scan of the chunks' ends, then every step from its chunk's start;
        "associative": `jax.lax.associative_scan`.

    Source: measured on two CPU cores (docs, "Linear recurrences"); the GPU rows are reasoned, not
    measured. The chunks are those of Blelloch 1990, Prefix Sums and Their
    Applications.

    Example:
        >>> way("jax", "cpu"), way("torch", "cpu", width=50 * 50)
        ('loop', 'chunked')
    """
    if backend == "jax":
        return "loop" if device == "cpu" else "associative"
    if backend == "torch" and device == "cpu" and width > WIDE:
        return "loop"
    return "chunked"


def linear_scan(a: Tensor, b: Tensor, h0: Tensor, *, reverse: bool = False) -> Tensor:
    """Return every state of `h_t = a_t ⊙ h_{t-1} + b_t`, by the running backend's own scan.

    The gradient is one scan in the other direction: `g_t = dh_t + a_{t+1} ⊙ g_{t+1}`, `db_t = g_t`,
    `da_t = g_t ⊙ h_{t-1}`, `dh_0 = a_1 ⊙ g_1`. Nothing but `a`, `h` and `h_0` is kept for it.
    `a_t = 1, b_t = 0` leaves the state as it is (a masked step), `a_t = 0` forgets it (a reset).

    Args:
        a: `(B, T, U)`, the factors.
        b: `(B, T, U)`, the inputs.
        h0: `(B, U)`, the state before the first step.
        reverse: run from the last step to the first; `h` keeps the order of `b`.

    Returns:
        `(B, T, U)`, the state after every step.

    Source: Martin and Cundy 2018, Parallelizing Linear Recurrent Neural Nets, arXiv:1709.04057.

    Example:
        >>> a, b = ops.full((1, 3, 1), 0.5), ops.ones((1, 3, 1))
        >>> [float(h) for h in linear_scan(a, b, ops.zeros((1, 1)))[0, :, 0]]
        [1.0, 1.5, 1.75]
    """
    own = importlib.import_module(f"rnnkit.backend.{backend.name}.linear")
    return own.linear_scan(a, b, h0, reverse=reverse)


def portable(a: Tensor, b: Tensor, h0: Tensor, *, reverse: bool = False) -> Tensor:
    """Compute `linear_scan` one step at a time on the backend's `scan`: slow and obvious.

    Args:
        a: `(B, T, U)`, the factors.
        b: `(B, T, U)`, the inputs.
        h0: `(B, U)`, the state before the first step.
        reverse: run from the last step to the first.

    Returns:
        `(B, T, U)`, the state after every step.

    Example:
        >>> a, b = ops.full((1, 3, 1), 0.5), ops.ones((1, 3, 1))
        >>> [float(h) for h in portable(a, b, ops.zeros((1, 1)), reverse=True)[0, :, 0]]
        [1.75, 1.5, 1.0]
    """

    def step(carry: tuple, factors: tuple) -> tuple[tuple, Tensor]:
        (h,), (a_t, b_t) = carry, factors
        h = a_t * h + b_t
        return (h,), h

    steps = (ops.transpose(a, (1, 0, 2)), ops.transpose(b, (1, 0, 2)))
    _, states = backend.native.scan(step, (h0,), steps, reverse=reverse)
    return ops.transpose(states, (1, 0, 2))
