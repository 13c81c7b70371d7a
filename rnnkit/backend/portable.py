"""Reference implementation of every kernel, on `keras.ops` and the backend's `scan`.

Each fast kernel is tested against the function here of the same meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from keras import ops

from rnnkit.backend import native
from rnnkit.backend.masking import clean_steps

Tensor = Any


class PassInputs(NamedTuple):
    """The tensors that a pass reads step by step.

    Args:
        x: the inputs, `(B, T, D)`.
        mask: boolean `(B, T)`, true = real step; None = all steps are real.
        resets: boolean `(B, T)`, true = the states of the row are zero before this step.
        zoneout_masks: for each state boolean `(B, T, S)`, true = the unit keeps its value at this
            step; empty = none does.
    """

    x: Tensor
    mask: Tensor | None = None
    resets: Tensor | None = None
    zoneout_masks: tuple[Tensor, ...] = ()

    def tensors(self) -> tuple[Tensor, ...]:
        """Return the tensors that are there, in one flat tuple."""
        parts = (self.x, self.mask, self.resets, *self.zoneout_masks)
        return tuple(part for part in parts if part is not None)

    def with_tensors(self, tensors: tuple[Tensor, ...]) -> PassInputs:
        """Return the same structure filled with other tensors: inverse of `tensors`."""
        rest = iter(tensors)
        x, mask, resets = (None if part is None else next(rest) for part in self[:3])
        return PassInputs(x, mask, resets, tuple(rest))


def recurrence(
    cell: Any,
    inputs: PassInputs,
    states: tuple,
    params: Mapping[str, Tensor],
    *,
    zoneout_rates: tuple[float, ...] = (),
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
        inputs: the inputs, their mask, resets and zoneout masks.
        states: the states before the first step, each `(B, S)`.
        params: the parameters by name.
        zoneout_rates: for each state `z` as a number, its mean, as outside training; empty = none.
        reverse: run from the last step to the first.
        unroll: unroll the loop; needs a known T.
        sequences: collect the first state of every step.

    Returns:
        The first state of every step, `(B, T, S)` in the order of the inputs, or None; and
        the states after the last step.
    """
    params = cell.prepare(params)
    inside = not native.HOIST_INPUT_PROJECTION
    if not inside:
        inputs = inputs._replace(x=cell.project(inputs.x, params))
    flags = {
        name: ops.expand_dims(ops.cast(part, "bool"), -1)
        for name in ("mask", "resets")
        if (part := getattr(inputs, name)) is not None
    }
    inputs = inputs._replace(**flags)

    def body(carry: tuple, tensors: tuple) -> tuple[tuple, Tensor | None]:
        now = inputs.with_tensors(tensors)
        if now.resets is not None:
            carry = tuple(ops.where(now.resets, ops.zeros_like(s), s) for s in carry)
        new = cell.step(cell.project(now.x, params) if inside else now.x, carry, params)
        if now.zoneout_masks:
            new = tuple(map(ops.where, now.zoneout_masks, carry, new))
        elif zoneout_rates:
            pairs = zip(zoneout_rates, new, carry, strict=True)
            new = tuple(n + rate * (s - n) for rate, n, s in pairs)
        if now.mask is not None:
            new = tuple(ops.where(now.mask, n, s) for n, s in zip(new, carry, strict=True))
        return new, new[0] if sequences else None

    xs = tuple(ops.swapaxes(part, 0, 1) for part in inputs.tensors())
    states, outputs = native.scan(body, tuple(states), xs, reverse=reverse, unroll=unroll)
    return (ops.swapaxes(outputs, 0, 1) if sequences else None), states


@dataclass(frozen=True)
class PortablePass:
    """The pass of a fast kernel in the portable loop, from which it takes its second gradients.

    A hand-written gradient is itself a function of the inputs, and has no gradient written for it.
    Two passes of one `key` are equal, so that a compiler which keeps programs finds them again.

    Args:
        key: what decides the equations of the cell: the request of the pass.
        cell, reverse, sequences: as in `recurrence`.
    """

    key: Any
    cell: Any = field(compare=False)
    reverse: bool
    sequences: bool

    def __call__(
        self,
        x: Tensor,
        states: tuple,
        params: Mapping[str, Tensor],
        mask: Tensor | None,
        resets: Tensor | None = None,
        zoneout: tuple = (),
    ) -> tuple[Tensor | None, tuple]:
        """Run the pass; see `recurrence`; `zoneout` as in `rnnkit.backend.kernels.Kernel`."""
        shared: dict = {"reverse": self.reverse, "sequences": self.sequences}
        rates = () if are_masks(zoneout) else zoneout
        masks = zoneout if are_masks(zoneout) else ()
        inputs = PassInputs(clean_steps(x, mask, x.dtype), mask, resets, masks)
        return recurrence(self.cell, inputs, states, params, zoneout_rates=rates, **shared)


def are_masks(zoneout: tuple) -> bool:
    """Return whether zoneout is given as masks `(B, T, S)`, not as rates.

    Example:
        >>> are_masks((0.1, 0.2)), are_masks((ops.zeros((2, 3, 4), "bool"),))
        (False, True)
    """
    return any(len(getattr(part, "shape", ())) == 3 for part in zoneout)


def linear_scan(a: Tensor, b: Tensor, h0: Tensor, *, reverse: bool = False) -> Tensor:
    """Compute `rnnkit.backend.linear.linear_scan` one step at a time.

    Example:
        >>> a, b = ops.full((1, 3, 1), 0.5), ops.ones((1, 3, 1))
        >>> [float(h) for h in linear_scan(a, b, ops.zeros((1, 1)), reverse=True)[0, :, 0]]
        [1.75, 1.5, 1.0]
    """

    def step(carry: tuple, factors: tuple) -> tuple[tuple, Tensor]:
        (h,), (a_t, b_t) = carry, factors
        h = a_t * h + b_t
        return (h,), h

    steps = (ops.transpose(a, (1, 0, 2)), ops.transpose(b, (1, 0, 2)))
    _, states = native.scan(step, (h0,), steps, reverse=reverse)
    return ops.transpose(states, (1, 0, 2))
