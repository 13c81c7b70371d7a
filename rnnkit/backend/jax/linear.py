"""Linear recurrences on JAX: a loop in place on a CPU, an associative scan elsewhere."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from rnnkit.backend.jax.reverse import reverse_only
from rnnkit.backend.kernels import select_scan_algorithm

Tensor = Any


def linear_scan(a: Tensor, b: Tensor, h0: Tensor, *, reverse: bool = False) -> Tensor:
    """Return every state of `h_t = a_t ⊙ h_{t-1} + b_t`; see `rnnkit.backend.linear`."""
    advice = "Linear recurrences (MinGRU, MinLSTM, RGLRU) have no forward mode: use reverse mode."
    return reverse_only(_compiled, a, b, h0, reverse, advice=advice)


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def _scan(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
    if select_scan_algorithm("jax", jax.default_backend()) == "loop":
        return _loop(a, b, h0, reverse)
    return _associative(a, b, h0, reverse)


def _forward(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> tuple[Tensor, tuple]:
    h = _scan(a, b, h0, reverse)
    return h, (a, h, h0)


def _backward(reverse: bool, kept: tuple, dh: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    a, h, h0 = kept
    first = h0[:, None]
    if reverse:
        later = jnp.concatenate([jnp.zeros_like(first), a[:, :-1]], axis=1)
        before = jnp.concatenate([h[:, 1:], first], axis=1)
    else:
        later = jnp.concatenate([a[:, 1:], jnp.zeros_like(first)], axis=1)
        before = jnp.concatenate([first, h[:, :-1]], axis=1)
    g = _scan(later, dh, jnp.zeros_like(h0), not reverse)
    end = -1 if reverse else 0
    return g * before, g, a[:, end] * g[:, end]


_scan.defvjp(_forward, _backward)
# A call outside of a compiled step would compile its loop anew each time.
_compiled = jax.jit(_scan, static_argnums=(3,))


def _loop(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
    """Scan in place, each state over its input: no transposed copies, as `lax.scan` makes them."""
    steps = a.shape[1]

    def body(i: Tensor, carry: tuple) -> tuple:
        h, states = carry
        t = steps - 1 - i if reverse else i
        a_t = lax.dynamic_index_in_dim(a, t, 1, keepdims=False)
        h = a_t * h + lax.dynamic_index_in_dim(states, t, 1, keepdims=False)
        return h, lax.dynamic_update_index_in_dim(states, h, t, 1)

    return lax.fori_loop(0, steps, body, (h0, b))[1]


def _associative(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
    """Parallel scan: combine neighbouring steps, then pairs, and so on, in log2 T rounds."""
    end = -1 if reverse else 0
    b = b.at[:, end].add(a[:, end] * h0)

    def join(one: tuple, two: tuple) -> tuple:
        return one[0] * two[0], two[0] * one[1] + two[1]

    return lax.associative_scan(join, (a, b), axis=1, reverse=reverse)[1]
