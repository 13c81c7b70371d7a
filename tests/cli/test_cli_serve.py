"""`rnnkit serve` as it is typed; the server itself: tests/serving."""

import pytest

from rnnkit import serving


@pytest.fixture
def served(monkeypatch):
    """What `serve` was called with."""
    calls = []
    monkeypatch.setattr(serving, "serve", lambda path, **options: calls.append((path, options)))
    return calls


def test_options_are_the_limits(rnnkit, served):
    options = ("--port", 0, "--max-batch", 8, "--max-wait", 0.5, "--rate", 10, "--grace", 3)
    done = rnnkit("serve", "runs/mine", *options)
    assert done.code == 0, done.text
    ((path, found),) = served
    assert str(path) == "runs/mine"
    assert found["limits"] == serving.Limits(max_batch=8, max_wait=0.5, rate=10.0)
    assert (found["host"], found["port"], found["grace"]) == ("127.0.0.1", 0, 3.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--port", 70_000), "--port is 70000; expected an integer"),
        (("--max-batch", 0), "--max-batch is 0; expected an integer of at least 1"),
        (("--max-wait", "soon"), "--max-wait is 'soon'; expected a number"),
        (("--max-queue", 3), "--max-queue is 3, and --max-items 64"),
    ],
)
def test_options_that_are_none(rnnkit, served, options, message):
    done = rnnkit("serve", "runs/mine", *options)
    assert done.code == 2
    assert message in done.text
    assert not served


def test_a_file_that_is_no_run(rnnkit, films):
    pytest.importorskip("uvicorn")
    done = rnnkit("serve", films, "--port", 0)
    assert done.code == 2
    assert "films.csv is no rnnkit model" in done.text
