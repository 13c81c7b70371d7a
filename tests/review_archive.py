"""Small archives with the layout of IMDB's, for tests that read one."""

import io
import tarfile
from dataclasses import replace

from rnnkit.data.sets import imdb

SMALL = {"train/neg": 12, "train/pos": 12, "test/neg": 8, "test/pos": 8, "train/unsup": 5}


def member(name, data=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info, data


def reviews(films=lambda folder, i: f"{folder} {i}"):
    """A small archive's members: numbers not in order, one text in both train and test."""
    yield member("aclImdb", kind=tarfile.DIRTYPE)
    yield from lists_of_films(films)
    yield member("aclImdb/README", b"read me")
    yield member("aclImdb/train/labeledBow.feat", b"9 0:9")
    for folder, count in SMALL.items():
        for i in reversed(range(count)):
            text = "the same in both" if i == 3 and "pos" in folder else f"{folder} {i} é<br />"
            yield member(f"aclImdb/{folder}/{i}_{i % 10 + 1}.txt", text.encode())


def lists_of_films(films):
    """The lists of addresses, whose line i belongs to the review with number i."""
    for folder, count in SMALL.items():
        part, label = folder.split("/")
        lines = [f"http://films/{films(folder, i)}/usercomments\n" for i in range(count)]
        yield member(f"aclImdb/{part}/urls_{label}.txt", "".join(lines).encode())


def pack(path, members):
    with tarfile.open(path, "w:gz") as file:
        for info, data in members:
            file.addfile(info, io.BytesIO(data))
    return path


def put_archive(folder, monkeypatch, members):
    """Put a small archive into an own $RNNKIT_DATA, beside an empty cache; return its path."""
    (folder / "own").mkdir(exist_ok=True)
    monkeypatch.setenv("RNNKIT_DATA", str(folder / "own"))
    monkeypatch.setenv("RNNKIT_CACHE", str(folder / "cache"))
    monkeypatch.setattr(imdb, "RELEASE", replace(imdb.RELEASE, counts=SMALL))
    return pack(folder / "own" / imdb.FILE_NAME, members)
