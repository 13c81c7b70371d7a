"""What bash, zsh and fish complete, by the protocol in which they ask; no framework is imported."""

from __future__ import annotations

import json
import os

import pytest
from typer.testing import CliRunner

from rnnkit import recipes
from rnnkit.cli import app

PROBE = """
import sys
from rnnkit.cli import app
try:
    app(prog_name="rnnkit")
except SystemExit as end:
    assert not end.code, end.code
heavy = [name for name in ("keras", "torch", "jax", "tensorflow", "sklearn") if name in sys.modules]
print("LOADED", *heavy)
"""
LINE = "rnnkit train lstm_sentiment --learning-rate-sch"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"_RNNKIT_COMPLETE": "complete_bash", "COMP_WORDS": LINE, "COMP_CWORD": "3"},
            "--learning-rate-schedule",
        ),
        (
            {"_RNNKIT_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": LINE},
            '"--learning-rate-schedule":"',
        ),
        (
            {
                "_RNNKIT_COMPLETE": "complete_fish",
                "_TYPER_COMPLETE_ARGS": LINE,
                "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            },
            "--learning-rate-schedule\t",
        ),
    ],
    ids=["bash", "zsh", "fish"],
)
def test_the_three_shells_are_answered_without_a_framework(variables, expected, fresh_python):
    result = fresh_python(PROBE, **variables)
    assert expected in result.out
    assert result.err == ""
    assert result.out.splitlines()[-1].split() == ["LOADED"]


@pytest.fixture
def complete(tmp_path, monkeypatch):
    """What bash completes of a line; there are two runs, the second is the newer one."""
    for place, age in (("runs/old", 100), ("runs/study/new", 0)):
        run = tmp_path / place
        run.mkdir(parents=True)
        settings = run / "settings.json"
        settings.write_text(json.dumps({"recipe": "lstm_sentiment"}))
        os.utime(settings, (1_700_000_000 - age,) * 2)
    monkeypatch.chdir(tmp_path)

    def ask(line):
        env = {"_RNNKIT_COMPLETE": "complete_bash", "COMP_WORDS": line}
        env["COMP_CWORD"] = str(len(line.split()) - (not line.endswith(" ")))
        result = CliRunner().invoke(app, [], env=env, prog_name="rnnkit", catch_exceptions=False)
        assert result.stderr == ""
        return result.stdout.split()

    return ask


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rnnkit tr", ["train"]),
        ("rnnkit info bag", ["bag_of_words_sentiment"]),
        ("rnnkit train ", recipes.names()),
        ("rnnkit train --limit 5 next", ["next_word"]),
        ("rnnkit train --resume r", ["runs/study/new", "runs/old"]),
        ("rnnkit train next_word --resume runs/o", ["runs/old"]),
        ("rnnkit train next_word --softmax ", ["full", "adaptive", "sampled"]),
        ("rnnkit train lstm_sentiment --max-length n", ["none"]),
        ("rnnkit train no_such_recipe --ep", []),
        ("rnnkit compare lstm_sentiment gru", ["gru_sentiment"]),
        ("rnnkit compare lstm_sentiment --see", ["--seeds"]),
        ("rnnkit predict ", ["runs/study/new", "runs/old"]),
        ("rnnkit predict runs/old ./te", []),  # the shell completes files
        ("rnnkit evaluate runs/s", ["runs/study/new"]),
        ("rnnkit neighbours runs/o", ["runs/old"]),
        ("rnnkit generate x --top", ["--top-k", "--top-p"]),
    ],
)
def test_what_is_completed(line, expected, complete):
    assert complete(line) == expected


def test_data_sets_are_those_of_the_recipe(complete):
    readers = [*recipes.family_of("name_tagger").kind.readers]
    assert complete("rnnkit train name_tagger --data ") == readers
    assert {*readers} < {*complete("rnnkit evaluate runs/old --data ")}
    assert complete("rnnkit compare name_tagger --data ") == readers
