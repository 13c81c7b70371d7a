"""Studies: the same terms for all, nothing done twice, a report that says what was measured.

The runs themselves are faked, but for one test: what a run does is tested elsewhere.
"""

from __future__ import annotations

import dataclasses
import importlib
import statistics

import pytest

from rnnkit.baselines import persistence, summary_logistic_regression, tfidf_logistic_regression
from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.study import Run, RunFolder, compare, load_data, open_run, training
from rnnkit.study.compare import Row, plan_runs, summarise
from rnnkit.study.plan import make_plan
from rnnkit.study.report import draw_curves, show, tensorboard_command, write_report
from rnnkit.study.report import table as as_table
from rnnkit.study.runs import read_json, write_json

# `rnnkit.study.compare` is the function; its module has to be asked for.
MODULE = importlib.import_module("rnnkit.study.compare")


def fake_run(plan, path, accuracy):
    folder = RunFolder.create(plan.recipe, path)
    write_json(folder.settings, {**plan.as_record(), "settings": {"units": 4, **plan.overrides}})
    here = ("rnnkit", "keras", "backend", "backend_version", "python", "numpy", "cpus", "system")
    write_json(folder.environment, dict.fromkeys(here, "1") | {"devices": ["cpu:0"]})
    for epoch in (1, 2):
        folder.add_epoch({"epoch": epoch, "val_loss": 1 / epoch, "val_accuracy": accuracy})
    metrics = dict.fromkeys(("precision", "recall", "f1", "loss"), 0.5)
    results = {"test": {"accuracy": accuracy, **metrics}, "seconds": 2.0 + accuracy}
    results |= {"tokens_per_second": 1e4, "parameters": 1234, "epochs": 2, "best_epoch": 2}
    results["examples"] = {"train": 96, "valid": 12, "test": 12}
    write_json(folder.results, results)
    return Run(folder)


@pytest.fixture
def done(monkeypatch):
    """Names of the runs that were executed, in order; accuracies differ by recipe and seed."""
    names = []

    def execute(plan, dataset, out, verbose):
        names.append(out.name)
        return fake_run(plan, out, (0.9 if "lstm" in plan.recipe else 0.7) + plan.seed / 100)

    monkeypatch.setattr(MODULE, "execute", execute)
    return names


@pytest.fixture
def terms(table, columns):
    return {"data": table, "baselines": False, **columns}


BOTH = ["rnn_sentiment", "lstm_sentiment"]


def test_each_recipe_runs_with_each_seed(done, terms, tmp_path):
    study = compare(BOTH, seeds=2, out=tmp_path / "s", **terms)
    expected = [f"{recipe}-seed{seed}" for recipe in BOTH for seed in (0, 1)]
    assert done == expected == list(study.runs)
    assert [(row.name, row.runs) for row in study.rows] == [(name, 2) for name in BOTH]
    mean, spread = study.rows[1].values["accuracy"]
    assert mean == pytest.approx(0.905)
    assert spread == pytest.approx(statistics.stdev([0.90, 0.91]))


def test_report_stands_beside_the_runs(done, terms, tmp_path):
    study = compare(BOTH, seeds=2, out=tmp_path / "s", settings={"units": 8}, **terms)
    text = study.report.read_text(encoding="utf-8")
    assert "| lstm_sentiment | 2 | 0.9050 ± 0.0071 |" in text
    assert "| units | 8 | 8 |" in text
    assert "Counted by" not in text


def test_report_and_command_line_say_how_scores_were_counted(done, terms, tmp_path, capsys):
    from rnnkit.cli import show as command_line

    study = compare(["lstm_sentiment"], seeds=1, out=tmp_path / "s", **terms)
    (run,) = study.runs.values()
    write_json(run.folder.results, {**run.results, "counted_by": "sacrebleu tok:13a"})
    run = Run(run.folder)
    text = write_report(dataclasses.replace(study, runs={"one": run})).read_text(encoding="utf-8")
    assert "Counted by sacrebleu tok:13a." in text
    command_line.run(run)
    assert "counted by: sacrebleu tok:13a" in capsys.readouterr().out
    assert "96 training, 12 validation and 12 test examples" in text
    assert f"tensorboard --logdir {study.path}" in text
    assert (study.path / "learning_curves.png").read_bytes()[:4] == b"\x89PNG"


def test_interrupted_study_goes_on_where_it_stopped(done, terms, tmp_path, monkeypatch):
    out = tmp_path / "s"
    execute, stop_before = MODULE.execute, "lstm_sentiment-seed0"

    def interrupted(plan, dataset, path, verbose):
        if path.name == stop_before:
            folder = RunFolder.create(plan.recipe, path)
            write_json(folder.settings, plan.as_record())  # begun, not ended
            raise KeyboardInterrupt
        return execute(plan, dataset, path, verbose)

    monkeypatch.setattr(MODULE, "execute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare(BOTH, seeds=2, out=out, **terms)
    kept = (out / "rnn_sentiment-seed1" / "results.json").stat().st_mtime_ns
    monkeypatch.setattr(MODULE, "execute", execute)
    done.clear()
    lines = []
    study = compare(BOTH, seeds=2, out=out, announce=lines.append, **terms)
    assert done == ["lstm_sentiment-seed0", "lstm_sentiment-seed1"]
    assert (out / "rnn_sentiment-seed1" / "results.json").stat().st_mtime_ns == kept
    assert len(study.runs) == 4
    assert lines[0] == "[1/4] rnn_sentiment-seed0: complete already"


def test_a_study_can_grow(done, terms, tmp_path):
    out = tmp_path / "s"
    compare(BOTH[:1], seeds=1, out=out, **terms)
    study = compare(BOTH, seeds=2, out=out, **terms)
    assert sorted(done) == sorted(study.runs)  # each of the four once
    assert set(read_json(out / "study.json")) == set(study.runs)


@pytest.mark.parametrize("change", [{"settings": {"units": 16}}, {"epochs": 9}, {"limit": 50}])
def test_runs_under_other_terms_are_not_mixed_in(done, terms, tmp_path, change):
    out = tmp_path / "s"
    compare(BOTH[:1], seeds=1, out=out, **terms)
    before = (out / "report.md").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"was trained with .* Give another folder"):
        compare(BOTH[:1], seeds=2, out=out, **terms, **change)
    assert len(done) == 1
    assert (out / "report.md").read_text(encoding="utf-8") == before


def test_folder_that_is_no_study_is_refused(done, terms, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="never overwritten"):
        compare(BOTH, out=tmp_path, **terms)
    assert done == []


def test_what_is_refused_at_once_leaves_nothing(done, terms, tmp_path, monkeypatch):
    def refuse(plan, dataset, out, verbose):
        raise InputError("units is 0")

    with pytest.raises(InputError, match="neither a data set"):
        compare(BOTH, out=tmp_path / "s", **{**terms, "data": "gone.csv"})
    monkeypatch.setattr(MODULE, "execute", refuse)
    with pytest.raises(InputError, match="units is 0"):
        compare(BOTH, out=tmp_path / "s", **terms)
    assert list(tmp_path.iterdir()) == []


def test_a_diverged_run_is_counted_and_the_study_goes_on(done, terms, tmp_path, monkeypatch):
    execute = MODULE.execute

    def sometimes(plan, dataset, out, verbose):
        if plan.recipe == "rnn_sentiment" and plan.seed == 1:
            raise NonFiniteLoss("The loss became nan in epoch 1.\nThe partial run is in there.")
        return execute(plan, dataset, out, verbose)

    monkeypatch.setattr(MODULE, "execute", sometimes)
    study = compare(BOTH, seeds=2, out=tmp_path / "s", **terms)
    assert [(row.name, row.runs) for row in study.rows] == [(BOTH[0], 1), (BOTH[1], 2)]
    assert list(study.failures) == ["rnn_sentiment-seed1"]
    text = study.report.read_text(encoding="utf-8")
    assert "**rnn_sentiment-seed1 is not in the table**: The loss became nan in epoch 1." in text


def test_a_study_in_which_every_run_diverged_says_so(terms, tmp_path, monkeypatch):
    def never(plan, dataset, out, verbose):
        raise NonFiniteLoss("The loss became nan.")

    monkeypatch.setattr(MODULE, "execute", never)
    with pytest.raises(NonFiniteLoss, match=r"No run of the study in .* went through"):
        compare(BOTH, out=tmp_path / "s", **terms)
    assert not (tmp_path / "s" / "report.md").exists()


def test_settings_go_to_the_recipes_that_have_them():
    names = ["lstm_sentiment", "bag_of_words_sentiment"]
    plans = plan_runs(names, seeds=[7], settings={"pooling": "last", "ngrams": 1, "batch_size": 3})
    assert plans["lstm_sentiment-seed7"].overrides == {"pooling": "last", "batch_size": 3}
    assert plans["bag_of_words_sentiment-seed7"].overrides == {"ngrams": 1, "batch_size": 3}
    with pytest.raises(InputError, match=r"None of the recipes .* 'ngram'\. Did you mean 'ngrams'"):
        plan_runs(names, settings={"ngram": 3})


@pytest.mark.parametrize("seeds", [0, -1, []])
def test_no_seed_or_no_recipe_is_refused(seeds):
    with pytest.raises(InputError, match="seeds is"):
        plan_runs(BOTH, seeds=seeds)
    with pytest.raises(InputError, match="No recipe"):
        plan_runs([])


def test_a_single_run_has_no_deviation():
    row = summarise("one", [{"test": {"accuracy": 0.5}, "parameters": 10}])
    assert row == Row("one", 1, {"accuracy": (0.5, None), "parameters": (10.0, None)})
    heading, cells = as_table([row])
    assert dict(zip(heading, cells, strict=True)) == {
        "recipe": "one",
        "runs": "1",
        "accuracy": "0.5000",
        "parameters": "10",
    }


def test_whatever_a_task_measures_is_shown():
    rows = [
        Row("forecaster", 2, {"rmse": (9.3, 0.1), "mae": (6.8, 0.05), "loss": (0.2, 0.01)}),
        Row("persistence", 1, {"mae": (8.3, None), "coverage": (0.9, None)}),
    ]
    heading, first, second = as_table(rows)
    assert heading == ["recipe", "runs", "coverage", "MAE", "RMSE", "loss"]
    assert first[2:] == ["–", "6.8000 ± 0.0500", "9.3000 ± 0.1000", "0.2000 ± 0.0100"]
    assert second[2:] == ["0.9000", "8.3000", "–", "–"]


def test_recipes_of_different_kinds_are_not_compared():
    with pytest.raises(InputError, match=r"lstm_sentiment learns from texts and sequence_class"):
        plan_runs(["lstm_sentiment", "sequence_classifier"])


def test_values_are_shown_with_the_digits_they_deserve():
    assert show("accuracy", 0.87654, 0.00321) == "0.8765 ± 0.0032"
    assert show("parameters", 25329.0, 0.0) == "25,329"
    assert show("tokens_per_second", 12345.6, 78.9) == "12,346 ± 79"


def test_command_for_tensorboard_survives_a_blank_in_the_path(tmp_path):
    assert tensorboard_command(tmp_path / "my runs") == f"tensorboard --logdir '{tmp_path}/my runs'"


def test_curves_of_unequal_length_are_drawn(tmp_path):
    class Stub:
        def __init__(self, epochs):
            self.settings = {"recipe": "lstm"}
            self.results = {"monitor": "val_loss"}
            self.folder = RunFolder(tmp_path / str(epochs))
            self.folder.path.mkdir()
            for epoch in range(1, epochs + 1):
                self.folder.add_epoch({"epoch": epoch, "val_loss": 1.0, "val_accuracy": 0.5})

    draw_curves([Stub(2), Stub(4)], tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


# Baselines.


def test_summaries_of_series_are_blind_to_their_order():
    data = load_data("sequences_sample", limit=150)
    found = summary_logistic_regression(data)
    assert 0.2 < found["test"]["accuracy"] < 0.6  # three classes
    for split in (data.train, data.valid, data.test):
        for series, label in zip(split.x, split.y, strict=True):
            series[0] += 9.0 * label
    assert summary_logistic_regression(data)["test"]["accuracy"] > 0.95


TFIDF = ["TF-IDF + logistic regression, 1-grams", "TF-IDF + logistic regression, 1-2-grams"]


def test_baselines_are_evaluated_once_in_a_study(done, terms, tmp_path):
    terms["baselines"] = True
    announced = []
    for _ in range(2):
        study = compare(BOTH[:1], seeds=1, out=tmp_path / "s", announce=announced.append, **terms)
    assert [line for line in announced if line in TFIDF] == TFIDF
    assert [row.name for row in study.rows[1:]] == TFIDF
    assert study.rows[1].values["accuracy"] == (1.0, None)  # one word decides


def test_a_study_of_an_earlier_version_resumes_with_its_baselines(done, terms, tmp_path):
    terms["baselines"] = True
    study = compare(BOTH[:1], seeds=1, out=tmp_path / "s", **terms)
    (tmp_path / "s" / "baselines.json").rename(tmp_path / "s" / "yardstick.json")
    kept = read_json(tmp_path / "s" / "yardstick.json")
    kept["results"]["learned by heart"] = kept["results"].pop(TFIDF[0])
    write_json(tmp_path / "s" / "yardstick.json", kept)
    announced = []
    again = compare(BOTH[:1], seeds=1, out=tmp_path / "s", announce=announced.append, **terms)
    assert announced == ["[1/1] rnn_sentiment-seed0: complete already"]
    assert [row.name for row in again.rows[1:]] == [TFIDF[1], "most frequent tag"]
    assert again.rows[2].values == study.rows[1].values


def test_the_old_names_of_baselines_go_on(done, terms, tmp_path):
    del terms["baselines"]
    with pytest.warns(DeprecationWarning, match="'yardstick' .* is now called 'baselines'"):
        study = compare(BOTH[:1], seeds=1, out=tmp_path / "s", yardstick=False, **terms)
    assert [row.name for row in study.rows] == BOTH[:1]
    with pytest.warns(DeprecationWarning, match="is now called 'rnnkit.baselines.forecasts:pers"):
        from rnnkit.study.yardstick_series import measure_persistence
    assert measure_persistence is persistence
    with pytest.warns(DeprecationWarning, match="is now called 'execute'"):
        assert training.carry_out is training.execute
    with pytest.warns(DeprecationWarning, match="is now called 'overrides'"):
        assert make_plan("lstm_sentiment", epochs=1).given == {"epochs": 1}


def test_tfidf_cannot_solve_the_sample():
    sample = load_data("sample", limit=1000)
    found = tfidf_logistic_regression(sample)["test"]["accuracy"]
    assert 0.5 < found < 0.8


def test_tfidf_takes_several_classes(tmp_path):
    path = tmp_path / "three.csv"
    rows = ["a good film,pos\na bad film,neg\na film,indifferent"] * 20
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    found = tfidf_logistic_regression(load_data(path))
    assert found["test"]["accuracy"] == found["test"]["f1"] == 1.0


def test_a_real_study(terms, tmp_path):
    settings = {"units": 2, "embedding_size": 4, "epochs": 1}
    study = compare(BOTH[:1], seeds=1, settings=settings, out=tmp_path / "s", verbose=0, **terms)
    (run,) = study.runs.values()
    assert open_run(tmp_path / "s" / "rnn_sentiment-seed0").results == run.results
    assert study.rows[0].values["loss"] == (run.results["test"]["loss"], None)
    assert "rnn_sentiment" in study.report.read_text(encoding="utf-8")
