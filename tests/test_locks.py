"""Locks between real processes: who holds one, who waits, and that none outlives its process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time

import pytest
from forking import Process, until

from rnnkit import locks
from rnnkit.errors import InputError, InUseError
from rnnkit.locks import holder, locked, read_or_build

pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="these tests fork"),
]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(locks, "_POLL", 0.002)
    monkeypatch.setattr(locks, "_SILENT", 0.01)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / ".lock"


def hold(path, done=None):
    """Hold a lock until a file exists, or for ever."""
    with locked(path, "the run"):
        (path.parent / "held").touch()
        until(lambda: done is not None and done.exists(), 60)


@pytest.fixture
def other(path):
    """A process that holds the lock."""
    process = Process(hold, path, path.parent / "done")
    until(lambda: (path.parent / "held").exists())
    yield process
    (path.parent / "done").touch()
    with contextlib.suppress(ChildProcessError):  # killed by the test
        process.wait()


def test_a_lock_that_is_held_names_its_holder(other, path):
    advice = "Give another folder."
    with (
        pytest.raises(InUseError) as caught,
        locked(path, "The run x", wait=False, advice=advice),
    ):
        pytest.fail("two processes hold one lock")
    assert isinstance(caught.value, InputError)
    who = caught.value.holder
    assert str(caught.value) == f"The run x is in use by {who}. {advice}"
    assert who.startswith(f"process {other.pid} on {socket.gethostname()} since ")
    assert holder(path) == who


def test_a_killed_process_holds_nothing(other, path):
    other.kill()
    assert path.exists()  # with its record, which nobody believes
    assert locks._read_record(path) == {}
    with locked(path, "the run", wait=False) as held:
        assert held
        assert locks._read_record(path)["pid"] == os.getpid()
    assert not path.exists()
    assert holder(path) is None


def test_whoever_waits_says_so_once_and_comes_in_after_the_other(other, path, capfd):
    thread = threading.Thread(target=lambda: (time.sleep(0.2), (path.parent / "done").touch()))
    thread.start()
    with locked(path, "the run x"):
        assert (path.parent / "done").exists()
    thread.join()
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"rnnkit: waiting for the run x, in use by process {other.pid} on ")


def count(path, times):
    """Add to a number in a file, in two steps that a second process would spoil."""
    number = path.with_name("number")
    for _ in range(times):
        with locked(path, "the number"):
            found = int(number.read_text())
            number.write_text("")
            number.write_text(str(found + 1))


def test_no_two_processes_or_threads_are_in_at_once(path, capfd):
    """Each release removes the file of the lock, on which the others wait."""
    path.parent.mkdir()
    path.with_name("number").write_text("0")
    processes = [Process(count, path, 40) for _ in range(3)]
    threads = [threading.Thread(target=count, args=(path, 40)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert path.with_name("number").read_text() == "200"
    assert not path.exists()


def test_a_thread_goes_on_with_a_lock_that_it_holds(path):
    with locked(path, "the run"):
        with locked(path, "the run", wait=False) as held:
            assert held
        assert path.exists()
    assert not path.exists()


def test_a_lock_does_not_live_on_in_a_child(path, tmp_path):
    def parent():
        with locked(path, "the run"):
            child = Process(until, (tmp_path / "done").exists)
            (tmp_path / "child").write_text(str(child.pid))
            child.wait()

    process = Process(parent)
    pid = int(until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text()))
    process.kill()
    os.kill(pid, 0)  # the child lives
    with locked(path, "the run", wait=False) as held:
        assert held
    (tmp_path / "done").touch()


@pytest.mark.parametrize("record", [b"", b"\0{", b"\0[1]", b'\0{"pid": "x"}', b"\0" + b"[" * 9999])
def test_a_record_that_is_damaged_hinders_nobody(other, path, record):
    path.write_bytes(record)
    assert holder(path) == "another process"
    with (
        pytest.raises(InUseError, match="in use by another process"),
        locked(path, "x", wait=False),
    ):
        pass


def no_locks(*_, **__):
    raise OSError(30, "Read-only file system")


def test_a_folder_that_cannot_be_locked_is_said_and_used(path, monkeypatch, capsys):
    monkeypatch.setattr("filelock.FileLock.acquire", no_locks)
    with locked(path, "the vectors", wait=False) as held:
        assert not held
    err = capsys.readouterr().err
    assert err == (
        f"rnnkit: {path.parent} cannot be locked (Read-only file system); going on without a lock "
        "on the vectors.\n"
    )
    assert holder(path) is None


def test_the_lock_of_another_user_that_cannot_be_opened_is_a_lock(other, path, monkeypatch):
    monkeypatch.setattr("filelock.FileLock.acquire", no_locks)
    with (
        pytest.raises(InUseError, match=f"in use by process {other.pid}"),
        locked(path, "the run", wait=False),
    ):
        pass


# Entries of a cache.


def need(path, built, crash=False):
    """Read an entry or build it, and write down who built."""

    def build():
        with built.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if crash:
            until(lambda: False, 60)
        time.sleep(0.05)
        path.write_text(json.dumps("entry"))
        return "entry"

    def read():
        return json.loads(path.read_text()) if path.exists() else None

    assert read_or_build(path, "the entry", read, build) == "entry"


def test_of_several_processes_one_builds_an_entry(tmp_path):
    path, built = tmp_path / "entry", tmp_path / "built"
    processes = [Process(need, path, built) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert len(built.read_text().split()) == 1
    need(path, built)
    assert len(built.read_text().split()) == 1
    assert {file.name for file in tmp_path.iterdir()} == {"entry", "built"}


def test_what_a_killed_process_did_not_build_another_builds(tmp_path):
    path, built = tmp_path / "entry", tmp_path / "built"
    killed = Process(need, path, built, True)
    until(built.exists)
    waiting = Process(need, path, built)
    killed.kill()
    assert waiting.wait() == 0
    assert built.read_text().split() == [str(killed.pid), str(waiting.pid)]


def test_a_damaged_entry_is_read_once_and_built_anew(tmp_path):
    read = []

    def damaged():
        read.append(1)

    (tmp_path / "entry").write_text("damaged")
    assert read_or_build(tmp_path / "entry", "the entry", damaged, lambda: "new") == "new"
    assert len(read) == 1
