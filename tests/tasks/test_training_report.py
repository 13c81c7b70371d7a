"""What a training prints: lines outside terminals, and what is compiled; nothing at verbose=0."""

import functools
import sys
import threading
import time

import pytest
from small_tasks import SMALL, examples, make

from rnnkit import progress
from rnnkit.backend import compilation
from rnnkit.training import reporting
from rnnkit.training.reporting import TrainingReport

pytestmark = pytest.mark.one_backend


@pytest.fixture
def at_once(monkeypatch):
    """No line has to wait."""
    monkeypatch.setattr(reporting, "EARLY", 0.0)
    monkeypatch.setattr(reporting, "EVERY", 0.0)
    monkeypatch.setattr(reporting, "FIRST", 0.0)
    monkeypatch.setattr(reporting, "_TICK", 0.01)
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    monkeypatch.setattr(progress, "Lines", functools.partial(progress.Lines, first=0.0, every=0.0))


@pytest.fixture
def compiles(monkeypatch):
    """Pretend that a step is being compiled for four seconds, after two others."""
    made = {"train_step": 7}
    monkeypatch.setattr(compilation, "made", lambda name: made.get(name, 0))
    began = time.perf_counter() - 4

    def start():
        made["train_step"] += 2
        monkeypatch.setattr(compilation, "compiling", lambda: ("train_step", began))

    return start


def until(capsys, text):
    """What was printed, as soon as it holds a text."""
    shown, end = "", time.monotonic() + 20
    while text not in shown:
        assert time.monotonic() < end, shown
        time.sleep(0.01)
        shown += capsys.readouterr().out
    return shown


def start_epoch(report, steps=3):
    report.set_params({"epochs": 15, "steps": steps})
    report.on_epoch_begin(0)


def test_lines_of_an_epoch_and_its_validation(at_once, capsys, monkeypatch):
    monkeypatch.setattr(reporting, "_TICK", 100.0)
    with TrainingReport(2) as report:
        start_epoch(report)
        for batch in range(3):
            report.on_train_batch_end(batch, {"loss": 0.69314 - batch / 10})
        report.on_test_begin()
        report.on_test_batch_end(0, {"loss": 1.0})
        report.on_test_end()
        report.on_epoch_end(0)
        report._stop.set()
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1/15: 1 of 3 steps, loss 0.6931, 0 s",
        "Epoch 1/15: 2 of 3 steps, loss 0.5931, 0 s",  # Keras itself prints the last step
        "Epoch 1/15: validation, 1 step, 0 s",
    ]


def test_the_first_line_comes_early_and_the_next_after_ten_seconds(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(reporting.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(reporting, "_TICK", 100.0)
    report = TrainingReport(2)
    start_epoch(report, steps=100)
    for second in range(30):
        now[0] = float(second)
        report.on_train_batch_end(second, {"loss": 1.0})
    seconds = [line.split(", ")[-1] for line in capsys.readouterr().out.splitlines()]
    assert seconds == ["1 s", "11 s", "21 s"]


@pytest.mark.parametrize(("verbose", "shapes"), [(2, 6), (2, None), (2, 2), (1, 6)])
def test_what_is_compiled_is_told_while_it_is(at_once, capsys, compiles, verbose, shapes):
    with TrainingReport(verbose, lambda training: shapes) as report:
        start_epoch(report)
        compiles()
        told = "compiling 3 of 6 programs, 4 s" if shapes == 6 else "compiling program 3, 4 s"
        assert f"Epoch 1/15: {told}" in until(capsys, told)


def test_a_terminal_shows_it_in_the_place_of_the_bar(at_once, capsys, compiles, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with TrainingReport(1, lambda training: 6) as report:
        start_epoch(report)
        compiles()
        shown = until(capsys, "compiling 3 of 6 programs, 4 s")
        assert shown.startswith("\r\x1b[2K")
        assert "\n" not in shown
        monkeypatch.setattr(compilation, "compiling", lambda: None)
        report.on_train_batch_end(0, {"loss": 1.0})
    assert capsys.readouterr().out.endswith("\r\x1b[2K")  # gone before Keras draws again


def test_a_thread_watches_as_long_as_the_training_lasts():
    before = threading.active_count()
    with TrainingReport(0):
        assert threading.active_count() == before

    def interrupted():
        with TrainingReport(2):
            assert threading.active_count() == before + 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert threading.active_count() == before


@pytest.mark.parametrize("name", SMALL)
def test_each_task_is_silent_at_verbose_0_and_tells_its_progress_when_asked(at_once, capsys, name):
    task, data = make(name), examples(name)
    task.fit(*data, epochs=1, verbose=0)
    task.evaluate(*data, verbose=0)
    task.predict(data[0], verbose=0)
    assert capsys.readouterr() == ("", "")
    task.fit(*data, epochs=1, verbose=2, batch_size=4)
    shown = capsys.readouterr().out
    assert "Epoch 1/1: " in shown or shown.startswith("1/1")
    with progress.showing(True):
        task.evaluate(*data, verbose=0, batch_size=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "rnnkit: " in shown.err or name == "forecaster"  # one series is one batch
