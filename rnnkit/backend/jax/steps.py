"""One step of each cell type and its gradient, by hand: the equations of the fused loop.

A step takes `x`, the projected inputs `(n, G U)` without the bias, the states and `h`, the first
state after recurrent dropout; it returns the new states and the activations that its gradient needs
(`kept`). The gradient returns, for every kept value, the gradient that the products for the weights
need: for the first one it is the gradient by the gates before their activation.

Every sigmoid is computed by a tanh: `σ(a) = tanh(a / 2) / 2 + 1 / 2`. The weights are scaled by 1/2
once, so that all gates of a step are one tanh over one array.

Sources: Elman 1990; Hochreiter and Schmidhuber 1997; Cho et al. 2014 (arXiv:1406.1078).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

Tensor = Any


class Weights(NamedTuple):
    """The weights of the recurrent product, scaled for a step and transposed for its gradient.

    Args:
        u: `(U, G U)`, the recurrent kernel, its sigmoid columns halved.
        b: `(G U,)`, the bias, halved alike.
        inner_b: `(G U,)`, the bias inside the reset of a GRU, halved alike, or zeros.
        u_t: `(G U, U)`, the unscaled recurrent kernel, transposed.
    """

    u: Tensor
    b: Tensor
    inner_b: Tensor
    u_t: Tensor


def split_columns(a: Tensor, parts: int) -> list[Tensor]:
    """Split the columns into equal parts."""
    width = a.shape[-1] // parts
    return [a[..., i * width : (i + 1) * width] for i in range(parts)]


def activate_gates(a: Tensor, scale: Tensor) -> Tensor:
    """Activate gates that were multiplied by `scale`: 1/2 gives a sigmoid, 1 gives a tanh."""
    return jnp.tanh(a) * scale + (1 - scale)


class SimpleRNN:
    """Elman network: `h' = f(x + h U + b)`, f tanh or relu. Kept: `h'`."""

    scales = (1.0,)
    states = 1
    kept = (1,)

    def __init__(self, activation: str) -> None:
        self.relu = activation == "relu"

    def step(self, x: Tensor, states: tuple, h: Tensor, w: Weights, scale: Tensor) -> tuple:
        """Return the new states and the activations that the gradient needs."""
        a = x + h @ w.u + w.b
        new = jnp.maximum(a, 0) if self.relu else jnp.tanh(a)
        return (new,), (new,)

    def backward(self, kept: tuple, states: tuple, h: Tensor, d_new: tuple, w: Weights) -> tuple:
        """Return the gradients by the kept values, by the states, and by `h`."""
        (new,), (d,) = kept, d_new
        d_a = jnp.where(new > 0, d, 0) if self.relu else d * (1 - new * new)
        return (d_a,), (jnp.zeros_like(d),), d_a @ w.u_t

    def products(self, d_kept: tuple, product: Any, h: Tensor) -> tuple:
        """Return the gradients by the recurrent kernel and by the bias inside the reset."""
        return product(h, d_kept[0]), None


class LSTM:
    """LSTM: `c' = f c + i g`, `h' = o tanh(c')`. Kept: the gates i, f, g, o."""

    scales = (0.5, 0.5, 1.0, 0.5)
    states = 2
    kept = (4,)

    def step(self, x: Tensor, states: tuple, h: Tensor, w: Weights, scale: Tensor) -> tuple:
        """Return the new states and the activations that the gradient needs."""
        gates = activate_gates(x + h @ w.u + w.b, scale)
        i, f, g, o = split_columns(gates, 4)
        c = f * states[1] + i * g
        return (o * jnp.tanh(c), c), (gates,)

    def backward(self, kept: tuple, states: tuple, h: Tensor, d_new: tuple, w: Weights) -> tuple:
        """Return the gradients by the kept values, by the states, and by `h`."""
        i, f, g, o = split_columns(kept[0], 4)
        (d_h, d_c), c = d_new, states[1]
        squashed = jnp.tanh(f * c + i * g)
        d_c = d_c + d_h * o * (1 - squashed * squashed)
        d_i, d_f, d_g = d_c * g * i * (1 - i), d_c * c * f * (1 - f), d_c * i * (1 - g * g)
        d_a = jnp.concatenate([d_i, d_f, d_g, d_h * squashed * o * (1 - o)], axis=-1)
        return (d_a,), (jnp.zeros_like(d_h), d_c * f), d_a @ w.u_t

    def products(self, d_kept: tuple, product: Any, h: Tensor) -> tuple:
        """Return the gradients by the recurrent kernel and by the bias inside the reset."""
        return product(h, d_kept[0]), None


class GRUResetAfter:
    """GRU: `g = tanh(x_g + r (h U_g + b'))`, `h' = z h + (1 - z) g`.

    Kept: z, r, g; `h U_g + b'`.
    """

    scales = (0.5, 0.5, 1.0)
    states = 1
    kept = (3, 1)

    def step(self, x: Tensor, states: tuple, h: Tensor, w: Weights, scale: Tensor) -> tuple:
        """Return the new states and the activations that the gradient needs."""
        (old,), inner = states, h @ w.u + w.inner_b
        both, n = x + w.b, old.shape[-1]
        gates = activate_gates(both[:, : 2 * n] + inner[:, : 2 * n], scale[: 2 * n])
        z, r = split_columns(gates, 2)
        g = jnp.tanh(both[:, 2 * n :] + r * inner[:, 2 * n :])
        kept = jnp.concatenate([gates, g], axis=-1), inner[:, 2 * n :]
        return (g + z * (old - g),), kept

    def backward(self, kept: tuple, states: tuple, h: Tensor, d_new: tuple, w: Weights) -> tuple:
        """Return the gradients by the kept values, by the states, and by `h`."""
        (z, r, g), inner, (old,), (d,) = split_columns(kept[0], 3), kept[1], states, d_new
        d_g = d * (1 - z) * (1 - g * g)
        d_z, d_r, d_inner = d * (old - g) * z * (1 - z), d_g * inner * r * (1 - r), d_g * r
        d_h = jnp.concatenate([d_z, d_r, d_inner], axis=-1) @ w.u_t
        return (jnp.concatenate([d_z, d_r, d_g], axis=-1), d_inner), (d * z,), d_h

    def products(self, d_kept: tuple, product: Any, h: Tensor) -> tuple:
        """Return the gradients by the recurrent kernel and by the bias inside the reset."""
        d_gates, d_inner = d_kept
        n = d_inner.shape[-1]
        d_u = [product(h, d_gates[:, : 2 * n]), product(h, d_inner)]
        d_b = [d_gates[:, : 2 * n].sum(0), d_inner.sum(0)]
        return jnp.concatenate(d_u, axis=-1), jnp.concatenate(d_b)


class GRUResetBefore:
    """GRU: `g = tanh(x_g + (r h) U_g)`, `h' = z h + (1 - z) g`. Kept: z, r, g; `r h`."""

    scales = (0.5, 0.5, 1.0)
    states = 1
    kept = (3, 1)

    def step(self, x: Tensor, states: tuple, h: Tensor, w: Weights, scale: Tensor) -> tuple:
        """Return the new states and the activations that the gradient needs."""
        (old,), n = states, states[0].shape[-1]
        both = x + w.b
        gates = activate_gates(both[:, : 2 * n] + h @ w.u[:, : 2 * n], scale[: 2 * n])
        z, r = split_columns(gates, 2)
        g = jnp.tanh(both[:, 2 * n :] + (r * h) @ w.u[:, 2 * n :])
        return (g + z * (old - g),), (jnp.concatenate([gates, g], axis=-1), r * h)

    def backward(self, kept: tuple, states: tuple, h: Tensor, d_new: tuple, w: Weights) -> tuple:
        """Return the gradients by the kept values, by the states, and by `h`."""
        (z, r, g), (old,), (d,) = split_columns(kept[0], 3), states, d_new
        n = old.shape[-1]
        d_g = d * (1 - z) * (1 - g * g)
        d_reset = d_g @ w.u_t[2 * n :]
        d_gates = [d * (old - g) * z * (1 - z), d_reset * h * r * (1 - r)]
        d_h = d_reset * r + jnp.concatenate(d_gates, axis=-1) @ w.u_t[: 2 * n]
        return (jnp.concatenate([*d_gates, d_g], axis=-1), kept[1]), (d * z,), d_h

    def products(self, d_kept: tuple, product: Any, h: Tensor) -> tuple:
        """Return the gradients by the recurrent kernel and by the bias inside the reset."""
        d_gates, reset = d_kept
        n = reset.shape[-1]
        d_u = [product(h, d_gates[:, : 2 * n]), product(reset, d_gates[:, 2 * n :])]
        return jnp.concatenate(d_u, axis=-1), None
