"""The same seed gives the same first weights on every backend: the numbers are NumPy's own."""

import keras
import numpy as np
import pytest
from keras import ops

from rnnkit.backend.initializers import Seeded
from rnnkit.errors import InputError

# Seed 1, shape (2, 2): NumPy's uniform draws, and Gram and Schmidt's columns of its normal draws.
UNIFORM_SEED_1 = [[0.00118216, 0.04504637], [-0.03558404, 0.04486494]]
GLOROT_SEED_1 = [[0.02895695, 1.10340620], [-0.87162738, 1.09896222]]
ORTHOGONAL_SEED_1 = [[0.72276900, 0.69108970], [0.69108970, -0.72276900]]


def values(distribution, shape, seed=0, **kwargs):
    return ops.convert_to_numpy(Seeded(distribution, seed)(shape, **kwargs))


def test_the_numbers_are_those_of_numpy():
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(
        values("uniform", (4, 5), seed=3), rng.uniform(-0.05, 0.05, (4, 5)).astype("float32")
    )
    limit = np.sqrt(6 / (4 + 6))
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(
        values("glorot_uniform", (4, 6), seed=3),
        rng.uniform(-limit, limit, (4, 6)).astype("float32"),
    )


def test_the_numbers_stay_what_they_were():
    """Numbers in ink: a release that changes them changes every seeded model."""
    np.testing.assert_allclose(values("uniform", (2, 2), seed=1), UNIFORM_SEED_1, atol=1e-7)
    np.testing.assert_allclose(values("glorot_uniform", (2, 2), seed=1), GLOROT_SEED_1, atol=1e-7)
    np.testing.assert_allclose(values("orthogonal", (2, 2), seed=1), ORTHOGONAL_SEED_1, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 12), (1, 5), (1, 1)])
def test_orthogonal(shape):
    q = values("orthogonal", shape).astype("float64")
    assert q.shape == shape
    product = q.T @ q if shape[0] >= shape[1] else q @ q.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-6)


def test_orthogonal_is_drawn_evenly():
    """Both signs of the determinant come up, and no entry is drawn to one side."""
    drawn = np.stack([values("orthogonal", (2, 2), seed=seed) for seed in range(200)])
    assert 0.35 < np.mean(np.linalg.det(drawn) > 0) < 0.65
    assert np.abs(drawn.mean(0)).max() < 0.2


def test_bounds_and_spread():
    drawn = values("glorot_uniform", (40, 60))
    limit = np.sqrt(6 / 100)
    assert np.abs(drawn).max() <= limit
    assert drawn.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    assert np.abs(values("uniform", (100, 50))).max() <= 0.05


def test_seeds_dtypes_and_configuration():
    assert not np.array_equal(values("uniform", (3,), seed=0), values("uniform", (3,), seed=1))
    half = Seeded("uniform", 0)((3,), dtype="float16")
    assert keras.backend.standardize_dtype(half.dtype) == "float16"
    again = keras.initializers.deserialize(keras.initializers.serialize(Seeded("orthogonal", 5)))
    assert isinstance(again, Seeded)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(again((3, 3))), values("orthogonal", (3, 3), seed=5)
    )


def test_an_unknown_distribution_is_refused():
    with pytest.raises(InputError, match="distribution is 'normal'; expected one of"):
        Seeded("normal", 0)
