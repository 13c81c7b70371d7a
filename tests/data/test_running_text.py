"""Running text, names by language, the units they are cut into, and the windows of their ids."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from rnnkit.data import running_text
from rnnkit.data.samples import running_sample
from rnnkit.data.sets import names
from rnnkit.data.text_windows import TextWindows
from rnnkit.data.tokenizer import Tokenizer
from rnnkit.errors import InputError


def pack(path, files):
    with tarfile.open(path, "w:xz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(tmp_path))
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.data
def test_wikitext_has_the_tokens_that_the_field_counts(data_folder, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))
    data = running_text.read_wikitext()
    cut = Tokenizer().tokenize
    tokens = [cut(split.x[0]) for split in (data.train, data.valid, data.test)]
    assert [len(row) for row in tokens] == [2_088_628, 217_646, 245_569]
    assert len(set(tokens[0])) == 33_278
    assert set(tokens[1]) | set(tokens[2]) <= set(tokens[0])


@pytest.mark.data
def test_shakespeare_is_cut_by_place(data_folder, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))
    data = running_text.read_shakespeare()
    parts = [split.x[0] for split in (data.train, data.valid, data.test)]
    assert sum(map(len, parts)) == 1_115_394
    assert len(parts[2]) / 1_115_394 == pytest.approx(0.05, abs=0.001)
    assert all(part.endswith("\n") for part in parts)


@pytest.mark.data
def test_names_of_eighteen_languages(data_folder, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))
    data = names.read()
    assert len(data.classes) == 18
    assert [len(split) for split in (data.train, data.valid, data.test)] == [14_408, 1_802, 1_802]
    pairs = [set(zip(s.x, s.y.tolist(), strict=True)) for s in (data.train, data.valid, data.test)]
    assert sum(map(len, pairs)) == len(set.union(*pairs)) == 18_012
    shares = [np.bincount(split.y, minlength=18) / len(split) for split in (data.train, data.test)]
    np.testing.assert_allclose(*shares, atol=0.002)


def test_wikitext_from_its_files_and_what_is_wrong_with_them(folder, monkeypatch):
    with pytest.raises(InputError, match=r"wikitext2 is not there.*Any text file will do"):
        running_text.read_wikitext()
    text = " \n = Title = \n \n a <unk> b \n"  # 3 + 3 words, 4 line ends
    counts = {"train": 10, "valid": 10, "test": 10}
    found = replace(running_text.WIKITEXT, counts=counts)
    monkeypatch.setattr(running_text, "WIKITEXT", found)
    for part in ("train", "valid", "test"):
        (folder / f"wiki.{part}.tokens").write_text(text)
    assert running_text.read_wikitext().test.x == [text]
    other = replace(found, counts={**counts, "valid": 9})
    monkeypatch.setattr(running_text, "WIKITEXT", other)
    with pytest.raises(InputError, match=r"valid\.tokens holds 10 words and line ends; expected 9"):
        running_text.read_wikitext()


def test_archives_that_are_other_ones(folder):
    for read in (running_text.read_shakespeare, names.read):
        with pytest.raises(InputError, match="is not there: put"):
            read()
    pack(folder / "tinyshakespeare.tar.xz", {"tinyshakespeare/input.txt": "To be\n"})
    with pytest.raises(InputError, match="holds 6 characters; expected 1,115,394"):
        running_text.read_shakespeare()
    pack(folder / "names.tar.xz", {"names/pytorch_names/data/names/Irish.txt": "Kane\nÓ Sé\n"})
    with pytest.raises(InputError, match="holds 2 names of 1 languages"):
        names.read()


def test_names_once_for_each_language():
    irish, polish = [f"I{i}" for i in range(20)], [f"P{i}" for i in range(10)]
    data = names.from_lists({"Polish": [*polish, "I3"], "Irish": [*irish, *irish[:5]]})
    assert data.classes == ("Irish", "Polish")
    assert [len(split) for split in (data.train, data.valid, data.test)] == [25, 3, 3]
    assert data.notes[0].startswith("5 names")
    assert data.notes[1].startswith("1 names")
    again = names.from_lists({"Irish": [*irish, *irish[:5]], "Polish": [*polish, "I3"]})
    assert again.train.x == data.train.x


def test_a_file_of_ones_own(folder):
    path = folder / "mine.txt"
    path.write_text("\ufeff" + "".join(f"line {i:03}\n" for i in range(100)), encoding="utf-8")
    data = running_text.from_path(path)
    parts = [split.x[0] for split in (data.train, data.valid, data.test)]
    assert parts[0].startswith("line 000")
    assert [part.count("\n") for part in parts] == [90, 5, 5]
    assert parts[2].endswith("line 099\n")
    other = folder / "other.txt"
    other.write_text("another test\n")
    data = running_text.from_path(path, test=other, valid_fraction=0.1)
    assert data.test.x == ["another test\n"]
    assert data.valid.x[0].startswith("line 090")
    path.write_bytes("caf\xe9".encode("latin-1"))
    with pytest.raises(InputError, match="is not utf-8"):
        running_text.from_path(path)
    assert running_text.from_path(path, encoding="latin-1").train.x
    path.write_text(" \n")
    for wrong, message in [
        (path, "has no text"),
        (folder / "mine.tx", "Did you mean 'mine.txt'"),
        (folder / "cache", "no file or folder|has no text file"),
    ]:
        with pytest.raises(InputError, match=message):
            running_text.from_path(wrong)
    with pytest.raises(InputError, match="sum to less than 1"):
        running_text.from_path(other, valid_fraction=0.6, test_fraction=0.5)


def test_a_folder_of_texts(folder):
    home = folder / "texts"
    home.mkdir()
    for i in range(20):
        (home / f"{i:02}.txt").write_text(f"text {i}\n")
    data = running_text.from_path(home)
    assert [len(split) for split in (data.train, data.valid, data.test)] == [18, 1, 1]
    assert data.test.x == ["text 19\n"]


def test_the_sample_is_the_same_at_every_call_and_small():
    first, again = running_sample.read(), running_sample.read()
    assert first.train.x == again.train.x
    tokens = Tokenizer().tokenize(first.train.x[0])
    assert len(set(tokens)) == 73
    assert len(tokens) < 50_000


@pytest.mark.parametrize(
    ("units", "text", "tokens"),
    [
        (Tokenizer(), "a  b\n\nc\n", ["a", "b", "<eos>", "<eos>", "c", "<eos>"]),
        (Tokenizer("character"), "ab\nC", ["a", "b", "\n", "C"]),
        (Tokenizer("character", lowercase=True), "Ab", ["a", "b"]),
        (Tokenizer(split="punctuation"), "It's 3.5!", ["It's", "3", ".", "5", "!"]),
        (Tokenizer(), "", []),
    ],
)
def test_units(units, text, tokens):
    assert units.tokenize(text) == tokens
    assert units.tokenize(units.detokenize(tokens)) == tokens
    assert Tokenizer(**units.get_config()).tokenize(text) == tokens


def test_units_of_windows_line_ends_and_wrong_names():
    assert Tokenizer().tokenize("a\r\nb") == ["a", "<eos>", "b"]
    assert (
        Tokenizer(split="punctuation").detokenize(["Oh", ",", "(", "so", ")", "!"]) == "Oh, (so)!"
    )
    with pytest.raises(InputError, match=r"unit is 'words'.*Did you mean 'word'"):
        Tokenizer("words")


def steps_of(windows):
    """Every step as (row, begins here, token before, token), row by row."""
    ids, starts, targets, weights = zip(
        *((x[0], x[1], y, w) for x, y, w in (windows[i] for i in range(len(windows)))), strict=True
    )
    k = windows.window
    begins = np.zeros((windows.rows, len(windows) * k))
    begins[:, ::k] = np.stack(starts, axis=1)
    return [np.concatenate(part, axis=1) for part in (ids, targets, weights)] + [begins]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("lengths", [[100], [100, 7], [3] * 40, [30, 1, 25, 0, 8]])
@pytest.mark.parametrize("ends", [False, True])
def test_every_token_is_a_target_once_after_the_one_before(lengths, ends, shuffle):
    count = iter(range(1, 1000))
    texts = [np.array([next(count) for _ in range(n)], "int32") for n in lengths]
    labels = np.arange(len(lengths))
    windows = TextWindows(texts, labels, window=4, rows=3, ends=ends, shuffle=shuffle, seed=1)
    before = {token: (text[i - 1] if i else 0) for text in texts for i, token in enumerate(text)}
    last = {text[-1] if len(text) else 0 for text in texts}
    home = {token: i for i, text in enumerate(texts) for token in text}
    sizes, orders = set(), set()
    for epoch in range(3):
        windows.start_epoch(epoch)
        ids, targets, weights, begins = steps_of(windows)
        sizes.add(len(windows))
        orders.add(tuple(targets.ravel().tolist()))
        real = weights > 0
        found = targets[real & (targets > 0)].tolist()
        lost = set(home) - set(found)
        assert len(found) == len(set(found))
        assert len(lost) <= (3 if shuffle and len(windows) > 3 else 0) * len(lengths)
        assert real.sum() == windows.tokens - len(lost)
        for row, step in zip(*np.nonzero(real), strict=True):
            token, came = targets[row, step], ids[row, step]
            assert came == before[token] if token else came in last
            if came == 0:  # a text begins, and so does its window
                assert begins[row, step] == 1
            elif not begins[row, step]:  # the row goes on
                assert targets[row, step - 1] == came
            label = windows[step // 4][0][2][row]
            assert label == (home[token] if token else home.get(came, 3))
    assert len(sizes) == 1  # as many windows in every epoch
    assert (len(orders) > 1) == (shuffle and len(windows) > 1)


def test_short_texts_are_not_cut_however_many_rows_there_are():
    text = np.arange(1, 32)
    (_, starts), _, _ = TextWindows([text], window=4, rows=9)[0]
    assert starts.sum() == 1
    longer = TextWindows([np.arange(1, 33)], window=4, rows=9)
    assert longer[0][0][1].sum() == 2
    assert len(longer) == 4


def test_windows_put_together_again():
    texts = [np.arange(1, 30), np.arange(30, 33), np.arange(33, 80)]
    windows = TextWindows(texts, window=5, rows=4)
    targets = np.concatenate([y for _, y, _ in (windows[i] for i in range(len(windows)))], axis=1)
    for found, text in zip(windows.restore(targets), texts, strict=True):
        np.testing.assert_array_equal(found, text)
    with pytest.raises(InputError, match="no token"):
        TextWindows([np.zeros(0, int)], window=5, rows=4)
    with pytest.raises(InputError, match="rows is 0"):
        TextWindows(texts, window=5, rows=0)
