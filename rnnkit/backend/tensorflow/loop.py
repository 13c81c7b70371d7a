"""Forward and backward loop over time, for any cell of `steps.py` and any rows of `rows.py`.

One iteration runs eight steps. Their input projection is one product, and so are their gradients by
the weights and by the inputs; as no state depends on these, TensorFlow computes them on other cores
in parallel to the recurrence, and their operands are still in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from rnnkit.backend.tensorflow.rows import AllRows, array, collector
from rnnkit.backend.tensorflow.steps import kernel_grad, product_grad

Tensor = Any

BLOCK = 8  # steps per iteration; 4 were slower


def rounds(steps: Tensor, body: Callable[[Tensor, int, tuple], tuple], carry: tuple) -> tuple:
    """Loop `carry = body(i, count, carry)` over blocks of `count` steps from step `i`.

    The steps of the last, incomplete block run one by one.
    """
    i = tf.constant(0)
    for count in (BLOCK, 1):

        def several(i: Tensor, carry: tuple, count: int = count) -> tuple:
            return i + count, body(i, count, carry)

        i, carry = tf.while_loop(
            lambda i, carry, count=count: i + count <= steps,
            several,
            (i, carry),
            shape_invariants=(tf.TensorShape([]), tf.nest.map_structure(_any_rows, carry)),
        )
    return carry


def _any_rows(part: Any) -> tf.TensorShape:
    """Return the shape invariant of a part of the carry: the number of rows changes."""
    if isinstance(part, tf.TensorArray):
        return tf.TensorShape(None)
    return tf.TensorShape([None, *part.shape[1:]])


class Pass:
    """Forward and backward loop of one pass over time.

    Args:
        cell: a class of `steps.py`.
        weights: `kernel`, `recurrent_kernel` and the biases.
        activation: the name of the activation.
        rows: the rows of every step.
        drop: multiplier of the state on its way into the recurrent product, `(B, U)`, sorted.
        zoneout: for each state boolean `(B, T, U)`, true = the unit keeps its value at this step,
            or the share of the old value, a number; empty = no zoneout.
    """

    def __init__(
        self,
        cell: Any,
        weights: Mapping[str, Tensor],
        activation: str,
        rows: AllRows,
        drop: Tensor | None,
        zoneout: tuple = (),
    ) -> None:
        self.cell = cell(weights, activation)
        self.weights, self.rows, self.drop = weights, rows, drop
        self.zoneout = [rows.pack(z) if isinstance(z, tf.Tensor) else z for z in zoneout]

    def project(self, x: Tensor) -> Tensor:
        """Return the input projection, `(n, G U)`."""
        projected = tf.matmul(x, self.weights["kernel"])
        bias = self.weights.get("bias")
        return projected if bias is None else tf.nn.bias_add(projected, bias)

    def dropped_state(self, h: Tensor, size: Tensor) -> Tensor:
        """Apply recurrent dropout to a state, or to the gradient by the result."""
        return h if self.drop is None else h * self.drop[:size]

    def held(self, begin: Tensor, end: Tensor, sizes: list[Tensor]) -> list[list]:
        """Return what zoneout keeps of each state at each step of a block."""
        parts = [
            tf.split(z[begin:end], sizes) if isinstance(z, tf.Tensor) else [z] * len(sizes)
            for z in self.zoneout
        ]
        return [[part[j] for part in parts] for j in range(len(sizes))]

    def forward(self, x: Tensor, states: tuple, sequences: bool) -> tuple:
        """Run the steps over `x (N, D)` from sorted states `(B, U)`.

        Returns:
            The first state of every step `(N, U)` or None; the states and ends that `rows.last`
            takes; arrays of the activations that each step keeps for the gradient.
        """
        rows, cell = self.rows, self.cell

        def body(i: Tensor, count: int, carry: tuple) -> tuple:
            states, ends, kept, outputs = carry
            begin, end, sizes = rows.span(i, count)
            projected = tf.split(self.project(x[begin:end]), sizes)
            held = self.held(begin, end, sizes)
            for j in range(count):
                states, ends = rows.drop_ended(i + j, states, ends)
                h_dropped = self.dropped_state(states[0], sizes[j])
                new, saved = cell.forward(projected[j], h_dropped, states)
                states = mixed(held[j], new, states)
                kept = tuple(a.write(i + j, part) for a, part in zip(kept, saved, strict=True))
                outputs = tuple(a.write(i + j, states[0]) for a in outputs)
            return states, ends, kept, outputs

        kept = tuple(array(rows.steps, states[0]) for _ in range(cell.kept))
        outputs = (collector(rows.steps, states[0]),) if sequences else ()
        carry = (states, rows.no_ends(states), kept, outputs)
        states, ends, kept, outputs = rounds(rows.steps, body, carry)
        return outputs[0].concat() if sequences else None, (states, ends), kept

    def backward(
        self, x: Tensor, kept: tuple, d_outputs: Tensor | None, d_states: tuple, d_ends: tuple
    ) -> tuple[Tensor, tuple, dict[str, Tensor]]:
        """Run the steps in reverse and propagate the gradient.

        `kept` are the activations from `forward`, `d_outputs` the gradient by the first state of
        every step `(N, U)`, or None; `d_states` and `d_ends` those by the last states of the rows
        that last to the end, and of those that ended earlier. Returns the gradients by x, by the
        states before the first step, and by each weight.
        """
        rows, cell = self.rows, self.cell

        def body(i: Tensor, count: int, carry: tuple) -> tuple:
            d_states, sums, dx = carry
            first = rows.steps - i - count
            begin, end, sizes = rows.span(first, count)
            d_steps = None if d_outputs is None else tf.split(d_outputs[begin:end], sizes)
            held = self.held(begin, end, sizes)
            factors: list[tuple] = []
            found: list[tuple] = []
            for j in reversed(range(count)):
                if d_steps is not None:
                    d_states = (d_states[0] + d_steps[j], *d_states[1:])
                saved = tuple(a.read(first + j) for a in kept)
                d_states, d_held = mixed_grad(held[j], d_states)
                d, d_h_dropped, d_states = cell.backward(d_states, saved)
                d_h, d_past = self.dropped_state(d_h_dropped, sizes[j]), d_states[0]
                d_states = (d_h if d_past is None else d_h + d_past, *d_states[1:])
                if d_held:
                    d_states = tuple(d + more for d, more in zip(d_states, d_held, strict=True))
                d_states = rows.drop_ended_grad(first + j, d_states, d_ends)
                factors.insert(0, saved[: cell.factors])
                found.insert(0, d)
            d_projected, gradients = cell.gradients(_concat_steps(factors), _concat_steps(found))
            gradients["kernel"] = kernel_grad(x[begin:end], d_projected)
            if "bias" in sums:
                gradients["bias"] = tf.reduce_sum(d_projected, axis=0)
            sums = {name: total + gradients[name] for name, total in sums.items()}
            at = parts - 1 - (i // BLOCK + i % BLOCK)  # full blocks come first here
            dx = dx.write(at, product_grad(d_projected, self.weights["kernel"]))
            return d_states, sums, dx

        sums = {name: tf.zeros_like(weight) for name, weight in self.weights.items()}
        parts = rows.steps // BLOCK + rows.steps % BLOCK
        d_states, sums, dx = rounds(rows.steps, body, (d_states, sums, collector(parts, x)))
        return dx.concat(), d_states, sums


def mixed(held: list, new: tuple, old: tuple) -> tuple:
    """Return the states after zoneout."""
    if not held:
        return new
    return tuple(
        tf.where(share, o, n) if isinstance(share, tf.Tensor) else n + share * (o - n)
        for share, n, o in zip(held, new, old, strict=True)
    )


def mixed_grad(held: list, d: tuple) -> tuple[tuple, tuple]:
    """Return the gradients by `new` and by `old` of `mixed(held, new, old)`; () = zero."""
    if not held:
        return d, ()
    kept = tuple(
        tf.where(share, part, tf.zeros_like(part)) if isinstance(share, tf.Tensor) else share * part
        for share, part in zip(held, d, strict=True)
    )
    return tuple(part - k for part, k in zip(d, kept, strict=True)), kept


def _concat_steps(steps: list[tuple]) -> list[Tensor]:
    """Concatenate the rows of several steps, tensor by tensor."""
    return [tf.concat(parts, axis=0) for parts in zip(*steps, strict=True)]
