"""`--json`: one document on the standard output and nothing else; the exit statuses."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rnnkit import recipes, study
from rnnkit.cli.settings import settings_of

SAVED = Path(__file__).parents[1] / "saved"
pytestmark = pytest.mark.one_backend


def document(answer):
    assert answer.code == 0, answer.text
    return json.loads("\n".join(answer.lines), parse_constant=pytest.fail)


def test_list_has_every_recipe_with_its_kind(rnnkit):
    found = document(rnnkit("list", "--json"))
    assert [one["name"] for one in found] == list(recipes.names())
    assert [one["kind"] for one in found] == [recipes.kind_of(name) for name in recipes.names()]
    assert all(one["about"] for one in found)
    assert document(rnnkit("list", "nothing like it", "--json")) == []


def test_info_has_every_setting_with_its_range_and_default(rnnkit):
    found = document(rnnkit("info", "gru_sentiment", "--json"))
    settings = {one["option"]: one for one in found["settings"]}
    assert {f"--{name.replace('_', '-')}" for name in settings_of(recipes.gru_sentiment)} <= {
        *settings
    }
    assert settings["--units"]["least"] == 1
    assert settings["--units"]["values"] == "INT"
    assert int(settings["--units"]["default"]) >= 1
    assert settings["--lowercase"]["default"] in ("yes", "no")
    assert "imdb" in found["data"]


def test_doctor_tells_the_backend_and_the_kernels(rnnkit, monkeypatch):
    import keras

    doctor = importlib.import_module("rnnkit.cli.doctor")
    found = document(rnnkit("doctor", "--json"))
    assert found["keras"] == keras.__version__
    assert found["problem"] is None
    assert found["kernels"]["backend"] == keras.backend.backend()
    assert {*found["kernels"]["layers"]} == {*doctor.SYSTEMS}
    assert {*found["kernels"]["layers"]["LSTM"].values()} <= {*found["kernels"]["about"]}
    monkeypatch.setattr(doctor, "_facts", lambda: ([("backend", "none works")], "No backend."))
    answer = rnnkit("doctor", "--json")
    assert answer.code == 1
    assert json.loads("".join(answer.lines))["problem"] == "No backend."


@pytest.fixture
def run(monkeypatch):
    """A run that measures what the test says."""
    settings = {"recipe": "gru_sentiment", "data": {"name": "imdb", "limit": None}}
    opened = SimpleNamespace(path=Path("runs/mine"), settings=settings)
    monkeypatch.setattr(study, "open_run", lambda path: opened)
    return opened


ABOUT = {"run": "runs/mine", "recipe": "gru_sentiment", "evaluated_on": "imdb, test split"}


def test_evaluate_gives_null_for_what_is_no_number(rnnkit, run, monkeypatch):
    measured = {"loss": math.nan, "accuracy": np.float32(0.5), "f1": math.inf}
    monkeypatch.setattr(study, "evaluate", lambda *_, **__: measured)
    found = document(rnnkit("evaluate", "runs/mine", "--json"))
    assert found == {**ABOUT, "metrics": {"loss": None, "accuracy": 0.5, "f1": None}}


def test_evaluate_gives_an_ensemble_and_robustness(rnnkit, run, monkeypatch):
    from rnnkit.study.robustness import Score

    scores = {"edited": Score(8, 10), "nothing": Score(0, 0)}
    monkeypatch.setattr(study, "robustness_of_run", lambda *_, **__: scores)
    found = document(rnnkit("evaluate", "runs/mine", "--robustness", "--json"))["robustness"]
    assert (found["edited"]["right"], found["edited"]["share"]) == (8, 0.8)
    assert found["nothing"]["share"] is None
    members = SimpleNamespace(models=[Path("a"), Path("b")], weights=np.array([0.25, 0.75]))
    both = SimpleNamespace(ensemble=members, test={"accuracy": 0.9})
    monkeypatch.setattr(study, "evaluate_ensemble", lambda *_, **__: both)
    found = document(rnnkit("evaluate", "a", "b", "--ensemble", "--json"))
    assert found["members"] == [{"run": "a", "weight": 0.25}, {"run": "b", "weight": 0.75}]
    assert found["metrics"] == {"accuracy": 0.9}


def test_evaluate_gives_the_scores_of_word_vectors(rnnkit, run, monkeypatch):
    from rnnkit.embeddings.measures.evaluation import Score, Table

    run.settings["recipe"] = "word_vectors"
    table = Table((Score("analogies", "capitals", None, 0, 9),))
    monkeypatch.setattr(study, "ask", lambda *_, **__: table)
    (row,) = document(rnnkit("evaluate", "runs/mine", "--json"))["scores"]
    assert row == {
        "set": "analogies",
        "section": "capitals",
        "score": None,
        "found": 0,
        "total": 9,
    }


# Exit statuses, as docs/guide/runs.md has them.


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["list"], 0),
        (["list", "--no-such-option"], 2),
        (["no-such-command"], 2),
        (["info", "no_such_recipe", "--json"], 2),
        (["doctor", "--clear-cache", "--json"], 2),
        (["runs", "no/such/folder", "--json"], 2),
        (["evaluate", "no/such/run", "--json"], 2),
        (["predict", "no/such/run", "A text.", "--json"], 2),
    ],
)
def test_exit_statuses(rnnkit, args, code):
    answer = rnnkit(*args)
    assert answer.code == code, answer.text
    if code:
        assert answer.lines == []  # nothing that a program could take for an answer
        assert answer.error


def test_a_file_that_cannot_be_written_is_1(rnnkit, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    table = SimpleNamespace(columns=(), rows=[[()]])
    model = SimpleNamespace(reads_series=False, form=SimpleNamespace(text_column="text"))
    model.answer_table = lambda texts: table
    monkeypatch.setattr(study, "open_model", lambda run: model)
    answer = rnnkit("predict", "model.keras", "A text.", "--out", tmp_path / "file" / "a.csv")
    assert (answer.code, answer.lines) == (1, [])
    assert str(tmp_path / "file") in answer.error


def test_ctrl_c_is_130_and_a_loss_that_is_not_finite_1(rnnkit, monkeypatch):
    from rnnkit.errors import BackendError, DiskError, NonFiniteLoss

    for error, code in (
        (KeyboardInterrupt(), 130),
        (NonFiniteLoss("nan"), 1),
        (DiskError("full", 28), 1),
        (BackendError("none"), 2),
    ):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(study, "open_run", fail)
        assert rnnkit("evaluate", "runs/mine", "--json").code == code


def test_the_help_tells_the_exit_statuses(rnnkit):
    assert "Exit status: 0 done, 1 failed, 2 invalid input" in rnnkit("--help").text
