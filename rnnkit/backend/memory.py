"""What a pass keeps for its gradient: all of it, nothing, or a state every √T steps."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from typing import Any

from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError

Tensor = Any
MEMORY = ("store", "recompute", "sqrt")

_remat = importlib.import_module(f"{native.__name__}.memory").remat


def spend(
    memory: str,
    run: Callable[..., tuple[Tensor | None, tuple]],
    steps: Mapping[str, Tensor],
    states: tuple,
    params: Mapping[str, Tensor],
    *,
    reverse: bool,
) -> tuple[Tensor | None, tuple]:
    """Run a pass over time and keep for its gradient what `memory` says.

    | memory | kept until the gradient | extra work |
    |---|---|---|
    | "store" | everything the gradient needs, of every step | none |
    | "recompute" | inputs and outputs; the pass runs again when its gradient is wanted | one pass |
    | "sqrt" | the states after every √T-th step; √T steps run again at a time | one pass |

    Source: Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost, arXiv:1604.06174.

    Args:
        memory: "store", "recompute" or "sqrt".
        run: `(steps, states, params) -> (outputs (B, T, U) or None, states)`.
        steps: tensors `(B, T, ...)` by name; with "sqrt" it needs a "mask".
        states: the states before the first step.
        params: tensors by name.
        reverse: the pass runs from the last step to the first.

    Returns:
        What `run` returns.

    Raises:
        InputError: another word.
    """
    if memory not in MEMORY:
        raise InputError(f"memory is {memory!r}; expected one of {MEMORY}.")
    if memory == "store":
        return run(steps, states, params)
    if memory == "recompute":
        return _remat(run, steps, states, params)
    total = ops.shape(steps["x"])[1]
    length = _ceil_sqrt(total)
    chunks = {name: _cut(part, length) for name, part in steps.items()}

    def body(carry: tuple, chunk: tuple) -> tuple[tuple, Tensor | None]:
        outputs, new = _remat(run, dict(zip(chunks, chunk, strict=True)), carry, params)
        return tuple(new), outputs

    last, outputs = native.scan(body, tuple(states), tuple(chunks.values()), reverse=reverse)
    if outputs is None:
        return None, last
    return _join(outputs)[:, :total], last


def _ceil_sqrt(total: Any) -> Any:
    """Return the smallest whole number whose square is at least `total`; a tensor for a tensor."""
    if isinstance(total, int):
        return math.isqrt(max(total, 1) - 1) + 1
    return ops.cast(ops.ceil(ops.sqrt(ops.cast(ops.maximum(total, 1), "float32"))), "int32")


def _cut(part: Tensor, length: Any) -> Tensor:
    """Cut `(B, T, ...)` into chunks `(N, B, length, ...)`; what is missing is filled with zeros."""
    batch, total, *rest = ops.shape(part)
    count = (total + length - 1) // length
    filler = ops.zeros((batch, count * length - total, *rest), dtype=part.dtype)
    whole = ops.concatenate([part, filler], axis=1)
    return ops.swapaxes(ops.reshape(whole, (batch, count, length, *rest)), 0, 1)


def _join(chunks: Tensor) -> Tensor:
    """Put chunks `(N, B, length, U)` side by side: `(B, N length, U)`."""
    count, batch, length, width = ops.shape(chunks)
    return ops.reshape(ops.swapaxes(chunks, 0, 1), (batch, count * length, width))
