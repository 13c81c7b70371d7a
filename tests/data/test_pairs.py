"""Text pairs: files of one's own, generated ones, batches for teacher forcing, the real sets."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rnnkit.data.pair_batches import PairBatches
from rnnkit.data.pair_files import from_path
from rnnkit.data.samples import pairs_sample
from rnnkit.data.sets import pairs
from rnnkit.errors import InputError

ROWS = [(f"ein Hund {i}", f"a dog {i}") for i in range(20)]


def write(folder, name, lines):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def everything(data):
    parts = (data.train, data.valid, data.test)
    return sorted(pair for part in parts for pair in zip(part.x, part.y, strict=True))


def test_the_same_pairs_from_every_kind_of_file(tmp_path):
    write(tmp_path, "a.src", [x for x, _ in ROWS])
    objects = [json.dumps({"de": x, "en": y}) for x, y in ROWS]
    paths = [
        (write(tmp_path, "a.tsv", [f"{x}\t{y}" for x, y in ROWS]), {}),
        (write(tmp_path, "h.tsv", ["de\ten", *(f"{x}\t{y}" for x, y in ROWS)]), {"de": "en"}),
        (
            write(tmp_path, "a.jsonl", objects),
            {"de": "en"},
        ),
        (write(tmp_path, "a.tgt", [y for _, y in ROWS]).with_suffix(".src"), {}),
    ]
    for path, columns in paths:
        named = {"source_column": "de", "target_column": "en"} if columns else {}
        data = from_path(path, **named)
        assert [len(part) for part in (data.train, data.valid, data.test)] == [16, 2, 2]
        assert everything(data) == sorted(ROWS)
    data = from_path(tmp_path / "a.src", tmp_path / "a.tgt", seed=1)
    assert everything(data) == sorted(ROWS)
    assert data.test.x != from_path(tmp_path / "a.src").test.x  # another draw


def test_a_folder_says_what_its_files_are_for(tmp_path):
    write(tmp_path, "train.tsv", [f"{x}\t{y}" for x, y in ROWS])
    write(tmp_path, "dev.src", ["x", "y"])
    write(tmp_path, "dev.tgt", ["1", "2"])
    data = from_path(tmp_path)
    assert (data.valid.x, data.valid.y) == (["x", "y"], ["1", "2"])
    assert (len(data.train), len(data.test)) == (18, 2)
    write(tmp_path, "valid.tsv", ["a\tb"])
    with pytest.raises(InputError, match=r"has valid\.tsv and dev\.src: keep one"):
        from_path(tmp_path)


def test_sentences_and_references(tmp_path):
    lines = [json.dumps({"source": ["One.", "Two."], "target": ["first", "second"]})] * 3
    data = from_path(write(tmp_path, "a.jsonl", lines))
    assert data.train.x[0] == "One. Two."
    assert data.train.y[0] == ["first", "second"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.tsv": ["x\ty", "x"]}, r"a\.tsv, line 2 has 1 columns between tabs; expected 2"),
        ({"a.tsv": ["x\ty", " \ty"]}, r"a\.tsv, line 2: the source is empty"),
        ({"a.jsonl": ['{"source": "x"}']}, r"a\.jsonl, line 1 has no column 'target'"),
        ({"a.jsonl": ['{"source": "x",']}, r"a\.jsonl, line 1 is damaged JSON"),
        (
            {"a.jsonl": ['{"source": "x", "target": []}']},
            r"a\.jsonl, line 1: target is list \(\[\]\): expected str",
        ),
        ({"a.src": ["x", "y"], "a.tgt": ["x"]}, r"a\.src has 2 lines and .*a\.tgt 1: expected the"),
        ({"a.src": ["x", "y"], "a.tgt": ["x", " "]}, r"a\.tgt, line 2 is empty"),
        ({"a.src": ["x", "y"]}, r"There is no file '.*a\.tgt'"),
        ({"a.txt": ["x"]}, r"a\.txt ends in '\.txt': expected \.tsv, \.jsonl or \.src"),
        ({"a.tsv": ["source\ttarget"]}, r"a\.tsv has no pair of texts"),
    ],
)
def test_what_is_refused_names_file_and_line(tmp_path, files, message):
    paths = [write(tmp_path, name, lines) for name, lines in files.items()]
    with pytest.raises(InputError, match=message):
        from_path(paths[0])


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"has no train\.tsv"):
        from_path(tmp_path)
    with pytest.raises(InputError, match=r"There is no file '.*nothing'"):
        from_path(tmp_path / "nothing")


def test_generated_pairs():
    for read in (pairs_sample.read, pairs_sample.read_mails):
        data, again = read(), read()
        assert [len(part) for part in (data.train, data.valid, data.test)] == [2000, 200, 200]
        assert (data.train.x, data.train.y) == (again.train.x, again.train.y)
        assert not set(data.train.x) & set(data.test.x)
    sentence = data.test.y[0].split()
    assert all(word.lower() in data.test.x[0].lower() for word in sentence if word != "from")


def test_batches_for_teacher_forcing():
    rng = np.random.default_rng(0)
    sources = [np.full(n, i + 10, np.int32) for i, n in enumerate(rng.integers(1, 40, 50))]
    targets = [np.full(n, i + 10, np.int32) for i, n in enumerate(rng.integers(0, 40, 50))]
    batches = PairBatches(sources, targets, batch_size=8, shuffle=True)
    assert batches.tokens == sum(map(len, sources)) + sum(map(len, targets)) + 50
    first = batches.order
    batches.start_epoch(1)
    assert sorted(batches.order) == sorted(first) == list(range(50))
    assert (batches.order != first).any()
    seen = 0
    for b in range(len(batches)):
        (source, decoder_inputs), decoder_targets, weights = batches[b]
        assert source.shape[1] % 8 == decoder_targets.shape[1] % 8 == 0
        for row in range(len(source)):
            i = batches.order[seen]
            seen += 1
            n = len(targets[i])
            assert source[row].tolist()[: len(sources[i])] == sources[i].tolist()
            assert not source[row][len(sources[i]) :].any()
            assert decoder_inputs[row].tolist()[: n + 1] == [2, *targets[i].tolist()]
            assert decoder_targets[row].tolist()[: n + 1] == [*targets[i].tolist(), 3]
            assert not decoder_targets[row][n + 1 :].any()
            assert not decoder_inputs[row][n + 1 :].any()
            assert weights[row].sum() == n + 1
    with pytest.raises(InputError, match="There are 1 targets for 2 sources"):
        PairBatches(sources[:2], targets[:1], batch_size=2)
    with pytest.raises(InputError, match="batch_size is 0"):
        PairBatches(sources, targets, batch_size=0)


@pytest.mark.data
def test_the_real_sets(data_folder, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))
    captions = pairs.read_multi30k()
    assert [len(part) for part in (captions.train, captions.valid, captions.test)] == [
        29_000,
        1_014,
        1_000,
    ]
    assert captions.train.x[2] == "Ein kleines Mädchen klettert in ein Spielhaus aus Holz."
    assert captions.train.y[2] == "A little girl climbing into a wooden playhouse."
    assert pairs.read_multi30k("en", "fr").name == "multi30k_en_fr"
    mails = pairs.read_aeslc()
    assert [len(part) for part in (mails.train, mails.valid, mails.test)] == [14_436, 1_960, 1_906]
    assert all(isinstance(y, str) and y for y in mails.test.y)
    papers = pairs.read_scitldr()
    assert [len(part) for part in (papers.train, papers.valid, papers.test)] == [1_992, 619, 618]
    assert max(map(len, papers.test.y)) > 1


def test_data_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(tmp_path))
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path))
    for read in (pairs.read_multi30k, pairs.read_aeslc, pairs.read_scitldr):
        with pytest.raises(InputError, match=r"is not there: put .*\.tar\.xz into a folder"):
            read()
    with pytest.raises(InputError, match="from 'de' to 'de': expected two of de, en, fr"):
        pairs.read_multi30k("de", "de")
