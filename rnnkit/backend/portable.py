"""The slow, obvious twin of every kernel, on `keras.ops` and the backend's `scan`.

Each fast kernel is tested against the function here of the same meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras import ops

from rnnkit.backend import native

Tensor = Any


def recurrence(
    cell: Any,
    x: Tensor,
    states: tuple,
    params: Mapping[str, Tensor],
    *,
    mask: Tensor | None = None,
    resets: Tensor | None = None,
    zoneout: tuple = (),
    reverse: bool = False,
    unroll: bool = False,
    sequences: bool = True,
) -> tuple[Tensor | None, tuple]:
    """Run a recurrence over time, for any mask.

    `s_t = step(project(x_t), s_{t-1})` where `mask[:, t]` is true, `s_t = s_{t-1}` elsewhere; with
    zoneout `s_t = z_t ⊙ s_{t-1} + (1 - z_t) ⊙ step(...)`; before a step that is a reset `s_{t-1}`
    is zero.

    Args:
        cell: the recurrence as pure functions: `step`, `project`, `prepare`; see
            `rnnkit.recurrent.cells.Cell`.
        x: `(B, T, D)`.
        states: the states before the first step, each `(B, S)`.
        params: the parameters by name.
        mask: boolean `(B, T)`, true = real step; None = all steps are real.
        resets: boolean `(B, T)`, true = the row starts anew at this step; None = nowhere.
        zoneout: for each state the share `z` that is held back, a number, or a boolean `(B, T, S)`
            that says of each unit at each step whether it is.
        reverse: run from the last step to the first.
        unroll: write all steps out; needs a known T.
        sequences: collect the first state of every step.

    Returns:
        The first state of every step, `(B, T, S)` in the order of the inputs, or None; and
        the states after the last step.
    """
    params = cell.prepare(params)
    inside = not native.HOIST_INPUT_PROJECTION
    steps = {"x": x if inside else cell.project(x, params)}
    for name, flags in (("mask", mask), ("resets", resets)):
        if flags is not None:
            steps[name] = ops.expand_dims(ops.cast(flags, "bool"), -1)
    steps |= {f"zoneout {i}": z for i, z in enumerate(zoneout) if not isinstance(z, float)}

    def body(carry: tuple, step_inputs: tuple) -> tuple[tuple, Tensor | None]:
        now = dict(zip(steps, step_inputs, strict=True))
        if resets is not None:
            carry = tuple(ops.where(now["resets"], ops.zeros_like(s), s) for s in carry)
        new = cell.step(cell.project(now["x"], params) if inside else now["x"], carry, params)
        if zoneout:
            held = [now.get(f"zoneout {i}", z) for i, z in enumerate(zoneout)]
            new = tuple(map(_hold, new, carry, held))
        if mask is not None:
            new = tuple(ops.where(now["mask"], n, s) for n, s in zip(new, carry, strict=True))
        return new, new[0] if sequences else None

    xs = tuple(ops.swapaxes(part, 0, 1) for part in steps.values())
    states, outputs = native.scan(body, tuple(states), xs, reverse=reverse, unroll=unroll)
    return (ops.swapaxes(outputs, 0, 1) if sequences else None), states


def _hold(new: Tensor, old: Tensor, held: Any) -> Tensor:
    """Hold back a share of a state, or the units that are marked."""
    if isinstance(held, float):
        return new + held * (old - new)
    return ops.where(held, old, new)
