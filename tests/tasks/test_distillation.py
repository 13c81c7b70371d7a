"""Soft labels, teachers and ensembles, against sums written out in NumPy."""

import json

import keras
import numpy as np
import pytest
import small_tasks
from sklearn.metrics import accuracy_score, f1_score

import rnnkit
from rnnkit import recipes
from rnnkit.errors import InputError
from rnnkit.monitor.metrics import F1, ClassAccuracy
from rnnkit.tasks.ensemble import Ensemble, geometric_mean, least_log_loss
from rnnkit.tasks.training import distillation
from rnnkit.tasks.training.distillation import ask_teacher, soft_targets, soften
from rnnkit.tasks.training.losses import class_crossentropy
from rnnkit.training.checkpoints import Checkpoints

CHEAP = "bag_of_words_sentiment"
X, Y = small_tasks.examples(CHEAP)
VALID = small_tasks.examples(CHEAP, split="valid")


def simplex(*shape, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1])


def crossentropy(q, p):
    return -(q * np.log(p)).sum(-1)


def both(p):
    """One probability as those of both classes."""
    return np.concatenate([1 - p, p], -1)


class Teacher:
    """Predicts the share of e among the letters of a text, and counts what it was asked."""

    classes = ("0", "1")

    def __init__(self, scale=1.0):
        self.asked, self.scale = [], scale

    def predict(self, texts):
        self.asked += texts
        return np.array([[self.scale * text.count("e") / max(1, len(text))] for text in texts])


def fit(y=Y, x=X, name=CHEAP, settings=(), **options):
    keras.utils.clear_session()
    model = small_tasks.make(name, seed=3, **dict(settings))
    options = {"epochs": 2, "batch_size": 4, "verbose": 0, "validation_data": VALID} | options
    model.history_ = model.fit(x, y, **options).history
    return model


def bits(model):
    return [np.asarray(weight).tobytes() for weight in model.get_weights()]


@pytest.mark.every_backend
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_cross_entropy_is_the_sum_of_its_parts(outputs, temperature):
    classes = max(2, outputs)
    full, labels, teacher = (simplex(5, classes, seed=i) for i in range(3))
    p = full[:, 1:] if outputs == 1 else full
    soft = labels[:, 1:] if outputs == 1 else labels

    def loss(y):
        y, predicted = (keras.ops.convert_to_tensor(a.astype("float32")) for a in (y, p))
        return keras.ops.convert_to_numpy(class_crossentropy(y, predicted))

    numbers = labels.argmax(-1)
    hard = crossentropy(np.eye(classes)[numbers], full)
    np.testing.assert_allclose(loss(numbers[:, None].astype(float)), hard, rtol=1e-4)
    np.testing.assert_allclose(loss(soft), crossentropy(labels, full), rtol=1e-4)
    softened = full ** (1 / temperature)
    softened /= softened.sum(-1, keepdims=True)
    taught = soft_targets(labels[:3], teacher, temperature, 0.3)
    shares = np.array([0.3, 0.3, 0.3, 0, 0])
    hinton = shares * crossentropy(labels, full)
    hinton += (1 - shares) * temperature**2 * crossentropy(soften(teacher, temperature), softened)
    np.testing.assert_allclose(loss(taught), hinton, rtol=1e-4)
    filled = np.concatenate([taught, np.zeros_like(taught[:1])])[-1:]  # a row that fills up
    p = p[:1]
    assert loss(filled) == 0


@pytest.mark.every_backend
@pytest.mark.parametrize("outputs", [1, 3])
def test_metrics_are_those_of_the_most_probable_class(outputs):
    classes = max(2, outputs)
    full, labels, teacher = (simplex(40, classes, seed=i) for i in range(3))
    p = (full[:, 1:] if outputs == 1 else full).astype("float32")
    mixed = 0.3 * labels + 0.7 * teacher
    for y, most in (
        (labels.argmax(-1)[:, None], labels),
        ((labels[:, 1:] if outputs == 1 else labels), labels),
        (soft_targets(labels, teacher, 1.0, 0.3), mixed),
        (soft_targets(labels, soften(teacher, 0.5), 2.0, 0.3), mixed),
    ):
        for metric, oracle in (
            (ClassAccuracy(), accuracy_score),
            (F1(classes), lambda *a: f1_score(*a, average="binary" if outputs == 1 else "macro")),
        ):
            metric.update_state(y.astype("float32"), p)
            expected = oracle(most.argmax(-1), full.argmax(-1))
            assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def test_a_student_of_sure_labels_is_the_model_of_the_labels():
    rows = np.eye(2)[np.asarray(Y)]
    reference, student = fit(epochs=1), fit(rows, epochs=1)
    assert bits(student) == bits(reference)
    assert student.history_ == reference.history_


@pytest.mark.one_backend
def test_soft_labels_have_several_forms():
    rows = 0.9 * np.eye(2)[np.asarray(Y)] + 0.05
    reference = fit(epochs=1)
    expected = reference.evaluate(X, rows, verbose=0)
    for y in (rows.astype("float32"), rows.tolist(), rows[:, 1], rows[:, 1:]):
        assert reference.evaluate(X, y, verbose=0) == pytest.approx(expected)
    sure = {"label_weight": 1.0}
    taught = fit(teacher=lambda texts: simplex(len(texts), 2), settings=sure, epochs=1)
    assert bits(taught) == bits(reference)


@pytest.mark.one_backend
def test_labels_of_three_classes_may_be_soft():
    y = np.arange(len(X)) % 3
    names = {"classes": "a,b,c"}
    reference = fit(y, settings=names, validation_data=(X, y))
    student = fit(np.eye(3)[y], settings=names, validation_data=(X, y))
    assert student.classes == ("a", "b", "c")
    for one, other in zip(student.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
    soft = student.evaluate(X, simplex(len(X), 3), return_dict=True, verbose=0)
    expected = crossentropy(simplex(len(X), 3), student.predict(X, verbose=0)).mean()
    assert soft["loss"] == pytest.approx(expected, rel=1e-4)
    assert fit(simplex(len(X), 3), validation_data=None).classes == ("0", "1", "2")


@pytest.mark.one_backend
def test_a_teacher_is_the_labels_that_it_would_give():
    more = [text[:20] for text in X]
    weighted = {"settings": {"label_weight": 0.25}}
    taught = fit(teacher=Teacher(), unlabelled=more, **weighted)
    p = Teacher().predict([*X, *more])
    p[: len(X)] = 0.25 * np.asarray(Y)[:, None] + 0.75 * p[: len(X)]
    assert bits(taught) == bits(fit(p, [*X, *more]))
    weights = np.arange(1.0, len(X) + 1)
    options = {"epochs": 1, "validation_data": None, "sample_weight": weights}
    alone = {"distil_unlabelled": False, **options, **weighted}
    alone = fit(teacher=Teacher(), unlabelled=more, **alone)
    assert bits(alone) == bits(fit(p[: len(X)], **options))
    taught = fit(teacher=Teacher(), unlabelled=more, **options, **weighted)
    options["sample_weight"] = np.concatenate([weights, np.ones(len(more))])
    assert bits(taught) == bits(fit(p, [*X, *more], **options))


@pytest.mark.one_backend
def test_every_classifier_learns_from_a_teacher():
    for name in ("gru_sentiment", "sequence_classifier"):
        x, y = small_tasks.examples(name, 8)
        classes = max(y) + 1

        def teacher(some, classes=classes):
            return simplex(len(some), classes, seed=len(some))

        options = {"teacher": teacher, "epochs": 1, "validation_data": None}
        model = fit(y, x, name, {"temperature": 2.0}, **options)
        assert np.isfinite(model.history_["loss"]).all()
        reloaded = keras.models.clone_model(model)
        assert reloaded.temperature == 2.0


@pytest.mark.one_backend
def test_columns_follow_the_names_of_the_classes():
    class Named(Teacher):
        def __init__(self, classes):
            super().__init__()
            self.classes_ = np.array(classes)

        def predict_proba(self, texts):
            p = both(self.predict(texts))
            return p if self.classes_[0] in ("neg", "0", 0) else p[:, ::-1]

    names = np.array(["neg", "pos"])[np.asarray(Y)]
    for classes in (["neg", "pos"], ["pos", "neg"], [0, 1], ["0", "1"]):
        rows = ask_teacher(Ensemble.of(Named(classes)), X, ("neg", "pos"))
        np.testing.assert_allclose(rows, both(Teacher().predict(X)))
    with pytest.raises(InputError, match=r"has the classes bad, good; expected .* neg, pos"):
        fit(names, teacher=Named(["bad", "good"]), validation_data=None)
    with pytest.raises(InputError, match=r"has the classes a, b, c; expected .* neg, pos"):
        fit(names, teacher=Named(["a", "b", "c"]), validation_data=None)


@pytest.mark.one_backend
def test_answers_follow_the_rows_of_the_texts():
    texts = [f"{'e' * i} text" for i in range(30)]
    order = np.random.default_rng(0).permutation(30)
    rows = ask_teacher(Ensemble.of(Teacher()), texts, (0, 1))
    again = ask_teacher(Ensemble.of(Teacher()), [texts[i] for i in order], (0, 1))
    assert np.array_equal(rows[order], again)


@pytest.mark.one_backend
class TestEnsembles:
    def test_the_mean_is_geometric(self):
        rows, weights = simplex(3, 7, 4), np.array([0.2, 0.5, 0.3])
        expected = np.prod(rows ** weights[:, None, None], axis=0)
        expected /= expected.sum(-1, keepdims=True)
        np.testing.assert_allclose(geometric_mean(rows, weights), expected)
        members = [lambda x, row=row: row[: len(x)] for row in rows]
        ensemble = Ensemble(members, 2 * weights)
        np.testing.assert_allclose(ensemble.predict(["t"] * 7), expected)
        assert ensemble.predict_labels(["t"] * 7) == [str(i) for i in expected.argmax(-1)]
        np.testing.assert_allclose(ensemble.predict("t"), expected[:1])
        one = Ensemble([lambda x: rows[0][:, :1]])
        np.testing.assert_array_equal(one.predict(["t"] * 7), rows[0][:, :1])

    @pytest.mark.parametrize("seed", range(3))
    def test_weights_have_the_least_loss(self, seed):
        rows, y = simplex(3, 60, 3, seed=seed), np.arange(60) % 3
        rows[0, np.arange(30), y[:30]] += 1
        rows[1, np.arange(20, 60), y[20:]] += 1
        rows /= rows.sum(-1, keepdims=True)

        def loss(weights):
            return crossentropy(np.eye(3)[y], geometric_mean(rows, np.array(weights))).mean()

        found = least_log_loss(rows, y)
        steps = np.linspace(0, 1, 41)
        grid = [(a, b, 1 - a - b) for a in steps for b in steps if a + b <= 1]
        assert loss(found) <= min(map(loss, grid)) + 1e-9
        ensemble = Ensemble([lambda x, row=row: row for row in rows]).fit_weights(["t"] * 60, y)
        np.testing.assert_allclose(ensemble.weights, found)
        assert ensemble.evaluate(["t"] * 60, y)["loss"] == pytest.approx(loss(found))
        assert ensemble.fitted == ensemble.evaluate(["t"] * 60, y)

    def test_members_may_be_files_or_of_scikit_learn(self, tmp_path):
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        task, other = fit(), make_pipeline(CountVectorizer(), LogisticRegression()).fit(X, Y)
        task.save(tmp_path / "model.keras")
        expected = Ensemble([task, other]).predict(X)
        for path in (tmp_path, str(tmp_path / "model.keras")):
            np.testing.assert_array_equal(Ensemble([path, other]).predict(X), expected)
        p, q = both(task.predict(X, verbose=0).astype(float)), other.predict_proba(X)
        np.testing.assert_allclose(both(expected), geometric_mean(np.stack([p, q]), [0.5, 0.5]))

    @pytest.mark.parametrize(
        ("members", "message"),
        [
            ([], "at least one model"),
            ([3], "A member of the ensemble is 3"),
            (["no/such/run"], "no/such/run is no file or folder"),
            ([lambda x: np.array(["pos"] * len(x))], "expected probabilities"),
            ([lambda x: np.full((len(x), 2), 0.7)], "with the sum 1.4"),
            ([lambda x: np.full(len(x), 1.5)], "from 0 to 1"),
            ([lambda x: np.ones((1, 1))], "one row for each of the 2"),
            ([lambda x: simplex(len(x), 2), lambda x: simplex(len(x), 3)], "arrays"),
        ],
    )
    def test_what_is_no_probability_is_refused(self, members, message):
        with pytest.raises(InputError, match=message):
            Ensemble(members).predict(["a", "b"])

    def test_weights_that_do_not_fit_are_refused(self):
        for weights in ([1.0], [0.0, 0.0], [1.0, -1.0], [1.0, np.nan]):
            with pytest.raises(InputError, match="weights"):
                Ensemble([print, print], weights)


@pytest.mark.one_backend
class TestFilesOfEnsembles:
    @pytest.fixture
    def saved(self, tmp_path):
        folder = tmp_path / "mine"
        (folder / "run").mkdir(parents=True)
        fit().save(folder / "run" / "model.keras")
        fit(epochs=1).save(tmp_path / "other.keras")
        members = [folder / "run", str(tmp_path / "other.keras")]
        Ensemble(members, [1 / 3, 0.17]).save(folder / "mine.json")
        return folder, Ensemble(members, [1 / 3, 0.17])

    def test_the_ensemble_is_the_same_wherever_its_folder_is(self, saved, tmp_path, monkeypatch):
        folder, ensemble = saved
        expected = ensemble.predict(X)
        places = [one["path"] for one in json.loads((folder / "mine.json").read_text())["ensemble"]]
        assert places == ["run", str(tmp_path / "other.keras")]
        moved = folder.rename(tmp_path / "elsewhere")
        monkeypatch.chdir(moved)
        for path in (moved / "mine.json", "mine.json"):
            loaded = Ensemble.load(path)
            np.testing.assert_array_equal(loaded.weights, ensemble.weights)
            np.testing.assert_array_equal(loaded.predict(X), expected)
        np.testing.assert_array_equal(rnnkit.load(moved / "mine.json").weights, ensemble.weights)
        assert Ensemble.of("mine.json").fingerprints() == loaded.fingerprints()

    def test_members_that_are_gone_or_changed_are_refused(self, saved, tmp_path):
        folder, _ = saved
        fit(epochs=1).save(folder / "run" / "model.keras")
        with pytest.raises(InputError, match=r"run is another model than when .*mine\.json was sa"):
            Ensemble.load(folder / "mine.json")
        (folder / "run" / "model.keras").unlink()
        with pytest.raises(InputError, match=r"run has no model\.keras"):
            Ensemble.load(folder / "mine.json")

    @pytest.mark.parametrize(
        "content",
        [b"", b"\xff", b"[]", b"{}", b'{"ensemble": [{"path": 3}], "weights": [1]}'],
    )
    def test_other_files_are_refused(self, tmp_path, content):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.json is no file of Ensemble\.save"):
            Ensemble.load(tmp_path / "a.json")

    def test_what_cannot_be_saved_leaves_nothing(self, saved, tmp_path):
        members = saved[1].models
        for model in (Teacher(), fit(epochs=1)):
            with pytest.raises(InputError, match=r"in memory alone.*Save it to a \.keras file"):
                Ensemble([*members, model]).save(tmp_path / "b.json")
        with pytest.raises(InputError, match=r"expected a name that ends in .\.json"):
            Ensemble(members).save(tmp_path / "b.keras")
        assert not list(tmp_path.glob("b.*"))
        with pytest.raises(InputError, match="There is no file"):
            Ensemble.load(tmp_path / "b.json")


class Stop(keras.callbacks.Callback):
    def __init__(self, at=2):
        super().__init__()
        self._at = at

    def on_train_batch_end(self, batch, logs=None):
        if batch == self._at:
            raise KeyboardInterrupt


MORE = [text[:30] for text in X]
OPTIONS = {"unlabelled": MORE, "settings": {"temperature": 2.0}}


@pytest.mark.one_backend
class TestResuming:
    def test_a_training_that_goes_on_does_not_ask_again(self, tmp_path):
        reference = fit(teacher=Teacher(), **OPTIONS)
        first, second = Teacher(), Teacher()
        kept = Checkpoints(tmp_path, 1e-9)
        with pytest.raises(KeyboardInterrupt):
            fit(teacher=first, checkpoints=kept, callbacks=[Stop()], **OPTIONS)
        assert first.asked == [*X, *MORE]
        resumed = fit(teacher=second, checkpoints=kept, callbacks=[Stop(-1)], **OPTIONS)
        assert second.asked == []
        assert bits(resumed) == bits(reference)

    def test_what_was_asked_before_a_kill_is_kept(self, tmp_path, monkeypatch):
        monkeypatch.setattr(distillation, "CHUNK", 8)
        kept, model = Checkpoints(tmp_path, 1e-9), fit()

        class Mortal(type(model)):  # a digest of its weights tells it apart
            def predict_proba(self, texts):
                self.__dict__["asked"] = self.__dict__.get("asked", 0) + len(texts)
                if self.__dict__["asked"] == 24:
                    raise KeyboardInterrupt
                return super().predict_proba(texts)

        model.__class__ = Mortal
        with pytest.raises(KeyboardInterrupt):
            ask_teacher(Ensemble.of(model), [*X, *MORE], (0, 1), kept)
        model.__dict__["asked"] = 100
        rows = ask_teacher(Ensemble.of(model), [*X, *MORE], (0, 1), kept)
        assert model.__dict__["asked"] == 100 + len(X) + len(MORE) - 16
        assert np.array_equal(rows, ask_teacher(Ensemble.of(model), [*X, *MORE], (0, 1)))

    def test_another_teacher_or_temperature_is_refused(self, tmp_path):
        teacher, other, kept = fit(), fit(epochs=1), Checkpoints(tmp_path, 1e-9)
        with pytest.raises(KeyboardInterrupt):
            fit(teacher=teacher, checkpoints=kept, callbacks=[Stop()], **OPTIONS)
        again = {"checkpoints": kept, "callbacks": [Stop(-1)], **OPTIONS}
        for wrong in (other, [teacher, teacher]):
            with pytest.raises(InputError, match="another teacher"):
                fit(teacher=wrong, **again)
        with pytest.raises(InputError, match="another temperature"):
            fit(teacher=teacher, **{**again, "settings": {"temperature": 3.0}})
        with pytest.raises(InputError, match="another training data"):
            fit(teacher=teacher, **{**again, "unlabelled": MORE[1:]})

    def test_a_damaged_file_is_made_anew(self, tmp_path):
        kept = Checkpoints(tmp_path, 1e-9)
        rows = ask_teacher(Ensemble.of(Teacher()), X, (0, 1), kept)
        (tmp_path / distillation.FILE).write_bytes(b"damaged")
        with pytest.warns(UserWarning, match="asked again"):
            again = ask_teacher(Ensemble.of(Teacher()), X, (0, 1), kept)
        assert np.array_equal(rows, again)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[0.5, 0.7]] * 16, r"y\[0\] is \[0.5, 0.7\], with the sum 1.2"),
        ([[0.5, -0.5]] * 16, "at least 0"),
        ([[np.nan, 1.0]] * 16, "with the sum nan"),
        ([[0.5, 0.5]] * 15 + [[1.0, 0.0, 0.0]], "rows of 2 and 3 probabilities"),
        ([[0.2, 0.3, 0.5]] * 16, "probabilities of 3 classes; expected one for each of the 2"),
        ([[0.5, 0.5]] * 15, "15 rows of probabilities; expected one for each of the 16"),
        ([[1, 0]] * 16, "holds 2 labels"),
        ([0.5] * 15 + [1.5], r"y\[15\] is 1.5"),
    ],
)
def test_wrong_soft_labels_are_refused(y, message):
    with pytest.raises(InputError, match=message):
        fit(y, settings={"classes": "neg,pos"})


@pytest.mark.one_backend
def test_what_does_not_go_with_a_teacher_is_refused():
    with pytest.raises(InputError, match="class_weight was given, and the labels are probab"):
        fit(np.eye(2)[np.asarray(Y)], class_weight="balanced")
    for setting in ({"temperature": 2.0}, {"label_weight": 0.1}):
        with pytest.raises(InputError, match="there is no teacher"):
            fit(settings=setting)
    for setting in ({"temperature": 0.0}, {"label_weight": 1.5}):
        with pytest.raises(InputError, match="expected a number"):
            fit(settings=setting, teacher=Teacher())
    model = recipes.bag_of_words_sentiment(ngrams=1)
    model.fit(X, Y, epochs=1, verbose=0)
    model.compile("sgd", "binary_crossentropy")
    with pytest.raises(InputError, match="compiled with the loss 'binary_crossentropy'"):
        model.fit(X, Y, teacher=Teacher(), verbose=0)
    for name in ("next_word", "name_tagger"):
        with pytest.raises(InputError, match="teacher was given, and"):
            small_tasks.make(name).fit(*small_tasks.examples(name, 4), teacher=Teacher(), verbose=0)
