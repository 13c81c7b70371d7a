"""The bar of what takes long: on a terminal's standard error, elsewhere lines."""

from __future__ import annotations

import functools

import pytest

from rnnkit import progress
from rnnkit.progress import Bar, Lines, asked_for, follows_verbose, showing, track

pytestmark = pytest.mark.one_backend


def drawn(capsys, **options):
    with Bar("reading", 4, **options) as bar:
        bar.update(1)
        bar.update(2)
        assert (bar.total, bar._progress.tasks[0].completed) == (4, 3)
        bar.reset()
        assert bar._progress.tasks[0].completed == 0
        bar.total = 8
        bar.describe("writing")
        bar.advance_to(4)
    return capsys.readouterr()


@pytest.mark.parametrize("unit", ["share", "bytes"])
def test_a_terminal_shows_the_bar_on_standard_error(capsys, monkeypatch, unit):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    shown = drawn(capsys, unit=unit)
    assert shown.out == ""
    assert "writing" in shown.err
    assert "50%" in shown.err
    assert ("4/8 bytes" in shown.err) == (unit == "bytes")


@pytest.fixture
def pipe(monkeypatch):
    """Standard error is no terminal, and no line has to wait."""
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    monkeypatch.setattr(progress, "Lines", functools.partial(Lines, first=0.0, every=0.0))


def test_elsewhere_what_is_done_soon_is_quiet(capsys, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    assert drawn(capsys) == ("", "")


def test_elsewhere_lines_are_printed(capsys, pipe):
    shown = drawn(capsys)
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "rnnkit: reading, 25%, 0 s",
        "rnnkit: reading, 75%, 0 s",
        "rnnkit: reading, 0%, 0 s",
        "rnnkit: writing, 50%, 0 s",
    ]


def test_without_a_total_the_description_counts(capsys, pipe):
    with Bar("Reading words") as bar:
        bar.describe("Reading words: 200,000")
    assert capsys.readouterr().err == "rnnkit: Reading words: 200,000, 0 s\n"


def test_lines_come_first_after_five_seconds_then_every_ten(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    lines, printed = Lines(), []
    for second in range(40):
        now[0] = 100.0 + second
        if lines.due():
            lines.print("")
            printed.append(second)
    assert printed == [5, 15, 25, 35]


def test_a_reader_who_went_away_stops_nothing(monkeypatch):
    class Gone:
        def write(self, text):
            raise BrokenPipeError

        flush = write

    Lines().print("a line", file=Gone())


def test_the_outermost_block_decides(capsys, pipe):
    with showing(False), showing(True):
        drawn(capsys)
        assert capsys.readouterr() == ("", "")
        with showing(True, again=True):
            assert asked_for()
    assert not asked_for()

    @follows_verbose
    def work(*, verbose="auto"):
        return list(track([1, 2, 3], "Working"))

    assert work(verbose=0) == [1, 2, 3]
    assert capsys.readouterr().err == ""
    assert work(verbose=2) == [1, 2, 3]
    assert capsys.readouterr().err.startswith("rnnkit: Working, 33%")
    assert list(track([1], "Working")) == [1]  # nobody asked
    assert capsys.readouterr().err == ""
