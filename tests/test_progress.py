"""The bar of what takes long: on a terminal's standard error, elsewhere nothing."""

from __future__ import annotations

import pytest

from rnnkit.progress import Bar

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


def test_elsewhere_nothing_is_written(capsys, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    assert drawn(capsys) == ("", "")
