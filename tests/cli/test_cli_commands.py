"""The commands, from a table of texts to a label, and what they say to bad input."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
from types import SimpleNamespace

import pytest

from rnnkit import recipes, study
from rnnkit.cli import show
from rnnkit.data.edited_reviews import written_pairs
from rnnkit.errors import InputError
from rnnkit.study.compare import Comparison, Row

TINY = ["--units", 4, "--embedding-size", 8, "--learning-rate", 0.05, "--embedding-dropout", 0]
COLUMNS = ["--text-column", "review", "--label-column", "mood"]


@pytest.fixture(scope="module")
def trained(films, tmp_path_factory):
    """One real run, made by the command, and what the command said."""
    from typer.testing import CliRunner

    from rnnkit.cli import app

    out = tmp_path_factory.mktemp("runs") / "mine"
    args = ["train", "gru_sentiment", "--data", films, *COLUMNS, *TINY, "--epochs", 3]
    args += ["--seed", 1, "--limit", 100, "--patience", 2, "--out", out]
    env = {"COLUMNS": "400"}
    result = CliRunner().invoke(app, [str(arg) for arg in args], env=env, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return out, result.output


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.every_backend
def test_train_writes_what_was_asked(trained):
    out, _ = trained
    settings = json.loads((out / "settings.json").read_text())
    assert settings["recipe"] == "gru_sentiment"
    assert settings["given"] == {
        "units": 4,
        "embedding_size": 8,
        "learning_rate": 0.05,
        "embedding_dropout": 0.0,
        "epochs": 3,
    }
    assert (settings["seed"], settings["patience"], settings["data"]["limit"]) == (1, 2, 100)


def test_train_closes_with_a_table_and_the_next_commands(trained):
    out, said = trained
    for words in ("accuracy", "precision", "recall", "F1", "seconds", "tokens/s"):
        assert words in said
    assert f"tensorboard --logdir {out}" in said
    assert f"rnnkit predict {out} " in said
    assert "Epoch 1/3" in said


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.every_backend
def test_predict_gives_label_probability_and_text(trained, rnnkit):
    answer = rnnkit("predict", trained[0], "a good film", "a bad film")
    assert answer.code == 0, answer.text
    cells = [line.split("\t") for line in answer.lines]
    assert [(cell[0], cell[2]) for cell in cells] == [("pos", "a good film"), ("neg", "a bad film")]
    probabilities = study.open_model(trained[0]).predict(["a good film", "a bad film"], verbose=0)
    assert [cell[1] for cell in cells] == [
        f"{probabilities[0, 0]:.4f}",
        f"{1 - probabilities[1, 0]:.4f}",
    ]


def test_predict_prints_a_table_in_a_terminal(trained, rnnkit, monkeypatch):
    monkeypatch.setattr(show.console, "_force_terminal", True)
    answer = rnnkit("predict", trained[0], "a good film")
    assert "label probability text" in answer.text
    assert "\t" not in answer.text
    assert "pos" in answer.text


def test_predict_reads_lines_from_stdin_and_files(trained, rnnkit, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes("a bad film\r\n\nnäive good\n".encode())
    answer = rnnkit("predict", trained[0], "-", "--file", path, input="a good film\na bad film\n")
    labels_and_texts = [(line.split("\t")[0], line.split("\t")[2]) for line in answer.lines]
    assert labels_and_texts[:3] == [
        ("pos", "a good film"),
        ("neg", "a bad film"),
        ("neg", "a bad film"),
    ]
    assert [text for _, text in labels_and_texts[3:]] == ["", "näive good"]


def test_predict_takes_the_saved_file_alone(trained, rnnkit):
    answer = rnnkit("predict", trained[0] / "model.keras", "a good film")
    assert answer.lines[0].startswith("pos\t")


def test_evaluate_gives_the_figures_of_the_run_again(trained, rnnkit):
    results = json.loads((trained[0] / "results.json").read_text())["test"]
    answer = rnnkit("evaluate", trained[0])
    assert answer.code == 0, answer.text
    for name in ("accuracy", "precision", "recall", "f1", "loss"):
        assert f"{results[name]:.4f}" in answer.text


def test_evaluate_on_other_data(trained, rnnkit, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("text,label\n" + "a good film,neg\na bad film,pos\n" * 20)
    answer = rnnkit("evaluate", trained[0], "--data", path)
    assert f"{path}, test split" in answer.text
    assert "0.0000" in answer.text


def test_evaluate_asks_edited_and_changed_reviews(trained, rnnkit, monkeypatch, films, tmp_path):
    module = importlib.import_module("rnnkit.study.robustness")  # the function has its name, too
    monkeypatch.setattr(module, "edited_reviews", lambda: written_pairs()[:2])
    answer = rnnkit("evaluate", trained[0], "--robustness", "--limit", 10)
    assert answer.code == 0, answer.text
    assert " both right 2 " in answer.text
    assert " texts 10 1.000 (0.72-1.00) " in answer.text
    assert " texts: upper case 10 1.000 (0.72-1.00) " in answer.text
    assert " texts: HTML 10 " in answer.text
    other = tmp_path / "other.csv"
    other.write_text(films.read_text().replace(",pos", ",fine").replace(",neg", ",awful"))
    answer = rnnkit("evaluate", trained[0], "--robustness", "--data", other)
    assert answer.code == 2
    assert "the classes 'awful', 'fine', which the model" in answer.text


@pytest.mark.parametrize(
    ("recipe", "classes", "message"),
    [
        ("name_tagger", ("neg", "pos"), "is a run of name_tagger, which learns from tagged"),
        ("lstm_sentiment", ("bad", "good"), "answers with 'bad', 'good': robustness is measured"),
        ("lstm_sentiment", ("neg", "ok", "pos"), "answers with 'neg', 'ok', 'pos': robustness"),
    ],
)
def test_robustness_of_other_models_is_refused(recipe, classes, message):
    run = SimpleNamespace(
        path="mine", settings={"recipe": recipe}, model=SimpleNamespace(classes=classes)
    )
    with pytest.raises(InputError, match=message):
        study.robustness_of_run(run)


def test_a_command_that_is_in_no_list_comes_last_in_the_help(rnnkit, monkeypatch):
    import typer

    from rnnkit.cli import app

    monkeypatch.setattr(app, "registered_commands", [*app.registered_commands])
    app.command("another")(lambda: typer.echo("here"))
    text = rnnkit("--help").text
    assert text.index(" list ") < text.index(" doctor ") < text.index(" another")
    assert rnnkit("another").lines == ["here"]


def test_the_old_option_of_baselines_goes_on(rnnkit, films, tmp_path):
    args = ["rnn_sentiment", "--seeds", 1, "--data", films, *COLUMNS, *TINY, "--epochs", 1]
    with pytest.warns(DeprecationWarning, match="'yardstick' .* is now called 'baselines'"):
        answer = rnnkit("compare", *args, "--no-yardstick", "--quiet", "--out", tmp_path / "s")
    assert answer.code == 0, answer.text
    assert "TF-IDF" not in answer.text
    assert "--no-yardstick" not in rnnkit("compare", "--help").text


def test_options_may_stand_before_the_recipe(rnnkit, tmp_path):
    (tmp_path / "taken").write_text("")
    answer = rnnkit("train", "--limit", 10, "--out", tmp_path / "taken" / "x", "rnn_sentiment")
    assert "Cannot write a run to" in answer.text


def test_compare_hands_its_options_on_and_shows_the_table(rnnkit, films, tmp_path):
    out = tmp_path / "study"
    args = ["rnn_sentiment", "bag_of_words_sentiment", "--seeds", 1, "--data", films, *COLUMNS]
    args += ["--units", 2, "--ngrams", 1, "--epochs", 1, "--batch-size", 5, "--max-length", "none"]
    answer = rnnkit("compare", *args, "--no-baselines", "--limit", 10, "--out", out)
    assert answer.code == 0, answer.text
    plans = json.loads((out / "study.json").read_text())
    assert {name: plan["given"] for name, plan in plans.items()} == {
        "rnn_sentiment-seed0": {"units": 2, "epochs": 1, "batch_size": 5, "max_length": None},
        "bag_of_words_sentiment-seed0": {"units": 2, "ngrams": 1, "epochs": 1, "batch_size": 5},
    }
    assert "[1/2] rnn_sentiment-seed0" in answer.text
    assert "Test split, mean ± sample standard deviation" in answer.text
    assert "TF-IDF" not in answer.text
    assert str(out / "report.md") in answer.text


def test_runs_that_failed_are_named_below_the_table(tmp_path, capsys):
    rows = [Row("rnn_sentiment", 2, {"accuracy": (0.7, 0.01)})]
    show.study(Comparison(tmp_path, rows, {}, {"rnn_sentiment-seed1": "The loss became nan."}))
    said = capsys.readouterr().out
    assert "0.7000 ± 0.0100" in said
    assert "rnn_sentiment-seed1 diverged and is not in the means: The loss became nan." in said


def test_interrupted_compare_says_how_to_go_on(rnnkit, monkeypatch, tmp_path):
    from rnnkit import study

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "compare", interrupted)
    answer = rnnkit("compare", "rnn_sentiment", "--out", tmp_path)
    assert answer.code == 130
    assert f"--out {tmp_path}" in answer.text


def test_list_and_info_show_every_recipe(rnnkit):
    listed = rnnkit("list")
    for name in recipes.names():
        assert name in listed.text
        shown = rnnkit("info", name)
        assert shown.code == 0
        rate = "--alpha" if name == "word_vectors" else "--learning-rate"  # gensim's name there
        assert rate in shown.text
        assert "NUMBER" in shown.text
        assert f"rnnkit train {name}" in shown.text


@pytest.mark.every_backend
def test_doctor_shows_the_chosen_backend_and_versions(rnnkit):
    import keras

    answer = rnnkit("doctor")
    assert answer.code == 0, answer.text
    assert f"backend {keras.config.backend()}:" in answer.text
    assert f"keras {importlib.metadata.version('keras')}" in answer.text
    assert "devices" in answer.text


@pytest.mark.every_backend
def test_doctor_shows_which_kernels_run_here(rnnkit):
    from rnnkit.backend import explain_kernels, native
    from rnnkit.layers import LSTM

    text = rnnkit("doctor").text
    for kernel in native.KERNELS:
        assert f"{kernel.name}: {kernel.about}" in text
    line = next(line for line in text.splitlines() if "LSTM" in line and "portable" in line)
    assert explain_kernels(LSTM(2), masked=True)[0].kernel in line
    assert "Passed over where" in text


@pytest.mark.every_backend
def test_doctor_tells_of_the_compiled_programs_and_removes_them(rnnkit, tmp_path, monkeypatch):
    from rnnkit.backend.program_store import ProgramStore

    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path))
    assert "compiled programs" in rnnkit("doctor").text
    ProgramStore(tmp_path / "xla" / "cpu").put("key", b"program")
    answer = rnnkit("doctor", "--clear-cache")
    assert answer.code == 0, answer.text
    assert "removed: 1 programs, 23 bytes" in answer.text
    assert list((tmp_path / "xla").iterdir()) == []


# Bad input: one clear panel on stderr, exit code 2, no traceback.


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "lstm_sentimnt"], "Did you mean 'lstm_sentiment'?"),
        (["info", "gru_sentimen"], "Did you mean 'gru_sentiment'?"),
        (["compare", "lstm_sentimnt"], "Did you mean 'lstm_sentiment'?"),
        (["train", "lstm_sentiment", "--unit", "8"], "--units"),
        (["compare", "lstm_sentiment", "--unit", "8"], "--units"),
        (["trian", "lstm_sentiment"], "train"),
        (["train", "lstm_sentiment", "--data", "sampel"], "Did you mean 'sample'?"),
        (["train", "lstm_sentiment", "--epochs", "0"], "--epochs is 0"),
        (["train", "lstm_sentiment", "--limit", "0"], "--limit is 0"),
        (["train", "lstm_sentiment", "--learning-rate", "inf"], "--learning-rate is inf"),
        (["compare", "lstm_sentiment", "--seeds", "0"], "--seeds is 0"),
        (["predict", "nowhere", "text"], "nowhere does not exist"),
        (["predict", "nowhere"], "No text to predict"),
        (["evaluate", "nowhere"], "nowhere does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_refused(rnnkit, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    answer = rnnkit(*args)
    assert answer.code == 2
    assert message in answer.text
    assert answer.error
    assert answer.lines == []
    assert isinstance(answer.exception, SystemExit)
    assert list(tmp_path.iterdir()) == []


def test_missing_column_is_named(rnnkit, films, tmp_path):
    out = tmp_path / "x"
    answer = rnnkit("train", "lstm_sentiment", "--data", films, "--out", out)
    assert answer.code == 2
    assert "review" in answer.text
    assert not out.exists()


def test_texts_of_one_class_only_are_refused(rnnkit, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("text,label\n" + "good,pos\n" * 40)
    answer = rnnkit("train", "lstm_sentiment", "--data", path, "--out", tmp_path / "x")
    assert answer.code == 2
    assert "'pos'" in answer.text
    assert not (tmp_path / "x").exists()


def test_a_run_that_exists_is_not_overwritten(rnnkit, trained, films):
    before = (trained[0] / "results.json").read_bytes()
    args = ["--data", films, *COLUMNS, "--out", trained[0]]
    answer = rnnkit("train", "lstm_sentiment", *args)
    assert answer.code == 2
    assert "never overwritten" in answer.text
    assert (trained[0] / "results.json").read_bytes() == before


def test_what_is_no_model_is_refused(rnnkit, tmp_path):
    path = tmp_path / "picture.keras"
    path.write_bytes(b"GIF89a")
    answer = rnnkit("predict", path, "text")
    assert answer.code == 2
    assert "picture.keras is no rnnkit model" in answer.text


def test_line_that_is_not_utf8_is_named(rnnkit, trained, tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"a good film\na caf\xe9 film\n")
    answer = rnnkit("predict", trained[0], "--file", path)
    assert answer.code == 2
    assert "latin.txt, line 2: byte 0xe9" in answer.text


def test_a_file_that_is_not_there_is_refused(rnnkit, trained, tmp_path):
    (tmp_path / "gone.tx").write_text("")
    answer = rnnkit("predict", trained[0], "--file", tmp_path / "gone.txt")
    assert answer.code == 2
    assert answer.error.startswith("Error: There is no file '")
    assert "gone.txt'. Did you mean 'gone.tx'?" in answer.error


def test_a_loss_that_is_not_finite_ends_with_code_one_and_names_the_folder(
    rnnkit, films, tmp_path, nan_loss
):
    out = tmp_path / "wild"
    args = ["--data", films, *COLUMNS, *TINY, "--out", out, "--quiet"]
    answer = rnnkit("train", "rnn_sentiment", *args)
    assert answer.code == 1
    assert "The loss is not finite" in answer.text
    assert str(out) in answer.text
    assert not (out / "results.json").exists()


def test_a_fault_in_the_program_keeps_its_traceback(rnnkit, monkeypatch):
    def broken():
        raise ZeroDivisionError

    monkeypatch.setattr("rnnkit.recipes.names", broken)
    assert isinstance(rnnkit("list").exception, ZeroDivisionError)


def test_lines_of_a_file_end_in_either_way(tmp_path):
    from rnnkit.cli.answers import gather_texts

    path = tmp_path / "texts.txt"
    path.write_bytes(b"one\r\ntwo\n\nthree")
    assert gather_texts(["zero"], str(path)) == ["zero", "one", "two", "", "three"]


def test_no_text_is_an_error():
    from rnnkit.cli.answers import gather_texts

    with pytest.raises(InputError, match="No text to predict"):
        gather_texts([], None)
