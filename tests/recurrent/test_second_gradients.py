"""Gradients of gradients, for every layer and kernel: against finite differences, and each other.

The penalty is the squared norm of the gradient by inputs and weights; its gradient has a second
derivative of all that a layer computes in it.
"""

import keras
import numpy as np
import pytest
from autodiff import penalty
from systems import ALL, DEEP, FUSED, MASK, B, D, T, built, draw, total

STEP = 1e-2
MASKED = pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
FEW = not DEEP
SOME = ("GRU",) if FEW else ALL


def penalised(name, masked, **options):
    """A built layer, and the function `x -> (penalty, its gradients)` at its current weights."""
    layer = built(ALL[name], return_sequences=True, return_state=True, **options)
    mask = MASK if masked else None
    return layer, penalty(lambda x: total(layer(x, mask=mask)), layer.trainable_variables)


@MASKED
@pytest.mark.parametrize("name", SOME)
def test_the_second_gradient_is_that_of_finite_differences(name, masked):
    if FEW and not masked:
        pytest.skip("a few stand for all on this backend")
    if name == "LayerNormLSTM":
        pytest.skip("the norm of a state of zeros bends too much for finite differences")
    layer, run = penalised(name, masked)
    x = draw(B, T, D)
    _, slopes = run(x)
    start = [x, *(np.array(keras.ops.convert_to_numpy(w)) for w in layer.trainable_variables)]
    towards = [draw(*part.shape, seed=20 + i) for i, part in enumerate(start)]
    ends = []
    for step in (STEP, -STEP):
        moved = [part + step * way for part, way in zip(start, towards, strict=True)]
        for weight, value in zip(layer.trainable_variables, moved[1:], strict=True):
            weight.assign(value)
        ends.append(run(moved[0])[0])
    wanted = (ends[0] - ends[1]) / (2 * STEP)
    found = sum(np.sum(slope * way) for slope, way in zip(slopes, towards, strict=True))
    size = np.sqrt(sum(np.sum(slope**2) for slope in slopes))
    assert abs(found - wanted) < 0.02 * size


@MASKED
@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in FUSED if DEEP),
        *((name, {"go_backwards": True}) for name in FUSED if DEEP),
        *(("GRU", {"memory": memory}) for memory in ("recompute", "sqrt") if DEEP),
        ("SimpleRNN", {"memory": "sqrt"}),
    ],
    ids=str,
)
def test_every_kernel_has_the_second_gradients_of_the_portable_loop(name, options, masked):
    if FEW and not masked:
        pytest.skip("a few stand for all on this backend")
    x, plain = draw(B, T, D), {key: v for key, v in options.items() if key != "memory"}
    found = penalised(name, masked, **options)[1](x)
    wanted = penalised(name, masked, kernel="portable", **plain)[1](x)
    for one, other in zip([found[0], *found[1]], [wanted[0], *wanted[1]], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.one_backend
def test_one_tensor_as_two_states_has_the_gradient_of_both():
    layer = built(ALL["LSTM"])
    found = [
        penalty(lambda h, s=s: total(layer(draw(B, T, D), initial_state=s(h))), [])(draw(B, D))[0]
        for s in (lambda h: [h, h], lambda h: [h, h + 0.0])
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-5)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="JAX has forward mode")
def test_forward_mode_needs_the_portable_kernel():
    import jax

    from rnnkit.errors import InputError

    x, way = draw(B, T, D), draw(B, T, D, seed=1)
    layer = built(ALL["LSTM"], kernel="portable")
    _, found = jax.jvp(lambda x: layer(x, mask=MASK), (x,), (way,))
    wanted = (layer(x + STEP * way, mask=MASK) - layer(x - STEP * way, mask=MASK)) / (2 * STEP)
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    for name in ("LSTM", "MinGRU"):
        layer = built(ALL[name])
        for run in (
            lambda layer=layer: jax.jvp(lambda x: layer(x, mask=MASK), (x,), (way,)),
            lambda layer=layer: jax.jacfwd(lambda x: layer(x))(x),
        ):
            with pytest.raises(InputError, match=r"kernel='portable'|no forward mode"):
                run()
