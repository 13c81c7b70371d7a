"""Runs that learn word vectors: nothing is held out, and questions about words measure them."""

from __future__ import annotations

import pytest

from rnnkit.errors import InputError
from rnnkit.study import compare, evaluate, load_data, open_model, open_run, train
from rnnkit.study.plan import make_plan
from rnnkit.study.report_figures import drawn
from rnnkit.study.sources import size

SMALL = {"vector_size": 8, "window": 2, "epochs": 2, "min_count": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "mine"
    return train("word_vectors", settings=SMALL, limit=2000, seed=1, out=out, verbose=0)


def test_a_run_leaves_every_record(run):
    found = {path.name for path in run.path.iterdir()}
    assert found == {
        "settings.json",
        "environment.json",
        "metrics.csv",
        "train",
        "test",
        "checkpoints",
        "model.keras",
        "results.json",
        "card.md",
    }
    again = open_run(run.path)
    assert again.settings["data"]["name"] == "words_sample"
    assert again.settings["given"] == SMALL
    assert again.settings["settings"] == {
        "recipe": "word_vectors",
        "method": "skip-gram",
        "loss": "negative-sampling",
        "trainer": "keras",
        "vector_size": 8,
        "window": 2,
        "negative": 5,
        "min_count": 1,
        "sample": 1e-3,
        "epochs": 2,
        "alpha": 0.025,
        "min_alpha": 0.0001,
        "batch_size": 128,
        "workers": None,
        "seed": 1,
    }


def test_results_are_those_of_the_last_epoch(run):
    rows = run.folder.epochs()
    results = run.results
    assert [row["epoch"] for row in rows] == [1, 2]
    assert all(row["loss"] > 0 and row["seconds"] > 0 for row in rows)
    assert (results["epochs"], results["best_epoch"]) == (2, 2)
    assert results["examples"] == {"train": 2000, "valid": 0, "test": 0}
    assert results["parameters"] == run.model.count_params() > 0
    words = sum(len(tokens) for tokens in load_data("words_sample", "corpus", limit=2000).train.x)
    seconds = sum(row["seconds"] for row in rows)
    assert results["tokens_per_second"] == pytest.approx(2 * words / seconds)
    assert drawn(rows) == ["loss"]


def test_the_scores_are_those_of_the_saved_model(run):
    scores = run.results["test"]
    assert {"analogies", "simlex999"} <= set(scores)
    assert open_model(run.folder.model).evaluate() == pytest.approx(scores)
    assert evaluate(run) == pytest.approx(scores)
    with pytest.raises(InputError, match="whatever data they come from: leave the data out"):
        evaluate(run, name="imdb")


def test_tensorboard_gets_the_loss_the_words_and_the_scores(run):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    tags = {
        value.tag
        for file in run.folder.events.rglob("events*")
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
    }
    assert "test/analogies" in tags
    assert any("loss" in tag for tag in tags)
    assert list(run.folder.events.rglob("projector_config.pbtxt"))


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (
            {"patience": 2},
            "patience is 2, but word_vectors has no validation split",
        ),
        ({"settings": {"units": 2}}, "word_vectors has no setting 'units'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"data": "pems_flow"}, "word_vectors learns from words, and pems_flow holds series"),
        ({"data": "wiki9"}, "Did you mean 'wiki8'"),
        ({"settings": {"method": "cbwo"}}, "Did you mean 'cbow'"),
        ({"settings": {"min_count": 10**6}}, "min_count=1000000"),
    ],
)
def test_what_cannot_be_done_is_refused_and_leaves_nothing(tmp_path, monkeypatch, terms, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        train("word_vectors", **terms, verbose=0)
    assert not any((tmp_path / "runs").glob("*"))


def test_words_are_no_data_for_texts():
    with pytest.raises(InputError, match="lstm_sentiment learns from texts, and wiki8 holds corp"):
        make_plan("lstm_sentiment", "wiki8")


def test_words_come_from_text_files_and_columns_of_tables(table, columns, tmp_path):
    (tmp_path / "words.txt").write_text("a b\nc\n")
    plan = make_plan("word_vectors", tmp_path / "words.txt")
    split = plan.data.load("corpus").train
    assert list(split.x) == [["a", "b"], ["c"]]
    assert size(split) == 2
    texts = load_data(table, "corpus", limit=3, **columns).train.x
    assert [tokens[0::2] for tokens in texts] == [["a", "film"]] * 3


def test_runs_are_compared_beside_gensim(tmp_path):
    terms = {"settings": {**SMALL, "trainer": "gensim"}, "limit": 1000, "verbose": 0}
    study = compare(["word_vectors"], seeds=2, out=tmp_path / "study", **terms)
    assert [(row.name, row.runs) for row in study.rows] == [("word_vectors", 2), ("gensim", 1)]
    assert {"analogies", "seconds", "parameters"} <= set(study.rows[0].values)
    assert {"analogies", "seconds", "tokens_per_second"} <= set(study.rows[1].values)
    text = study.report.read_text()
    assert "Data: `words_sample`, 1,000 training examples, the same for all" in text
    assert "on analogies and pairs of words, with the weights of the last epoch" in text
    assert "Training words/s over the epochs" in text
    assert "| analogies |" in text
    assert (tmp_path / "study" / "learning_curves.png").is_file()
