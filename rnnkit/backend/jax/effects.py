"""What changes the states of a step besides the cell: resets, recurrent dropout, zoneout, masks.

Every cell of `steps.py` is the same without them; the loops of `recurrent.py` apply them around it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax

from rnnkit.backend.jax.packing import Packing, take_packed

Tensor = Any


class Marks(NamedTuple):
    """The marks of the steps of a batch; none of them is differentiated.

    Args:
        mask: boolean `(B, T)`, true = real step; None = all are.
        resets: boolean `(B, T)`, true = the states are zero before the step; None = none are.
        zoneout: for each state boolean `(B, T, U)`, true = the unit keeps its value, or the share
            that is kept, a number; empty = none is.
    """

    mask: Tensor | None = None
    resets: Tensor | None = None
    zoneout: tuple = ()


class Effects(NamedTuple):
    """The effects on the states of a pass, in the order of the loop, over N packed steps.

    Args:
        lengths: `(B,)`, number of real steps of each row; None = all steps are real.
        drop: `(B, U)`, recurrent dropout of the first state; None = nothing is dropped.
        resets: `(N, 1)`, true = the states are zero before the step; None = none are.
        zoneout: for each state `(N, U)`, true = the unit keeps its value, or a number `()`.
    """

    lengths: Tensor | None
    drop: Tensor | None
    resets: Tensor | None
    zoneout: tuple

    def entering(self, states: tuple, at: Tensor, rows: int) -> tuple:
        """Return the states after the resets of a step; the same for the gradients by them."""
        if self.resets is None:
            return states
        fresh = lax.dynamic_slice_in_dim(self.resets, at, rows)
        return tuple(jnp.where(fresh, 0, s) for s in states)

    def dropped(self, h: Tensor) -> Tensor:
        """Return a first state after recurrent dropout; the same for the gradient by it."""
        return h if self.drop is None else h * self.drop[: len(h)]

    def held(self, at: Tensor, rows: int) -> tuple:
        """Return what zoneout keeps at a step."""
        return tuple(
            part if part.ndim == 0 else lax.dynamic_slice_in_dim(part, at, rows)
            for part in self.zoneout
        )

    def real(self, step: Tensor, values: tuple, others: tuple) -> tuple:
        """Return the values at rows for which a step is real, and the others elsewhere."""
        if self.lengths is None:
            return values
        real = step < self.lengths[: len(values[0]), None]
        return tuple(jnp.where(real, v, o) for v, o in zip(values, others, strict=True))


def mixed(held: tuple, new: tuple, old: tuple) -> tuple:
    """Return the states after zoneout."""
    if not held:
        return new
    return tuple(
        jnp.where(share, o, n) if share.dtype == bool else n + share * (o - n)
        for share, n, o in zip(held, new, old, strict=True)
    )


def mixed_grad(held: tuple, d: tuple) -> tuple[tuple, tuple]:
    """Return the gradients by `new` and by `old` of `mixed(held, new, old)`; () = zero."""
    if not held:
        return d, ()
    kept = tuple(
        jnp.where(share, part, 0) if share.dtype == bool else share * part
        for share, part in zip(held, d, strict=True)
    )
    return tuple(part - k for part, k in zip(d, kept, strict=True)), kept


def effects(marks: Marks, packing: Packing | None, drop: Tensor | None) -> Effects:
    """Return the effects of the marks of a batch, packed or in the order of time."""
    if packing is None:
        resets = None if marks.resets is None else by_steps(marks.resets[:, :, None])
        zoneout = tuple(by_steps(z) if jnp.ndim(z) == 3 else jnp.asarray(z) for z in marks.zoneout)
        return Effects(None, drop, resets, zoneout)
    zoneout = tuple(
        take_packed(packing, z) if jnp.ndim(z) == 3 else jnp.asarray(z) for z in marks.zoneout
    )
    drop = None if drop is None else drop[packing.order]
    return Effects(packing.lengths, drop, packing.fresh, zoneout)


def by_steps(sequences: Tensor) -> Tensor:
    """Return the steps of a batch `(B, T, D)` one after the other, `(T B, D)`."""
    return jnp.swapaxes(sequences, 0, 1).reshape(-1, sequences.shape[-1])
