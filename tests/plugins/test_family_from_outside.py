"""A family in a package outside rnnkit: `bit_parity`, installed by an entry point."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).resolve().parent
RUN = """
import json, sys
from typer.testing import CliRunner
from rnnkit.cli import app
results = [CliRunner().invoke(app, args) for args in json.loads(sys.argv[1])]
print(json.dumps([(r.exit_code, r.stdout, r.stderr) for r in results]))
"""


@pytest.fixture
def commands(tmp_path):
    """Install packages as pip would, and run commands with them in a fresh process."""

    def run(*commands, installed=(), **modules):
        site = tmp_path / f"site{len(list(tmp_path.iterdir()))}"
        for value in installed:
            info = site / f"{value.partition(':')[0]}_toy-1.0.dist-info"
            info.mkdir(parents=True)
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {info.stem}\nVersion: 1.0\n"
            )
            (info / "entry_points.txt").write_text(f"[rnnkit.families]\ntoy = {value}\n")
        for name, text in modules.items():
            (site / f"{name}.py").write_text(text)
        paths = [str(site), os.environ.get("PYTHONPATH", "")] + [str(HERE)] * bool(installed)
        done = subprocess.run(
            [sys.executable, "-c", RUN, json.dumps([list(map(str, args)) for args in commands])],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"},
            cwd=tmp_path,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        answers = [SimpleNamespace(code=c, out=out, error=err) for c, out, err in found]
        return answers, done.stderr

    return run


@pytest.mark.deep
def test_every_command_serves_it(commands, tmp_path):
    small = ["--epochs", 2, "--limit", 100, "--units", 4, "--quiet"]
    (tmp_path / "bits.txt").write_text("01\n" * 20)
    (listed, info, trained, compared), _ = commands(
        ["list"],
        ["info", "parity_classifier"],
        ["train", "parity_classifier", *small, "--out", "bits"],
        ["compare", "parity_classifier", *small, "--seeds", 1, "--out", "study"],
        installed=["bit_parity:FAMILY"],
    )
    assert "parity_classifier" in listed.out
    assert "--units" in info.out
    assert "bits_sample, or a text file with a bit string on each line" in info.out
    assert trained.code == 0, trained.error
    assert "accuracy" in trained.out
    assert 'rnnkit predict bits "0110"' in trained.out
    assert compared.code == 0, compared.error
    assert "majority class" in compared.out
    assert "| majority class | 1 |" in (tmp_path / "study" / "report.md").read_text()

    # In another process: the saved model brings the package in.
    (predicted, evaluated, other, refused), _ = commands(
        ["predict", "bits/model.keras", "0110", "1"],
        ["evaluate", "bits", "--limit", 50],
        ["evaluate", "bits", "--data", "bits.txt"],
        ["predict", "bits", "012"],
        installed=["bit_parity:FAMILY"],
    )
    lines = [line.split("\t") for line in predicted.out.splitlines()]
    assert [bits for _, _, bits in lines] == ["0110", "1"]
    assert all(label == ("odd" if float(odd) >= 0.5 else "even") for label, odd, _ in lines)
    assert "bits_sample, test split" in evaluated.out
    assert re.search(r"[01]\.0000", other.out)  # all lines alike: all or none are right
    assert refused.code == 2
    assert "'012' is not a bit string" in refused.error

    ((missing,), _) = commands(["predict", "bits/model.keras", "01"])
    assert missing.code == 2
    assert "ParityClassifier" in missing.error


def test_what_is_no_complete_family_is_left_out_by_name(commands):
    ((listed,), err) = commands(
        ["list"],
        installed=["broken:FAMILY", "number:FAMILY", "taken:FAMILY"],
        broken="import dataclasses, bit_parity\n"
        "FAMILY = dataclasses.replace(bit_parity.FAMILY, headings={})",
        number="FAMILY = 7",
        taken="from rnnkit.recipes.builtin import FAMILIES\nFAMILY = FAMILIES[0]",
    )
    warned = err + listed.error
    assert listed.code == 0
    assert "lstm_sentiment" in listed.out
    assert "parity_classifier" not in listed.out
    assert "The family 'bit strings' has no headings" in warned
    assert "7 is not a rnnkit.recipes.Family" in warned
    assert "The family 'texts' is left out: there is a recipe 'bag_of_words_sentiment'" in warned


def test_the_guide_shows_the_whole_package():
    page = HERE.parents[1] / "docs" / "guide" / "extending.md"
    shown = re.findall(r"{literalinclude} \.\./\.\./(\S+)", page.read_text(encoding="utf-8"))
    assert {HERE.parents[1] / path for path in shown} == set((HERE / "bit_parity").glob("*.py"))
