"""Dynamics of the recurrent layers of every kind of task, and their pages in TensorBoard."""

import json

import event_files
import keras
import numpy as np
import pytest
import small_tasks

from rnnkit import layers, monitor, study
from rnnkit.errors import InputError
from rnnkit.monitor import recurrent_dynamics

pytestmark = pytest.mark.one_backend

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


def test_the_callback_writes_pages_that_runs_share(tmp_path):
    for name, layer in (("lstm", layers.LSTM), ("min_gru", layers.MinGRU)):
        model = keras.Sequential([layer(3, name=name), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x = np.random.default_rng(0).normal(size=(4, 5, 2)).astype("float32")
        events = monitor.RecurrentEvents(tmp_path / name, x, every_epochs=2)
        model.fit(x, np.ones((4, 1)), epochs=2, verbose=0, callbacks=[events])
    found, other = (event_files.read(tmp_path / name / "train") for name in ("lstm", "min_gru"))
    steps = [step for step, _ in found["recurrent/layer_1/flow_per_step"]]
    assert steps in ([2], [0, 2])  # fresh ones where Keras has built the model already
    (last,) = recurrent_dynamics(model, x)
    assert other["recurrent/layer_1/memory_length"][-1][1] == pytest.approx(last.memory_length)
    lags = other["recurrent_by_lag/layer_1/gradient_flow"]
    assert [step for step, _ in lags] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose([value for _, value in lags], np.median(last.flow, 0), rtol=1e-4)
    assert {"recurrent/layer_1/gate_f", "recurrent/saturation", "recurrent/gradient_flow"} <= {
        *found
    }
    assert {"recurrent/layer_1/decay", "recurrent/layer_1/above_0.9/z"} <= {*other}


def test_figures_of_runs_side_by_side():
    records = [one.record() for one in recurrent_dynamics(layers.GRU(3), np.ones((2, 4, 2)))]
    assert json.loads(json.dumps(records)) == records
    figures = study.dynamics_figures({"$a": records, "b": records})
    (axes,) = figures["gradient_flow"].axes
    assert [line.get_label() for line in axes.lines] == ["$a", "b"]
    assert [axes.get_title() for axes in figures["saturation"].axes] == ["gate z", "gate r"]
    assert all(figure.png()[1:4] == b"PNG" for figure in figures.values())
    for draw in (monitor.flow_figure, monitor.saturation_figure):
        with pytest.raises(InputError, match="there is no"):
            draw({})
