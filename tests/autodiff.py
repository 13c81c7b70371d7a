"""Gradients and float64 on whichever backend runs, for tests: one function, three frameworks."""

from __future__ import annotations

import contextlib

import keras
import numpy as np
from keras import ops


def float64(wanted=True):
    """Where JAX has float64 too, which it computes in only if configured to."""
    if not wanted or keras.config.backend() != "jax":
        return contextlib.nullcontext()
    import jax

    if hasattr(jax, "enable_x64"):  # JAX >= 0.8
        return jax.enable_x64(True)
    from jax import experimental

    return experimental.enable_x64()


def gradients(loss, arrays, variables=()):
    """Return `loss(*arrays)`'s gradients by the arrays and by the variables, as NumPy arrays.

    Where the loss does not depend on one of them, its gradient is zeros.
    """
    arrays = [ops.convert_to_tensor(np.asarray(a, "float32")) for a in arrays]
    found = {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}[keras.config.backend()](
        loss, arrays, list(variables)
    )
    wanted = [*arrays, *variables]
    found = [
        np.zeros(tuple(w.shape)) if g is None else ops.convert_to_numpy(g)
        for w, g in zip(wanted, found, strict=True)
    ]
    return found[: len(arrays)], found[len(arrays) :]


def _pure(loss, variables):
    """Return the loss as a function of the arrays and of the values of the variables."""

    def pure(arrays, values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return loss(*arrays)

    return pure


def _jax(loss, arrays, variables):
    import jax

    pure = _pure(loss, variables)
    by_arrays, by_values = jax.grad(pure, argnums=(0, 1))(arrays, [v.value for v in variables])
    return [*by_arrays, *by_values]


def _tensorflow(loss, arrays, variables):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(arrays)
        value = loss(*arrays)
    found = tape.gradient(value, [*arrays, *(v.value for v in variables)])
    return [None if g is None else tf.convert_to_tensor(g) for g in found]


def _torch(loss, arrays, variables):
    import torch

    arrays = [a.detach().clone().requires_grad_() for a in arrays]
    wanted = [*arrays, *(v.value for v in variables)]
    return torch.autograd.grad(loss(*arrays), wanted, allow_unused=True)


def penalty(loss, variables):
    """Return a function `array -> (value, gradients)` of `Σ ‖∂loss‖²`, compiled on JAX.

    The sum is over the gradients by the array and by the variables at their current values.
    """
    backend = keras.config.backend()
    if backend == "jax":
        import jax

        pure = _pure(loss, variables)

        def squares(arrays, values):
            slopes = jax.grad(pure, argnums=(0, 1))(arrays, values)
            return sum(ops.sum(ops.square(slope)) for slope in jax.tree.leaves(slopes))

        run = jax.jit(jax.value_and_grad(squares, argnums=(0, 1)))

        def found(array):
            value, slopes = run([array], [v.value for v in variables])
            return float(value), [np.asarray(slope) for slope in jax.tree.leaves(slopes)]

        return found
    return lambda array: {"tensorflow": _tensorflow_penalty, "torch": _torch_penalty}[backend](
        loss, array, variables
    )


def _tensorflow_penalty(loss, array, variables):
    import tensorflow as tf

    wanted = [tf.constant(array), *(v.value for v in variables)]
    with tf.GradientTape() as outer:
        outer.watch(wanted[0])
        with tf.GradientTape() as inner:
            inner.watch(wanted[0])
            value = loss(wanted[0])
        slopes = inner.gradient(value, wanted)
        squares = sum(tf.reduce_sum(tf.square(slope)) for slope in slopes)
    return float(squares), [slope.numpy() for slope in outer.gradient(squares, wanted)]


def _torch_penalty(loss, array, variables):
    import torch

    wanted = [torch.tensor(array, requires_grad=True), *(v.value for v in variables)]
    slopes = torch.autograd.grad(loss(wanted[0]), wanted, create_graph=True)
    squares = sum(slope.square().sum() for slope in slopes)
    found = torch.autograd.grad(squares, wanted)
    return float(squares.detach()), [slope.numpy() for slope in found]


def train_gradients(loss, variables):
    """Return a function `array -> gradients of loss(array) by the variables`, compiled where Keras
    compiles (JAX, TensorFlow)."""
    backend = keras.config.backend()
    if backend == "jax":
        import jax

        run = jax.jit(lambda x, values: jax.grad(_pure(loss, variables), argnums=1)([x], values))
        return lambda x: [np.asarray(g) for g in run(x, [v.value for v in variables])]
    if backend == "tensorflow":
        import tensorflow as tf

        width = variables[0].shape[0]  # of a layer's inputs: one trace for any batch and length
        run = tf.function(
            lambda x: _tensorflow(loss, [x], variables)[1:],
            input_signature=[tf.TensorSpec((None, None, width), tf.float32)],
        )
        return lambda x: [g.numpy() for g in run(tf.constant(x))]
    import torch

    def run(x):
        found = torch.autograd.grad(loss(torch.as_tensor(x)), [v.value for v in variables])
        return [g.numpy() for g in found]

    return run
