"""Pooling over time: against NumPy for any mask, in any precision, with finite gradients."""

import autodiff
import keras
import numpy as np
import pytest
from keras import ops

from rnnkit.backend.gradient import gradient
from rnnkit.errors import InputError
from rnnkit.layers import LSTM, MaskedPooling

MASK = np.array(
    [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]], bool
)
KINDS = ("last", "mean", "max", "mean+max")


def pooled(kind, x, mask):
    """Row by row, over the real steps alone."""
    rows = []
    for row, real in zip(x, mask, strict=True):
        steps = row[real] if real.any() else np.zeros((1, x.shape[-1]))
        found = {"last": steps[-1], "mean": steps.mean(0), "max": steps.max(0)}
        rows.append(np.concatenate([found[part] for part in kind.split("+")]))
    return np.array(rows)


def draw(scale=1.0):
    return (scale * np.random.default_rng(0).normal(size=(*MASK.shape, 3))).astype("float32")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_pools_the_real_steps(kind, masked):
    mask = MASK if masked else np.ones_like(MASK)
    for x in (draw(), draw() - 5, draw(1e6)):  # all negative; beyond what float16 holds
        output = ops.convert_to_numpy(MaskedPooling(kind)(x, mask=mask if masked else None))
        np.testing.assert_allclose(output, pooled(kind, x, mask), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_on_padding_is_of_no_account(kind):
    x = draw()
    x[~MASK] = 1e30
    clean = np.where(MASK[..., None], x, 0).astype("float32")
    output = MaskedPooling(kind)(x, mask=MASK)
    np.testing.assert_allclose(output, MaskedPooling(kind)(clean, mask=MASK), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_finite_and_stay_off_padding(kind):
    layer = MaskedPooling(kind)
    (gradient,), _ = autodiff.gradients(lambda x: ops.sum(layer(x, mask=MASK)), [draw()])
    assert np.isfinite(gradient).all()
    assert not gradient[~MASK].any()
    parts = len(kind.split("+"))
    np.testing.assert_allclose(
        gradient.sum(1), parts * MASK.any(1)[:, None] * np.ones(3), rtol=1e-5
    )


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float16"])
@pytest.mark.parametrize("kind", KINDS)
def test_low_precision_neither_overflows_nor_loses_count(kind, dtype):
    x = np.full((1, 3000, 2), 30.0, "float32")
    x[0, -1] = 16.0
    mask = np.ones((1, 3000), bool)
    output = MaskedPooling(kind, dtype=dtype)(x, mask=mask)
    assert keras.backend.standardize_dtype(output.dtype) in dtype
    found = ops.convert_to_numpy(ops.cast(output, "float32"))
    np.testing.assert_allclose(found, pooled(kind, x, mask), rtol=1e-2)


@pytest.mark.parametrize(
    "kind",
    [
        # Each is computed everywhere above; in a compiled model the parts of mean+max go as one.
        pytest.param(kind, marks=pytest.mark.one_backend if kind in ("mean", "max") else [])
        for kind in KINDS
    ],
)
def test_in_a_model_saved_and_loaded(kind, tmp_path):
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(7, 3, mask_zero=True)(ids)
    outputs = MaskedPooling(kind)(LSTM(4, return_sequences=True)(x))
    assert outputs.shape == (None, 8 if kind == "mean+max" else 4)
    assert getattr(outputs, "_keras_mask", None) is None
    model = keras.Model(ids, outputs)
    rows = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]])
    before = model.predict(rows, verbose=0)
    np.testing.assert_array_equal(before[2], 0)
    longer = model.predict(np.pad(rows, ((0, 0), (0, 2))), verbose=0)
    np.testing.assert_allclose(longer, before, atol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(rows, verbose=0), before, atol=1e-6)


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="pooling is 'median'; expected one of"):
        MaskedPooling("median")


@pytest.mark.parametrize("masked", [False, True])
def test_gradients_of_mean_and_max_are_those_of_each_alone(masked):
    """Equal maxima share the gradient; a NaN on padding and a row of padding change nothing."""
    x = np.random.default_rng(0).integers(-2, 3, (3, 5, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
    if masked:
        x[~mask] = np.nan
    shared = mask if masked else None
    by = np.arange(1.0, 13.0, dtype="float32").reshape(3, 4)

    def slope(pool):
        tensor, weights = ops.convert_to_tensor(x), ops.convert_to_tensor(by)
        slopes = gradient(lambda x: ops.sum(pool(x) * weights))(tensor)
        return ops.convert_to_numpy(slopes[0])

    def apart(x):
        parts = [MaskedPooling(kind)(x, mask=shared) for kind in ("mean", "max")]
        return ops.concatenate(parts, axis=-1)

    found = slope(lambda x: MaskedPooling("mean+max")(x, mask=shared))
    np.testing.assert_allclose(found, slope(apart), rtol=1e-5, atol=1e-6)
    real = mask if masked else np.ones_like(mask)
    best = np.max(np.where(real[..., None], x, -np.inf), 1, keepdims=True)
    hit = (x == best) & real[..., None]
    ties = np.maximum(hit.sum(1, keepdims=True), 1)
    count = np.maximum(real.sum(1), 1)[:, None, None]
    expected = real[..., None] * by[:, None, :2] / count + hit * by[:, None, 2:] / ties
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
