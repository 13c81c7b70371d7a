"""The slow, obvious twin of every kernel, on `keras.ops` and the backend's `scan`.

Each fast kernel is tested against the function here of the same meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from rnnkit.backend import native

Tensor = Any
Step = Callable[[Tensor, tuple], tuple]


def recurrence(
    step: Step,
    project: Callable[[Tensor], Tensor],
    inputs: Tensor,
    states: tuple,
    *,
    mask: Tensor | None = None,
    reverse: bool = False,
    unroll: bool = False,
    sequences: bool = True,
) -> tuple[Tensor | None, tuple]:
    """Run a recurrence over time, for any mask.

    `s_t = step(project(x_t), s_{t-1})` where `mask[:, t]` is true, `s_t = s_{t-1}` elsewhere.

    Args:
        step: `(projected (B, P), states) -> states`, the equations of one step.
        project: `(..., D) -> (..., P)`, what can be computed from the inputs alone.
        inputs: `(B, T, D)`.
        states: the states before the first step, each `(B, S)`.
        mask: boolean `(B, T)`, true = real step; None = all steps are real.
        reverse: run from the last step to the first.
        unroll: write all steps out; needs a known T.
        sequences: collect the first state of every step.

    Returns:
        The first state of every step, `(B, T, S)` in the order of the inputs, or None; and
        the states after the last step.
    """
    inside = not native.HOIST_INPUT_PROJECTION
    x = ops.transpose(inputs if inside else project(inputs), (1, 0, 2))
    masks = () if mask is None else (ops.expand_dims(ops.transpose(ops.cast(mask, "bool")), -1),)

    def body(carry: tuple, step_inputs: tuple) -> tuple[tuple, Tensor | None]:
        x_t, *valid = step_inputs
        new = step(project(x_t) if inside else x_t, carry)
        if valid:
            new = tuple(ops.where(valid[0], n, old) for n, old in zip(new, carry, strict=True))
        return new, new[0] if sequences else None

    states, outputs = native.scan(body, tuple(states), (x, *masks), reverse=reverse, unroll=unroll)
    return (ops.transpose(outputs, (1, 0, 2)) if sequences else None), states
