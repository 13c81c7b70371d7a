"""Which lines of rnnkit each test runs: a plugin of pytest for `tests/mutation.py`.

`python -m pytest -p traced_lines --lines FILE tests/...` adds a line of JSON to FILE for each phase
of each test. Other processes that a test starts are not followed; the test is marked then.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

Trace = Callable[[FrameType, str, Any], Any]
PROCESSES = {"commands", "fresh_python", "other_backend"}  # fixtures that start them


class LineRecorder:
    """Collects the lines that run, by module; what is no module of rnnkit costs a look-up a call.

    Args:
        root: the folder that holds the package.
        out: the file to add to.
    """

    def __init__(self, root: Path, out: Path) -> None:
        self.package, self.out = str(root / "rnnkit") + "/", out
        self.cut = len(str(root)) + 1
        self.local: dict[str, Trace | None] = {}  # by file name
        self.lines: dict[str, set[int]] = {}
        self.processes = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Trace | None:
        name = frame.f_code.co_filename
        if name not in self.local:
            self.local[name] = self._trace_of(name)
        return self.local[name]

    def _trace_of(self, name: str) -> Trace | None:
        """Return what notes the lines of a module; None for modules of others."""
        if not name.startswith(self.package):
            return None
        add = self.lines.setdefault(name[self.cut :], set()).add

        def note(frame: FrameType, event: str, argument: Any) -> Trace:
            add(frame.f_lineno)
            return note

        return note

    def write(self, **about: Any) -> None:
        """Add what ran since the last call to the file."""
        lines = {name: sorted(numbers) for name, numbers in self.lines.items() if numbers}
        for numbers in self.lines.values():
            numbers.clear()
        with self.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(about | {"lines": lines}) + "\n")

    def pytest_collection_finish(self) -> None:
        """Write what ran when modules were imported."""
        self.write(test="", when="import", seconds=0, passed=True, processes=False)

    def pytest_runtest_setup(self, item: pytest.Function) -> None:
        """Note whether the test starts other processes."""
        self.processes = not PROCESSES.isdisjoint(item.fixturenames)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write what ran in a phase of a test."""
        about = {"test": report.nodeid, "when": report.when, "passed": report.passed}
        self.write(**about, seconds=round(report.duration, 3), processes=self.processes)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Name the file."""
    parser.addoption("--lines", type=Path, help="file for the lines of rnnkit that each test runs")


def pytest_configure(config: pytest.Config) -> None:
    """Start to follow what runs."""
    if config.getoption("--lines"):
        recorder = LineRecorder(config.rootpath, config.getoption("--lines"))
        config.pluginmanager.register(recorder, "line-recorder")
        threading.settrace(recorder)
        sys.settrace(recorder)
