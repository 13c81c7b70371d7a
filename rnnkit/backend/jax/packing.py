"""Real steps laid side by side: what any mask becomes before a loop runs over it.

Each row's real steps move to the left, the rows are sorted by how many they have, and the loop goes
in stages of ever fewer rows: when the shorter half of the rows has ended, it goes on with the other
half. The steps lie one after the other in N = `T B` rows, each with the rows of its stage; what is
left at the end is zero. Shapes are the same for every mask; only the
bounds of loops change.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax

Tensor = Any
PARTS = 2  # the rows of a batch end in so many parts: a third costs more to compile than it saves


class Stage(NamedTuple):
    """Consecutive steps of the loop with the same number of rows.

    Args:
        rows: how many rows take part; a plain number, all else may be traced.
        start, stop: the first step and the one after the last.
        base: where the first step's rows begin.
        stride: how far the next step's rows are from there.
    """

    rows: int
    start: Tensor
    stop: Tensor
    base: Tensor
    stride: int

    def at(self, step: Tensor) -> Tensor:
        """Return where the rows of a step begin."""
        return self.base + (step - self.start) * self.stride


class Packing(NamedTuple):
    """Where everything lies.

    Args:
        stages: how the loop goes.
        lengths: `(B,)` how many real steps each sorted row has.
        order: `(B,)` the row of the batch at each place of the sorted batch.
        place: `(B,)` the other way round.
        row: `(N,)` the sorted row of each packed step.
        source: `(N,)` its place among the `B T` steps of the batch.
        real: `(N, 1)` whether it is a real step.
        packed: `(B, T)` for each step of the batch its packed row, where it is real.
        shown: `(B, T)` for each step of the batch the row of the state after it, among the states
            that entered the N packed steps and the B last ones.
    """

    stages: tuple[Stage, ...]
    lengths: Tensor
    order: Tensor
    place: Tensor
    row: Tensor
    source: Tensor
    real: Tensor
    packed: Tensor
    shown: Tensor


def unmasked(batch: int, steps: int, reverse: bool) -> Stage:
    """Return the one stage of a pass without a mask, over steps that lie in the order of time."""
    first = (steps - 1) * batch if reverse else 0
    return Stage(batch, 0, steps, first, -batch if reverse else batch)


def pack(mask: Tensor, reverse: bool) -> Packing:
    """Return where the real steps of a mask `(B, T)` go."""
    batch, steps = mask.shape
    time = jnp.arange(steps)
    turn = steps - 1 - time if reverse else time  # when the loop comes to a step
    # One sort brings the real steps to the front, in the order of the loop.
    turns = jnp.sort(jnp.where(mask, turn, turn + steps), axis=1) % steps
    times = steps - 1 - turns if reverse else turns
    count = mask.sum(axis=1)
    order = jnp.argsort(-count)
    place = jnp.argsort(order)
    lengths = count[order]

    sizes = sorted({-(-batch * part // PARTS) for part in range(1, PARTS + 1)}, reverse=True)
    bounds = [jnp.int32(0), *(lengths[size] for size in sizes[1:]), lengths[0]]
    stages: list[Stage] = []
    base = jnp.int32(0)
    for size, start, stop in zip(sizes, bounds[:-1], bounds[1:], strict=True):
        stages.append(Stage(size, start, stop, base, size))
        base = base + (stop - start) * size

    # From a packed row to its step and sorted row, and from a step to where it begins.
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
    packed = begins[jnp.maximum(done - 1, 0)] + place[:, None]
    entering = begins[jnp.minimum(done, steps - 1)] + place[:, None]
    shown = jnp.where(done < count[:, None], entering, batch * steps + place[:, None])
    return Packing(tuple(stages), lengths, order, place, row, source, real[:, None], packed, shown)


def gather(packing: Packing, sequences: Tensor) -> Tensor:
    """`(B, T, D)` -> `(N, D)`, zero where there is no real step."""
    flat = sequences.reshape(-1, sequences.shape[-1])
    return jnp.where(packing.real, flat[packing.source], 0)


def hold_back(d_outputs: Tensor, mask: Tensor, reverse: bool) -> tuple[Tensor, Tensor]:
    """Give the gradients of the outputs that masked steps repeated to the step they come from.

    Returns:
        The gradient by the output of every step `(B, T, U)`, meant for the real ones; and
        `(B, U)`, what belongs to the state before the first step.
    """

    def body(later: Tensor, step: tuple) -> tuple[Tensor, Tensor]:
        d, real = step
        total = d + later
        return jnp.where(real, 0, total), total

    steps = (jnp.swapaxes(d_outputs, 0, 1), mask.T[:, :, None])
    first, totals = lax.scan(body, jnp.zeros_like(d_outputs[:, 0]), steps, reverse=not reverse)
    return jnp.swapaxes(totals, 0, 1), first
