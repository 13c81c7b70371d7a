"""The loops over time, forth and back, of any system of `steps.py` over any rows of `rows.py`.

A round of a loop takes eight steps. Their input projection is one product, and so are their
gradients by the weights and by the inputs; as no state waits for these, TensorFlow computes them
on other cores while the recurrence itself goes on, and their operands are still in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from rnnkit.backend.tensorflow.rows import AllRows, array, collector
from rnnkit.backend.tensorflow.steps import kernel_gradient, product_back

Tensor = Any

BLOCK = 8  # steps in a round; 4 were slower


def rounds(steps: Tensor, body: Callable[[Tensor, int, tuple], tuple], carry: tuple) -> tuple:
    """Run `carry = body(i, count, carry)`: `count` steps from step `i`, until all are done.

    The steps that fill no block are taken one by one.
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
    """Return the shape that a part of the carry keeps: states lose rows that end."""
    if isinstance(part, tf.TensorArray):
        return tf.TensorShape(None)
    return tf.TensorShape([None, *part.shape[1:]])


class Pass:
    """One pass over time, forth and back.

    Args:
        system: a class of `steps.py`.
        weights: `kernel`, `recurrent_kernel` and the biases.
        activation: the name of the activation.
        rows: the rows of every step.
        drop: multiplier of the state on its way into the recurrent product, `(B, U)`, sorted.
    """

    def __init__(
        self,
        system: Any,
        weights: Mapping[str, Tensor],
        activation: str,
        rows: AllRows,
        drop: Tensor | None,
    ) -> None:
        self.system = system(weights, activation)
        self.weights, self.rows, self.drop = weights, rows, drop

    def project(self, x: Tensor) -> Tensor:
        """Return the input projection, `(n, G U)`."""
        projected = tf.matmul(x, self.weights["kernel"])
        bias = self.weights.get("bias")
        return projected if bias is None else tf.nn.bias_add(projected, bias)

    def dropped(self, h: Tensor, size: Tensor) -> Tensor:
        """Return a state, or a gradient, on its way into the recurrent product or back."""
        return h if self.drop is None else h * self.drop[:size]

    def forward(self, x: Tensor, states: tuple, sequences: bool) -> tuple:
        """Go through the steps.

        Args:
            x: `(N, D)`.
            states: the states before the first step, each `(B, U)`, sorted.
            sequences: collect the first state of every step.

        Returns:
            The first state of every step `(N, U)` or None; the states and ends that `rows.last`
            takes; arrays of what each step kept for the gradient.
        """
        rows, system = self.rows, self.system

        def body(i: Tensor, count: int, carry: tuple) -> tuple:
            states, ends, kept, outputs = carry
            begin, end, sizes = rows.span(i, count)
            projected = tf.split(self.project(x[begin:end]), sizes)
            for j in range(count):
                states, ends = rows.drop_ended(i + j, states, ends)
                fed = self.dropped(states[0], sizes[j])
                states, keep = system.forward(projected[j], fed, states)
                kept = tuple(a.write(i + j, part) for a, part in zip(kept, keep, strict=True))
                outputs = tuple(a.write(i + j, states[0]) for a in outputs)
            return states, ends, kept, outputs

        kept = tuple(array(rows.steps, states[0]) for _ in range(system.kept))
        outputs = (collector(rows.steps, states[0]),) if sequences else ()
        carry = (states, rows.no_ends(states), kept, outputs)
        states, ends, kept, outputs = rounds(rows.steps, body, carry)
        return outputs[0].concat() if sequences else None, (states, ends), kept

    def backward(
        self, x: Tensor, kept: tuple, d_outputs: Tensor | None, d_states: tuple, d_ends: tuple
    ) -> tuple[Tensor, tuple, dict[str, Tensor]]:
        """Go back through the steps.

        Args:
            x: `(N, D)`.
            kept: what `forward` kept.
            d_outputs: the gradient by the first state of every step, `(N, U)`, or None.
            d_states: the gradients by the states after the last step.
            d_ends: those by the states of rows that ended before.

        Returns:
            The gradients by x, by the states before the first step, and by each weight.
        """
        rows, system = self.rows, self.system

        def body(i: Tensor, count: int, carry: tuple) -> tuple:
            d_states, sums, dx = carry
            first = rows.steps - i - count
            begin, end, sizes = rows.span(first, count)
            d_steps = None if d_outputs is None else tf.split(d_outputs[begin:end], sizes)
            factors: list[tuple] = []
            found: list[tuple] = []
            for j in reversed(range(count)):
                if d_steps is not None:
                    d_states = (d_states[0] + d_steps[j], *d_states[1:])
                keep = tuple(a.read(first + j) for a in kept)
                d, d_fed, d_states = system.backward(d_states, keep)
                d_h, d_past = self.dropped(d_fed, sizes[j]), d_states[0]
                d_states = (d_h if d_past is None else d_h + d_past, *d_states[1:])
                d_states = rows.drop_ended_back(first + j, d_states, d_ends)
                factors.insert(0, keep[: system.factors])
                found.insert(0, d)
            d_projected, gradients = system.gradients(_joined(factors), _joined(found))
            gradients["kernel"] = kernel_gradient(x[begin:end], d_projected)
            if "bias" in sums:
                gradients["bias"] = tf.reduce_sum(d_projected, axis=0)
            sums = {name: total + gradients[name] for name, total in sums.items()}
            at = parts - 1 - (i // BLOCK + i % BLOCK)  # full blocks come first here
            dx = dx.write(at, product_back(d_projected, self.weights["kernel"]))
            return d_states, sums, dx

        sums = {name: tf.zeros_like(weight) for name, weight in self.weights.items()}
        parts = rows.steps // BLOCK + rows.steps % BLOCK
        d_states, sums, dx = rounds(rows.steps, body, (d_states, sums, collector(parts, x)))
        return dx.concat(), d_states, sums


def _joined(steps: list[tuple]) -> list[Tensor]:
    """Put the rows of several steps below each other, tensor by tensor."""
    return [tf.concat(parts, axis=0) for parts in zip(*steps, strict=True)]
