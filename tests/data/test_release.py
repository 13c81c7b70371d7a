"""A published data set is found in its archive or as separate files, and is checked."""

import gzip
import io
import re
import tarfile

import pytest

from rnnkit.data.release import Release
from rnnkit.errors import InputError

FILES = {"train": "a.txt", "test": "b.txt"}
TINY = Release(
    "tiny",
    "tiny.tar.xz",
    "top/below",
    FILES,
    separate={part: f"tiny_{file}" for part, file in FILES.items()},
    counts={"train": 2},
    unit="letters",
    home="https://example.org/tiny",
    hint="It is tiny.",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(tmp_path))
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path


def pack(path, files):
    with tarfile.open(path, "w:xz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_files_of_an_archive_are_read_by_split(folder):
    path = folder / TINY.archive
    pack(path, {"top/below/b.txt": b"B", "top/below/a.txt": b"A", "top/other/a.txt": b"no"})
    assert TINY.read() == {
        "train": (b"A", f"{path}, below/a.txt"),
        "test": (b"B", f"{path}, below/b.txt"),
    }
    pack(path, {"top/below/b.txt": b"B"})
    with pytest.raises(InputError, match=r"tiny\.tar\.xz does not contain a\.txt"):
        TINY.read()


def test_files_of_a_pattern_are_read_by_name(folder):
    many = Release("many", TINY.archive, "top", re.compile(r"\w\.txt|x/\d"))
    pack(folder / TINY.archive, {"top/c.txt": b"C", "top/x/1": b"1", "top/cc.txt": b"no"})
    assert {name: data for name, (data, _) in many.read().items()} == {"c.txt": b"C", "x/1": b"1"}


def test_separate_files_may_be_packed(folder):
    (folder / "tiny_a.txt").write_bytes(b"A")
    with pytest.raises(InputError, match="tiny is not there"):
        TINY.read()
    (folder / "tiny_b.txt.gz").write_bytes(gzip.compress(b"B"))
    assert [data for data, _ in TINY.read().values()] == [b"A", b"B"]


def test_a_missing_data_set_names_home_files_and_folders(folder):
    with pytest.raises(InputError, match=r"tiny\.tar\.xz, or tiny_a\.txt, tiny_b\.txt,") as caught:
        TINY.read()
    for part in ("fetch https://example.org/tiny", "RNNKIT_DATA", str(folder / "cache"), TINY.hint):
        assert part in str(caught.value)


def test_a_count_that_differs_is_refused():
    TINY.check_count("train", 2, "a.txt")
    with pytest.raises(InputError, match=r"a\.txt holds 1,000 letters; expected 2"):
        TINY.check_count("train", 1000, "a.txt")
