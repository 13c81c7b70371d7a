"""Budgets of runs: recorded, kept, chosen units; and runs in processes of their own."""

import pytest

from rnnkit import study
from rnnkit.errors import InputError
from rnnkit.study.plan import make_plan, plan_of
from rnnkit.study.run_folder import write_json

SMALL = {"embedding": "random", "embedding_size": 4}


def lstm_parameters(units, inputs=4):
    """An LSTM, mean and maximum of its states, one sigmoid unit."""
    return 4 * units * (inputs + units + 1) + 2 * units + 1


def test_a_run_keeps_its_budget_and_records_what_it_used(table, columns, tmp_path):
    run = study.train(
        "lstm_sentiment",
        table,
        budget=["3steps", "1,000 parameters"],
        settings={**SMALL, "batch_size": 40},
        out=tmp_path / "run",
        verbose=0,
        **columns,
    )
    nearest = min(range(1, 100), key=lambda units: abs(lstm_parameters(units) - 1000))
    assert run.settings["settings"]["units"] == nearest
    assert run.results["network_parameters"] == lstm_parameters(nearest)
    assert (run.results["steps"], run.results["epochs"]) == (3, 1)
    assert run.results["step_seconds"] > 0
    assert run.settings["budget"] == {"steps": 3, "parameters": 1000}
    assert plan_of(run.settings).budget == (None, 3, 1000)
    with pytest.raises(InputError, match="has a budget of 3 steps and 1,000 parameters"):
        study.resume(run.path, epochs=9)


def test_what_no_network_can_keep_is_refused_and_leaves_nothing(table, columns, tmp_path):
    given = {"settings": SMALL, "out": tmp_path / "run", "verbose": 0, **columns}
    least = f"with 1 unit, has {lstm_parameters(1)} without its embedding table"
    with pytest.raises(InputError, match=least):
        study.train("lstm_sentiment", table, budget="5parameters", **given)
    with pytest.raises(InputError, match=r"and one step takes .* seconds\. Give more than that"):
        study.train("lstm_sentiment", table, budget="0.00001s", **given)
    assert not (tmp_path / "run").exists()


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("recipe", "given", "message"),
    [
        ("lstm_sentiment", {"budget": "5m", "epochs": 2}, "epochs is 2, and budget is 5 minutes"),
        ("lstm_sentiment", {"budget": "1kparams", "settings": {"units": 8}}, "chooses the units"),
        ("bag_of_words_sentiment", {"budget": "soon"}, "budget is 'soon'; expected"),
        ("word_vectors", {"budget": "5m"}, "word_vectors trains for epochs alone"),
    ],
)
def test_contradictions_are_refused_before_data_are_read(recipe, given, message):
    with pytest.raises(InputError, match=message):
        make_plan(recipe, **given)


@pytest.mark.one_backend
def test_equal_budgets_in_other_words_are_one_plan():
    one, other = (make_plan("lstm_sentiment", budget=text) for text in ("90s", "1.5 minutes"))
    assert one.as_record() == other.as_record()
    assert plan_of(one.as_record()) == one
    assert make_plan("lstm_sentiment").as_record()["budget"] is None


@pytest.mark.one_backend
def test_each_run_has_a_process_of_its_own(table, columns, tmp_path):
    said = []
    done = study.compare(
        ["bag_of_words_sentiment"],
        table,
        seeds=1,
        settings={"ngrams": 1},
        budget="2steps",
        processes=1,
        baselines=False,
        out=tmp_path / "s",
        verbose=0,
        announce=said.append,
        **columns,
    )
    (run,) = done.runs.values()
    assert said == ["[1/1] bag_of_words_sentiment-seed0"]
    assert run.results["peak_memory_bytes"] > 50_000_000
    assert run.results["steps"] == 2
    text = done.report.read_text(encoding="utf-8")
    assert "Budget of each run: 2 steps." in text
    assert "peak memory (MB)" in text


def test_a_budget_is_checked_when_a_record_is_read(table, columns, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    record = make_plan("lstm_sentiment", "sample", budget="5steps").as_record()
    write_json(folder / "settings.json", record | {"budget": {"steps": -1}})
    with pytest.raises(InputError, match="budget is"):
        study.resume(folder)
