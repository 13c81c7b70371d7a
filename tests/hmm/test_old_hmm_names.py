"""Old public names work for one release, with a warning that names the new one."""

import numpy as np
import pytest
from keras import ops

from rnnkit.hmm import HMM, Emission, inference
from rnnkit.layers import HMMFeatures

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SMALLEST", "MIN_TRANSITION"),
        ("Way", "Numerics"),
        ("step", "filter_step"),
        ("way", "select_numerics"),
    ],
)
def test_names_of_inference(old, new):
    with pytest.warns(DeprecationWarning, match=f"is now called '{new}'"):
        assert getattr(inference, old) is getattr(inference, new)


@pytest.mark.parametrize("name", ["filter", "smooth", "log_probability"])
def test_the_option_way_of_inference(name):
    function, half = getattr(inference, name), ops.log(ops.full((2,), 0.5))
    inputs = half, ops.log(ops.full((2, 2), 0.5)), ops.zeros((1, 3, 2))
    with pytest.warns(DeprecationWarning, match="is now called 'numerics'"):
        old = function(*inputs, way="scaled")
    new = function(*inputs, numerics="scaled")
    pairs = zip(old, new, strict=True) if isinstance(new, tuple) else [(old, new)]
    for one, other in pairs:
        np.testing.assert_array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other))
    with pytest.raises(TypeError, match="both 'numerics' and its old name 'way'"):
        function(*inputs, way="log", numerics="log")


def test_the_option_way_of_the_layer_and_of_its_saved_config():
    new = HMMFeatures(2, numerics="log")
    with pytest.warns(DeprecationWarning, match="is now called 'numerics'"):
        assert HMMFeatures(2, way="log").numerics == "log"
    config = new.get_config()
    config["way"] = config.pop("numerics")  # as in files of version 0.1.0, which load silently
    assert HMMFeatures.from_config(config).get_config()["numerics"] == "log"


def test_the_attributes_of_a_custom_emission():
    with pytest.warns(DeprecationWarning, match="is now called") as found:

        class Old(Emission):
            kinds = {"rates": "positive"}  # noqa: RUF012

            def log_likelihood(self, params, x):
                rates = params["rates"][:, None]
                return ops.log(rates) - rates * x

            def m_step(self, params, x, weights):
                return {"rates": ops.sum(weights, 1) / ops.sum(weights * x, 1)}

            def start(self, x, states, rng):
                return {"rates": rng.uniform(0.5, 2, states)}

    assert [str(one.message).split("'")[3] for one in found] == ["constraints", "initial_params"]
    x = np.random.default_rng(0).exponential(size=20)
    assert HMM(2, Old(), random_state=0, n_iter=2).fit(x).rates_.shape == (2,)
