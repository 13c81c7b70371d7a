"""Every reader and public boundary: valid files, the reader, and an independent one."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import tarfile
import warnings
import wave
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import rnnkit
from rnnkit import study, tasks
from rnnkit.data.archive import read_members
from rnnkit.data.conll import parse_conll, parse_conllu
from rnnkit.data.files import from_files
from rnnkit.data.pair_files import from_path as read_pairs
from rnnkit.data.running_text import from_path as read_running_text
from rnnkit.data.series_files import read_series
from rnnkit.data.sets.spoken_digits import read_wav
from rnnkit.data.tables import records
from rnnkit.data.token_stream import read_lines
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.embeddings.files import load_vectors
from rnnkit.recurrent.hopfield import HopfieldNetwork

SAVED = Path(__file__).parents[1] / "saved"
Read = Callable[[Path], Any]


class Differs(AssertionError):
    """What was read is not what an independent reader reads."""


@dataclass(frozen=True)
class Boundary:
    """A reader, and what it is compared with.

    Attributes:
        name: for the table.
        file: the name of the file that it reads.
        seeds: valid files.
        read: reads a file, and raises `Differs` where the independent reader reads other things.
        oracle: the independent reader, for the table.
        share: of all inputs, beside the others.
    """

    name: str
    file: str
    seeds: list[bytes]
    read: Read
    oracle: str
    share: float = 1.0


def same(found: Any, expected: Any) -> None:
    """Raise `Differs` unless both are equal."""
    if isinstance(found, np.ndarray):
        equal = found.shape == expected.shape and np.array_equal(found, expected, equal_nan=True)
    else:
        equal = found == expected
    if not equal:
        raise Differs(f"read {str(found)[:200]!r}, expected {str(expected)[:200]!r}")


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8").removeprefix("\ufeff")


# --- word vectors -------------------------------------------------------------------------------


def read_vectors(binary: bool) -> Read:
    """Compare with gensim where gensim reads the file, and with a plain loop over text lines."""

    def read(path: Path) -> None:
        from gensim.models import KeyedVectors

        found = load_vectors(path)
        content = path.read_bytes()
        head = content.split(b"\n", 1)[0].removeprefix(b"\xef\xbb\xbf").split()
        no_header = len(head) != 2
        try:
            theirs = KeyedVectors.load_word2vec_format(
                path, binary=binary, no_header=no_header, unicode_errors="ignore"
            )
        except Exception:  # noqa: BLE001  gensim has its own ways with damaged files
            theirs = None
        if theirs is not None and theirs.vector_size == found.vector_size:
            for word in found.index_to_key:
                if word in theirs and not word.startswith("\ufeff"):
                    same(found[word], theirs[word])
        if not binary and content[:2] != b"PK":
            lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")[0 if no_header else 1 :]
            rows = [line.rstrip().rsplit(None, found.vector_size) for line in lines if line.strip()]
            table = {}
            for row in rows:
                table.setdefault(row[0].decode("utf-8", "ignore"), [float(n) for n in row[1:]])
            for word in found.index_to_key:
                same(found[word], np.array(table[word]).astype("float32"))

    return read


def vector_seeds(binary: bool) -> list[bytes]:
    rng = np.random.default_rng(0)
    words = ["the", "caffè", ". . .", "</s>", "-", "3rd", "\u00a0x"]
    found = []
    for width, end in ((3, b"\n"), (12, b"")):
        table = rng.normal(size=(len(words), width)).astype("<f4")
        if binary:
            kept = [(word, row) for word, row in zip(words, table, strict=True) if " " not in word]
            rows = [word.encode() + b" " + row.tobytes() + end for word, row in kept]
            found.append(b"%d %d\n" % (len(rows), width) + b"".join(rows))
        else:
            lines = [
                f"{word} " + " ".join(map(repr, row.tolist())) + "\n"
                for word, row in zip(words, table, strict=True)
            ]
            body = "".join(lines).encode()
            found += [b"%d %d\n" % (len(words), width) + body, body]
    return found


# --- tables and texts ---------------------------------------------------------------------------


def lines_of(path: Path) -> list[str]:
    """The lines of a file as Python's text mode reads them; one end is one line, doubled or not."""
    text = text_of(path).replace("\r\r\n", "\n")
    return io.StringIO(text, newline=None).read().split("\n")


def read_table(path: Path) -> None:
    found = [record for _, record in records(path)]
    if path.suffix == ".jsonl":
        lines = [line for line in lines_of(path) if line.strip()]
        expected = [json.loads(line) for line in lines]
        if repr(found) != repr(expected):  # NaN is not equal to itself
            same(found, expected)
        return
    delimiter = "\t" if path.suffix == ".tsv" else ","
    rows = csv.reader(io.StringIO(text_of(path), newline=""), delimiter=delimiter)
    rows = [row for row in rows if row]
    header, rows = (rows[0], rows[1:]) if rows else ([], [])
    same([list(record.values()) for record in found], rows)
    same(all(list(record) == header for record in found), True)


def read_texts(path: Path) -> None:
    found = from_files(path, valid_fraction=0, test_fraction=0)
    rows = list(csv.DictReader(io.StringIO(text_of(path).lstrip("\r\n"), newline="")))
    pairs = sorted(
        (text, found.classes[label])
        for text, label in zip(found.train.x, found.train.y, strict=True)
    )
    same(pairs, sorted((row["text"], row["label"].strip()) for row in rows))


def read_walk(path: Path) -> None:
    found = read_series(path).values
    rows = [row for row in csv.reader(io.StringIO(text_of(path), newline="")) if row]
    width = found.shape[1]
    numbers = [[_number(cell) for cell in row[-width:]] for row in rows[-len(found) :]]
    same(np.asarray(found, "float32"), np.array(numbers).astype("float32"))
    same(len(rows) - len(found) in (0, 1), True)


def _number(cell: str) -> float:
    return float(cell.strip() or "nan")


def read_tags(path: Path) -> None:
    sentences, tags = parse_conll(path.read_bytes(), str(path))[:2]
    lines = lines_of(path)
    given = [line for line in (line.strip(" \t") for line in lines) if line]
    tabs = 2 * sum("\t" in line for line in given) >= len(given)
    words: list[str] = []
    for line in lines:
        cells = line.split("\t") if tabs else re.split("[ \t]+", line.strip(" \t"))
        if line.strip() and "-DOCSTART-" not in [cell.strip(" ") for cell in cells[:2]]:
            words.append(cells[0].strip(" \t"))
    found = [word for sentence in sentences for word in sentence]
    left = iter(words)  # comments are left out: a subsequence
    same(all(any(word == one for one in left) for word in found), True)
    same([len(row) for row in sentences], [len(row) for row in tags])
    comments = sum(line.startswith("#") for line in lines)
    same(len(words) - len(found) <= comments, True)


def read_conllu(path: Path) -> None:
    sentences, tags = parse_conllu(path.read_bytes(), str(path))[:2]
    rows = [line.split("\t") for line in lines_of(path)]
    kept = [row for row in rows if len(row) == 10 and row[0].isdecimal()]
    same([word for row in sentences for word in row], [row[1] for row in kept])
    same([tag for row in tags for tag in row], [row[3] for row in kept])


def read_running(path: Path) -> None:
    found = read_running_text(path)
    parts = [text for split in (found.train, found.valid, found.test) for text in split.x]
    plain = re.sub(r"\s+", "", text_of(path))
    same(re.sub(r"\s+", "", "".join(parts)), plain)


def read_words(path: Path) -> None:
    found = [word for words in read_lines(path)() for word in words]
    if path.suffix == ".txt":
        same(found, text_of(path).split())


def read_translations(path: Path) -> None:
    found = read_pairs(path)
    splits = (found.train, found.valid, found.test)
    pairs = [pair for split in splits for pair in zip(split.x, split.y, strict=True)]
    lines = [line for line in lines_of(path) if line.strip()]
    expected = [tuple(cell.strip() for cell in line.split("\t")[:2]) for line in lines]
    cleaned = [tuple(text.strip() for text in pair) for pair in pairs]
    same(set(cleaned) <= set(expected), True)


# --- binary files -------------------------------------------------------------------------------


def read_sound(path: Path) -> None:
    found = read_wav(path.read_bytes(), str(path))
    with wave.open(str(path)) as file:
        raw, channels = file.readframes(file.getnframes()), file.getnchannels()
    step = 2 * channels
    samples = [
        struct.unpack(f"<{channels}h", raw[at : at + step])
        for at in range(0, len(raw) - step + 1, step)
    ]
    same(found, (np.array(samples, "float64") / 32768).astype("float32").reshape(-1, channels))


def read_archive(path: Path) -> None:
    found = dict(read_members(path, "top", re.compile(".*")))
    with tarfile.open(path) as archive:
        files = {
            member.name.removeprefix("top/"): archive.extractfile(member).read()
            for member in archive
            if member.isfile()
        }
    same(found, {"/".join(Path(name).parts): data for name, data in files.items()})


def read_network(path: Path) -> None:
    found = HopfieldNetwork.load(path)
    with np.load(path) as kept:
        same(found.weights, kept["weights"])
        same(found.stored, int(kept["stored"]))


def read_model(path: Path) -> None:
    import h5py
    import keras

    found = tasks.load(path)
    with zipfile.ZipFile(path) as archive:
        file = io.BytesIO(archive.read("model.weights.h5"))
    stored = []
    with h5py.File(file) as weights:
        weights.visititems(
            lambda key, item: stored.append(item[()]) if isinstance(item, h5py.Dataset) else None
        )
    kept = {value.tobytes() for value in stored}
    for variable in found.variables:
        value = np.asarray(keras.ops.convert_to_numpy(variable.value))
        if value.size > 4:  # counters and seeds stand in other places
            same(value.tobytes() in kept, True)


# --- records ------------------------------------------------------------------------------------


def read_run(name: str) -> Read:
    good = {one.name: one.read_bytes() for one in (SAVED / "run").glob("*.*")}

    def read(path: Path) -> None:
        folder = path.parent / "run"
        folder.mkdir(exist_ok=True)
        for one in ("settings.json", "results.json", "metrics.csv"):
            (folder / one).write_bytes(good[one])
        (folder / name).write_bytes(path.read_bytes())
        run = study.open_run(folder)
        if name == "metrics.csv":
            found = [list(row.values()) for row in run.folder.epochs()]
            rows = [row for row in csv.reader(io.StringIO(path.read_text("utf-8"))) if row][1:]
            same(np.array(found), np.array([[float(cell) for cell in row] for row in rows]))
        else:
            found = run.settings if name == "settings.json" else run.results
            same(repr(found), repr(json.loads(path.read_text("utf-8"))))

    return read


def read_vocabulary(path: Path) -> None:
    found = rnnkit.load(path)
    expected = json.loads(path.read_text("utf-8"))
    same([found.tokens[2:], found.counts[1:]], [expected["tokens"], expected["counts"]])


# --- the list -----------------------------------------------------------------------------------


def _wav() -> list[bytes]:
    found = []
    for channels in (1, 2):
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setparams((channels, 2, 8000, 0, "NONE", ""))
            writer.writeframes(np.arange(-40, 40, dtype="<i2").tobytes())
        found.append(file.getvalue())
    return found


def _tar() -> list[bytes]:
    found = []
    for mode in ("w:gz", "w:xz"):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode=mode) as archive:
            for name, data in (("top/a.txt", b"good\n"), ("top/b/c.txt", b"bad\n" * 50)):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        found.append(file.getvalue())
    return found


def _network() -> list[bytes]:
    file = io.BytesIO()
    np.savez(file, weights=np.eye(4), thresholds=np.zeros(4), stored=np.array(2))
    return [file.getvalue()]


CONLLU = (
    "# text = Dogs bark\n1\tDogs\tdog\tNOUN" + "\t_" * 6 + "\n2\tbark\tbark\tVERB" + "\t_" * 6
).encode()
SERIES = [
    b"x,y\n" + b"".join(b"%d,%d.5\n" % (i, 3 * i) for i in range(12)),
    b"time,x\n" + b"".join(b"2024-01-01T%02d:00,%d\n" % (i, i) for i in range(12)),
]
TEXTS = 'text,label\n"good, really",pos\nbad,neg\ncafé,pos\n"a ""quote""",neg\n'.encode()
JSONL = b'{"text": "good", "label": 1}\n{"text": "bad \\u00e9", "label": 0}\n'
TAGS = [
    b"EU B-ORG\nrejects O\n\nPeter B-PER\nran O\n# a = b\n#tag O\n",
    "-DOCSTART-\tO\n\nEU\tNNP\tB-ORG\ncafé\tNN\tO\n\n".encode(),
]
PAIRS = "".join(f"ja {i}\tyes {i}\n" for i in range(12)).encode()
RUN = SAVED / "run"


def boundaries() -> list[Boundary]:
    """Return all boundaries that read files."""
    models = [(SAVED / f"{name}.keras").read_bytes() for name in ("bag_of_vectors", "cbow")]
    words = Vocabulary({"good": 3, "bad": 2}).to_json().encode()
    running = "one two\nthree café\n\nfour five\n".encode() * 6
    run = {name: (RUN / name).read_bytes() for name in ("settings.json", "results.json")}
    return [
        Boundary("word vectors, text", "v.txt", vector_seeds(False), read_vectors(False), "gensim"),
        Boundary("word vectors, binary", "v.bin", vector_seeds(True), read_vectors(True), "gensim"),
        Boundary("tables, CSV", "t.csv", [TEXTS, *SERIES], read_table, "csv"),
        Boundary("tables, TSV", "t.tsv", [PAIRS], read_table, "csv"),
        Boundary("tables, JSON lines", "t.jsonl", [JSONL], read_table, "json"),
        Boundary("labelled texts", "t.csv", [TEXTS * 3], read_texts, "csv"),
        Boundary("series", "s.csv", SERIES, read_walk, "csv"),
        Boundary("tagged sentences", "t.conll", TAGS, read_tags, "a loop over lines"),
        Boundary("CoNLL-U", "t.conllu", [CONLLU], read_conllu, "a loop over lines"),
        Boundary("pairs of texts", "p.tsv", [PAIRS], read_translations, "a loop over lines"),
        Boundary("running text", "t.txt", [running], read_running, "a loop over lines"),
        Boundary("lists of words", "w.txt", [running], read_words, "str.split"),
        Boundary("sound", "a.wav", _wav(), read_sound, "wave"),
        Boundary("archives", "a.tar.gz", _tar()[:1], read_archive, "tarfile"),
        Boundary("archives, xz", "a.tar.xz", _tar()[1:], read_archive, "tarfile"),
        Boundary("Hopfield networks", "n.npz", _network(), read_network, "NumPy"),
        Boundary("models", "m.keras", models, read_model, "h5py", 0.3),
        *(Boundary(name, name, [data], read_run(name), "json") for name, data in run.items()),
        Boundary(
            "metrics.csv",
            "m.csv",
            [(RUN / "metrics.csv").read_bytes()],
            read_run("metrics.csv"),
            "csv",
        ),
        Boundary("vocabularies", "v.json", [words], read_vocabulary, "json"),
    ]


def quiet() -> None:
    """Leave out warnings: a reader may warn about what it reads."""
    warnings.simplefilter("ignore")
