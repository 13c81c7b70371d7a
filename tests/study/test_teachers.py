"""Runs that learn from other runs: what is recorded, asked once, and refused."""

import shutil
import signal

import keras
import numpy as np
import pytest

import rnnkit
from rnnkit import study
from rnnkit.errors import InputError
from rnnkit.tasks.ensemble import Ensemble
from rnnkit.training.checkpoints import read_checkpoint

RECIPE = "bag_of_words_sentiment"
MORE = ["a good film", "a bad film", "a film"]


@pytest.fixture(scope="module")
def options(table):
    data = {"text_column": "review", "label_column": "mood", "limit": 20}
    return {"data": table, "epochs": 2, "batch_size": 4, "verbose": 0, **data}


@pytest.fixture(scope="module")
def teachers(options, tmp_path_factory):
    folder = tmp_path_factory.mktemp("teachers")
    made = [study.train(RECIPE, **options, seed=i, out=folder / f"{i}") for i in (0, 1)]
    return [run.path for run in made]


@pytest.fixture
def more(tmp_path):
    path = tmp_path / "more.txt"
    path.write_text("\n".join(MORE) + "\n", encoding="utf-8")
    return path


def weights(run):
    return [array.tobytes() for array in run.model.get_weights()]


def test_an_interrupted_student_goes_on_without_its_teachers(
    options, teachers, more, tmp_path, monkeypatch
):
    copies = [shutil.copytree(one, tmp_path / one.name) for one in teachers]
    given = {**options, "unlabelled": more, "settings": {"temperature": 2.0}}
    whole = study.train(RECIPE, **given, teacher=teachers, out=tmp_path / "whole")
    fit = keras.Model.fit

    def interrupted(self, *args, callbacks=(), **more):
        class Stop(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if batch == 3:
                    signal.raise_signal(signal.SIGINT)

        return fit(self, *args, callbacks=[Stop(), *callbacks], **more)

    monkeypatch.setattr(keras.Model, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study.train(RECIPE, **given, teacher=copies, out=tmp_path / "half")
    monkeypatch.undo()
    for copy in copies:
        shutil.rmtree(copy)
    resumed = study.resume(tmp_path / "half", verbose=0)
    assert weights(resumed) == weights(whole)
    record = whole.settings
    assert record["teacher"] == [str(one) for one in teachers]
    assert record["unlabelled"] == str(more)
    kept = read_checkpoint(whole.path / "checkpoints" / "teacher.npz").arrays["rows"]
    data = rnnkit.datasets.open_data(
        options["data"], "texts", text_column="review", label_column="mood", limit=20
    )
    expected = Ensemble([one / "model.keras" for one in teachers])
    np.testing.assert_allclose(kept, expected.predict_proba([*data.train.x, *MORE]), rtol=1e-5)


def test_virtual_adversarial_training_needs_no_teacher(options, more, tmp_path):
    """It learns from unlabelled texts where they are given, and only there."""
    small = {"units": 2, "embedding": "random", "embedding_size": 4, "min_count": 1}
    small |= {"virtual_adversarial": 1.0}
    given = {**options, "settings": small, "epochs": 1}
    run = study.train("gru_sentiment", **given, unlabelled=more, out=tmp_path / "more")
    assert run.settings["unlabelled"] == str(more)
    alone = study.train("gru_sentiment", **given, out=tmp_path / "alone")
    assert "unlabelled" not in alone.settings
    words = [sum(one.model.vocabulary.counts) for one in (run, alone)]
    assert words[0] - words[1] == len(" ".join(MORE).split())


def test_runs_without_a_teacher_record_none(teachers):
    assert not {"teacher", "unlabelled"} & study.open_run(teachers[0]).settings.keys()


@pytest.mark.parametrize(
    ("recipe", "given", "message"),
    [
        (RECIPE, {"teacher": "no/run"}, "teacher is 'no/run', and there is no such run"),
        (RECIPE, {"teacher": "."}, "holds no trained model"),
        ("forecaster", {"teacher": "."}, "forecaster learns from none"),
        (RECIPE, {"unlabelled": True}, "there is no teacher"),
        (RECIPE, {"teacher": 0, "unlabelled": "none.txt"}, "unlabelled is .*none.txt"),
        (RECIPE, {"teacher": 0, "unlabelled": True}, "has no unlabelled texts"),
        (RECIPE, {"teacher_weights": [1.0]}, "there is no teacher"),
        (RECIPE, {"teacher": 0, "teacher_weights": [1.0, 2.0]}, "expected 1 number of at least 0"),
        (RECIPE, {"teacher": 0, "teacher_weights": [0.0]}, "and one above 0"),
        (RECIPE, {"settings": {"label_weight": 0.1}}, "there is no teacher to learn from"),
        (RECIPE, {"teacher": 0, "data": "sample", "text_column": None}, "has the classes neg, pos"),
    ],
)
def test_what_cannot_be_taught_leaves_nothing(options, teachers, tmp_path, recipe, given, message):
    given = {**options, **given}
    if given.get("teacher") == 0:
        given["teacher"] = teachers[0]
    if recipe == "forecaster":
        given = {"teacher": given["teacher"]}
    if given.get("data") == "sample":
        other = tmp_path / "other.csv"
        other.write_text("review,mood\n" + "a film,good\nno film,bad\n" * 20, encoding="utf-8")
        given |= {"data": other, "text_column": "review"}
    with pytest.raises(InputError, match=message):
        study.train(recipe, **given, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_command_line_names_its_options(teachers, tmp_path, more, table):
    from typer.testing import CliRunner

    from rnnkit.cli import app

    data = ["--data", table, "--text-column", "review", "--label-column", "mood", "--limit", 20]
    teach = [word for one in teachers for word in ("--teacher", one)]

    def run(*args):
        given = ["train", RECIPE, *data, "--epochs", 1, "--out", tmp_path / "run", *args]
        return CliRunner().invoke(app, [str(arg) for arg in given])

    assert "--unlabelled was given" in run("--unlabelled").stderr
    done = run(*teach, "--unlabelled-file", more, "--label-weight", 0.2, "--quiet")
    assert done.exit_code == 0, done.output
    record = study.open_run(tmp_path / "run").settings
    assert record["teacher"] == [str(one) for one in teachers]
    assert record["settings"]["label_weight"] == 0.2


def test_weights_of_teachers_are_learned_from_and_kept(options, teachers, tmp_path):
    """An ensemble's file and its weights are the same; equal weights are another teacher."""
    given, file = {**options, "epochs": 1}, tmp_path / "mine.json"
    Ensemble(teachers, [1, 3]).save(file)
    weighted = [
        study.train(RECIPE, **given, **teaching, out=tmp_path / f"{i}")
        for i, teaching in enumerate(
            [{"teacher": teachers, "teacher_weights": [1, 3]}, {"teacher": file}]
        )
    ]
    equal = study.train(RECIPE, **given, teacher=teachers, out=tmp_path / "equal")
    first, second = map(weights, weighted)
    assert first == second != weights(equal)
    assert [run.settings["teacher_weights"] for run in weighted] == [[1.0, 3.0], [0.25, 0.75]]
    assert "teacher_weights" not in equal.settings
    with pytest.raises(InputError, match=r"mine\.json holds the weights"):
        study.train(RECIPE, **given, teacher=file, teacher_weights=[1, 3])
    resumed = study.resume(tmp_path / "1", epochs=2, verbose=0)  # another teacher is refused
    assert resumed.results["epochs"] == 2


class TestEnsemblesOfRuns:
    def test_weights_come_from_validation_and_the_measure_from_test(self, options, teachers):
        reading = {name: options[name] for name in ("text_column", "label_column", "limit")}
        data = rnnkit.datasets.open_data(options["data"], "texts", **reading)
        names = [[data.classes[y] for y in split.y] for split in (data.valid, data.test)]
        expected = Ensemble(teachers).fit_weights(data.valid.x, names[0])
        found = study.evaluate_ensemble(teachers)
        np.testing.assert_array_equal(found.ensemble.weights, expected.weights)
        assert found.test == expected.evaluate(data.test.x, names[1])

    def test_runs_on_various_data_are_refused(self, options, teachers, tmp_path):
        other = tmp_path / "other.csv"
        shutil.copy(options["data"], other)
        run = study.train(RECIPE, **{**options, "epochs": 1, "data": other}, out=tmp_path / "run")
        with pytest.raises(InputError, match="may have trained the other"):
            study.evaluate_ensemble([teachers[0], run])
        named = {name: options[name] for name in ("text_column", "label_column")}
        study.evaluate_ensemble([teachers[0], run], name=str(other), **named)

    def test_the_command_line_measures_and_saves(self, teachers, tmp_path):
        from typer.testing import CliRunner

        from rnnkit.cli import app

        def evaluate(*args, runs=teachers):
            return CliRunner().invoke(app, ["evaluate", *map(str, [*runs, *args])])

        saved = tmp_path / "mine.json"
        done = evaluate("--ensemble", "--limit", 8, "--save", saved)
        assert done.exit_code == 0, done.output
        found = study.evaluate_ensemble(teachers, limit=8)
        np.testing.assert_array_equal(Ensemble.load(saved).weights, found.ensemble.weights)
        assert f"{found.test['accuracy']:.4f}" in done.stdout
        assert f"{found.ensemble.weights[1]:.4f}" in done.stdout
        for args, message in [
            ((), "add --ensemble"),
            (("--ensemble", "--save", tmp_path / "mine"), "ends in '.json'"),
            (("--ensemble", "--robustness"), "leave --robustness or --ensemble out"),
        ]:
            assert message in evaluate(*args).stderr
        assert "Add --ensemble" in evaluate("--save", saved, runs=teachers[:1]).stderr
        with pytest.raises(InputError, match="needs two runs or more"):
            study.evaluate_ensemble(teachers[:1])


def test_a_run_starts_from_a_run_of_a_language_model(options, tmp_path):
    sizes = {"units": 4, "embedding_size": 4}
    text = tmp_path / "text.txt"
    text.write_text("a good film , a bad film . " * 40, encoding="utf-8")
    texts = {"data": text, "epochs": 1, "verbose": 0}
    known = study.train("next_word", **texts, settings=sizes, out=tmp_path / "model")
    settings = {**sizes, "pretrained": known.path, "embedding": "random"}
    given = {**options, "epochs": 1, "settings": settings}
    run = study.train("lstm_sentiment", **given, out=tmp_path / "run")
    assert run.settings["given"]["pretrained"] == str(known.path)
    assert run.results["share_of_vectors"] > 0
    given["settings"]["pretrained"] = known.model
    with pytest.raises(InputError, match="pretrained is a LanguageModel, and a run records"):
        study.train("lstm_sentiment", **given, out=tmp_path / "other")
