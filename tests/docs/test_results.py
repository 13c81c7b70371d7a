"""Tables of measured results show what recipes/results.json says, and runs become its rows."""

from __future__ import annotations

import importlib
import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytestmark = pytest.mark.one_backend

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "tests" / "benchmarks"
NAMES = ("tables", "result_tables", "result_runs", "results", "engines", "devices")


@pytest.fixture(scope="module")
def modules():
    """Return the modules of the scripts, which import one another by their names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        for one in NAMES:
            patch.delitem(sys.modules, one, raising=False)
        yield SimpleNamespace(**{one: importlib.import_module(one) for one in NAMES})
        for one in NAMES:
            sys.modules.pop(one, None)


def test_the_pages_show_what_the_json_says():
    script = [sys.executable, str(BENCHMARKS / "results.py"), "check"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_json_is_small_and_whole(modules):
    text = modules.result_tables.RESULTS.read_text("utf-8")
    found = json.loads(text)
    assert len(text) < 200_000
    keys = [(row["table"], tuple(row["labels"].items())) for row in found["rows"]]
    assert len(keys) == len(set(keys))
    assert {row["table"] for row in found["rows"]} == set(found["tables"])
    for row in found["rows"]:
        measured = any(not isinstance(value, str) for value in row["values"].values())
        if measured and not row["labels"].get("recipe", "").startswith("published"):
            assert row["commit"], row
            assert row["date"], row
            assert row["command"], row


def test_a_figure_that_is_changed_by_hand_is_found(modules, tmp_path):
    found = modules.result_tables.load()
    names = ("README.md", "recipes/README.md")
    for page in modules.result_tables.pages(found):
        copy = tmp_path / page.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(page, copy)
    row = next(row for row in found["rows"] if row["table"] == "bag_of_words")
    shown = f"{modules.result_tables.Value(row['values']['accuracy']).mean:.4f}"
    for name, old in zip(names, (f">{shown}<", f"| {shown} "), strict=True):
        page = tmp_path / name
        right = page.read_text("utf-8")
        assert modules.result_tables.pages(found, tmp_path)[page] == right
        page.write_text(right.replace(old, old.replace("0.", "0.1"), 1), "utf-8")
        assert page.read_text("utf-8") != right
        assert modules.result_tables.pages(found, tmp_path)[page] == right


@pytest.mark.parametrize("name", ["engines", "devices"])
def test_what_several_workers_measured_is_what_their_file_says(modules, name):
    script = getattr(modules, name)
    record = json.loads(script.OUT.read_text("utf-8"))
    assert modules.tables.read_between(script.PAGE, name) == script.rows(record)


def test_the_tables_of_reliability_show_what_their_files_say(modules):
    reliability = runpy.run_path(str(ROOT / "tests" / "reliability.py"))
    page = reliability["PAGE"].read_text("utf-8")
    for name, write in reliability["WRITERS"].items():
        assert modules.tables.replace_between(page, name, write()) == page, name


def test_the_table_of_serving_shows_what_its_file_says(modules):
    serving = runpy.run_path(str(BENCHMARKS / "serving.py"))
    page = serving["PAGE"].read_text("utf-8")
    lines = serving["rows"](json.loads(serving["RECORD"].read_text("utf-8")))
    assert modules.tables.replace_between(page, "serving", lines) == page


def test_the_page_of_the_study_has_a_place_for_each_table_of_its_plan(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    names = ("study_pages", "study_plan", *NAMES)
    for one in names:
        monkeypatch.delitem(sys.modules, one, raising=False)
    pages, plan = importlib.import_module("study_pages"), importlib.import_module("study_plan")
    planned = {row.table for row in (*plan.ROWS, *plan.QUICK)}
    assert planned == pages.COLUMNS.keys() == pages.TITLES.keys()
    page = (ROOT / pages.PAGE).read_text("utf-8")
    assert set(re.findall(r"<!-- results (\w+) -->", page)) == planned
    folders = [row.folder(seed) for row, seed in plan.trainings(plan.ROWS)]
    assert len(folders) == len(set(folders)) == sum(row.seeds for row in plan.ROWS)
    for one in names:
        sys.modules.pop(one, None)


def test_markers_that_are_missing_or_twice_are_refused(modules):
    table = "a\n<!-- t -->\nold\n<!-- end of t -->\nb\n"
    assert modules.tables.replace_between(table, "t", ["new"]) == table.replace("old", "new")
    for page in ("a", "<!-- t -->\n", table + table, "<!-- end of t -->\n<!-- t -->\n"):
        with pytest.raises(SystemExit, match="<!-- t -->"):
            modules.tables.replace_between(page, "t", [])


def test_a_cell_is_the_mean_and_the_sample_deviation(modules):
    cell = modules.result_tables.cell
    runs = [0.891, 0.902, 0.917]
    row = {
        "labels": {"recipe": "`mine`"},
        "values": {
            "many": runs,
            "one": [0.5],
            "known": {"mean": 0.25, "sd": 0.031},
            "text": "1 / 2",
        },
        "seeds": 3,
    }
    mean, spread = np.mean(runs), np.std(runs, ddof=1)
    assert cell("{many:.3f}", row) == f"{mean:.3f} ± {spread:.3f}"
    assert cell("{many:.1%}", row) == f"{100 * mean:.1f} ± {100 * spread:.1f}"
    assert cell("{many.mean:.2f} of {recipe}", row) == f"{mean:.2f} of `mine`"
    assert cell("{many[0]:.3f}", row) == "0.891"
    assert cell("{one:.2f} / {known:.2f}", row) == "0.50 / 0.25 ± 0.03"
    assert cell("{text:.3f}", row) == "1 / 2"
    assert cell("{nothing:.3f} / {neither.mean:.2f}", row) == "–"
    assert cell("{one:.1f} / {nothing[0]:.3f}", row) == "0.5 / –"
    assert cell("{seeds}", row) == "3"
    interval = {"labels": {}, "values": {"x": {"mean": 0.5, "interval": [0.401, 0.599]}}}
    assert cell("{x:.3f}", interval) == "0.500 (0.40-0.60)"
    with pytest.raises(SystemExit, match="Single runs"):
        cell("{known[0]:.2f}", row)


@pytest.fixture
def study(tmp_path):
    """Return the folder of a study: two runs of a recipe, a baseline."""
    path = tmp_path / "study"
    for seed, accuracy in enumerate((0.8, 0.9)):
        write_run(path / f"lstm_sentiment-seed{seed}", seed, accuracy)
    baseline = {"test": {"accuracy": 0.7}, "seconds": 1.0}
    (path / "baselines.json").write_text(json.dumps({"results": {"TF-IDF": baseline}}))
    return path


def write_run(path, seed, accuracy, **environment):
    path.mkdir(parents=True)
    settings = {
        **{"recipe": "lstm_sentiment", "given": {"units": 8, "embedding_trainable": False}},
        **{"data": {"name": "/home/me/my.csv", "text_column": "review"}, "seed": seed},
        **{"settings": {"units": 8, "seed": seed}, "patience": None},
    }
    here = {
        **{"started": "2026-11-30T01:00:00+0000", "rnnkit": "0.1.0", "keras": "3.15.1"},
        **{"backend": "torch", "backend_version": "2.13.0", "devices": ["cpu"], "cpus": 2},
        **{"processor": "AMD EPYC", "commit": "0123456789abcdef", "dirty": False},
    }
    results = {"test": {"accuracy": accuracy}, "seconds": 3.0 + seed, "best_epoch": 2}
    files = {"settings": settings, "environment": here | environment, "results": results}
    for name, values in files.items():
        (path / f"{name}.json").write_text(json.dumps(values))
    (path / "metrics.csv").write_text("epoch,loss,val_accuracy\n1,0.5,0.1\n2,0.4,0.25\n")


@pytest.fixture
def store(modules, tmp_path):
    """Return a function that collects runs into a JSON with one table."""
    columns = {"recipe": "{recipe}", "data": "{data}", "accuracy": "{accuracy:.2f}"}
    columns |= {"valid": "{val_accuracy.mean:.2f}", "s": "{seconds[0]:.0f}", "seeds": "{seeds}"}
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"tables": {"t": {"page": "p.md", "columns": columns}}, "rows": []}))

    def collect(*runs, label=(), table="t", baselines=True, add_seeds=False):
        given = {"runs": list(runs), "label": list(label), "table": table, "json": file}
        modules.results.collect(SimpleNamespace(**given, baselines=baselines, add_seeds=add_seeds))
        return modules.result_tables.load(file)

    return collect


def test_a_study_becomes_a_row_for_each_recipe_and_baseline(modules, study, store):
    found = store(study)
    assert modules.result_tables.rendered(found, "t") == [
        "| recipe | data | accuracy | valid | s | seeds | commit |",
        "|---|---|---|---|---|---|---|",
        "| `lstm_sentiment` | `my.csv` | 0.85 ± 0.07 | 0.25 | 3 | 2 | 0123456 |",
        "| TF-IDF | `my.csv` | 0.70 | – | 1 | – | 0123456 |",
    ]
    first = found["rows"][0]
    assert first["values"]["accuracy"] == [0.8, 0.9]
    assert first["machine"] == "AMD EPYC, 2 cores"
    assert (first["backend"], first["date"]) == ("PyTorch 2.13.0", "2026-11-30")
    assert first["command"] == (
        "rnnkit compare lstm_sentiment --data my.csv --text-column review --units 8 "
        "--no-embedding-trainable --seeds 2"
    )
    assert first["command"] in "\n".join(modules.result_tables.origins(found))


def test_the_command_of_a_row_has_its_budget_and_what_was_switched_off(modules):
    settings = {
        **{"recipe": "text_generator", "seed": 2, "given": {"clip_norm": None, "cell": "gru"}},
        **{"data": {"name": "tinyshakespeare"}, "teacher": ["/home/me/runs/old"]},
        **{"budget": {"seconds": 240, "parameters": 200_000}, "unlabelled": "/home/me/more.txt"},
    }
    trained = modules.result_runs.command(settings, [2])
    assert trained == (
        "rnnkit train text_generator --data tinyshakespeare --clip-norm none --cell gru "
        "--unlabelled-file more.txt --teacher old --budget 240s --budget 200000parameters --seed 2"
    )
    compared = modules.result_runs.command(settings, [0, 1, 2])
    assert compared.startswith("rnnkit compare text_generator --data tinyshakespeare ")
    assert compared.endswith(" --budget 240s --budget 200000parameters --seeds 3")


def test_a_row_that_is_collected_again_is_replaced(modules, study, store, tmp_path):
    store(study)
    again = tmp_path / "again"
    write_run(again, 4, 0.95, dirty=True, resumed=[])
    found = store(again)
    assert [row["values"]["accuracy"] for row in found["rows"]] == [[0.95], [0.7]]
    assert modules.result_tables.rendered(found, "t")[2].endswith("| 1 | 0123456+ |")
    assert found["rows"][0]["command"].startswith("rnnkit train lstm_sentiment --data my.csv")
    assert found["rows"][0]["command"].endswith("--seed 4")
    named = store(again, label=["recipe=another"])
    assert [row["labels"]["recipe"] for row in named["rows"]][1:] == ["TF-IDF", "another"]
    assert len(store(study, baselines=False)["rows"]) == 3


def test_a_row_gets_more_seeds(study, store, tmp_path):
    store(study, baselines=False)
    more = tmp_path / "more"
    write_run(more, 7, 0.6, commit="fedcba", processor="AMD EPYC", cpus=4)
    (row,) = store(more, baselines=False, add_seeds=True)["rows"]
    assert row["values"]["accuracy"] == [0.8, 0.9, 0.6]
    assert (row["seeds"], row["of_seeds"]) == (3, [0, 1, 7])
    assert row["commit"] == "0123456789abcdef, fedcba"
    assert row["machine"] == "AMD EPYC, 2 cores; AMD EPYC, 4 cores"
    assert row["command"].endswith("--seeds 2; " + row["command"].partition("; ")[2])
    assert row["command"].endswith("--seed 7")
    with pytest.raises(SystemExit, match="has the seed 7 already"):
        store(more, baselines=False, add_seeds=True)


def test_a_resumed_run_names_every_commit(store, tmp_path):
    later = {"backend": "jax", "backend_version": "0.10", "devices": ["cuda:0"], "cpus": 8}
    later |= {"commit": "fedcba", "started": "2026-12-01T", "rnnkit": "0.1.0", "keras": "3.15.1"}
    write_run(tmp_path / "one", 0, 0.5, resumed=[later])
    (row,) = store(tmp_path / "one")["rows"]
    assert row["commit"] == "0123456789abcdef, fedcba"
    assert row["backend"] == "PyTorch 2.13.0, JAX 0.10"
    assert row["machine"] == "AMD EPYC, 2 cores, CPU, 8 cores, cuda:0"
    assert row["date"] == "2026-12-01"


def test_what_is_no_row_is_refused_and_nothing_is_written(study, store, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    twin = tmp_path / "twin"
    write_run(twin, 1, 0.6)
    nan = tmp_path / "nan"
    write_run(nan, 0, float("nan"))
    for message, call in {
        "no complete run": lambda: store(empty),
        "same settings and seed": lambda: store(study, twin),
        "accuracy is not a number in each of 1": lambda: store(nan),
        "No table u; there are t": lambda: store(study, table="u"),
        "expected NAME=TEXT": lambda: store(study, label=["recipe"]),
        "no label vectors": lambda: store(study, label=["vectors=cbow"]),
    }.items():
        with pytest.raises(SystemExit, match=message):
            call()
    (study / "lstm_sentiment-seed0" / "results.json").unlink()
    assert [row.get("seeds") for row in store(study)["rows"]] == [1, None]


def test_a_run_that_says_less_than_the_table_shows_needs_a_label(modules, study):
    columns = {"vectors": "{vectors}", "accuracy": "{accuracy:.2f}"}
    with pytest.raises(SystemExit, match="--label vectors="):
        modules.result_runs.rows_of([study], "t", columns, {})
    rows = modules.result_runs.rows_of([study], "t", columns, {"vectors": "cbow"}, False)
    assert rows[0]["labels"] == {"vectors": "cbow"}


def test_a_real_run_becomes_a_row(modules):
    columns = {"recipe": "{recipe}", "accuracy": "{accuracy:.2f}", "weights": "{parameters:,.0f}"}
    (row,) = modules.result_runs.rows_of([ROOT / "tests" / "saved" / "run"], "t", columns, {})
    assert row["labels"] == {"recipe": "`bag_of_words_sentiment`"}
    assert row["values"] == {"accuracy": [0.45], "parameters": [545.0]}
    assert row["command"] == (
        "rnnkit train bag_of_words_sentiment --data sample --limit 40 --ngrams 1 "
        "--vocabulary-size 400 --epochs 2"
    )
