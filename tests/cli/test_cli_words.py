"""The commands on word vectors: trained on the generated sample, asked for neighbours."""

from __future__ import annotations

import json
import re

import pytest

from rnnkit import study


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A real run, made by the command; gensim compiles nothing."""
    from typer.testing import CliRunner

    from rnnkit.cli import app

    out = tmp_path_factory.mktemp("runs") / "words"
    args = ["train", "word_vectors", "--method", "cbow", "--trainer", "gensim", "--vector-size", 8]
    args += ["--epochs", 2, "--limit", 3000, "--sample", 0, "--quiet", "--out", out]
    result = CliRunner().invoke(app, [str(arg) for arg in args], env={"COLUMNS": "400"})
    assert result.exit_code == 0, result.output
    return out, result.output


def test_train_closes_with_the_scores_and_the_next_commands(trained):
    out, said = trained
    for words in ("analogies", "SimLex-999", "seconds", "tokens/s", "analogies and pairs of words"):
        assert words in said
    suggested = re.search(rf"rnnkit neighbours {re.escape(str(out))} (\w+)", said)
    assert suggested
    assert suggested[1] in study.open_model(out).keyed_vectors()
    assert "predict" not in said
    settings = json.loads((out / "settings.json").read_text())["settings"]
    assert (settings["method"], settings["trainer"], settings["sample"]) == ("cbow", "gensim", 0.0)


def test_neighbours_are_the_same_of_run_model_and_file(trained, rnnkit, tmp_path):
    vectors = study.open_model(trained[0]).keyed_vectors()
    vectors.save_word2vec_format(str(tmp_path / "words.bin"), binary=True)
    places = (trained[0], trained[0] / "model.keras", tmp_path / "words.bin")
    answers = [rnnkit("neighbours", place, "paris", "king", "-n", 3) for place in places]
    assert [answer.code for answer in answers] == [0, 0, 0], answers[-1].text
    assert answers[0].lines == answers[1].lines == answers[2].lines
    cells = [line.split("\t") for line in answers[0].lines]
    assert [cell[0] for cell in cells] == ["paris"] * 3 + ["king"] * 3
    expected = vectors.most_similar("king", topn=3)
    assert [cell[1] for cell in cells[3:]] == [word for word, _ in expected]
    assert [float(cell[2]) for cell in cells[3:]] == pytest.approx(
        [similarity for _, similarity in expected], abs=1e-4
    )


def test_the_number_of_neighbours_is_one_or_more(trained, rnnkit):
    assert len(rnnkit("neighbours", trained[0], "paris", "-n", 1).lines) == 1
    answer = rnnkit("neighbours", trained[0], "paris", "-n", 0)
    assert answer.code == 2
    assert "-n is 0; expected an integer of at least 1" in answer.text


def test_neighbours_are_a_table_in_a_terminal(trained, rnnkit, terminal):
    answer = rnnkit("neighbours", trained[0], "paris")
    assert "word neighbour similarity" in answer.text
    assert answer.text.count("paris") == 10


def test_evaluate_gives_the_scores_of_the_run_again(trained, rnnkit):
    answer = rnnkit("evaluate", trained[0])
    assert answer.code == 0, answer.text
    assert "words_sample, analogies and pairs of words" in answer.text
    assert "analogies capital-common-countries 0." in answer.text
    scores = json.loads((trained[0] / "results.json").read_text())["test"]
    assert scores
    for score in scores.values():
        assert f"{score:.4f}" in answer.text


def test_info_names_the_data_that_suit(rnnkit):
    answer = rnnkit("info", "word_vectors")
    assert "words_sample, wiki8, sample, imdb, names, or a text file, or a table" in answer.text
    assert "--vector-size" in answer.text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["neighbours", "RUN", "king", "pariss"], "Did you mean 'paris'"),
        (["neighbours", "RUN", "king", "-n", "0"], "-n is 0"),
        (["neighbours", "nowhere", "king"], "nowhere"),
        (["neighbours", "nowhere.keras", "king"], "There is no vectors file 'nowhere.keras'"),
        (["predict", "RUN", "a text"], "For the nearest neighbours of a word: rnnkit neighbours"),
        (["evaluate", "RUN", "--data", "imdb"], "leave the data out"),
        (["train", "word_vectors", "--method", "cbwo"], "Did you mean 'cbow'"),
        (["train", "word_vectors", "--patience", "2"], "Leave patience out"),
        (["compare", "word_vectors", "gru_sentiment"], "cannot be compared on the same"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_refused(trained, rnnkit, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    answer = rnnkit(*(trained[0] if arg == "RUN" else arg for arg in args))
    assert answer.code == 2
    assert message in answer.text
    assert list(tmp_path.iterdir()) == []


def test_other_models_have_no_neighbours(rnnkit, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "open_model", lambda path: object())
    answer = rnnkit("neighbours", tmp_path, "king")
    assert answer.code == 2
    assert "holds a object, no word vectors" in answer.text
