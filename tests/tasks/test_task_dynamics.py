"""Dynamics of the recurrent layers of every kind of task, and their pages in TensorBoard."""

import numpy as np
import pytest
import small_tasks

from rnnkit.errors import InputError

RECURRENT = [name for name in small_tasks.SMALL if name != "bag_of_words_sentiment"]


@pytest.fixture(scope="module")
def trained():
    made = {}

    def get(name):
        if name not in made:
            made[name] = small_tasks.make(name)
            made[name].fit(*small_tasks.examples(name), epochs=1, verbose=0)
        return made[name]

    return get


@pytest.mark.parametrize("name", RECURRENT)
def test_every_task_tells_the_dynamics_of_its_layers(trained, name):
    model = trained(name)
    before = [np.array(weight) for weight in model.get_weights()]
    found = model.dynamics(*small_tasks.examples(name, split="valid"))
    assert found
    for one in found:
        np.testing.assert_allclose(one.flow[~np.isnan(one.flow[:, 0]), 0], 1, rtol=1e-4)
        assert one.flow_per_step > 0
        assert len(one.step.spectral_radius)
        assert all(0 <= share <= 1 for pair in one.saturation.values() for share in pair)
        record = one.record()
        assert len(record["flow"]["median"]) == one.flow.shape[1]
    for weight, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_a_task_without_a_recurrent_layer_is_refused(trained):
    name = "bag_of_words_sentiment"
    with pytest.raises(InputError, match="no recurrent layer"):
        trained(name).dynamics(*small_tasks.examples(name))
