"""B2: training in windows, against one whole pass and against truncated BPTT by hand in NumPy."""

import keras
import numpy as np
import oracles
import pytest
from keras import ops

from rnnkit import layers
from rnnkit.data.windows import Windows
from rnnkit.errors import InputError
from rnnkit.tasks.truncated import TruncatedBPTT

K, ROWS, D, U = 4, 2, 3, 5
LENGTHS = [13, 6, 11]  # rows of 13 and 17 steps, five windows; a start in the middle of one
LAYERS = {"LSTM": layers.LSTM, "GRU": layers.GRU}


def linear(y, answer):
    """A loss whose gradient by the answer is y, so that what goes back is known exactly."""
    return ops.sum(y * answer, axis=-1)


def network(kind, **settings):
    x = keras.Input(batch_shape=(ROWS, K, D))
    resets, mask = (keras.Input(batch_shape=(ROWS, K), dtype="bool") for _ in range(2))
    layer = kind(U, stateful=True, return_sequences=True)
    model = keras.Model([x, resets, mask], layer(x, resets=resets, mask=mask))
    model.compile(keras.optimizers.SGD(0.5), linear, **settings)
    return model, layer


def draw(lengths, rng):
    x, y = ([rng.normal(size=(n, d)).astype("float32") for n in lengths] for d in (D, U))
    return x, y


@pytest.mark.every_backend
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.deep("tensorflow")
def test_training_equals_truncated_bptt_by_hand(name):
    rng = np.random.default_rng(0)
    cell = oracles.CELLS[name]
    weights = [w.astype("float32") for w in oracles.draw_weights(cell, D, U, rng)]
    model, layer = network(LAYERS[name])
    layer.set_weights([*weights, *(np.zeros((ROWS, U)) for _ in range(cell.states))])
    x, y = draw(LENGTHS, rng)
    windows = Windows(x, y, window=K, rows=ROWS)
    assert len(windows) == 5

    # Before training: every sequence as in one whole pass of its own, from zero.
    answers = windows.restore(model.predict(TruncatedBPTT(windows), verbose=0))
    ends = []
    for sequence, answer in zip(x, answers, strict=True):
        wanted, end, _ = oracles.run(cell, sequence[None], weights)
        np.testing.assert_allclose(answer, wanted[0], atol=1e-5)
        ends.append(end)
    for state, first, second in zip(layer.states, ends[0], ends[2], strict=True):
        # Sequences 0 | 1, 2 lie in the two rows; the rows' states are those after their last.
        np.testing.assert_allclose(
            ops.convert_to_numpy(state), np.concatenate([first, second]), atol=1e-5
        )

    # Training: states go on, gradients stop at the windows' first steps.
    epochs = 2
    model.fit(TruncatedBPTT(windows), epochs=epochs, shuffle=False, verbose=0)
    states = [np.zeros((ROWS, U))] * cell.states
    trained = [w.astype("float64") for w in weights]
    for window in [*windows] * epochs:
        _, last, record = oracles.run(
            cell, window.x, trained, window.mask, states, resets=window.resets
        )
        by_outputs = window.targets * window.weights[..., None] / window.mask.sum()
        none = [np.zeros((ROWS, U))] * cell.states
        _, slopes, _ = oracles.gradients(cell, record, by_outputs, none)
        trained = [w - 0.5 * slope for w, slope in zip(trained, slopes, strict=True)]
        states = last
    for found, wanted in zip(model.trainable_weights, trained, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), wanted, atol=2e-5)

    # The whole history matters to the states, but not to the gradient: another answer comes out
    # where it may flow all the way.
    full = Windows(x, y, window=17, rows=ROWS)[0]
    record = oracles.run(cell, full.x, weights, full.mask, resets=full.resets)[2]
    by_outputs = np.zeros((ROWS, 17, U))
    by_outputs[0, 12] = by_outputs[1, 16] = 1  # the last real steps
    dx, _, _ = oracles.gradients(cell, record, by_outputs, none)
    assert abs(dx[0, :12]).min() > 0  # what is cut is not nothing


def test_a_step_grows_with_the_window_and_not_with_the_sequence(monkeypatch):
    calls = {}
    for count in (3, 12):
        model, layer = network(layers.LSTM)
        seen, run = [], layer.run

        def watched(sequences, states, *rest, run=run, seen=seen):
            # On torch a state with a history would keep the windows before it alive.
            seen.append((sequences.shape[1], getattr(states[0], "requires_grad", False)))
            return run(sequences, states, *rest)

        monkeypatch.setattr(layer, "run", watched)
        x, y = draw([count * K] * ROWS, np.random.default_rng(0))
        windows = Windows(x, y, window=K, rows=ROWS)
        model.fit(TruncatedBPTT(windows), shuffle=False, verbose=0)
        assert int(model.optimizer.iterations) == count
        assert set(seen) == {(K, False)}
        calls[count] = len(seen)
    if keras.backend.backend() != "torch":  # there every call is a pass; elsewhere a compilation
        assert calls[3] == calls[12]


def test_windows_out_of_order_are_refused():
    model, _ = network(layers.LSTM)
    x, y = draw([20 * K] * ROWS, np.random.default_rng(0))
    windows = Windows(x, y, window=K, rows=ROWS)
    # TensorFlow wraps the error in one of its own; the text stays.
    with pytest.raises(Exception, match="Call fit with shuffle=False"):
        model.fit(TruncatedBPTT(windows), verbose=0)


def test_the_first_window_comes_first():
    x, y = draw([3 * K] * ROWS, np.random.default_rng(0))
    data = TruncatedBPTT(Windows(x, y, window=K, rows=ROWS))
    with pytest.raises(InputError, match="asked for window 1 where window 0 comes next"):
        data[1]
    for index in (0, 1, 2, 0):  # and again from the first
        assert len(data[index]) == 3


def test_weighted_metrics_are_means_over_all_steps():
    keras.utils.set_random_seed(0)
    model, _ = network(layers.GRU, weighted_metrics=[keras.metrics.MeanMetricWrapper(linear)])
    rng = np.random.default_rng(1)
    x, y = draw(LENGTHS, rng)
    weights = [rng.random(length) for length in LENGTHS]
    windows = Windows(x, y, weights, window=K, rows=ROWS)
    found = model.evaluate(TruncatedBPTT(windows), verbose=0, return_dict=True)
    answers = windows.restore(model.predict(TruncatedBPTT(windows), verbose=0))
    values = np.concatenate([(a * b).sum(-1) for a, b in zip(answers, y, strict=True)])
    metric = next(value for name, value in found.items() if name != "loss")
    wanted = np.average(values, weights=np.concatenate(weights))
    assert metric == pytest.approx(wanted, rel=1e-4, abs=1e-6)
