"""Recurrent passes with a custom gradient: one buffer for the gates, few large products.

The input projection is one product over all steps; the forward loop overwrites it with the gates,
the backward loop overwrites these with their gradients, so that one buffer of `T B G U` numbers
serves all three. The gradients by the weights and by the inputs are one product each after the
loop. With a mask the loop skips almost all padding (`packing.py`); the equations are in `steps.py`,
what else changes the states in `effects.py`.
A gradient that is itself differentiated has the gradient of the portable loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from rnnkit.backend.jax.effects import (
    Effects,
    Marks,
    by_steps,
    effects,
    mixed,
    mixed_grad,
)
from rnnkit.backend.jax.packing import (
    Packing,
    Stage,
    bare,
    forward_fill_grad,
    gather,
    pack,
    restored,
    unmasked,
)
from rnnkit.backend.jax.reverse import reverse_only
from rnnkit.backend.jax.steps import LSTM, GRUResetAfter, GRUResetBefore, SimpleRNN, Weights
from rnnkit.backend.kernels import Kernel, KernelRequest, common_unsupported_reason

Tensor = Any


def cell_of(request: KernelRequest) -> Any:
    """Return the equations of a cell type."""
    if request.cell_type == "simple_rnn":
        return SimpleRNN(request.activation)
    return {"lstm": LSTM, "gru_reset_after": GRUResetAfter, "gru_reset_before": GRUResetBefore}[
        request.cell_type
    ]()


def read(buffers: tuple, at: Tensor, rows: int) -> tuple:
    """Read the rows of one step."""
    return tuple(lax.dynamic_slice_in_dim(buffer, at, rows) for buffer in buffers)


def write(buffers: tuple, values: tuple, at: Tensor) -> tuple:
    """Write the rows of one step."""
    return tuple(
        lax.dynamic_update_slice_in_dim(b, v, at, axis=0)
        for b, v in zip(buffers, values, strict=True)
    )


def first_rows(states: tuple, rows: int) -> tuple:
    """Return the first rows of each state."""
    return tuple(s[:rows] for s in states)


def with_first_rows(states: tuple, first: tuple) -> tuple:
    """Replace the first rows of each state."""
    return tuple(
        f if len(f) == len(s) else jnp.concatenate([f, s[len(f) :]])
        for s, f in zip(states, first, strict=True)
    )


def forward_loop(
    cell: Any,
    stages: tuple[Stage, ...],
    effects: Effects,
    projected: Tensor,
    states: tuple,
    w: Weights,
    scale: Tensor,
) -> tuple:
    """Run the loop; return the last states, the states before each step, the saved activations."""
    units = states[0].shape[-1]
    entered = tuple(jnp.zeros((len(projected), units), projected.dtype) for _ in states)
    extra = [jnp.zeros((len(projected), k * units), projected.dtype) for k in cell.kept[1:]]
    buffers = (projected, *extra)
    for stage in stages:
        n = stage.rows

        def step(t: Tensor, carry: tuple, stage: Stage = stage, n: int = n) -> tuple:
            states, entered, buffers = carry
            at = stage.at(t)
            (x,) = read(buffers[:1], at, n)
            old = effects.entering(states, at, n)
            new, kept = cell.step(x, old, effects.dropped(old[0]), w, scale)
            new = effects.real(t, mixed(effects.held(at, n), new, old), states)
            return new, write(entered, states, at), write(buffers, kept, at)

        carry = (first_rows(states, n), entered, buffers)
        first, entered, buffers = lax.fori_loop(stage.start, stage.stop, step, carry)
        states = with_first_rows(states, first)
    return states, entered, buffers


def backward_loop(
    cell: Any,
    stages: tuple[Stage, ...],
    effects: Effects,
    entered: tuple,
    buffers: tuple,
    d_outputs: Tensor | None,
    d_states: tuple,
    w: Weights,
) -> tuple:
    """Run the loop in reverse; return the gradients by the initial states and saved activations."""
    for stage in reversed(stages):
        n = stage.rows

        def step(k: Tensor, carry: tuple, stage: Stage = stage, n: int = n) -> tuple:
            d_new, kept, buffers = carry
            t = stage.stop - 1 - k
            at = stage.at(t)
            if d_outputs is not None:
                (d_output,) = read((d_outputs,), at, n)
                d_new = (d_new[0] + d_output, *d_new[1:])
            states = effects.entering(read(entered, at, n), at, n)
            d_step, d_held = mixed_grad(effects.held(at, n), d_new)
            d_kept, d_old, d_h = cell.backward(kept, states, effects.dropped(states[0]), d_step, w)
            d_old = (d_old[0] + effects.dropped(d_h), *d_old[1:])
            if d_held:
                d_old = tuple(d + held for d, held in zip(d_old, d_held, strict=True))
            d_old = effects.real(t, effects.entering(d_old, at, n), d_new)
            d_kept = effects.real(t, d_kept, tuple(map(jnp.zeros_like, d_kept)))
            buffers = write(buffers, d_kept, at)
            # The step before is read after this one is written: this way the compiler sees that
            # the buffer can be overwritten in place; it copied all of it otherwise.
            kept = read(buffers, stage.at(jnp.maximum(t - 1, stage.start)), n)
            return d_old, kept, buffers

        kept = read(buffers, stage.at(stage.stop - 1), n)
        carry = (first_rows(d_states, n), kept, buffers)
        first, _, buffers = lax.fori_loop(0, stage.stop - stage.start, step, carry)
        d_states = with_first_rows(d_states, first)
    return d_states, buffers


def outer_products(a: Tensor, b: Tensor) -> Tensor:
    """Return the sum of the outer products of all rows: `(N, P), (N, Q) -> (P, Q)`."""
    # In two halves: on a CPU the kernel for batches is 5 to 40 % faster than the plain one.
    halves = 2 if len(a) % 2 == 0 else 1
    a, b = (m.reshape(halves, -1, m.shape[-1]) for m in (a, b))
    return jnp.einsum("kni,knj->kij", a, b).sum(0)


def unless_reset(values: Tensor, reset: Tensor | None) -> Tensor:
    """Return values, zero where a reset came since the last real step; None = none came."""
    return values if reset is None else jnp.where(reset[..., None], 0, values)


def at_end(flags: Tensor | None, reverse: bool) -> Tensor | None:
    """Return the flags `(B, T)` of the last step in the order of the pass, or None for None."""
    return None if flags is None else flags[:, 0 if reverse else -1]


def prepare(cell: Any, params: Mapping[str, Tensor]) -> tuple[Weights, Tensor]:
    """Return the weights scaled for the steps, and the scale of every gate."""
    u = params["recurrent_kernel"]
    scale = jnp.repeat(jnp.asarray(cell.scales, u.dtype), u.shape[0])
    none = jnp.zeros_like(scale)
    b, inner_b = (params.get(name, none) * scale for name in ("bias", "recurrent_bias"))
    return Weights(u * scale, b, inner_b, u.T), scale


def pack_inputs(
    x: Tensor, packing: Packing | None, reverse: bool
) -> tuple[Tensor, tuple[Stage, ...]]:
    """Return the packed steps `(N, D)` and the stages of the loop."""
    if packing is not None:
        return gather(packing, x), packing.stages
    batch, steps, _ = x.shape
    return by_steps(x), (unmasked(batch, steps, reverse),)


def forward(
    request: KernelRequest,
    reverse: bool,
    sequences: bool,
    x: Tensor,
    states: tuple,
    params: Mapping[str, Tensor],
    marks: Marks,
) -> tuple:
    """Run a pass; return `(outputs, states)` and what `backward` needs, arrays alone."""
    cell = cell_of(request)
    batch, steps, _ = x.shape
    packing = None if marks.mask is None else pack(marks.mask, reverse, marks.resets)
    packed, stages = pack_inputs(x, packing, reverse)
    w, scale = prepare(cell, params)
    changes = effects(marks, packing, params.get("drop"))
    if packing is not None:
        states = tuple(s[packing.order] for s in states)
    projected = packed @ (params["kernel"] * scale)
    last, entered, buffers = forward_loop(cell, stages, changes, projected, states, w, scale)
    kept = entered, buffers, None if packing is None else bare(packing)
    outputs = None
    if packing is not None:
        if sequences:
            outputs = jnp.concatenate([entered[0], last[0]])[packing.output_index]
            outputs = unless_reset(outputs, packing.stale)
        last = tuple(unless_reset(s[packing.rank], at_end(packing.stale, reverse)) for s in last)
        return (outputs, last), kept
    if sequences:  # what enters a step came out of the one before
        shown = [last[0], entered[0][:-batch]] if reverse else [entered[0][batch:], last[0]]
        outputs = jnp.swapaxes(jnp.concatenate(shown).reshape(steps, batch, -1), 0, 1)
    return (outputs, last), kept


def backward(
    request: KernelRequest,
    reverse: bool,
    sequences: bool,
    x: Tensor,
    params: Mapping[str, Tensor],
    marks: Marks,
    kept: tuple,
    d: tuple,
) -> tuple:
    """Return the gradients by the inputs, the first states and the weights."""
    cell = cell_of(request)
    entered, buffers, packing = kept
    shape, mask = x.shape, marks.mask
    packing = None if packing is None else restored(packing, shape[0])
    packed, stages = pack_inputs(x, packing, reverse)
    d_outputs, d_states = d
    w, _ = prepare(cell, params)
    d_first, changes = None, effects(marks, packing, params.get("drop"))
    if packing is not None:
        end = at_end(packing.stale, reverse)
        d_states = tuple(unless_reset(s, end)[packing.order] for s in d_states)
        if sequences:
            d_outputs = unless_reset(d_outputs, packing.stale)
            d_outputs, d_first = forward_fill_grad(d_outputs, mask, reverse)
            d_outputs = gather(packing, d_outputs)
    elif sequences:
        d_outputs = by_steps(d_outputs)
    d_states, d_kept = backward_loop(
        cell, stages, changes, entered, buffers, d_outputs, d_states, w
    )

    h = entered[0] if changes.resets is None else jnp.where(changes.resets, 0, entered[0])
    if (drop := changes.drop) is not None:
        rows = jnp.tile(drop, (shape[1], 1)) if packing is None else drop[packing.row]
        h = h * rows
    d_kernel = outer_products(packed, d_kept[0])
    d_u, d_inner_b = cell.products(d_kept, outer_products, h)
    d_params = {
        "kernel": d_kernel,
        "recurrent_kernel": d_u,
        "bias": d_kept[0].sum(0),
        "recurrent_bias": d_inner_b,
    }
    d_params = {name: d_params[name] for name in params if name != "drop"}
    d_packed = d_kept[0] @ params["kernel"].T
    if packing is None or mask is None:
        d_x = jnp.swapaxes(d_packed.reshape(shape[1], shape[0], -1), 0, 1)
        return d_x, d_states, d_params
    d_x = jnp.where(mask[:, :, None], d_packed[packing.packed_index], 0)
    d_states = tuple(s[packing.rank] for s in d_states)
    if d_first is not None:
        d_states = (d_states[0] + d_first, *d_states[1:])
    return d_x, d_states, d_params


# The gradients. The options are the request, `reverse`, `sequences` and the reference; the tensors
# are x, states, params and marks. Where a gradient is differentiated, JAX differentiates all that
# was run for it: `recorded` hides the forward loop from that, `gradient` the backward loop.

OPTIONS = (0, 1, 2, 3)


@partial(jax.custom_vjp, nondiff_argnums=OPTIONS)
def fused(
    request: KernelRequest, reverse: bool, sequences: bool, reference: Any, *tensors: Any
) -> tuple:
    """Run a pass; its gradient is `gradient`."""
    del reference
    return forward(request, reverse, sequences, *tensors)[0]


@partial(jax.custom_vjp, nondiff_argnums=OPTIONS)
def recorded(
    request: KernelRequest, reverse: bool, sequences: bool, reference: Any, *tensors: Any
) -> tuple:
    """Run a pass as `fused` does; return what `backward` needs, too, as constants."""
    del reference
    return forward(request, reverse, sequences, *tensors)


@partial(jax.custom_vjp, nondiff_argnums=OPTIONS)
def gradient(
    request: KernelRequest, reverse: bool, sequences: bool, reference: Any, *tensors: Any
) -> tuple:
    """Return the gradients of a pass; their own gradients are those of the reference.

    The tensors are those of the pass, then what `recorded` kept and the gradients by the results.
    """
    del reference
    x, _, params, marks, kept, d = tensors
    return backward(request, reverse, sequences, x, params, marks, kept, d)


def copied(residuals: Any) -> Any:
    """Return residuals none of which is an argument itself.

    JAX 0.10 takes the wrong one of those for another when it drops unused results inside of a scan.
    """
    return jax.tree.map(jnp.copy, residuals)


def run_fused(*arguments: Any) -> tuple:
    """Forward rule of `fused`."""
    result, kept = recorded(*arguments)
    return result, (arguments[len(OPTIONS) :], kept)


def run_recorded(*arguments: Any) -> tuple:
    """Forward rule of `recorded`."""
    result, residuals = run_fused(*arguments)
    return (result, residuals[1]), copied(residuals)


def differentiate(*arguments: Any) -> tuple:
    """Backward rule of `fused`."""
    *options, (tensors, kept), d = arguments
    d_x, d_states, d_weights = gradient(*options, *tensors, kept, d)
    return d_x, d_states, {name: d_weights.get(name) for name in tensors[2]}, None


def differentiate_recorded(*arguments: Any) -> tuple:
    """Backward rule of `recorded`."""
    *others, (d, _) = arguments
    return differentiate(*others, d)


def run_gradient(*arguments: Any) -> tuple:
    """Forward rule of `gradient`."""
    return gradient(*arguments), copied(arguments[len(OPTIONS) :])


def differentiate_gradient(*arguments: Any) -> tuple:
    """Backward rule of `gradient`: the gradient of the reference's gradient."""
    *_, reference, (x, states, params, marks, _, d), dd = arguments
    fixed = {name: value for name, value in params.items() if name == "drop"}
    weights = {name: value for name, value in params.items() if name != "drop"}

    def first(x: Tensor, states: tuple, weights: dict, d: tuple) -> tuple:
        pull = jax.vjp(
            lambda *part: reference(*part[:2], part[2] | fixed, *marks), x, states, weights
        )
        return pull[1](d)

    d_x, d_states, d_weights, d_d = jax.vjp(first, x, states, weights, d)[1](dd)
    return d_x, d_states, {name: d_weights.get(name) for name in params}, None, None, d_d


fused.defvjp(run_fused, differentiate)
recorded.defvjp(run_recorded, differentiate_recorded)
gradient.defvjp(run_gradient, differentiate_gradient)
# Outside of a compiled function a pass is compiled once for each shape, not at every call.
compiled = jax.jit(fused, static_argnums=OPTIONS)


def run(
    request: KernelRequest,
    x: Tensor,
    states: tuple,
    params: Mapping[str, Tensor],
    *,
    mask: Tensor | None,
    resets: Tensor | None = None,
    zoneout: tuple = (),
    reverse: bool,
    sequences: bool,
    reference: Any = None,
) -> tuple[Tensor | None, tuple]:
    """Run a recurrence; see `rnnkit.backend.kernels.Kernel`."""
    params = {name: jnp.asarray(value) for name, value in params.items()}
    mask, resets = (None if part is None else jnp.asarray(part, bool) for part in (mask, resets))
    options = (request, reverse, sequences, reference)
    return reverse_only(
        compiled,
        *options,
        *(jnp.asarray(x), tuple(states), params, Marks(mask, resets, tuple(zoneout))),
        advice="Give the layer kernel='portable', which has both modes.",
    )


KERNELS = (
    Kernel(
        name="fused scan",
        about="one loop over the real steps with a custom gradient, large products outside of it",
        unsupported_reason=common_unsupported_reason,
        run=run,
    ),
)
