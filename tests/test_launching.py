"""Processes of one training: what the first one does decides."""

import sys

import pytest

from rnnkit.training.launching import run_processes

pytestmark = pytest.mark.one_backend
WRITES = """
import os, pathlib, sys
own = {name: os.environ[name] for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR")}
pathlib.Path(sys.argv[1], own["RANK"]).write_text(" ".join(own.values()))
print("said by", own["RANK"])
"""


def run(code, *arguments, count=2):
    return run_processes([sys.executable, "-c", code, *arguments], count)


def test_every_process_knows_the_others(tmp_path, capfd):
    assert run(WRITES, str(tmp_path), count=3) == 0
    found = [path.read_text() for path in sorted(tmp_path.iterdir())]
    assert found == [f"{rank} 3 127.0.0.1" for rank in range(3)]
    assert capfd.readouterr().out == "said by 0\n"


@pytest.mark.parametrize(
    ("ends", "code"),
    [("sys.exit(7)", 7), ("os.kill(os.getpid(), 15)", 143)],
)
def test_the_first_process_decides_and_the_others_end(ends, code):
    others = "import os, sys, time\nif os.environ['RANK'] == '0': "
    assert run(f"{others}{ends}\nif os.environ['RANK'] == '1': time.sleep(600)") == code


def test_a_process_that_fails_ends_all_and_is_shown(capfd):
    code = "import os, time\nassert os.environ['RANK'] == '0', 'too bad'\ntime.sleep(600)"
    assert run(code) == 1
    shown = capfd.readouterr().err
    assert "process 1 of 2 failed" in shown
    assert "too bad" in shown
