"""The callbacks, on whichever backend runs: what they write, and when they stop a training."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from event_files import read
from tensorboard.plugins.text.text_plugin import text_array_to_html

from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.monitor import picture
from rnnkit.monitor.callbacks import StopOnNonFinite, TensorBoard, sync_state
from rnnkit.monitor.classification import ClassificationReport
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.figures import confusion_matrix_png, escape_markdown

# Keras's own `predict` on torch: numpy 2 asks `__array__` for a keyword that torch does not have.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


def small_model(outputs=1, **compile_options):
    inputs = keras.Input((4,), dtype="int32")
    x = keras.layers.Embedding(10, 3)(inputs)
    x = keras.layers.GlobalAveragePooling1D()(x)
    activation = "sigmoid" if outputs == 1 else "softmax"
    model = keras.Model(inputs, keras.layers.Dense(outputs, activation=activation)(x))
    loss = "binary_crossentropy" if outputs == 1 else "sparse_categorical_crossentropy"
    options = {"optimizer": keras.optimizers.SGD(0.5), "loss": loss, "metrics": ["accuracy"]}
    model.compile(**{**options, **compile_options})
    return model


def small_data(rows=40, classes=2):
    rng = np.random.default_rng(0)
    return rng.integers(0, 10, (rows, 4)), rng.integers(0, classes, rows)


@pytest.mark.every_backend
def test_a_plain_keras_model_gets_all_that_can_be_known(tmp_path):
    x, y = small_data()
    model = small_model()
    history = model.fit(
        x,
        y,
        validation_data=(x[:16], y[:16]),
        batch_size=8,
        epochs=2,
        verbose=0,
        callbacks=[TensorBoard(tmp_path, examples=(x[:16], y[:16]))],
    ).history
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    for name in ("loss", "accuracy"):
        assert [step for step, _ in train[f"per_batch/{name}"]] == list(range(1, 11))
        for found, key in ((train, name), (validation, f"val_{name}")):
            assert [step for step, _ in found[f"epoch/{name}"]] == [1, 2]
            np.testing.assert_allclose(
                [value for _, value in found[f"epoch/{name}"]], history[key], rtol=1e-6
            )
    assert all(rate == 0.5 for _, rate in train["per_batch/learning_rate"])
    assert not [tag for tag in train if "tokens" in tag or "gradient" in tag]
    paths = [weight.path for weight in model.trainable_weights]
    for weight in model.trainable_weights:
        steps, values = zip(*train[f"weights/{weight.path}"], strict=True)
        assert steps == (1, 2)
        assert values[-1][:, 2].sum() == np.prod(weight.shape)
        array = keras.ops.convert_to_numpy(weight)
        assert values[-1][0, 0] == pytest.approx(array.min())
    assert len(set(paths)) == len(paths) == 3
    assert [step for step, _ in validation["examples/confusion_matrix"]] == [1, 2]
    assert "pr_curve/1" in validation
    assert "examples/predictions" not in validation  # numbers, not texts
    assert not (tmp_path / "train" / "projector_config.pbtxt").exists()


def test_schedule_norm_and_throughput_follow_the_training(tmp_path):
    x, y = small_data()
    schedule = keras.optimizers.schedules.PolynomialDecay(0.4, 10, 0.0)
    model = small_model(optimizer=keras.optimizers.SGD(schedule))

    class Norm(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.gradient_norm = 1.0 + batch

    model.tokens_per_epoch = 160
    model.fit(
        x,
        y,
        batch_size=8,
        epochs=2,
        verbose=0,
        callbacks=[Norm(), TensorBoard(tmp_path, scalars_every=2)],
    )
    train = read(tmp_path / "train")
    steps, rates = zip(*train["per_batch/learning_rate"], strict=True)
    assert steps == (2, 4, 6, 8, 10)
    np.testing.assert_allclose(rates, [0.32, 0.24, 0.16, 0.08, 0.0], atol=1e-6)
    norms = [float(norm) for _, norm in train["per_batch/gradient_norm"]]
    assert norms == [2.0, 4.0, 1.0, 3.0, 5.0]
    # Tokens of a whole epoch over the seconds of a whole epoch.
    (_, speed), (_, seconds) = train["epoch/tokens_per_second"][1], train["epoch/seconds"][1]
    assert speed * seconds == pytest.approx(160, rel=1e-4)
    assert [step for step, _ in train["per_batch/tokens_per_second"]] == [2, 4, 6, 8, 10]
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[TensorBoard(tmp_path / "again")])
    assert read(tmp_path / "again" / "train")["per_batch/loss"][0][0] == 11  # counts on


def test_the_clock_stops_before_validation(tmp_path, monkeypatch):
    x, y = small_data()
    now = [0.0]
    monkeypatch.setattr("rnnkit.monitor.callbacks.time.perf_counter", lambda: now[0])

    class Clock(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            now[0] += 2.0

        def on_test_begin(self, logs=None):
            now[0] += 100.0

    model = small_model()
    model.tokens_per_epoch = 160
    callbacks = [Clock(), TensorBoard(tmp_path)]
    model.fit(x, y, validation_data=(x, y), batch_size=8, verbose=0, callbacks=callbacks)
    train = read(tmp_path / "train")
    assert train["epoch/seconds"] == [(1, 10.0)]
    assert train["epoch/tokens_per_second"] == [(1, 16.0)]


def test_words_and_weights_are_those_of_the_end(tmp_path):
    x, y = small_data()
    model = small_model()
    tokens = ["", "[UNK]", *(f"word{i}" for i in range(8))]
    model.vocabulary = SimpleNamespace(tokens=tokens, counts=list(range(10, 0, -1)))
    callback = TensorBoard(tmp_path, max_words=5, histograms_every_epoch=False)
    model.fit(x, y, epochs=1, verbose=0, callbacks=[callback])
    lines = (tmp_path / "train" / "metadata.tsv").read_text().splitlines()
    assert lines == ["word\tcount", *(f"word{i}\t{8 - i}" for i in range(5))]
    vectors = np.loadtxt(tmp_path / "train" / "tensors.tsv")
    table = keras.ops.convert_to_numpy(model.layers[1].embeddings)
    np.testing.assert_allclose(vectors, table[2:7], rtol=1e-4)
    assert not [tag for tag in read(tmp_path / "train") if "embedding" in tag]


def test_state_is_readable_between_batches_by_any_name():
    x, y = small_data()
    model = small_model()
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            sync_state(model)
            seen.append(int(keras.ops.convert_to_numpy(model.optimizer.iterations)))

    model.fit(x, y, batch_size=8, verbose=0, callbacks=[Look()])
    assert seen == [1, 2, 3, 4, 5]


class Reader:
    """A stub of a trained model with given outputs."""

    classes = ("neg", "po|s")

    def __init__(self, outputs):
        self.outputs = np.asarray(outputs)
        self.calls = 0

    def predict(self, inputs, verbose):
        self.calls += 1
        self.seen = inputs
        return np.array([self.outputs[int(text.split()[0])] for text in inputs])


def test_examples_show_texts_with_true_and_predicted_class(tmp_path):
    texts = ["0 *fine* <br> film", "1 bad\nfilm", "2 " + "long " * 500, "3"]
    model = Reader([[0.9], [0.8], [0.3], [0.5]])
    report = ClassificationReport(texts, [1, 0, 0, 1])
    with EventWriter(tmp_path) as writer:
        report.write(model, writer, step=1)
    found = read(tmp_path)
    page = text_array_to_html(found["examples/predictions"][0][1], True)
    rows = {row.split("<td>")[1][0]: row for row in page.split("<tr>")[2:]}
    assert set(rows) == set("0123")
    assert "*fine* &lt;br&gt; film" in rows["0"]
    assert "<td>po|s</td>\n<td>po|s</td>\n<td>0.900</td>\n<td>right</td>" in rows["0"]
    assert "<td>neg</td>\n<td>po|s</td>\n<td>0.800</td>" in rows["1"]
    assert "<strong>wrong</strong>" in rows["1"]
    assert "bad film" in rows["1"]
    assert "<td>0.700</td>" in rows["2"]
    assert "…" in rows["2"]
    assert "<td>neg</td>\n<td>0.500</td>" in rows["3"]  # one half is class 0
    worst = text_array_to_html(found["examples/mistakes"][0][1], True)
    assert [row.split("<td>")[1][0] for row in worst.split("<tr>")[2:]] == ["1", "3"]
    hits = found["pr_curve/po|s"][0][1][0]
    assert hits[0] == 2
    assert found["examples/confusion_matrix"][0][1][2][:4] == b"\x89PNG"


def test_examples_are_predicted_once_on_a_fixed_sample(tmp_path):
    texts = [str(i) for i in range(100)]
    model = Reader(np.full((100, 1), 0.4))
    report = ClassificationReport(texts, np.arange(100)[:, None] >= 50, limit=20)
    with EventWriter(tmp_path) as writer:
        report.write(model, writer, step=1)
        first = list(model.seen)
        report.write(model, writer, step=2)
    assert model.calls == 2
    assert first == model.seen
    assert len(first) == 20
    assert 4 < sum(int(text) >= 50 for text in first) < 16


def test_confusion_matrix_has_a_row_for_each_true_class(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "rnnkit.monitor.classification.confusion_matrix_png",
        lambda counts, classes, title: (
            drawn.append((counts, classes, title)) or confusion_matrix_png([[1]], [""])
        ),
    )
    with EventWriter(tmp_path) as writer:
        model = Reader([[0.9], [0.8], [0.7], [0.1], [0.2]])
        ClassificationReport(["0", "1", "2", "3", "4"], [1, 0, 0, 0, 1]).write(
            model, writer, step=3
        )
    [(counts, classes, title)] = drawn
    assert counts.tolist() == [[1, 2], [1, 1]]
    assert classes == ["neg", "po|s"]
    assert title == "epoch 3: 40.0% of 5 examples right"


def test_several_classes_logits_and_names_of_labels(tmp_path):
    model = Reader([[3.0, -1.0, 0.0], [0.0, 5.0, 1.0], [0.0, 1.0, 4.0]])
    model.classes = ("a", "b", "c")
    with EventWriter(tmp_path) as writer:
        ClassificationReport(["0", "1", "2"], ["a", "b", "b"]).write(model, writer, step=1)
    found = read(tmp_path)
    assert {"pr_curve/a", "pr_curve/b", "pr_curve/c"} <= set(found)
    page = found["examples/mistakes"][0][1].item().decode()
    share = np.exp(4) / (1 + np.exp(1) + np.exp(4))
    assert f"| 2 | b | c | {share:.3f} | **wrong** |" in page


def test_outputs_that_are_nan_are_reported_not_drawn(tmp_path):
    with EventWriter(tmp_path) as writer:
        ClassificationReport(["0"], [1]).write(Reader([[np.nan]]), writer, step=1)
    assert set(read(tmp_path)) == {"examples/predictions"}


def test_a_model_that_knows_how_shows_its_examples_itself(tmp_path):
    def show(writer, x, y, step):
        writer.text("translations", f"{x[0]} -> {y[0]}", step)

    callback = TensorBoard(tmp_path, examples=(["ja", "nein"], ["yes", "no"]))
    callback.set_model(
        SimpleNamespace(write_examples=show, optimizer=None, trainable_weights=[], layers=[])
    )
    callback.set_params({"steps": 1})
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_epoch_end(0, {"loss": 1.0})
    callback.on_train_end()
    assert b"ja -> yes" in read(tmp_path / "validation")["translations"][0][1].item()


def test_bad_examples_are_refused(tmp_path):
    for examples in ((["a", "b"], [1]), ([], [])):
        callback = TensorBoard(tmp_path / "x", examples=examples)
        callback.set_model(SimpleNamespace())
        with pytest.raises(InputError, match="one label for each"):
            callback.on_train_begin()
    with pytest.raises(InputError, match="max_words"):
        TensorBoard(tmp_path / "x", max_words=0)
    assert not (tmp_path / "x").exists()
    with EventWriter(tmp_path) as writer:
        for label in (2, -1, 0.5, "other"):
            with pytest.raises(InputError, match=r"hold the label .*neg"):
                ClassificationReport(["0"], [label]).write(Reader([[0.5]]), writer, step=1)
        with pytest.raises(InputError, match="outputs of shape"):
            ClassificationReport(["0"], [1]).write(Reader(np.zeros((1, 2, 2))), writer, step=1)


@pytest.mark.parametrize("size", [2, 5, 30])
def test_confusion_matrix_takes_any_class_name(size):
    names = (["$x^{$", "电影", "a" * 60, "", "tab\t"] * 6)[:size]
    png = confusion_matrix_png(np.eye(size, dtype=int) * 1234567, names, "100 $ of $")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"


def test_plain_text_survives_markdown_as_it_is():
    wild = "# 1. a|b *c* _d_ `e` [f](g) <b>&amp; \\ ~h~ - i"
    table = f"| a |\n|---|\n| {escape_markdown(wild)} |"
    page = text_array_to_html(np.array(table, dtype=object), True)
    shown = page.split("<td>")[1].split("</td>")[0]
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == wild
    assert len(escape_markdown("word " * 200_000, 50)) == 50
    lines = escape_markdown("<word> " * 40, 240).split("<br>")
    assert len(lines) == 5
    assert " ".join(lines).count("&lt;word&gt;") == 34


def test_nan_stops_with_where_and_what_to_try():
    x, y = small_data()
    y = y.astype("float32")
    y[24:] = np.nan  # the fourth batch of eight
    model = small_model(loss="mse", metrics=[])  # torch lets no NaN into cross-entropy
    with pytest.raises(NonFiniteLoss) as error:
        model.fit(
            x, y, batch_size=8, shuffle=False, verbose=0, callbacks=[StopOnNonFinite()], epochs=3
        )
    message = str(error.value)
    assert "nan in epoch 1, batch 4" in message
    assert "before that it was 0.2" in message
    assert "learning rate is 0.5" in message
    assert "clip_norm" in message
    assert all(weight.shape for weight in model.get_weights())  # the model is left readable


def test_infinity_at_once_and_in_validation():
    callback = StopOnNonFinite()
    callback.set_model(small_model())
    callback.on_epoch_begin(1)
    with pytest.raises(NonFiniteLoss, match=r"inf in epoch 2, batch 1; .* none was finite"):
        callback.on_train_batch_end(0, {"loss": float("inf")})
    callback.on_train_batch_end(0, {"loss": 0.25})
    with pytest.raises(NonFiniteLoss, match=r"validation loss became nan after epoch 2; .* 0.25"):
        callback.on_epoch_end(1, {"loss": 0.3, "val_loss": float("nan")})


def test_a_training_that_dies_leaves_readable_files(tmp_path):
    x, _ = small_data()
    with pytest.raises(NonFiniteLoss):
        small_model(loss="mse").fit(
            x,
            np.full(40, np.nan, "float32"),
            batch_size=8,
            verbose=0,
            callbacks=[TensorBoard(tmp_path), StopOnNonFinite()],
        )
    assert np.isnan(read(tmp_path / "train")["per_batch/loss"][0][1])


@pytest.mark.parametrize(("size", "written"), [(2, True), (12, True), (13, False)])
def test_cells_hold_their_numbers_where_they_fit(monkeypatch, size, written):
    drawn = {}

    def heat_map(axes, *args, **options):
        drawn["texts"] = options["texts"]
        return original(axes, *args, **options)

    original = picture.heat_map
    monkeypatch.setattr(picture, "heat_map", heat_map)
    confusion_matrix_png(3 * np.eye(size, dtype=int), [f"c{i}" for i in range(size)])
    assert (drawn["texts"] is not None) == written
    wanted = ["0\n0.0%", "3\n100.0%"] if size == 2 else ["", "3\n100%"]
    assert not written or drawn["texts"][1][:2] == wanted
