"""Activation checkpointing of recurrent passes: store, recompute, or checkpoint every √T steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from keras import ops

from rnnkit.backend import native
from rnnkit.backend.portable import PassInputs
from rnnkit.deprecation import renamed_names
from rnnkit.errors import check_choice

Tensor = Any
Checkpointing = Literal["store", "recompute", "sqrt"]
CHECKPOINTING = get_args(Checkpointing)


def checkpointed(
    memory: str,
    run: Callable[..., tuple[Tensor | None, tuple]],
    inputs: PassInputs,
    states: tuple,
    params: Mapping[str, Tensor],
    *,
    reverse: bool,
    sequences: bool,
) -> tuple[Tensor | None, tuple]:
    """Run a pass over time with activation checkpointing.

    | memory | kept until the gradient | extra work |
    |---|---|---|
    | "store" | all activations that the gradient needs, of every step | none |
    | "recompute" | inputs and outputs; the gradient runs the pass again | one pass |
    | "sqrt" | the states after every √T-th step; √T steps run again at a time | one pass |

    Source: Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost, arXiv:1604.06174.

    Args:
        memory: "store", "recompute" or "sqrt".
        run: `(inputs, states, params) -> (outputs (B, T, U) or None, states)`.
        inputs: tensors `(B, T, ...)`; "sqrt" needs a mask.
        states: the states before the first step.
        params: tensors by name.
        reverse: the pass runs from the last step to the first.
        sequences: whether `run` returns outputs.

    Raises:
        InputError: an unknown choice.
    """
    check_choice("memory", memory, CHECKPOINTING)
    if memory == "store":
        return run(inputs, states, params)

    def run_flat(tensors: tuple, states: tuple, params: Mapping) -> tuple[Tensor | None, tuple]:
        return run(inputs.with_tensors(tensors), states, params)

    if memory == "recompute":
        return native.remat(run_flat, inputs.tensors(), states, params)
    total = ops.shape(inputs.x)[1]
    length = _ceil_sqrt(total)

    def by_scan(tensors: tuple, states: tuple, params: Mapping) -> tuple[Tensor | None, tuple]:
        chunks = tuple(_to_chunks(part, length) for part in tensors)

        def body(carry: tuple, chunk: tuple) -> tuple[tuple, Tensor | None]:
            outputs, new = native.remat(run_flat, chunk, carry, params)
            return tuple(new), outputs

        last, outputs = native.scan(body, tuple(states), chunks, reverse=reverse)
        return (None if outputs is None else _from_chunks(outputs)[:, :total]), last

    if native.static_shapes():  # XLA's gradient of the scan needs no other loop
        return by_scan(inputs.tensors(), states, params)
    flags = {"reverse": reverse, "sequences": sequences}
    return native.run_in_chunks(
        run_flat, by_scan, inputs.tensors(), states, params, length, **flags
    )


def _ceil_sqrt(total: Any) -> Any:
    """Return the smallest integer whose square is at least `total`; a tensor for a tensor."""
    if isinstance(total, int):
        return math.isqrt(max(total, 1) - 1) + 1
    return ops.cast(ops.ceil(ops.sqrt(ops.cast(ops.maximum(total, 1), "float32"))), "int32")


def _to_chunks(part: Tensor, length: Any) -> Tensor:
    """Reshape `(B, T, ...)`, padded with zeros, into chunks `(N, B, length, ...)`."""
    batch, total, *rest = ops.shape(part)
    count = (total + length - 1) // length
    filler = ops.zeros((batch, count * length - total, *rest), dtype=part.dtype)
    whole = ops.concatenate([part, filler], axis=1)
    return ops.swapaxes(ops.reshape(whole, (batch, count, length, *rest)), 0, 1)


def _from_chunks(chunks: Tensor) -> Tensor:
    """Reshape chunks `(N, B, length, U)` into `(B, N length, U)`."""
    count, batch, length, width = ops.shape(chunks)
    return ops.reshape(ops.swapaxes(chunks, 0, 1), (batch, count * length, width))


__getattr__ = renamed_names(__name__, {"spend": "checkpointed", "MEMORY": "CHECKPOINTING"})
