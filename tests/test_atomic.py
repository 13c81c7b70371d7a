"""Files that are replaced: nothing half written, nothing left of processes that were killed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from forking import Process, until

from rnnkit import atomic
from rnnkit.processes import is_alive, machine

pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="these tests fork"),
]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """As in a new process, which has swept no folder yet."""
    monkeypatch.setattr(atomic, "_swept", set())


@pytest.fixture(scope="module")
def dead():
    """The number of a process that has ended."""
    process = Process(lambda: None)
    assert process.wait() == 0
    return process.pid


def killed_while(body, *args):
    """Kill a process while it does something that never ends."""
    process = Process(body, *args)
    until(args[-1].exists)
    process.kill()


def test_what_a_killed_process_leaves_is_removed_by_the_next(tmp_path):
    def write(folder, begun):
        with atomic.temporary_folder(folder) as inner, atomic.replacing(folder / "m.keras") as part:
            part.write_text("half")
            (inner / "asset").write_text("half")
            begun.touch()
            until(lambda: False, 60)

    folder = tmp_path / "run"
    killed_while(write, folder, tmp_path / "begun")
    left = sorted(path.name for path in folder.iterdir())
    assert len(left) == 2
    assert all(map(atomic.is_temporary, left))
    with atomic.replacing(folder / "settings.json") as part:
        part.write_text("{}")
    assert [path.name for path in folder.iterdir()] == ["settings.json"]


def test_only_what_dead_processes_of_this_machine_left_is_removed(tmp_path, dead):
    here, there = machine(), "0" * 8
    stay = [
        f".model.rnnkit-{here}-{os.getpid()}-0.keras",  # a living one
        f".model.rnnkit-{here}-1-0.keras",  # one of another user, or any that lives
        f".model.rnnkit-{there}-{dead}-0.keras",  # another machine
        f"model.rnnkit-{here}-{dead}-0.keras",  # the user's own name
        f".model.{dead}-0.keras",
        ".model.keras",
    ]
    go = [f".model.rnnkit-{here}-{dead}-0.keras", f".folder.rnnkit-{here}-{dead}-1.x"]
    for name in [*stay, go[0]]:
        (tmp_path / name).write_text("")
    (tmp_path / go[1]).mkdir()
    (tmp_path / go[1] / "file").write_text("")
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "kept").write_text("")
    (tmp_path / f".link.rnnkit-{here}-{dead}-2").symlink_to(target)
    atomic.remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*stay, "elsewhere"])
    assert (target / "kept").exists()


def test_a_folder_that_cannot_be_read_is_left_alone(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(Path, "iterdir", refuse)
    atomic.remove_leftovers(tmp_path)


def test_contents_are_on_the_disk_before_the_name(tmp_path, monkeypatch):
    done = []
    replace = Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: done.append(os.fstat(fd).st_ino))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (done.append("rename"), replace(self, to))
    )
    with atomic.replacing(tmp_path / "file") as part:
        part.write_text("whole")
    inodes = [path.stat().st_ino for path in (tmp_path / "file", tmp_path)]
    assert done == [inodes[0], "rename", inodes[1]]


def test_long_names_and_nested_writes_have_names_of_their_own(tmp_path):
    name = "n" * 240
    with (
        atomic.replacing(tmp_path / f"{name}1.json") as one,
        atomic.replacing(tmp_path / f"{name}2.json") as two,
    ):
        one.write_text("1")
        two.write_text("2")
    assert [(tmp_path / f"{name}{i}.json").read_text() for i in (1, 2)] == ["1", "2"]


def test_processes_are_told_apart(dead):
    assert is_alive(os.getpid())
    assert is_alive(1)
    assert not is_alive(dead)
    assert is_alive(2**40)  # no number of a process: nothing is said of it
