"""Event files and projector files, read back through TensorBoard's own readers."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from event_files import read
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.plugins.hparams import metadata as hparams_metadata

from rnnkit.errors import InputError
from rnnkit.monitor.events import EventWriter, write_projector


def small_png():
    figure = Figure(figsize=(2, 1), dpi=50)
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture)
    return picture.getvalue()


def test_scalars_come_back_with_their_steps(tmp_path):
    with EventWriter(tmp_path / "new" / "folder") as events:
        events.scalar("loss", 0.5, step=3)
        events.scalars({"loss": np.float32(0.25), "accuracy": np.array([0.75])}, step=4)
        events.scalar("loss", float("nan"), step=5)
    found = read(tmp_path / "new" / "folder")
    assert [step for step, _ in found["loss"]] == [3, 4, 5]
    np.testing.assert_allclose([v for _, v in found["loss"]], [0.5, 0.25, np.nan])
    assert found["accuracy"] == [(4, 0.75)]


@pytest.mark.parametrize("value", ["high", None, [1.0, 2.0], 1 + 2j])
def test_a_scalar_is_one_real_number(tmp_path, value):
    with EventWriter(tmp_path) as events, pytest.raises(InputError, match="one real number"):
        events.scalar("loss", value, step=0)


def test_histogram_counts_each_finite_value_once(tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 40)).astype(np.float32)
    values[0, 0], values[1, 1] = np.nan, np.inf
    with EventWriter(tmp_path) as events:
        events.histogram("spread", values, step=1)
        events.histogram("constant", np.full(7, 2.5), step=1)
        events.histogram("nothing", np.array([np.nan]), step=1)
    found = read(tmp_path)
    left, right, counts = found["spread"][0][1].T
    finite = values[np.isfinite(values)].astype(float)
    expected, edges = np.histogram(finite, bins=30)
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_allclose(np.append(left, right[-1]), edges)
    assert found["constant"][0][1][-1].tolist() == [2.5, 2.5, 7]
    assert found["constant"][0][1][:, 2].sum() == 7
    assert not found["nothing"][0][1].any()


def test_image_carries_its_size_and_bytes(tmp_path):
    png = small_png()
    with EventWriter(tmp_path) as events:
        events.image("picture", png, step=2)
        with pytest.raises(InputError, match="PNG"):
            events.image("picture", b"GIF89a", step=2)
    [(step, content)] = read(tmp_path)["picture"]
    assert step == 2
    assert content.tolist() == [b"100", b"50", png]


def test_text_keeps_any_unicode(tmp_path):
    markdown = "| a | b |\n|---|---|\n| 好 | \U0001f600 |"
    with EventWriter(tmp_path) as events:
        events.text("note", markdown, step=0)
        events.text("broken", "half a pair: \ud83d", step=0)
        with pytest.raises(InputError, match="must be a string"):
            events.text("note", 7, step=0)
    found = read(tmp_path)
    assert found["note"][0][1].item().decode() == markdown
    assert found["broken"][0][1].item().decode() == "half a pair: \\ud83d"


def test_pr_curve_is_what_counting_at_each_threshold_gives(tmp_path):
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(0, 2, 300), rng.random(300)
    scores = np.minimum(scores, 0.85)
    scores[:3] = [0.0, 0.5, 0.25]
    with EventWriter(tmp_path) as events:
        events.pr_curve("curve", labels, scores, step=1, thresholds=11)
    curve = read(tmp_path)["curve"][0][1]
    precision = 0.0
    for i in range(11):
        called = np.floor(scores * 10) >= i
        hits = (called & (labels == 1)).sum()
        wrong = (called & (labels == 0)).sum()
        missed = (~called & (labels == 1)).sum()
        rest = (~called & (labels == 0)).sum()
        precision = hits / (hits + wrong) if called.any() else precision  # keeps its last value
        expected = [hits, wrong, rest, missed, precision, hits / (hits + missed)]
        np.testing.assert_allclose(curve[:, i], expected, rtol=1e-6)
    assert precision > 0
    assert not called.any()


@pytest.mark.parametrize(
    ("labels", "scores"), [([0, 1], [0.5]), ([], []), ([0, 2], [0.1, 0.2]), ([0, 1], [0.1, np.nan])]
)
def test_pr_curve_refuses_what_it_cannot_count(tmp_path, labels, scores):
    with EventWriter(tmp_path) as events, pytest.raises(InputError, match="PR curve"):
        events.pr_curve("curve", labels, scores, step=0)


def test_hparams_hold_settings_metrics_and_the_end(tmp_path):
    settings = {"units": np.int64(64), "rate": 1e-3, "frozen": True, "kind": "lstm", "x": None}
    with EventWriter(tmp_path) as events:
        events.hparams({**settings, "sizes": (1, 2)}, {"accuracy": 0.875})
    reader = EventAccumulator(str(tmp_path))
    reader.Reload()

    def page(tag):
        return reader.SummaryMetadata(tag).plugin_data.content

    start = hparams_metadata.parse_session_start_info_plugin_data(
        page(hparams_metadata.SESSION_START_INFO_TAG)
    )
    end = hparams_metadata.parse_session_end_info_plugin_data(
        page(hparams_metadata.SESSION_END_INFO_TAG)
    )
    assert set(start.hparams) == {"units", "rate", "frozen", "kind", "sizes"}
    assert start.hparams["units"].number_value == 64
    assert start.hparams["frozen"].bool_value is True
    assert start.hparams["sizes"].string_value == "(1, 2)"
    assert end.end_time_secs >= start.start_time_secs
    assert read(tmp_path)["accuracy"] == [(0, np.float32(0.875))]


def test_records_are_on_disk_before_close_and_files_are_never_shared(tmp_path):
    first, second = EventWriter(tmp_path), EventWriter(tmp_path)
    assert first.path != second.path
    first.scalar("loss", 1.0, step=0)
    raw = list(RawEventFileLoader(str(first.path)).Load())
    assert len(raw) == 2  # the version record and the scalar
    first.close()
    first.close()
    with pytest.raises(InputError, match="closed"):
        first.scalar("loss", 1.0, step=1)
    second.flush()
    del second  # an abandoned writer closes its file without a ResourceWarning


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="Cannot write event files"):
        EventWriter(tmp_path / "file" / "inside")


@pytest.mark.every_backend
@pytest.mark.parametrize("mode", ["blocked", "free"])
def test_no_tensorflow_is_needed_nor_imported(mode, tmp_path, fresh_python):
    script = """
import json, sys
folder, mode = map(json.loads, sys.argv[1:])
if mode == "blocked":
    sys.modules["tensorflow"] = None
from rnnkit.monitor import EventWriter
with EventWriter(folder) as events:
    events.scalar("loss", 1.0, 0)
    events.histogram("weights", [1.0, 2.0], 0)
    events.text("note", "hello", 0)
    events.pr_curve("curve", [0, 1], [0.2, 0.9], 0)
    events.hparams({"units": 4}, {"accuracy": 1.0})
loaded = {name for name in ("tensorflow", "keras", "jax", "torch") if sys.modules.get(name)}
sys.exit(f"imported {loaded}" if loaded else 0)
"""
    fresh_python(script, str(tmp_path), mode)
    assert {"loss", "weights", "note", "curve", "accuracy"} <= set(read(tmp_path))


def test_projector_files_have_a_line_for_each_word(tmp_path):
    words = ["good", "tab\there", "line\nend\r", "", "好", "back\\slash", "half \ud83d", "a\u2028b"]
    vectors = np.arange(16, dtype=np.float32).reshape(8, 2) / 3
    config = write_projector(tmp_path, vectors, words, counts=range(8))
    assert 'tensor_path: "tensors.tsv"' in config.read_text()
    rows = [line.split("\t") for line in (tmp_path / "tensors.tsv").read_text().splitlines()]
    np.testing.assert_allclose(np.array(rows, dtype=float), vectors, rtol=1e-5)
    lines = (tmp_path / "metadata.tsv").read_text("utf-8").splitlines()
    cells = [line.split("\t") for line in lines]
    assert cells[0] == ["word", "count"]
    assert [cell[0] for cell in cells[1:]] == [
        *("good", "tab\\there", "line\\nend\\r", "(empty)", "好", "back\\\\slash"),
        *("half \\ud83d", "a\\u2028b"),
    ]
    assert [cell[1] for cell in cells[1:]] == [str(i) for i in range(8)]
    write_projector(tmp_path, vectors, words)
    assert len((tmp_path / "metadata.tsv").read_text("utf-8").splitlines()) == 8
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("vectors", "words", "counts", "message"),
    [
        ([[1.0], [2.0]], ["one"], None, "2 vectors came with 1 words"),
        ([[1.0]], ["one"], [1, 2], "2 counts"),
        ([1.0, 2.0], ["a", "b"], None, "shape"),
        (np.zeros((0, 3)), [], None, "shape"),
        ([[1.0], [np.nan]], ["a", "b"], None, "'b' .row 1. holds NaN"),
    ],
)
def test_projector_refuses_and_writes_nothing(tmp_path, vectors, words, counts, message):
    with pytest.raises(InputError, match=message):
        write_projector(tmp_path / "p", vectors, words, counts)
    assert not (tmp_path / "p").exists()


def test_importing_warns_of_nothing(fresh_python):
    assert fresh_python("import rnnkit.monitor.events", options=("-W", "error")).code == 0


def test_files_of_one_second_are_read_in_the_order_in_which_they_were_written(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("rnnkit.monitor.events._FILE_NUMBER", itertools.count(9))
    monkeypatch.setattr("rnnkit.monitor.events.time.time", lambda: 1_700_000_000.0)
    for step in (1, 2):  # the ninth and the tenth file: "10" stands before "9"
        with EventWriter(tmp_path) as writer:
            writer.scalar("loss", 0.5, step)
    assert [step for step, _ in read(tmp_path)["loss"]] == [1, 2]
