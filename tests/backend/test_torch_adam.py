"""Adam in one pass: the weights and moments of Keras's own update, and Keras's where it cannot."""

import keras
import numpy as np
import pytest

if keras.config.backend() != "torch":
    pytest.skip("the backend is not torch", allow_module_level=True)

import torch

from rnnkit.backend.torch.adam import accelerate


def trained(make, fast, dtype="float32", steps=5):
    """Weights and the optimizer's variables after some steps on random gradients."""
    rng = np.random.default_rng(0)
    shapes = [(7, 3), (5,)]
    weights = [keras.Variable(rng.normal(size=shape), dtype=dtype) for shape in shapes]
    optimizer = make()
    optimizer.build(weights)
    if fast:
        accelerate(optimizer)
    for step in range(steps):
        grads = [rng.normal(size=shape) * (step > 0) for shape in shapes]
        grads = [torch.tensor(grad, dtype=getattr(torch, dtype)) for grad in grads]
        optimizer.apply(grads, weights)
    found = [*weights, *optimizer.variables]
    return [keras.ops.convert_to_numpy(variable.value) for variable in found], optimizer


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
    for value, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)
    assert {**fast.get_config(), "name": ""} == {**plain.get_config(), "name": ""}


def test_the_fused_kernel_runs(monkeypatch):
    calls = []
    fused = torch._fused_adam_
    monkeypatch.setattr(torch, "_fused_adam_", lambda *a, **k: (calls.append(1), fused(*a, **k)))
    trained(keras.optimizers.Adam, fast=True, steps=2)
    assert len(calls) == 2
    trained(keras.optimizers.Adam, fast=True, dtype="float64")
    assert len(calls) == 2
