"""Studies: the same data and settings for all, nothing done twice, a report of what was measured.

The recipes are two of a package outside rnnkit, whose models learn nothing: a study takes no time.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys

import event_files
import pytest

from rnnkit import plugins, recipes
from rnnkit.baselines import (
    naive_bayes_ngrams,
    persistence,
    summary_logistic_regression,
    tfidf_logistic_regression,
)
from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.recipes import registry
from rnnkit.study import Run, RunFolder, compare, load_data, open_run, training
from rnnkit.study.compare import Row, plan_runs, summarise
from rnnkit.study.plan import make_plan
from rnnkit.study.records import read_json
from rnnkit.study.report import show, tensorboard_command, write_report
from rnnkit.study.report import table as as_table
from rnnkit.study.report_figures import learning_curves
from rnnkit.study.run_folder import write_json

BOTH = ["plain", "deep"]


class Model:
    """What a run asks of a model. Its accuracy is that of its recipe, and a little of its seed."""

    monitored_metric, monitor_mode = "val_loss", "min"
    network, tokens_per_epoch = None, 100

    def __init__(self, accuracy, runs, **settings):
        self.accuracy, self.runs, self.settings = accuracy + settings["seed"] / 100, runs, settings

    def fit(self, x, y, *, validation_data, patience, callbacks, verbose):
        log = callbacks[0]
        name = log.folder.path.name
        if name in self.runs.trouble:
            raise self.runs.trouble[name]
        self.runs.append(name)
        for epoch in (0, 1):
            log.on_epoch_begin(epoch)
            log.on_epoch_end(epoch, {"val_loss": 1 / (1 + epoch), "val_accuracy": self.accuracy})

    def evaluate(self, x, y, **options):
        return dict.fromkeys(("precision", "recall", "f1", "loss"), 0.5) | {
            "accuracy": self.accuracy
        }

    def count_params(self):
        return 1234

    def save(self, path):
        path.touch()


class Runs(list):
    """Names of the runs that were trained, in order; and those that are to fail, with the error."""

    def __init__(self):
        super().__init__()
        self.trouble = {}


@pytest.fixture
def done(monkeypatch):
    """Two recipes of texts from another package, and which runs of them were trained."""
    runs = Runs()

    def plain(*, units: int = 4, epochs: int = 2, seed: int = 0):
        """A recipe."""
        return Model(0.7, runs, recipe="plain", units=units, epochs=epochs, seed=seed)

    def deep(*, units: int = 4, epochs: int = 2, layers: int = 2, seed: int = 0):
        """A recipe with one more setting."""
        return Model(0.9, runs, recipe="deep", units=units, epochs=epochs, layers=layers, seed=seed)

    texts = recipes.family_of("lstm_sentiment")
    family = dataclasses.replace(texts, recipes=(plain, deep), dataset_settings=())
    monkeypatch.setattr(plugins, "families", lambda: (family,))
    registry.registered.cache_clear()
    # To draw takes longer than all the rest; figures of `test_a_real_study` are drawn.
    monkeypatch.setattr("rnnkit.monitor.picture.Picture.png", lambda self: b"\x89PNG")
    yield runs
    registry.registered.cache_clear()


@pytest.fixture
def terms(table, columns):
    return {"data": table, "baselines": False, **columns}


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
    assert "| deep | 2 | 0.9050 ± 0.0071 |" in text
    assert "| units | 8 | 8 |" in text
    assert "Counted by" not in text
    page = study.html_report.read_text(encoding="utf-8")
    assert "[report.html](report.html)" in text
    assert "Not measured:" in page  # no model was saved
    assert page.count("model.keras") == 2
    assert "no run has kept what its model answered" in page


def test_report_and_command_line_say_how_scores_were_counted(done, terms, tmp_path, capsys):
    from rnnkit.cli import show as command_line

    study = compare(["deep"], seeds=1, out=tmp_path / "s", **terms)
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


def test_interrupted_study_resumes_where_it_stopped(done, terms, tmp_path):
    out = tmp_path / "s"
    done.trouble["deep-seed0"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        compare(BOTH, seeds=2, out=out, **terms)
    assert (out / "deep-seed0" / "settings.json").is_file()  # begun, not ended
    kept = (out / "plain-seed1" / "results.json").stat().st_mtime_ns
    done.trouble.clear()
    done.clear()
    lines = []
    study = compare(BOTH, seeds=2, out=out, announce=lines.append, **terms)
    assert done == ["deep-seed0", "deep-seed1"]
    assert (out / "plain-seed1" / "results.json").stat().st_mtime_ns == kept
    assert len(study.runs) == 4
    assert lines[0] == "[1/4] plain-seed0: complete already"


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


def test_what_is_refused_at_once_leaves_nothing(done, terms, tmp_path):
    with pytest.raises(InputError, match="neither a data set"):
        compare(BOTH, out=tmp_path / "s", **{**terms, "data": "gone.csv"})
    done.trouble["plain-seed0"] = InputError("units is 0")
    with pytest.raises(InputError, match="units is 0"):
        compare(BOTH, out=tmp_path / "s", **terms)
    assert list(tmp_path.iterdir()) == []


def test_what_other_processes_trained_is_kept_when_a_run_is_refused(
    done, terms, tmp_path, monkeypatch
):
    """Runs of processes of their own are not known to the one that starts them until all ended."""

    def train_apart(shared, plans, dataset, engine, *options):
        engine.close()
        name = next(iter(plans))
        training.execute(plans[name], load_data(str(terms["data"]), **columns), shared.path / name)
        raise InputError("the second run was refused")

    columns = {name: terms[name] for name in ("text_column", "label_column")}
    monkeypatch.setattr(sys.modules[plan_runs.__module__], "train_apart", train_apart)
    with pytest.raises(InputError, match="the second run"):
        compare(BOTH, out=tmp_path / "s", processes=2, **terms)
    assert open_run(tmp_path / "s" / "plain-seed0").results["epochs"] == 2


def test_a_diverged_run_is_counted_and_the_study_continues(done, terms, tmp_path):
    done.trouble["plain-seed1"] = NonFiniteLoss("The loss became nan in epoch 1.")
    study = compare(BOTH, seeds=2, out=tmp_path / "s", **terms)
    found = [(row.name, row.runs, row.diverged) for row in study.rows]
    assert found == [(BOTH[0], 1, 1), (BOTH[1], 2, 0)]
    assert study.rows[0].values["accuracy"] == (0.7, None)  # of the other seed alone
    assert list(study.failures) == ["plain-seed1"]
    text = study.report.read_text(encoding="utf-8")
    assert "**plain-seed1 diverged and is not in the means**: The loss became nan in" in text
    assert "| plain | 1 (1 diverged) | 0.7000 |" in text
    assert "**One run of plain**: there are no standard deviations" in text


def test_a_recipe_that_always_diverged_keeps_its_row(done, terms, tmp_path):
    done.trouble |= {f"plain-seed{i}": NonFiniteLoss("The loss became nan.") for i in (0, 1)}
    study = compare(BOTH, seeds=2, out=tmp_path / "s", **terms)
    assert (study.rows[0].runs, study.rows[0].diverged, study.rows[0].values) == (0, 2, {})
    text = study.report.read_text(encoding="utf-8")
    assert "| plain | 0 (2 diverged) | – |" in text
    assert "One run" not in text
    assert "One seed" not in text


def test_of_one_seed_the_report_says_that_there_is_no_spread(done, terms, tmp_path, capsys):
    from rnnkit.cli import show as command_line

    study = compare(BOTH, seeds=1, out=tmp_path / "s", **terms)
    assert "**One seed**: there are no standard" in study.report.read_text(encoding="utf-8")
    command_line.study(study)
    assert "One seed: there are no standard deviations and no intervals" in capsys.readouterr().err


def test_peak_memory_is_that_of_a_process_with_one_run(done, terms, tmp_path, monkeypatch):
    monkeypatch.setattr("rnnkit.study.peak_memory._trained", 0)
    study = compare(BOTH, seeds=1, out=tmp_path / "s", **terms)
    first, second = (run.results["peak_memory_bytes"] for run in study.runs.values())
    assert first > 10_000_000
    assert second is None
    assert "peak_memory_bytes" not in study.rows[1].values
    text = study.report.read_text(encoding="utf-8")
    assert "Peak memory is not recorded for deep-seed0: the process had trained" in text


def test_a_model_that_knows_no_budget_is_refused(done, terms, tmp_path):
    with pytest.raises(InputError, match="budget is 5 steps, and the fit of plain knows no"):
        compare(BOTH, out=tmp_path / "s", budget="5steps", **terms)
    assert done == []
    assert list(tmp_path.iterdir()) == []


def test_a_study_in_which_every_run_diverged_says_so(done, terms, tmp_path):
    for name in ("plain-seed0", "deep-seed0"):
        done.trouble[name] = NonFiniteLoss("The loss became nan.")
    with pytest.raises(NonFiniteLoss, match=r"No run of the study in .* finished"):
        compare(BOTH, seeds=1, out=tmp_path / "s", **terms)
    assert not (tmp_path / "s" / "report.md").exists()


def test_settings_go_to_the_recipes_that_have_them(done):
    plans = plan_runs(BOTH, seeds=[7], settings={"units": 9, "layers": 3})
    assert plans["plain-seed7"].overrides == {"units": 9}
    assert plans["deep-seed7"].overrides == {"units": 9, "layers": 3}
    with pytest.raises(InputError, match=r"None of the recipes .* 'layer'\. Did you mean 'layers'"):
        plan_runs(BOTH, settings={"layer": 3})


@pytest.mark.parametrize("seeds", [0, -1, []])
def test_no_seed_or_no_recipe_is_refused(done, seeds):
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
        Row("persistence", 1, {"mae": (8.3, None), "hits": (0.9, None)}),
    ]
    heading, first, second = as_table(rows)
    assert heading == ["recipe", "runs", "hits", "MAE", "RMSE", "loss"]
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

    left, right = learning_curves([Stub(2), Stub(4)]).axes
    assert [len(line.get_xdata()) for line in left.lines] == [2, 4, 2]  # two runs and their mean
    assert right.get_ylabel() == "validation accuracy"


# Baselines.


def test_summaries_of_series_are_blind_to_their_order():
    data = load_data("sequences_sample", limit=150)
    found = summary_logistic_regression(data)
    assert 0.2 < found["test"]["accuracy"] < 0.6  # three classes
    for split in (data.train, data.valid, data.test):
        for series, label in zip(split.x, split.y, strict=True):
            series[0] += 9.0 * label
    assert summary_logistic_regression(data)["test"]["accuracy"] > 0.95


BASELINES = [
    "TF-IDF + logistic regression, 1-grams",
    "TF-IDF + logistic regression, 1-2-grams",
    "naive Bayes n-grams, 1-3-grams",
]


def test_baselines_are_evaluated_once_in_a_study(done, terms, tmp_path):
    terms["baselines"] = True
    announced = []
    for _ in range(2):
        study = compare(BOTH[:1], seeds=1, out=tmp_path / "s", announce=announced.append, **terms)
    assert [line for line in announced if line in BASELINES] == BASELINES
    assert [row.name for row in study.rows[1:]] == BASELINES
    assert study.rows[1].values["accuracy"] == (1.0, None)  # one word decides


def test_a_study_of_an_earlier_version_resumes_with_its_baselines(done, terms, tmp_path):
    terms["baselines"] = True
    study = compare(BOTH[:1], seeds=1, out=tmp_path / "s", **terms)
    (tmp_path / "s" / "baselines.json").rename(tmp_path / "s" / "yardstick.json")
    kept = read_json(tmp_path / "s" / "yardstick.json")
    kept["results"]["learned by heart"] = kept["results"].pop(BASELINES[0])
    write_json(tmp_path / "s" / "yardstick.json", kept)
    announced = []
    again = compare(BOTH[:1], seeds=1, out=tmp_path / "s", announce=announced.append, **terms)
    assert announced == ["[1/1] plain-seed0: complete already"]
    assert [row.name for row in again.rows[1:]] == [*BASELINES[1:], "most frequent tag"]
    assert again.rows[3].values == study.rows[1].values


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


def test_bags_of_words_cannot_solve_the_sample():
    sample = load_data("sample", limit=1000)
    for baseline in (tfidf_logistic_regression, naive_bayes_ngrams):
        assert 0.45 < baseline(sample)["test"]["accuracy"] < 0.8


def test_bags_of_words_take_several_classes(tmp_path):
    path = tmp_path / "three.csv"
    rows = ["a good film,pos\na bad film,neg\na film,indifferent"] * 20
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    for baseline in (tfidf_logistic_regression, naive_bayes_ngrams):
        found = baseline(load_data(path))
        assert found["test"]["accuracy"] == found["test"]["f1"] == 1.0


def test_a_real_study(terms, tmp_path):
    settings = {"units": 2, "embedding_size": 4, "epochs": 1}
    study = compare(
        ["rnn_sentiment"], seeds=1, settings=settings, out=tmp_path / "s", verbose=0, **terms
    )
    (run,) = study.runs.values()
    assert open_run(tmp_path / "s" / "rnn_sentiment-seed0").results == run.results
    assert study.rows[0].values["loss"] == (run.results["test"]["loss"], None)
    assert "rnn_sentiment" in study.report.read_text(encoding="utf-8")
    page = study.html_report.read_text(encoding="utf-8")
    assert "Gradient flow by time lag: rnn_sentiment" in page
    pages = event_files.read(run.path / "recurrent")
    (layer,) = study.dynamics.layers["rnn_sentiment"]
    value = pages["recurrent/layer_1/flow_per_step"][0][1]
    assert value == pytest.approx(layer["numbers"]["flow_per_step"], rel=1e-5)
