"""Figures of Markov models show the numbers that they are given, also in TensorBoard."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from event_files import read
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap
from matplotlib.dates import date2num

from rnnkit import monitor
from rnnkit.errors import InputError
from rnnkit.monitor.markov_events import state_moments
from rnnkit.monitor.markov_series import runs
from rnnkit.monitor.picture import Picture, heat_map

pytestmark = pytest.mark.one_backend  # but for the tests marked every_backend

A = np.array([[0.9, 0.0996, 0.0004], [0.25, 0.75, 0], [0, 0.0003, 0.9997]])
STATES = ["free flow", "$dense$", "jam"]


def test_text_is_white_where_the_luminance_of_a_cell_is_low():
    """Each colour is on the other side of one half where a weight or a sign is another."""
    dark = ["#ff0000", "#0000ff", "#008000", "#408000", "#00801a", "#ff00ff"]
    light = ["#00ff00", "#33a6ff", "#ffff00", "#00ffff", "#80a600"]
    colours = ListedColormap([*dark, *light])
    numbers = np.arange(colours.N, dtype=float)[None]
    axes = Picture(4, 1).add_subplot()
    options = {"cmap": colours, "vmin": 0, "vmax": colours.N - 1}
    texts = [["x"] * colours.N]
    heat_map(axes, numbers, [""], [""] * colours.N, texts=texts, **options)
    found = [text.get_color() for text in axes.texts]
    assert found == ["white"] * len(dark) + ["black"] * len(light)


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def agrees(text, value):
    """Whether the text of a cell is the value: rounded to its digits, or bounded by it."""
    if text[0] in "<>":
        bound = float(text[1:])
        return 0 < value < bound if text[0] == "<" else bound < value < 1
    digits = len(text.partition(".")[2])
    return abs(float(text.replace(",", "")) - value) <= 0.5001 * 10.0**-digits


def written(axes, table):
    """Whether the cells of a heat map show the numbers of a table, each at its place."""
    places = [text.get_position() for text in axes.texts]
    assert sorted(places) == [(x, y) for x in range(table.shape[1]) for y in range(table.shape[0])]
    return all(agrees(text.get_text(), table[text.get_position()[::-1]]) for text in axes.texts)


def is_png(picture):
    return picture.png()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_transition_matrix_has_a_row_for_the_state_before():
    picture = monitor.transition_figure(A, STATES, "iteration 20")
    [axes] = picture.axes
    np.testing.assert_array_equal(axes.images[0].get_array(), A)
    assert ticks(axes.xaxis) == ticks(axes.yaxis) == STATES
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("state", "next state")
    assert axes.get_title() == "iteration 20"
    assert written(axes, A)
    assert is_png(picture)


@pytest.mark.parametrize("size", [1, 8, 12])
def test_probabilities_are_rounded_never_to_certainty(size):
    table = np.random.default_rng(0).dirichlet(np.full(size, 0.1), size)
    table[0] = np.eye(size)[0]
    [axes] = monitor.transition_figure(table).axes
    assert written(axes, table)
    certain = {text.get_text() for text in axes.texts if text.get_text() in ("0", "1")}
    assert len(certain) == min(size, 2)
    for text in axes.texts:  # "0" is impossible, and nothing else is written like it
        value = table[text.get_position()[::-1]]
        assert (text.get_text() in ("0", "1")) == (value in (0, 1))


def test_many_states_have_a_colour_bar_and_no_numbers():
    table = np.random.default_rng(0).dirichlet(np.ones(30), 30)
    picture = monitor.transition_figure(table)
    axes, bar = picture.axes
    np.testing.assert_array_equal(axes.images[0].get_array(), table)
    assert not axes.texts
    assert bar.get_ylabel() == "probability"
    assert ticks(axes.xaxis) == [str(i) for i in range(30)]
    assert is_png(picture)


def test_symbols_have_a_column_each():
    table = [[0.5, 0.4, 0.1], [0.1, 0.3, 0.6]]
    picture = monitor.emission_figure(table, ["H", "F"], ["normal", "cold", "dizzy"])
    [axes] = picture.axes
    np.testing.assert_array_equal(axes.images[0].get_array(), table)
    assert ticks(axes.xaxis) == ["normal", "cold", "dizzy"]
    assert ticks(axes.yaxis) == ["H", "F"]
    assert written(axes, np.array(table))
    assert is_png(picture)


def test_means_stand_in_the_panel_of_their_feature():
    means, sds = np.array([[60, 300], [20, 1500], [40, 900.0]]), np.array([[5, 9], [6, 8], [7, 7]])
    picture = monitor.means_figure(means, sds, STATES, ["speed", "flow"], "title")
    assert [axes.get_title() for axes in picture.axes] == ["speed", "flow"]
    for column, axes in enumerate(picture.axes):
        dots = axes.collections[-1].get_offsets()
        np.testing.assert_array_equal(dots, np.stack([means[:, column], range(3)], 1))
        [bars] = axes.collections[:-1]
        ends = np.array([path[:, 0] for path in bars.get_segments()])
        away = sds[:, column, None] * [-1, 1]
        np.testing.assert_array_equal(ends, means[:, column, None] + away)
        bottom, top = axes.get_ylim()
        assert bottom > top  # the first state is at the top, as in the matrix
        for text, mean in zip(axes.texts, means[:, column], strict=True):
            assert agrees(text.get_text(), mean)
    assert ticks(picture.axes[0].yaxis) == STATES
    assert is_png(picture)
    without = monitor.means_figure(means)
    assert [axes.get_title() for axes in without.axes] == ["feature 0", "feature 1"]
    assert without.axes[0].get_xlabel() == "mean"


def test_many_features_are_a_heat_map_of_what_sets_the_states_apart():
    means = np.random.default_rng(0).normal(size=(4, 9)) * 10.0 ** np.arange(9)
    means[:, 3] = 7  # the same everywhere
    picture = monitor.means_figure(means)
    drawn = picture.axes[0].images[0].get_array()
    scale = means.std(0)
    scale[3] = 1
    np.testing.assert_allclose(drawn, (means - means.mean(0)) / scale)
    assert drawn[:, 3].tolist() == [0] * 4
    assert picture.axes[0].texts[3].get_text() == "7"
    assert is_png(picture)


def test_the_best_restart_stands_out():
    histories = [[-9, -5, -4.5], [-8, -6, -5.9, -5.8], [-20, -4, -4.25]]
    picture = monitor.log_likelihood_figure(histories, "three")
    upper, lower = picture.axes
    lines = {tuple(line.get_ydata()): line for line in upper.lines}
    assert set(lines) == {tuple(row) for row in histories}
    best = lines[tuple(histories[2])]
    assert best.get_xdata().tolist() == [1, 2, 3]
    others = [line.get_linewidth() for line in lines.values() if line is not best]
    assert best.get_linewidth() > max(others)
    drawn = [line.get_ydata() for line in lower.lines if len(line.get_xdata()) > 1]
    for history in histories:
        gain = np.diff(history)
        rises = np.where(gain > 0, gain, np.nan)
        assert any(np.array_equal(rises, line, equal_nan=True) for line in drawn)
    assert upper.get_legend().get_texts()[0].get_text() == "best of 3 restarts: -4.25"
    crosses = [line for line in lower.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in crosses] == [(3, 0.25)]
    assert lower.get_yscale() == "log"
    assert is_png(picture)


@pytest.mark.parametrize(
    "history", [[-5.0], [-5.0, -5.0], np.array([[-3, -2, np.nan], [-4, -3, -2.5]]), [[-np.inf, -3]]]
)
def test_any_history_can_be_drawn(history):
    assert is_png(monitor.log_likelihood_figure(history))


def spans(axes):
    """(begin, end, state) of each coloured band, in order."""
    found = []
    for bands in axes.collections:
        if isinstance(bands, PolyCollection):
            for path in bands.get_paths():
                x = path.vertices[:, 0]
                found.append((x.min(), x.max(), int(bands.get_label())))
    return sorted(found)


def test_there_is_a_band_for_each_run_of_a_state():
    path = np.array([0, 0, 2, 2, 2, 0, 1, -1, -1, 1])
    series = np.arange(10.0)
    picture = monitor.states_figure(series, path, names=STATES)
    [axes] = picture.axes
    assert spans(axes) == [
        (-0.5, 1.5, 0),
        (1.5, 4.5, 2),
        (4.5, 5.5, 0),
        (5.5, 6.5, 1),
        (8.5, 9.5, 1),
    ]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), series)
    assert axes.get_xlim() == (-0.5, 9.5)
    [legend] = picture.legends
    assert [text.get_text() for text in legend.get_texts()] == STATES
    colours = [patch.get_facecolor() for patch in legend.get_patches()]
    assert len(set(colours)) == 3
    for bands in axes.collections:  # each band has the colour of its state in the legend
        assert tuple(bands.get_facecolor()[0]) == colours[int(bands.get_label())]
    assert is_png(picture)


def test_random_runs():
    path = np.random.default_rng(0).integers(0, 3, 500)
    [axes] = monitor.states_figure(np.zeros(500), path).axes
    found = spans(axes)
    assert len(found) == 1 + (np.diff(path) != 0).sum() == len(runs(path))
    drawn = np.concatenate([np.full(int(end - start), state) for start, end, state in found])
    np.testing.assert_array_equal(drawn, path)


def test_time_stamps_are_real_and_gaps_stay_empty():
    minutes = np.array([0, 5, 10, 15, 60, 65, 70])
    times = np.datetime64("2016-07-01T00:00") + minutes.astype("timedelta64[m]")
    series = np.stack([minutes, -minutes], 1).astype(float)
    path = np.array([0, 0, 1, 1, 1, 1, 0])
    posteriors = np.eye(2)[path] * 0.75 + 0.125
    picture = monitor.states_figure(
        series, path, posteriors=posteriors, times=times, features=["up", "down"], title="a day"
    )
    up, down, strip = picture.axes
    five, zero = 5 / 24 / 60, date2num(times[0])
    ends = [(-0.5, 1.5, 0), (1.5, 3.5, 1), (11.5, 13.5, 1), (13.5, 14.5, 0)]
    for axes in (up, down):
        wanted = [(zero + a * five, zero + b * five, state) for a, b, state in ends]
        np.testing.assert_allclose(spans(axes), wanted, rtol=0, atol=1e-7)
        assert np.isnan(axes.lines[0].get_ydata()).nonzero()[0].tolist() == [4]  # not across
    assert down.get_ylabel() == "down"
    np.testing.assert_allclose(strip.get_xlim(), (zero - five / 2, zero + 14.5 * five), atol=1e-7)
    low, high = strip.collections
    for part, state in ((low, 0), (high, 1)):
        assert part.get_label() == str(state)
        assert len(part.get_paths()) == 2  # before and after the gap
        y = np.concatenate([path.vertices[:, 1] for path in part.get_paths()])
        assert set(y) == ({0, 0.125, 0.875} if state == 0 else {0.125, 0.875, 1})
    assert is_png(picture)
    assert any(":" in label for label in ticks(strip.xaxis))  # hours


@pytest.mark.parametrize(("length", "width", "count"), [(1, 1, 1), (2, 10, 2), (50, 2, 25)])
def test_any_size_can_be_drawn(length, width, count):
    rng = np.random.default_rng(0)
    series = rng.normal(size=(length, width))
    series[0] = np.nan
    posteriors = rng.dirichlet(np.ones(count), length)
    picture = monitor.states_figure(series, np.arange(length) % count, posteriors=posteriors)
    assert is_png(picture)
    assert ("first 8 of 10" in picture.get_suptitle()) == (width == 10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.transition_figure([[1, 0]]), r"shape \(1, 2\)"),
        (lambda m: m.transition_figure(np.eye(2), ["a"]), "1 names; expected 2"),
        (lambda m: m.emission_figure([1, 0]), r"shape \(2,\)"),
        (lambda m: m.means_figure(np.eye(2), np.eye(3)), r"sds have the shape \(3, 3\)"),
        (lambda m: m.log_likelihood_figure([]), "no finite number"),
        (lambda m: m.log_likelihood_figure([[np.nan], [-np.inf]]), "no finite number"),
        (lambda m: m.states_figure([1, 2]), "states, posteriors or both"),
        (lambda m: m.states_figure([], []), r"shape \(0,\)"),
        (lambda m: m.states_figure([1, 2], [0]), r"states have the shape \(1,\)"),
        (lambda m: m.states_figure([1, 2], [0.5, 1]), "expected integers"),
        (lambda m: m.states_figure([1, 2], [-2, 0]), "expected integers"),
        (
            lambda m: m.states_figure([1, 2], [0, 2], names=["a", "b"]),
            "has state 2; expected states below 2",
        ),
        (lambda m: m.states_figure([1, 2], posteriors=[1, 0]), "posteriors have"),
        (lambda m: m.states_figure([1, 2, 3], [0] * 3, times=[1, 2, 2]), "step 2 is not later"),
        (lambda m: m.states_figure([1, 2], [0, 0], times=[2]), "times have the shape"),
        (lambda m: m.states_figure([1, 2], [0, 0], times=["a", "b"]), "datetime64"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call(monitor)


def test_a_notebook_shows_a_picture_without_pyplot(fresh_python):
    """IPython asks an object for its `_repr_png_`; nothing global is touched on the way."""
    code = """
import json, sys
from rnnkit import monitor
shown = monitor.transition_figure([[0.5, 0.5], [0.5, 0.5]])._repr_png_()
print(json.dumps([shown[:4].hex(), "matplotlib.pyplot" in sys.modules, "keras" in sys.modules]))
"""
    assert fresh_python(code).value == ["89504e47", False, False]


def steps(found, tag):
    return [step for step, _ in found[tag]]


def test_a_training_is_written_iteration_by_iteration(tmp_path):
    parameters = {
        "startprob": np.full(3, 1 / 3),
        "transmat": A,
        "means": np.ones((3, 2)),
        "covars": np.ones((3, 2)),
    }
    with monitor.HMMEvents(tmp_path, images_every=4, names=STATES) as events:
        for iteration in range(1, 11):
            events(iteration, parameters, -100.0 / iteration)
        events.series(np.arange(5.0), [0, 0, 1, 1, 2])
    found = read(tmp_path / "train")
    np.testing.assert_allclose(
        [value for _, value in found["epoch/log_likelihood"]], -100 / np.arange(1, 11), rtol=1e-6
    )
    assert steps(found, "epoch/log_likelihood") == list(range(1, 11))
    pictures = found.keys() - {"epoch/log_likelihood", "states/series"}
    assert pictures == {"states/transition_matrix", "states/means"}
    assert all(steps(found, tag) == [1, 4, 8, 10] for tag in pictures)
    assert steps(found, "states/series") == [10]
    width, height, png = found["states/transition_matrix"][-1][1]
    assert png == monitor.transition_figure(A, STATES, "iteration 10").png()
    assert min(int(width), int(height)) > 100


def test_the_last_pictures_are_written_once(tmp_path):
    with monitor.HMMEvents(tmp_path, images_every=0, features=["x", "y"]) as events:
        for iteration in (1, 2, 3):
            events(iteration, {"emissionprob": np.eye(2)}, -1.0)
        events.series([0, 1, 0], [0, 1, 0], tag="train/0", step=7)
    events.close()
    found = read(tmp_path / "train")
    assert steps(found, "states/emissions") == [3]
    assert steps(found, "train/0") == [7]
    assert set(found) == {"epoch/log_likelihood", "states/emissions", "train/0"}
    with pytest.raises(InputError, match="images_every"):
        monitor.HMMEvents(tmp_path, images_every=-1)


def test_moments_of_each_emission():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(3, 2))
    full = np.array([[[4, 1], [1, 9]], [[1, 0], [0, 1]], [[25, 0], [0, 16.0]]])
    sds = np.array([[2, 3], [1, 1], [5, 4]])
    for covars in (full, sds**2.0):
        np.testing.assert_allclose(state_moments({"means": means, "covars": covars}), (means, sds))
    found = state_moments({"means": means, "covars": sds[:, 0] ** 2.0})[1]
    np.testing.assert_allclose(found, sds[:, :1].repeat(2, 1))
    tied = {"means": means, "covars": full[0]}
    np.testing.assert_allclose(state_moments(tied)[1], sds[:1].repeat(3, 0))
    square = {"means": means[:2], "covars": full[0]}
    np.testing.assert_allclose(state_moments(square)[1], np.sqrt(full[0]))
    np.testing.assert_allclose(state_moments(square, "tied")[1], sds[:1].repeat(2, 0))
    assert state_moments({"means": means})[1] is None
    assert state_moments({"slope": 1}) == (None, None)


@pytest.mark.parametrize("kind", ["spherical", "diag", "full", "tied"])
def test_moments_of_a_mixture_are_those_of_a_great_sample(kind):
    rng = np.random.default_rng(0)
    weights, means = np.array([[0.25, 0.75]]), 5 * rng.normal(size=(1, 2, 3))
    root = rng.normal(size={"tied": (1, 3, 3)}.get(kind, (1, 2, 3, 3)))
    full = root @ root.swapaxes(-1, -2)
    diagonal = np.diagonal(full, axis1=-2, axis2=-1)
    covars = {"spherical": diagonal[..., 0], "diag": diagonal}.get(kind, full)
    each = {
        "spherical": diagonal[..., :1] * np.ones(3),
        "tied": diagonal[:, None].repeat(2, 1),
    }.get(kind, diagonal)[0]
    drawn = rng.choice(2, 400_000, p=weights[0])
    sample = rng.normal(means[0, drawn], np.sqrt(each[drawn]))
    mean, sd = state_moments({"weights": weights, "means": means, "covars": covars})
    np.testing.assert_allclose(mean[0], sample.mean(0), atol=0.03)
    np.testing.assert_allclose(sd[0], sample.std(0), rtol=0.01)


class Hidden(keras.layers.Layer):
    """Stands for a layer with a hidden Markov model inside."""

    def build(self, shape):
        self.raw = self.add_weight(shape=(2, 2), initializer="zeros")
        super().build(shape)

    def call(self, x):
        return keras.ops.softmax(x @ self.raw + self.raw[0])

    def transition_matrix(self):
        table = np.exp(keras.ops.convert_to_numpy(self.raw))
        return table / table.sum(1, keepdims=True)

    def means(self):
        return np.ones((2, 3)) if self.name == "with_means" else None


@pytest.mark.every_backend
def test_a_network_shows_its_hidden_markov_layers_after_each_epoch(tmp_path):
    inside = keras.Sequential([keras.Input((2,)), Hidden(name="with_means")])
    inputs = keras.Input((2,))
    x = Hidden(name="deep")(inside(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    data = rng.normal(size=(16, 2)), rng.normal(size=16)
    model.fit(*data, epochs=2, verbose=0, callbacks=[monitor.TensorBoard(tmp_path)])
    found = read(tmp_path / "train")
    pictures = {tag for tag in found if tag.startswith("states/")}
    named = ("deep/transition_matrix", "with_means/transition_matrix", "with_means/means")
    assert pictures == {f"states/{name}" for name in named}
    assert all(steps(found, tag) == [1, 2] for tag in pictures)
    matrix = model.get_layer("deep").transition_matrix()
    learned = monitor.transition_figure(matrix, title="epoch 2")
    # As it is after the epoch.
    assert found["states/deep/transition_matrix"][-1][1][2] == learned.png()


def test_a_layer_without_means_is_drawn_too(tmp_path):
    from rnnkit.monitor.markov_events import write_layers

    layer = SimpleNamespace(name="hmm", transition_matrix=lambda: np.eye(2))
    model = SimpleNamespace(layers=[layer, SimpleNamespace(layers=[layer])])
    with monitor.EventWriter(tmp_path) as writer:
        write_layers(writer, model, 3)
    assert steps(read(tmp_path), "states/transition_matrix") == [3]  # once


def test_a_heat_map_has_no_frame_and_legible_texts():
    values = np.array([[0.0, 1.0], [0.1, 0.9]])
    axes = Picture(3, 3).add_subplot()
    heat_map(axes, values, ["a", "$b$"], ["c", "d"], texts=[["1", "2"], ["3", "4"]])
    assert not any(spine.get_visible() for spine in axes.spines.values())
    assert {text.get_text(): text.get_color() for text in axes.texts} == {
        "1": "black",  # on white
        "2": "white",  # on dark blue
        "3": "black",
        "4": "white",
    }
    assert not any(label.get_parse_math() for label in axes.get_yticklabels())
