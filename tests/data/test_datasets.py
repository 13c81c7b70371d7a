import copy
import gzip
import hashlib
import http.server
import itertools
import os
import re
import tarfile
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from review_archive import member, pack, put_archive, reviews

from rnnkit import atomic
from rnnkit.data import archive, datasets
from rnnkit.data.sets import imdb
from rnnkit.data.splits import Split, TextDataset, stratified_split
from rnnkit.errors import InputError


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small archive in $RNNKIT_DATA, an empty cache."""
    return put_archive(tmp_path, monkeypatch, reviews())


def left_behind(path):
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


def test_imdb_splits(small):
    data = datasets.load("imdb", valid_fraction=0.25)
    assert (len(data.train), len(data.valid), len(data.test)) == (18, 6, 16)
    assert Counter(data.valid.labels.tolist()) == {0: 3, 1: 3}
    assert data.unlabelled == [f"train/unsup {i} é<br />" for i in range(5)]
    for split in (data.train, data.valid, data.test):
        for text, label in zip(split.texts, split.labels, strict=True):
            assert text == "the same in both" or data.classes[label] in text
    texts = data.train.texts + data.valid.texts
    assert len(set(texts)) == 24
    assert "1 texts are in train and in test" in data.notes[0]
    assert data.train.labels.tolist() != sorted(data.train.labels)


def test_the_seed_fixes_what_is_held_out(small):
    first, again, other = (datasets.load("imdb", seed=seed) for seed in (0, 0, 1))
    assert first.valid.texts == again.valid.texts
    assert first.train.texts == again.train.texts
    assert first.train.texts != other.train.texts
    assert first.test.texts == other.test.texts
    assert len(datasets.load("imdb", valid_fraction=0).valid) == 0


def test_overlap_can_be_left_out(small):
    kept = datasets.load("imdb")
    dropped = datasets.load("imdb", drop_overlap=True)
    assert len(dropped.train) + len(dropped.valid) == 23
    assert "the same in both" not in dropped.train.texts + dropped.valid.texts
    assert "the same in both" in kept.train.texts + kept.valid.texts
    assert "dropped from train" in dropped.notes[0]


def test_the_quick_copy_follows_the_archive(small, tmp_path, monkeypatch):
    first = datasets.load("imdb")
    assert left_behind(tmp_path / "cache") == ["imdb.npz"]

    def never(*_):
        raise AssertionError("the archive was read again")

    with monkeypatch.context() as patch:
        patch.setattr(imdb, "_read_archive", never)
        assert datasets.load("imdb").train.texts == first.train.texts
        os.utime(small, ns=(1, 1))  # another archive, for all one can see
        with pytest.raises(AssertionError):
            datasets.load("imdb")
    quick = tmp_path / "cache" / "imdb.npz"
    good = datasets.load("imdb") and quick.read_bytes()
    places = [*range(0, 300, 29), *range(300, len(good), len(good) // 25)]
    for data in (
        good[:300],
        b"",
        *(good[:at] + bytes([good[at] ^ 64]) + good[at + 1 :] for at in places),
    ):
        quick.write_bytes(data)
        again = datasets.load("imdb")
        assert again.train.texts == first.train.texts
        # A changed bit of the directory may be one that nobody reads.
        rebuilt = "was damaged: it is made anew" in " ".join(again.notes)
        assert rebuilt or len(data) == len(good)
    assert datasets.load("imdb").notes == first.notes
    assert left_behind(tmp_path / "cache") == ["imdb.npz"]


def test_a_cache_that_cannot_be_written_is_no_hindrance(small, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    data = datasets.load("imdb")
    assert len(data.test) == 16
    assert "No quick copy" in data.notes[0]


@pytest.mark.parametrize("keep", [0, 5, 200, -200, -30, -4])
def test_a_truncated_archive_is_refused(small, tmp_path, keep):
    small.write_bytes(small.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"aclImdb_v1.tar.gz.*(damaged|cut short)"):
        datasets.load("imdb")
    assert left_behind(tmp_path) == [f"own/{imdb.FILE_NAME}"]


@pytest.mark.parametrize("where", [0.0, 0.2, 0.5, 0.8, 0.999])
def test_a_damaged_archive_is_refused(small, tmp_path, where):
    data = bytearray(small.read_bytes())
    data[int(where * len(data))] ^= 0xFF
    small.write_bytes(data)
    with pytest.raises(InputError, match=imdb.FILE_NAME):
        datasets.load("imdb")
    assert left_behind(tmp_path) == [f"own/{imdb.FILE_NAME}"]


def test_damage_that_only_the_checksum_shows_is_refused(small, tmp_path):
    raw = gzip.decompress(small.read_bytes()).replace(b"train/neg 7", b"train/neg 8")
    packed = bytearray(gzip.compress(raw))
    packed[-8:-4] = small.read_bytes()[-8:-4]  # the checksum of what it was
    small.write_bytes(packed)
    with pytest.raises(InputError, match="damaged"):
        datasets.load("imdb")
    assert left_behind(tmp_path) == [f"own/{imdb.FILE_NAME}"]


@pytest.mark.parametrize(
    "evil",
    [
        member("aclImdb/../../evil.txt", b"x"),
        member("../evil.txt", b"x"),
        member("/tmp/evil.txt", b"x"),
        member("other/evil.txt", b"x"),
        member("aclImdb\\..\\evil.txt", b"x"),
        member("aclImdb/evil", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        member("aclImdb/train/pos/0_1.txt", kind=tarfile.LNKTYPE, link="../../evil"),
        member("aclImdb/evil", kind=tarfile.FIFOTYPE),
    ],
)
def test_a_member_that_leaves_the_folder_is_refused(small, tmp_path, evil):
    pack(small, [*reviews(), evil])
    with pytest.raises(InputError, match="refused") as caught:
        datasets.load("imdb")
    assert repr(evil[0].name) in str(caught.value)
    assert left_behind(tmp_path) == [f"own/{imdb.FILE_NAME}"]


def test_another_archive_is_refused(small):
    pack(small, list(reviews())[:-1])
    with pytest.raises(InputError, match="train/unsup, holds 4 reviews; expected 5"):
        datasets.load("imdb")
    pack(small, [*reviews(), member("aclImdb/test/unsup/1_1.txt", b"x")])
    with pytest.raises(InputError, match=r"test/unsup/1_1.txt"):
        datasets.load("imdb")
    pack(small, [*list(reviews())[:-1], member("aclImdb/train/unsup/0_1.txt", b"\xff")])
    with pytest.raises(InputError, match=r"train/unsup/0_1.txt, line 1: byte 0xff is not"):
        datasets.load("imdb")


def test_a_member_beyond_measure_is_refused(small, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 10)
    with pytest.raises(InputError, match=r"bytes: refused"):
        datasets.load("imdb")


@pytest.fixture
def home(small, tmp_path, monkeypatch):
    """The archive served over HTTP from this machine; $RNNKIT_DATA no longer has it."""
    folder = tmp_path / "home"
    folder.mkdir()
    data = small.read_bytes()
    small.rename(folder / imdb.FILE_NAME)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    url = f"http://127.0.0.1:{server.server_port}/{imdb.FILE_NAME}"
    downloads = {imdb.FILE_NAME: (url, hashlib.md5(data).hexdigest())}
    monkeypatch.setattr(imdb, "RELEASE", replace(imdb.RELEASE, downloads=downloads))
    yield folder / imdb.FILE_NAME
    server.shutdown()
    server.server_close()


def test_download_then_cache(home, tmp_path, monkeypatch):
    first = datasets.load("imdb")
    assert left_behind(tmp_path / "cache") == [imdb.FILE_NAME, "imdb.npz"]
    home.unlink()
    (tmp_path / "cache" / "imdb.npz").unlink()
    assert datasets.load("imdb").train.texts == first.train.texts
    monkeypatch.delenv("RNNKIT_DATA")
    assert datasets.load("imdb").train.texts == first.train.texts


def test_a_download_with_another_checksum_is_not_kept(home, tmp_path, monkeypatch):
    url, _ = imdb.RELEASE.downloads[imdb.FILE_NAME]
    downloads = {imdb.FILE_NAME: (url, "0" * 32)}
    monkeypatch.setattr(imdb, "RELEASE", replace(imdb.RELEASE, downloads=downloads))
    with pytest.raises(InputError, match=r"another checksum .* by hand"):
        datasets.load("imdb")
    assert left_behind(tmp_path / "cache") == []


def test_no_connection(home, tmp_path):
    home.unlink()
    with pytest.raises(InputError, match=r"could not be downloaded \(404"):
        datasets.load("imdb")
    assert left_behind(tmp_path / "cache") == []


def test_rnnkit_data_must_be_a_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("RNNKIT_DATA", str(tmp_path / "typo"))
    with pytest.raises(InputError, match=r"RNNKIT_DATA is .*typo"):
        datasets.load("imdb")


def test_limit_keeps_proportions_and_is_always_the_same(small):
    data = datasets.load("imdb", limit=6)
    for split in (data.train, data.test):
        assert Counter(split.labels.tolist()) == {0: 3, 1: 3}
    assert len(data.valid) == 2  # there are no more
    assert len(data.unlabelled) == 5
    assert datasets.load("imdb", limit=6).train.texts == data.train.texts
    assert set(data.train.texts) < set(datasets.load("imdb").train.texts)


def test_uneven_classes_keep_their_proportions(monkeypatch):
    labels = np.array([0] * 80 + [1] * 20)
    split = Split([str(i) for i in range(100)], labels)
    uneven = TextDataset("uneven", split, split, split, classes=("a", "b"), about="")
    monkeypatch.setitem(datasets.find_kind("texts").readers, "uneven", lambda: uneven)
    data = datasets.load("uneven", limit=10)
    assert Counter(data.test.labels.tolist()) == {0: 8, 1: 2}


@pytest.mark.parametrize("shares", [[0.1], [0.25, 0.25], [0.0, 0.5], [0.45, 0.45]])
def test_a_stratified_split_gives_every_row_to_one_part(shares):
    labels = np.random.default_rng(1).choice(3, 200, p=[0.7, 0.28, 0.02])
    piles = stratified_split(labels, shares, np.random.default_rng(0))
    assert sorted(np.concatenate(piles).tolist()) == list(range(200))
    for label, count in Counter(labels.tolist()).items():
        for pile, share in zip(piles, shares, strict=False):
            assert abs((labels[pile] == label).sum() - share * count) <= 1
        assert (labels[piles[-1]] == label).any()


def test_a_stratified_split_draws_by_the_generator():
    labels = np.array([0, 1] * 50)
    held = [
        set(stratified_split(labels, [0.2], np.random.default_rng(seed))[0]) for seed in range(3)
    ]
    assert held[0] != held[1] != held[2] != held[0]


def test_a_replacement_that_fails_leaves_nothing_behind(tmp_path):
    target = tmp_path / "new" / "file.txt"

    def write(text, fail):
        with atomic.replacing(target) as temporary:
            temporary.write_text(text)
            if fail:
                raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        write("half", fail=True)
    assert left_behind(tmp_path) == []
    write("whole", fail=False)
    with pytest.raises(RuntimeError):
        write("half", fail=True)
    assert left_behind(tmp_path) == ["new/file.txt"]
    assert target.read_text() == "whole"


def test_sample_by_name():
    data = datasets.load("sample", seed=5, valid_fraction=0.3)
    assert (len(data.train), len(data.valid), len(data.test)) == (21000, 500, 1000)
    assert data.notes == []
    assert data.unlabelled == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "imbd"}, r"no data set 'imbd'. Did you mean 'imdb'\? Known: aeslc, "),
        ({"name": "zzz"}, r"no data set 'zzz'. Known"),
        ({"name": "sample", "valid_fraction": 1.0}, "valid_fraction is 1.0"),
        ({"name": "sample", "limit": 0}, "limit is 0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        datasets.load(**arguments)


def shared_names(train):
    """How many rare names neighbours in the archive's order share: of one film, and of two."""
    names = [set(re.findall(r"[A-Z][a-z]{3,}", text)) for text in train.texts]
    counts = Counter(name for found in names for name in found)
    rare = [{name for name in found if counts[name] < 60} for found in names]
    same = train.groups[1:] == train.groups[:-1]
    shared = np.array([len(a & b) for a, b in itertools.pairwise(rare)])
    return shared[same].mean(), shared[~same].mean()


@pytest.mark.data
def test_the_real_imdb(tmp_path, monkeypatch):
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("RNNKIT_DATA", beside))
    if not (folder / imdb.FILE_NAME).is_file():
        pytest.skip(f"{imdb.FILE_NAME} is neither in $RNNKIT_DATA nor in ../shared/data")
    monkeypatch.setenv("RNNKIT_DATA", str(folder))
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path))
    data = datasets.load("imdb", drop_overlap=True)
    assert (len(data.train) + len(data.valid), len(data.test)) == (24_877, 25_000)
    assert len(data.unlabelled) == 50_000
    assert np.bincount(data.test.labels).tolist() == [12_500, 12_500]
    assert data.notes == ["123 texts are in train and in test; they were dropped from train."]
    assert sum("<br />" in text for text in data.train.texts) > 12_000
    data = datasets.load("imdb")
    train, valid, test = (set(split.groups) for split in (data.train, data.valid, data.test))
    assert not train & valid
    assert len(train | valid) == 3456
    assert len(test) == 3581
    assert np.isin(data.test.groups, [*train, *valid]).sum() == 23  # of a single film
    assert Counter(data.valid.labels.tolist()) == {0: 1250, 1: 1250}
    assert max(Counter(data.train.groups.tolist()).values()) == 30
    # Films are in blocks in the archive: a list read one line too early or late would be seen.
    order = np.random.default_rng(0).permutation(25_000)
    read = imdb.read().train.take(np.argsort(order))
    of_one, of_two = shared_names(read.take(np.flatnonzero(read.labels == 1)))
    assert of_one > 50 * of_two
    (tmp_path / "imdb.npz").unlink()


@pytest.mark.parametrize(
    "name", ["names_sample", "pos_sample", "pairs_sample", "mails_sample", "running_sample"]
)
def test_who_changes_a_generated_data_set_changes_it_for_nobody_else(name):
    """What is generated once in a process is handed out anew at each call."""
    first = datasets.load(name)
    expected = copy.deepcopy((first.train.x, first.train.y))
    if isinstance(first.train.x[0], list):
        first.train.x[0][0] = first.train.y[0][0] = "changed"
    first.train.x.clear()
    again = datasets.load(name)
    assert (again.train.x, again.train.y) == expected
