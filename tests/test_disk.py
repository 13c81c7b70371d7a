"""Failed writes as `DiskError`: which errors, what the message names, what is left behind."""

import errno
import os
import subprocess
import sys
import warnings
from pathlib import Path

import failing_writes
import numpy as np
import pytest
from event_files import read

from rnnkit.atomic import append, replacing
from rnnkit.disk import free_space, optional, size_text, writing
from rnnkit.embeddings.files import save_vectors
from rnnkit.errors import DiskError, InputError
from rnnkit.monitor import EventWriter
from rnnkit.recurrent import HopfieldNetwork

pytestmark = pytest.mark.one_backend
REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "no file may be as large",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "the permission is missing",
    errno.EPERM: "it is not permitted",
    errno.EIO: "the device reports an error",
}


@pytest.mark.parametrize("number", REASONS)
def test_an_error_of_a_write_names_path_need_and_free_space(number, tmp_path, monkeypatch):
    path = tmp_path / "new" / "model.keras"
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    with pytest.raises(DiskError) as raised, writing(path, "the model", need=2_500_000):
        raise OSError(number, os.strerror(number))
    assert raised.value.errno == number
    told = f"Cannot write the model '{path}': {REASONS[number]}. It needs 2.5 MB, and 12,288 bytes"
    assert str(raised.value).startswith(f"{told} are free there.")
    assert isinstance(raised.value.__cause__, OSError)


class Usage:
    free = 12_288


def fail_to_write(path, *filename):
    with writing(path):
        raise OSError(errno.ENOSPC, "No space left on device", *filename)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Can't write data (file write failed: errno = 28, error message = ...)"),
        OSError("Unable to synchronously create file (errno = 28, flags = 13)"),
        OSError("4000 requested and 0 written"),
        OSError("Not enough free space to write 4000 bytes"),
        RuntimeError("; No space left on device [Op:SaveV2]"),
    ],
)
def test_libraries_with_errors_of_their_own(error, tmp_path):
    with pytest.raises(DiskError, match="the disk is full") as raised, writing(tmp_path / "a"):
        raise error
    assert raised.value.errno == errno.ENOSPC


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory"),
        NotADirectoryError(errno.ENOTDIR, "Not a directory"),
        OSError("disk full, says somebody"),
        RuntimeError("errno = 2"),
        InputError("No space left on device, says a text"),
        KeyError("x"),
    ],
)
def test_other_errors_pass(error, tmp_path):
    with pytest.raises(type(error)) as raised, writing(tmp_path / "a"):
        raise error
    assert raised.value is error


def test_whoever_knew_more_is_heard(tmp_path):
    with (
        pytest.raises(DiskError, match="inner"),
        writing(tmp_path / "outer"),
        writing(tmp_path / "inner"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_elsewhere_is_named(tmp_path):
    other = tmp_path / "elsewhere" / "vocabulary.json"
    with pytest.raises(DiskError, match=r"The file at fault is .*vocabulary\.json"):
        fail_to_write(tmp_path / "model.keras", str(other))


def test_a_full_folder_of_temporary_files_is_named(tmp_path, monkeypatch):
    """Keras collects a model's files there before it packs them."""
    if not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk")
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/dev/shm")
    free = {Path("/dev/shm"): 512}

    def usage(path):
        return type("Usage", (), {"free": free.get(Path(path), 10**9)})

    monkeypatch.setattr("shutil.disk_usage", usage)
    with pytest.raises(DiskError, match="In '/dev/shm', for temporary files, 512 bytes are free"):
        fail_to_write(tmp_path / "model.keras")


def test_no_room_for_another_file_is_told(tmp_path, monkeypatch):
    full = os.statvfs_result((4096, 4096, 9, 9, 9, 5, 0, 0, 0, 255))
    monkeypatch.setattr("os.statvfs", lambda _: full)
    with pytest.raises(DiskError, match="It has no room for another file"):
        fail_to_write(tmp_path / "a")


def test_one_warning_for_each_place(tmp_path):
    def fail(place):
        with optional(place, "It goes on."):
            fail_to_write(place / "a")

    with pytest.warns(UserWarning, match=r"rnnkit: Cannot write .*full.* It goes on\."):
        fail(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fail(tmp_path)
    with pytest.warns(UserWarning, match="It goes on"):
        fail(tmp_path / "other")


def test_sizes():
    assert size_text(0) == "0 bytes"
    assert size_text(999_999) == "999,999 bytes"
    assert size_text(1_000_000) == "1.0 MB"
    assert size_text(3 * 10**9) == "3.0 GB"


def test_free_space_of_a_path_that_is_yet_to_come_is_that_of_its_folder(monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage if Path(path).exists() else None)
    assert free_space("no/such/folder") == free_space(".") == Usage.free


@pytest.mark.parametrize("before", [None, b"old"])
@pytest.mark.parametrize("full_at", [0, 1])
def test_a_file_is_replaced_or_unchanged(before, full_at, tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    if before is not None:
        path.write_bytes(before)
    disk = failing_writes.watch(monkeypatch, tmp_path)
    disk.full_at = full_at
    told = "The file that was there is unchanged." if before else ""

    def write():
        with replacing(path, "the model", 6) as temporary, temporary.open("wb") as file:
            file.write(b"new")
            file.flush()
            file.write(b"new")

    with pytest.raises(DiskError, match=f"Cannot write the model .*{told}"):
        write()
    disk.full_at = None
    assert [one.name for one in tmp_path.iterdir()] == ([] if before is None else ["a.bin"])
    assert before is None or path.read_bytes() == before


def test_a_rename_may_fail_too(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(DiskError, match="read-only"), replacing(tmp_path / "a") as temporary:
        temporary.write_bytes(b"new")
    assert list(tmp_path.iterdir()) == []


def test_append_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "metrics.csv"
    append(path, b"a\n")
    disk = failing_writes.watch(monkeypatch, tmp_path)
    disk.full_at = 0
    for _ in range(2):
        with pytest.raises(DiskError, match="It needs 2 bytes"):
            append(path, b"b\n", "a row")
    assert path.read_bytes() == b"a\n"
    disk.full_at = None
    append(path, b"c\n")
    assert path.read_bytes() == b"a\nc\n"


@pytest.mark.parametrize("full_at", [0, 1, 4])
def test_an_event_file_ends_with_a_whole_record(full_at, tmp_path, monkeypatch):
    disk = failing_writes.watch(monkeypatch, tmp_path)
    disk.full_at = full_at
    opened = []

    def write():
        opened.append(EventWriter(tmp_path))
        for step in range(9):
            opened[0].scalar("loss", 0.5, step)

    with pytest.raises(DiskError, match="the events for TensorBoard"):
        write()
    assert len(read(tmp_path).get("loss", ())) == max(full_at - 1, 0)
    for events in opened:
        with pytest.raises(InputError, match="is closed"):
            events.scalar("loss", 0.5, 9)
        events.flush()
        events.close()


def test_events_that_are_not_required_are_left_out(tmp_path, monkeypatch):
    disk = failing_writes.watch(monkeypatch, tmp_path)
    disk.full_at = 3

    def write():
        with EventWriter(tmp_path / "train", required=False) as events:
            for step in range(9):
                events.scalar("loss", 0.5, step)
        EventWriter(tmp_path / "test", required=False).scalar("loss", 0.5, 1)

    with pytest.warns(UserWarning, match="TensorBoard shows no more of it") as warned:
        write()
    assert len([one for one in warned if one.category is UserWarning]) == 1
    assert [step for step, _ in read(tmp_path / "train")["loss"]] == [0, 1]


def test_networks_and_vectors(tmp_path, monkeypatch):
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(3)
    vectors.add_vectors(["the", "of"], np.eye(2, 3, dtype="float32"))
    network = HopfieldNetwork(4)
    disk = failing_writes.watch(monkeypatch, tmp_path)
    disk.full_at = 0
    for name in ("a.txt", "a.bin", "a.vec.gz"):
        with pytest.raises(DiskError, match=f"Cannot write the word vectors .*{name}.*24 bytes"):
            save_vectors(vectors, tmp_path / name)
    with pytest.raises(DiskError, match=r"Cannot write the network .*a\.npz"):
        network.save(tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from gensim.models import KeyedVectors
from rnnkit.embeddings.files import save_vectors
from rnnkit.errors import DiskError
vectors = KeyedVectors(100)
vectors.add_vectors([str(i) for i in range(99)], np.ones((99, 100), "float32"))
resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))
for name in ("a.kv", "a.bin", "a.txt", "a.vec.gz"):
    try:
        save_vectors(vectors, Path(sys.argv[1]) / name)
    except DiskError as error:
        print(error.errno, error)
    else:
        print("written", name)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
def test_the_systems_own_limit(tmp_path):
    """Nothing is replaced here: the system refuses files above 9,000 bytes."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    for line in lines[:3]:
        assert line.startswith(f"{errno.EFBIG} Cannot write the word vectors '{tmp_path}/a.")
        assert "It needs 39,600 bytes" in line
    assert lines[3] == "written a.vec.gz"
    assert [one.name for one in tmp_path.iterdir()] == ["a.vec.gz"]
