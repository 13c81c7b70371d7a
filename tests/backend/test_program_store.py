"""Compiled programs on disk: whole or not there, bounded, of nobody else, in several processes."""

import errno
import os
import sys
import warnings

import failing_writes
import forking
import numpy as np
import pytest

from rnnkit import disk
from rnnkit.backend import program_store
from rnnkit.backend.program_store import ProgramStore, StoreSize, clear, measure

pytestmark = pytest.mark.one_backend


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_warned", set())
    return ProgramStore(tmp_path / "xla" / "cpu")


def files(store):
    return sorted(store.folder.iterdir())


def test_a_program_comes_back_in_another_process_as_it_was(store):
    program = bytes(range(256)) * 100
    assert store.get("jit_step-1") is None
    assert not store.folder.exists()  # asking makes nothing
    store.put("jit_step-1", program)
    assert ProgramStore(store.folder).get("jit_step-1") == program
    assert ProgramStore(store.folder).get("jit_step-2") is None
    assert measure(store.folder.parent).programs == 1


@pytest.mark.skipif(os.name == "nt", reason="no modes there")
def test_only_the_owner_may_look_into_the_folder(store):
    old = os.umask(0)
    try:
        store.put("key", b"program")
    finally:
        os.umask(old)
    assert store.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "of another key"])
def test_a_damaged_program_is_not_there_and_is_made_anew(store, damage):
    store.put("key", b"machine code" * 50)
    (path,) = files(store)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    changed = {"empty": b"", "cut": data[:50], "flipped": data, "of another key": b""}[damage]
    if damage == "of another key":
        store.put("other", b"other code")
        changed = store._file("other").read_bytes()
    path.write_bytes(changed)
    assert store.get("key") is None
    assert not path.exists()
    store.put("key", b"new")
    assert store.get("key") == b"new"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_failed_write_is_one_warning_and_no_more_writes(store, monkeypatch, number):
    store.put("before", b"program")
    watched = failing_writes.watch(monkeypatch, store.folder, number)
    watched.full_at = 0
    with pytest.warns(UserWarning, match="Programs are compiled, and not kept") as caught:
        store.put("key", b"program")
    assert len(caught) == 1
    store.put("another", b"program")
    assert len(watched.writes) == 1
    assert store.get("before") == b"program"
    assert store.get("key") is None
    assert len(files(store)) == 1  # nothing half written


def test_a_home_that_cannot_be_written_is_one_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_warned", set())
    (tmp_path / "home").write_text("a file where the cache should be")
    store = ProgramStore(tmp_path / "home" / "xla" / "cpu")
    assert store.get("key") is None
    with pytest.warns(UserWarning, match="not kept"):
        store.put("key", b"program")
    store.put("key", b"program")


@pytest.mark.skipif(os.name == "nt", reason="no modes there")
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_is_not_used(store, mode):
    store.put("key", b"program")
    store.folder.chmod(mode)
    anew = ProgramStore(store.folder)
    with pytest.warns(UserWarning, match="chmod 700") as caught:
        assert anew.get("key") is None
    anew.put("other", b"program")
    assert len(caught) == 1
    assert len(files(store)) == 1


@pytest.mark.skipif(os.name == "nt", reason="no owners there")
def test_a_folder_of_another_user_and_a_link_are_not_used(store, monkeypatch, tmp_path):
    store.put("key", b"program")
    monkeypatch.setattr(os, "geteuid", lambda: store.folder.stat().st_uid + 1)
    with pytest.warns(UserWarning, match="another user"):
        assert ProgramStore(store.folder).get("key") is None
    monkeypatch.undo()
    link = tmp_path / "link"
    link.symlink_to(store.folder)
    with pytest.warns(UserWarning, match="no folder"):
        assert ProgramStore(link).get("key") is None


def test_the_programs_used_last_stay_in_all_folders_together(tmp_path):
    old, new = (ProgramStore(tmp_path / "xla" / name, limit=1000) for name in ("old", "new"))
    for number in range(4):
        old.put(f"o{number}", bytes(180))
        os.utime(old._file(f"o{number}"), (number, number))
    assert old.get("o0") is not None  # used now: o1 is the oldest
    for number in range(3):
        new.put(f"n{number}", bytes(180))
    assert [old.get(f"o{n}") is not None for n in range(4)] == [True, False, False, True]
    assert all(new.get(f"n{n}") is not None for n in range(3))
    assert measure(tmp_path / "xla").size <= 1000
    new.put("large", bytes(2000))
    assert new.get("large") is None
    assert new.get("n0") is not None


def test_the_size_stays_within_the_limit_whatever_is_written(tmp_path):
    rng = np.random.default_rng(0)
    store = ProgramStore(tmp_path / "xla" / "cpu", limit=50_000)
    for number in range(300):
        store.put(f"p{number}", bytes(int(rng.integers(1, 5_000))))
        assert measure(tmp_path / "xla").size <= 50_000


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked")
def test_processes_share_a_folder_and_never_see_half_a_program(tmp_path):
    folder, limit = tmp_path / "xla" / "cpu", 60_000

    def work(seed):
        warnings.simplefilter("error")
        store, rng = ProgramStore(folder, limit), np.random.default_rng(seed)
        for _ in range(150):
            number = int(rng.integers(0, 40))
            found = store.get(f"p{number}")
            assert found in (None, bytes([number]) * 2_000)
            store.put(f"p{number}", bytes([number]) * 2_000)

    children = [forking.Process(work, seed) for seed in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    # Each may have written a tenth of the limit since it added up the sizes.
    assert measure(folder.parent).size <= limit * 1.3
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_clearing_removes_the_folders_of_all_machines_and_nothing_else(tmp_path):
    root = tmp_path / "xla"
    for name in ("one", "two"):
        ProgramStore(root / name).put("key", b"program")
    (tmp_path / "vectors.keras").write_bytes(b"")
    assert clear(root) == StoreSize(2, 2 * (7 + program_store._DIGEST))
    assert list(root.iterdir()) == []
    assert (tmp_path / "vectors.keras").exists()
    assert clear(root) == StoreSize(0, 0)
