"""Sums of segments against NumPy, in the dtype of the values, and their gradient."""

import autodiff
import numpy as np
import pytest
from keras import ops

from rnnkit.backend import native


@pytest.mark.parametrize("shape", [(30,), (30, 4)])
def test_sums_of_segments(shape):
    rng = np.random.default_rng(0)
    values, segments = rng.normal(size=shape), rng.integers(0, 7, shape[0])
    expected = np.zeros((9, *shape[1:]))
    np.add.at(expected, segments, values)
    with autodiff.float64():
        found = ops.convert_to_numpy(native.segment_sum(values, segments, 9))
    assert found.dtype == "float64"
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    weights = rng.normal(size=expected.shape).astype("float32")
    ((slope,), _) = autodiff.gradients(
        lambda v: ops.sum(ops.multiply(native.segment_sum(v, segments, 9), weights)), [values]
    )
    np.testing.assert_allclose(slope, weights[segments], rtol=1e-6)
