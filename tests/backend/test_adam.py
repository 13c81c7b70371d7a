"""Adam in one pass: the weights and moments of Keras's own update, and Keras's where it cannot."""

import keras
import numpy as np
import pytest

from rnnkit.backend import native

BACKEND = keras.config.backend()
if BACKEND == "jax":
    pytest.skip("JAX has no update of its own", allow_module_level=True)


def trained(make, fast, dtype="float32", steps=5, convert=keras.ops.convert_to_tensor):
    """Weights and the optimizer's variables after some steps on random gradients."""
    rng = np.random.default_rng(0)
    shapes = [(7, 3), (5,)]
    weights = [keras.Variable(rng.normal(size=shape), dtype=dtype) for shape in shapes]
    optimizer = make()
    optimizer.build(weights)
    if fast:
        native.accelerate(optimizer)
    for step in range(steps):
        grads = [rng.normal(size=shape) * (step > 0) for shape in shapes]
        optimizer.apply([convert(grad.astype(dtype)) for grad in grads], weights)
    found = [*weights, *optimizer.variables]
    return [keras.ops.convert_to_numpy(variable.value) for variable in found], optimizer


def check(found, wanted):
    for value, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.optimizers.Adam(0.1),
        lambda: keras.optimizers.Adam(0.1, beta_1=0.5, beta_2=0.9, epsilon=0.1, global_clipnorm=1),
        lambda: keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.1, 5)),
        lambda: keras.optimizers.Adam(0.1, amsgrad=True),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    ],
    ids=["adam", "options", "adamw", "amsgrad", "sgd"],
)
def test_the_update_is_that_of_keras(make, dtype):
    wanted, plain = trained(make, fast=False, dtype=dtype)
    found, fast = trained(make, fast=True, dtype=dtype)
    check(found, wanted)
    assert {**fast.get_config(), "name": ""} == {**plain.get_config(), "name": ""}


@pytest.mark.skipif(BACKEND != "torch", reason="the kernel is PyTorch's")
def test_a_matrix_that_lies_column_by_column():
    """As an orthogonal one does; gradients that were added over devices lie row by row."""
    rng = np.random.default_rng(0)
    start, grad = rng.normal(size=(3, 5)).astype("float32"), rng.normal(size=(3, 5))
    found = []
    for fast in (False, True):
        weight = keras.Variable(np.zeros((3, 5)), dtype="float32")
        weight.value.data = keras.ops.convert_to_tensor(start.T.copy()).T
        assert not weight.value.is_contiguous()
        optimizer = keras.optimizers.Adam(0.1)
        optimizer.build([weight])
        if fast:
            native.accelerate(optimizer)
        optimizer.apply([keras.ops.convert_to_tensor(grad.astype("float32"))], [weight])
        found.append([keras.ops.convert_to_numpy(v) for v in [weight, *optimizer.variables]])
    check(found[1], found[0])


@pytest.mark.skipif(BACKEND != "torch", reason="the kernel is PyTorch's")
def test_the_fused_kernel_runs_in_pytorch(monkeypatch):
    import torch

    calls = []
    fused = torch._fused_adam_
    monkeypatch.setattr(torch, "_fused_adam_", lambda *a, **k: (calls.append(1), fused(*a, **k)))
    trained(keras.optimizers.Adam, fast=True, steps=2)
    assert len(calls) == 2
    trained(keras.optimizers.Adam, fast=True, dtype="float64")
    assert len(calls) == 2


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the operation is TensorFlow's")
def test_the_fused_operation_runs_in_tensorflow(monkeypatch):
    import tensorflow as tf

    calls = []
    fused = tf.raw_ops.ResourceApplyAdam
    monkeypatch.setattr(tf.raw_ops, "ResourceApplyAdam", lambda **k: (calls.append(1), fused(**k)))
    trained(keras.optimizers.Adam, fast=True, steps=2)
    assert len(calls) == 4  # two weights


@pytest.mark.skipif(BACKEND != "tensorflow", reason="rows of a table are TensorFlow's")
def test_the_gradient_of_some_rows_is_taken():
    import tensorflow as tf

    def rows(grad):
        """The same gradient as slices, of which one comes in two parts."""
        parts = np.concatenate([grad / 2, grad / 2]) if grad.ndim == 2 else grad
        return tf.IndexedSlices(parts, np.arange(len(parts)) % len(grad), grad.shape)

    wanted, _ = trained(keras.optimizers.Adam, fast=False)
    check(trained(keras.optimizers.Adam, fast=True, convert=rows)[0], wanted)
