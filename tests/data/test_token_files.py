"""Token files: what a model reads from the disk is what it would be given in memory."""

import errno
import gzip
import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from rnnkit import datasets
from rnnkit.data import token_writing
from rnnkit.data.text_windows import TextWindows
from rnnkit.data.token_files import TokenFile
from rnnkit.data.token_writing import file_pieces, write_token_file
from rnnkit.data.tokenizer import Tokenizer
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.errors import DiskError, InputError
from rnnkit.recipes import next_word

WORDS = "the cat sat on a mat and then it ran far away from home"


def text(lines, seed=0):
    draw = np.random.default_rng(seed)
    rows = (" ".join(draw.choice(WORDS.split(" "), draw.integers(1, 9))) for _ in range(lines))
    return "".join(f"{row}\n" for row in rows)


def flat(window):
    inputs, targets, weights = window
    return *inputs, targets, weights


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(text(200), "utf-8")
    return path


@pytest.fixture
def file(source, tmp_path):
    return write_token_file(source, tmp_path / "mine.tokens")


def test_the_parts_together_are_the_tokens_of_the_text(source, file):
    parts = [file.texts(name)[0] for name in ("train", "valid", "test")]
    tokens = Tokenizer().tokenize(source.read_text())
    assert file.vocabulary.decode(np.concatenate(parts)) == tokens
    assert [file.vocabulary.decode(part[-1:]) for part in parts] == [["<eos>"]] * 3
    assert [len(part) / len(tokens) for part in parts] == pytest.approx([0.9, 0.05, 0.05], abs=0.02)


def test_the_vocabulary_is_that_of_the_training_part(source, file):
    train = file.vocabulary.decode(file.texts("train")[0])
    wanted = Vocabulary.learn([train])
    assert (file.vocabulary.tokens, file.vocabulary.counts) == (wanted.tokens, wanted.counts)


def test_rare_words_and_those_of_held_out_texts_are_unknown(tmp_path):
    texts = ["a b a b a c"] * 8 + ["a d", "b e"]
    file = write_token_file(texts, tmp_path / "x.tokens", vocabulary_size=4)
    assert file.vocabulary.tokens == ["", "[UNK]", "a", "b"]
    assert file.vocabulary.counts[1] == 8
    assert file.texts("train")[0].tolist() == [2, 3, 2, 3, 2, 1]
    assert [t.tolist() for t in file.texts("test")] == [[3, 1]]


@pytest.mark.parametrize("unit", ["word", "character"])
def test_pieces_change_no_token(unit, tmp_path, monkeypatch):
    monkeypatch.setattr(token_writing, "BLOCK", 50)
    monkeypatch.setattr(token_writing, "LONGEST", 80)
    monkeypatch.setattr("rnnkit.data.token_stream.BLOCK", 7)
    whole = text(40) + "no end " * 60 + "\r\nÄ ß 😀 end"
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(whole.encode()))
    pieces = list(file_pieces(path))
    tokenizer = Tokenizer(unit)
    assert len(pieces) > 10
    found = [token for piece in pieces for token in tokenizer.tokenize(piece)]
    assert found == tokenizer.tokenize(whole)


def test_many_texts_are_held_out_whole(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for i in range(20):
        (folder / f"{i:02}.txt").write_text(f"text {i}")
    file = write_token_file(folder, tmp_path / "x.tokens")
    assert [len(file.texts(name)) for name in ("train", "valid", "test")] == [18, 1, 1]
    assert file.texts("train")[2:4].lengths.tolist() == [2, 2]


@pytest.mark.parametrize("ending", [".parquet", ".arrow"])
def test_tables_are_read_in_batches(ending, tmp_path):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"text": [f"row {i} a" for i in range(3000)], "n": range(3000)})
    path = tmp_path / f"x{ending}"
    if ending == ".parquet":
        __import__("pyarrow.parquet").parquet.write_table(table, path, row_group_size=700)
    else:
        with arrow.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=700)
    file = write_token_file(path, tmp_path / "x.tokens")
    assert file.vocabulary.decode(file.texts("train")[1234]) == ["row", "1234", "a"]
    with pytest.raises(InputError, match=r"no column 'txt'\. Did you mean 'text'"):
        write_token_file(path, tmp_path / "y.tokens", text_column="txt")


def test_windows_of_a_file_are_those_of_arrays(file):
    texts = file.texts("train")
    options = {"window": 7, "rows": 3, "ends": True, "shuffle": True, "seed": 2}
    wanted = TextWindows([np.array(one) for one in texts], **options)
    found = TextWindows(texts, **options)
    for windows in (wanted, found):
        windows.start_epoch(1)
    assert len(found) == len(wanted)
    for i in range(len(found)):
        (ids, starts), targets, weights = found[i]
        (ids_, starts_), targets_, weights_ = wanted[i]
        for one, other in (
            (ids, ids_),
            (starts, starts_),
            (targets, targets_),
            (weights, weights_),
        ):
            np.testing.assert_array_equal(one, other)


def test_a_model_of_a_file_is_the_model_of_its_texts(file, tmp_path):
    settings = {"units": 4, "embedding_size": 4, "epochs": 1, "seed": 1, "vocabulary_size": None}
    settings |= {"min_count": 1, "batch_size": 4}
    decoded = [
        " ".join(file.vocabulary.decode(one)).replace(" <eos> ", "\n").replace(" <eos>", "\n")
        for one in file.texts("train")
    ]
    models = [next_word(**settings) for _ in range(2)]
    histories = [
        model.fit(x, verbose=0).history
        for model, x in zip(models, (file.texts("train"), decoded), strict=True)
    ]
    assert histories[0] == histories[1]
    test = file.texts("test")
    found = models[0].evaluate(test, return_dict=True, verbose=0)
    assert found == models[1].evaluate(test, return_dict=True, verbose=0)
    models[0].save(tmp_path / "m.keras")


def test_checkpoints_go_on_and_refuse_another_file(file, source, tmp_path):
    def model():
        return next_word(units=3, embedding_size=3, epochs=2, min_count=1, vocabulary_size=None)

    fit = {"checkpoints": tmp_path / "c", "verbose": 0}
    model().fit(file.texts("train"), **fit)
    again = model().fit(file.texts("train"), **fit).history
    assert len(again["loss"]) == 2
    source.write_text(text(200, seed=1), "utf-8")
    other = write_token_file(source, tmp_path / "other.tokens")
    with pytest.raises(InputError, match=r"other training data|vocabulary"):
        model().fit(other.texts("train"), **fit)


def test_it_is_a_data_set_of_running_text(file):
    data = datasets.open_data(file.path, "running text")
    assert [len(split.x) for split in (data.train, data.valid, data.test)] == [1, 1, 1]
    with pytest.raises(InputError, match="a token file has no lines"):
        datasets.open_data(file.path, "running text", limit=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": "x"}, "ends in '.tokens'"),
        ({"out": "mine.tokens"}, "exists"),
        ({"source": "gone.txt"}, "no file or folder 'gone.txt'"),
        ({"source": []}, "no token"),
        ({"source": ["a b", 3]}, "Text 1 is int"),
        ({"source": 5}, "source is int"),
        ({"valid_fraction": 0.0}, "valid_fraction is 0.0"),
        ({"valid_fraction": 0.6, "test_fraction": 0.6}, "sum to less than 1"),
        ({"min_count": 1000}, "0 tokens occur min_count=1000"),
        ({"source": ["a"]}, "would be empty"),
        ({"text_column": "text"}, "has no columns"),
    ],
)
def test_what_is_refused(options, message, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"source": "mine.txt", "out": "x.tokens", **options}
    with pytest.raises(InputError, match=message):
        write_token_file(**given)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.tokens", "mine.txt"]


def test_a_damaged_file_is_refused(file, tmp_path):
    about = file.path / "about.json"
    kept = about.read_text()
    about.write_text(json.dumps(json.loads(kept) | {"format": 99}))
    with pytest.raises(InputError, match="format 99"):
        TokenFile(file.path)
    about.write_text(kept)
    TokenFile(file.path).verify()
    data = bytearray((file.path / "ids.bin").read_bytes())
    data[5] ^= 1
    (file.path / "ids.bin").write_bytes(data)
    with pytest.raises(InputError, match="it was changed"):
        TokenFile(file.path).verify()
    (file.path / "ids.bin").write_bytes(data[:-2])
    with pytest.raises(InputError, match="incomplete or damaged"):
        TokenFile(file.path)
    with pytest.raises(InputError, match="is no token file"):
        TokenFile(tmp_path)


def test_a_full_disk_leaves_nothing(source, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(token_writing, "_renumber", full)
    with pytest.raises(DiskError):
        write_token_file(source, tmp_path / "x.tokens")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt"]


CHILD = """
import sys, time
from rnnkit.data import token_writing
def slowly(name):
    step = getattr(token_writing, name)
    def run(*args):
        found = step(*args)
        print(name, flush=True)
        time.sleep(60)
        return found
    setattr(token_writing, name, run)
slowly(sys.argv[3])
token_writing.write_token_file(sys.argv[1], sys.argv[2])
"""


@pytest.mark.one_backend
@pytest.mark.parametrize("stage", ["_number", "_renumber"])
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_killed_leaves_no_token_file(source, tmp_path, stage, by):
    out = tmp_path / "mine.tokens"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(source), str(out), stage],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout.readline().decode().strip() == stage
    child.send_signal(by)
    child.communicate(timeout=60)
    assert child.returncode != 0
    assert not out.exists()
    file = write_token_file(source, out)  # and what was left is removed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.tokens", "mine.txt"]
    file.verify()
    tokens = sum(len(file.texts(split)[0]) for split in ("train", "valid", "test"))
    assert tokens == len(source.read_text("utf-8").replace("\n", " <eos> ").split())


def test_a_model_that_splits_otherwise_is_refused(file):
    with pytest.raises(InputError, match=r"split by .*give both the same tokenizer"):
        next_word(units=2, lowercase=True).fit(file.texts("train"), verbose=0)
    with pytest.raises(InputError, match=r"vocabulary_size is 5, and .* has 17 tokens"):
        next_word(units=2, vocabulary_size=5).fit(file.texts("train"), verbose=0)
