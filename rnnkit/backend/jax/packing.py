"""Packed sequences for any mask, in arrays of static shapes.

The real steps of each row move to the left, the rows are sorted by their number of real steps, and
the loop runs in stages of fewer and fewer rows: when the shorter half of the rows has ended, it
continues with the other half. The steps lie one after the other in N = `T B` rows, each with the
rows of its stage; the remainder is zero. Shapes are the same for every mask; only the bounds of
loops change. Rows with resets stay one row: a flag of the packed step zeroes its states.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax

Tensor = Any
PARTS = 2  # number of stages: a third costs more to compile than it saves


class Stage(NamedTuple):
    """Consecutive steps of the loop with the same number of rows.

    Args:
        rows: number of rows, a plain number; all else may be traced.
        start, stop: the first step and the one after the last.
        base: index of the first row of the first step.
        stride: distance from the rows of a step to those of the next.
    """

    rows: int
    start: Tensor
    stop: Tensor
    base: Tensor
    stride: int

    def at(self, step: Tensor) -> Tensor:
        """Return the index of the first row of a step."""
        return self.base + (step - self.start) * self.stride


class Packing(NamedTuple):
    """Indices of a packed batch.

    Args:
        stages: the stages of the loop.
        lengths: `(B,)`, number of real steps of each sorted row.
        order: `(B,)`, sorted row -> row of the batch.
        rank: `(B,)`, row of the batch -> sorted row.
        row: `(N,)`, packed step -> sorted row.
        source: `(N,)`, packed step -> step of the batch, one of `B T`.
        real: `(N, 1)`, true = the packed step is a real step.
        packed_index: `(B, T)`, step of the batch -> packed step, where it is real.
        output_index: `(B, T)`, step of the batch -> row of the state after it, among the states
            before the N packed steps and the B last ones.
        fresh: `(N, 1)`, true = a reset came since the real step before; None = there is none.
        stale: `(B, T)`, true = a reset came since the last real step up to and with the step;
            None = there is none.
    """

    stages: tuple[Stage, ...]
    lengths: Tensor
    order: Tensor
    rank: Tensor
    row: Tensor
    source: Tensor
    real: Tensor
    packed_index: Tensor
    output_index: Tensor
    fresh: Tensor | None = None
    stale: Tensor | None = None


def unmasked(batch: int, steps: int, reverse: bool) -> Stage:
    """Return the one stage of a pass without a mask, over steps in the order of time."""
    first = (steps - 1) * batch if reverse else 0
    return Stage(batch, 0, steps, first, -batch if reverse else batch)


def stage_sizes(batch: int) -> list[int]:
    """Return the number of rows of each stage of a masked pass, most first."""
    return sorted({-(-batch * part // PARTS) for part in range(1, PARTS + 1)}, reverse=True)


def bare(packing: Packing) -> Packing:
    """Return a packing of arrays alone: its stages without their plain numbers."""
    bounds: Any = tuple((s.start, s.stop, s.base) for s in packing.stages)
    return packing._replace(stages=bounds)


def restored(packing: Packing, batch: int) -> Packing:
    """Inverse of `bare`."""
    bounds: Any = packing.stages
    pairs = zip(stage_sizes(batch), bounds, strict=True)
    stages = tuple(Stage(size, start, stop, base, size) for size, (start, stop, base) in pairs)
    return packing._replace(stages=stages)


def pack(mask: Tensor, reverse: bool, resets: Tensor | None = None) -> Packing:
    """Return the packing of a mask `(B, T)`, with resets `(B, T)` or None."""
    batch, steps = mask.shape
    time = jnp.arange(steps)
    turn = steps - 1 - time if reverse else time  # position of a step in the loop
    # One sort brings the real steps to the front, in the order of the loop.
    turns = jnp.sort(jnp.where(mask, turn, turn + steps), axis=1) % steps
    times = steps - 1 - turns if reverse else turns
    count = mask.sum(axis=1)
    order = jnp.argsort(-count)
    rank = jnp.argsort(order)
    lengths = count[order]

    sizes = stage_sizes(batch)
    bounds = [jnp.int32(0), *(lengths[size] for size in sizes[1:]), lengths[0]]
    stages: list[Stage] = []
    base = jnp.int32(0)
    for size, start, stop in zip(sizes, bounds[:-1], bounds[1:], strict=True):
        stages.append(Stage(size, start, stop, base, size))
        base = base + (stop - start) * size

    # Packed row -> its step and sorted row; step -> its first packed row.
    packed_row = jnp.arange(batch * steps)
    step, row, begins = (
        jnp.zeros_like(packed_row),
        jnp.zeros_like(packed_row),
        jnp.zeros_like(time),
    )
    for stage in stages:
        local = packed_row - stage.base
        step = jnp.where(local >= 0, stage.start + local // stage.rows, step)
        row = jnp.where(local >= 0, local % stage.rows, row)
        begins = jnp.where(time >= stage.start, stage.at(time), begins)
    real = (packed_row < base) & (step < lengths[row])
    step = jnp.minimum(step, steps - 1)
    batch_row = order[row]
    source = batch_row * steps + times[batch_row, step]

    done = lax.cumsum(mask.astype(jnp.int32), axis=1, reverse=reverse)
    packed_index = begins[jnp.maximum(done - 1, 0)] + rank[:, None]
    entering = begins[jnp.minimum(done, steps - 1)] + rank[:, None]
    output_index = jnp.where(done < count[:, None], entering, batch * steps + rank[:, None])
    real = real[:, None]
    fresh = stale = None
    if resets is not None:  # a reset lies between two steps where their number of resets differs
        number = lax.cumsum(resets.astype(jnp.int32), axis=1, reverse=reverse)
        at_real = jnp.take_along_axis(number, times, axis=1)
        at_real = jnp.concatenate([jnp.zeros_like(number[:, :1]), at_real], axis=1)
        fresh = (at_real[:, 1:] != at_real[:, :-1])[batch_row, step][:, None]
        stale = number != jnp.take_along_axis(at_real, done, axis=1)
    return Packing(
        tuple(stages),
        lengths,
        order,
        rank,
        row,
        source,
        real,
        packed_index,
        output_index,
        fresh,
        stale,
    )


def take_packed(packing: Packing, sequences: Tensor) -> Tensor:
    """Return the packed steps `(B, T, D)` -> `(N, D)`, anything where there is no real step."""
    return sequences.reshape(-1, sequences.shape[-1])[packing.source]


def gather(packing: Packing, sequences: Tensor) -> Tensor:
    """Return the packed steps `(B, T, D)` -> `(N, D)`, zero where there is no real step."""
    return jnp.where(packing.real, take_packed(packing, sequences), 0)


def forward_fill_grad(d_outputs: Tensor, mask: Tensor, reverse: bool) -> tuple[Tensor, Tensor]:
    """Gradient of the forward fill of outputs: masked steps add to the step that they repeat.

    Returns:
        The gradient by the output of every step `(B, T, U)`, valid at real ones; and that by the
        state before the first step `(B, U)`.
    """

    def body(later: Tensor, step: tuple) -> tuple[Tensor, Tensor]:
        d, real = step
        total = d + later
        return jnp.where(real, 0, total), total

    steps = (jnp.swapaxes(d_outputs, 0, 1), mask.T[:, :, None])
    first, totals = lax.scan(body, jnp.zeros_like(d_outputs[:, 0]), steps, reverse=not reverse)
    return jnp.swapaxes(totals, 0, 1), first
