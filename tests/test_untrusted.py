"""Files from elsewhere: bombs, links, foreign classes and members that leave their folder."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import rnnkit
from rnnkit import tasks
from rnnkit.data.archive import read_file, read_members
from rnnkit.data.token_stream import read_lines
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.errors import InputError
from rnnkit.recurrent.hopfield import HopfieldNetwork
from rnnkit.saved_files import read_saved_model
from rnnkit.untrusted import check_arrays, check_sizes

SAVED = Path(__file__).parent / "saved"
pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.filterwarnings("ignore:class in a saved file .* is now called:DeprecationWarning"),
]


def repacked(path, source="bag_of_vectors", **changes):
    """Write a saved model with other members."""
    with zipfile.ZipFile(SAVED / f"{source}.keras") as whole:
        files = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in (files | changes).items():
            new.writestr(name, data)
    return files


def refused(path, match=None):
    with pytest.raises(InputError, match=match) as error:
        tasks.load(path)
    assert str(path) in str(error.value)
    with pytest.raises(InputError):
        rnnkit.load(path)


def test_shapes_of_a_configuration_are_compared_with_its_weights():
    check_sizes({"batch_shape": [None, 10**6], "boundaries": [10**9], "shape": "any"}, 5)
    check_sizes({"batch_shape": [None, 10**7]}, 10**7)
    with pytest.raises(ValueError, match="says batch_shape=1000001, and its weights have up to 5"):
        check_sizes({"config": [{"batch_shape": [None, 10**6 + 1]}]}, 5)


def test_a_package_that_was_asked_for_is_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "asked_for.py").write_text(
        "import keras\n"
        "@keras.saving.register_keras_serializable('asked')\n"
        "class Own(keras.layers.Layer):\n    pass\n"
    )
    config = {"module": "asked_for", "class_name": "Own", "registered_name": "asked>Own"}
    path = tmp_path / "own.keras"
    repacked(path, **{"config.json": json.dumps(config | {"config": {}})})
    with pytest.raises(ValueError, match="'Own' of the module 'asked_for', which is not imported"):
        read_saved_model(path)
    assert "asked_for" not in sys.modules
    assert read_saved_model(path, packages=["asked_for"]).cls is sys.modules["asked_for"].Own


@pytest.mark.parametrize("name", sorted(path.stem for path in SAVED.glob("*.keras")))
def test_flipped_bits_of_a_saved_model(tmp_path, name):
    whole = (SAVED / f"{name}.keras").read_bytes()
    path = tmp_path / "m.keras"
    found = 0
    for at in range(40, len(whole), max(len(whole) // 7, 1)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            rnnkit.load(path)
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017
            found += 1
    assert found > 3
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        rnnkit.load(path)


def weights(**datasets):
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        for name, options in datasets.items():
            made.create_dataset(name, **options)
    return file.getvalue()


def linked(link):
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        made["layers"] = link
    return file.getvalue()


FOREIGN = {
    "no list": b"[]",
    "deep": b'{"a":' * 50_000,
    "nothing": b"{}",
    "code": json.dumps({"class_name": "__lambda__", "config": {"value": "x"}}).encode(),
}
WEIGHTS = {
    "empty": b"",
    "no HDF5": b"PK",
    "huge": weights(a={"shape": (10**9, 10**4), "dtype": "f4", "chunks": (1, 1)}),
    "no numbers": weights(a={"data": ["x", "y"]}),
    "soft link": linked(h5py.SoftLink("/a")),
    "external link": linked(h5py.ExternalLink("/etc/passwd", "/a")),
    "external": weights(a={"shape": (9,), "dtype": "u1", "external": [("/etc/passwd", 0, 9)]}),
}


@pytest.mark.parametrize("config", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_configuration(tmp_path, config):
    repacked(tmp_path / "m.keras", **{"config.json": config})
    refused(tmp_path / "m.keras")


@pytest.mark.parametrize("data", WEIGHTS.values(), ids=WEIGHTS)
def test_foreign_weights(tmp_path, data):
    repacked(tmp_path / "m.keras", **{"model.weights.h5": data})
    refused(tmp_path / "m.keras")


def test_assets_that_are_damaged(tmp_path):
    name = "assets/vocabulary.json"
    whole = repacked(tmp_path / "m.keras")
    found = json.loads(whole[name])
    tokens, counts = found["tokens"], found["counts"]
    for text in (
        "",
        "[]",
        "{}",
        "[" * 50_000,
        json.dumps({"tokens": tokens, "counts": counts[:-1]}),
        json.dumps({"tokens": tokens[1:], "counts": counts[1:]}),  # all ids would be shifted
        json.dumps({"tokens": [*tokens[:-1], tokens[0]], "counts": counts}),
        json.dumps({"tokens": [*tokens[:-1], 3], "counts": counts}),
        json.dumps({"tokens": tokens, "counts": [*counts[:-1], -1]}),
        json.dumps({"tokens": tokens, "counts": [*counts[:-1], 1.5]}),
        json.dumps({"tokens": tokens, "counts": [*counts[:-1], True]}),
        json.dumps({"tokens": tokens, "counts": [None, *counts[1:]]}),
    ):
        repacked(tmp_path / "m.keras", **{name: text})
        refused(tmp_path / "m.keras")


@pytest.mark.parametrize(
    "member", [".", "../../evil.py", "/etc/evil", "assets/../../evil", "C:/evil", "a\\..\\..\\evil"]
)
def test_members_that_leave_their_folder(tmp_path, member):
    repacked(tmp_path / "m.keras", **{member: b"x"})
    refused(tmp_path / "m.keras", "leads out of its folder|is no rnnkit model")
    assert [path.name for path in tmp_path.rglob("*")] == ["m.keras"]


def test_classes_of_packages_nobody_asked_for_are_not_imported(tmp_path):
    path = tmp_path / "m.keras"
    config = json.loads(repacked(path)["config.json"])
    for module, name in (("os", "system"), ("antigravity", "x"), ("rnnkit_evil", "Layer")):
        foreign = {"class_name": name, "module": module, "config": {}, "registered_name": None}
        for changed in (foreign, {**config, "config": {**config["config"], "network": foreign}}):
            repacked(path, **{"config.json": json.dumps(changed)})
            refused(path)


def test_a_layer_of_the_users_own_loads_where_it_is_imported(tmp_path):
    @keras.saving.register_keras_serializable(package="mine_for_a_test")
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    inputs = keras.Input((2,))
    model = keras.Model(inputs, Twice()(inputs))
    model.save(tmp_path / "m.keras")
    assert rnnkit.load(tmp_path / "m.keras").predict(np.ones((1, 2)), verbose=0).max() == 2


def test_a_configuration_far_larger_than_its_weights(tmp_path):
    path = tmp_path / "m.keras"
    text = repacked(path, "gru_classic")["config.json"].decode()
    larger = re.sub(r'"(units|input_dim|output_dim)": \d+', r'"\1": 3000000', text)
    assert larger != text
    repacked(path, "gru_classic", **{"config.json": larger})
    refused(path, "3000000")
    text = repacked(path, "skip_gram")["config.json"].decode()
    larger = re.sub(r'"rows": \d+', '"rows": 100000000', text)
    assert larger != text
    repacked(path, "skip_gram", **{"config.json": larger})
    refused(path, "rows=100000000")


def test_a_bomb_in_a_zip_archive(tmp_path, monkeypatch):
    monkeypatch.setattr("rnnkit.untrusted.FREE_BYTES", 1_000_000)
    path = tmp_path / "m.keras"
    repacked(path, **{"config.json": b" " * 50_000_000})
    refused(path, r"claims 50,\d+,\d+ bytes")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("config.json", "{}")
    refused(path, "unusual way")


def tar(path, *members):
    with tarfile.open(path, "w:xz" if path.suffix == ".xz" else "w:gz") as archive:
        for member, data in members:
            archive.addfile(member, io.BytesIO(data))


def member(name, data=b"x", **fields):
    made = tarfile.TarInfo(name)
    made.size = len(data)
    for field, value in fields.items():
        setattr(made, field, value)
    return made, data


@pytest.mark.parametrize("ending", ["xz", "gz"])
def test_archives_that_are_no_data_set(tmp_path, ending, monkeypatch):
    path = tmp_path / f"a.tar.{ending}"

    def read():
        return dict(read_members(path, "top", re.compile(".*")))

    tar(path, member("top/a.txt", b"good"))
    assert read() == {"a.txt": b"good"}
    whole = path.read_bytes()
    for bad in (
        member("top/../../evil"),
        member("/top/evil"),
        member("other/evil"),
        member("top/link", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("top/link", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        member("top/dev", b"", type=tarfile.CHRTYPE),
    ):
        tar(path, bad)
        with pytest.raises(InputError, match=re.escape(str(path))):
            read()
    for data in (b"", whole[:20], whole[:-9], b"\0" * 600, b"no archive"):
        path.write_bytes(data)
        with pytest.raises(InputError, match=re.escape(str(path))):
            read()
    monkeypatch.setattr("rnnkit.untrusted.FREE_BYTES", 100_000)
    tar(path, member("top/a.txt", bytes(30_000_000)))
    with pytest.raises(InputError, match="100 times its size"):
        read()


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_long_header_of_an_archive_is_not_read(tmp_path, kind):
    path = tmp_path / "a.tar.xz"
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = kind, 20_000_000
    with lzma.open(path, "wb", preset=0) as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT) + b"x" * 20_000_000)
    with pytest.raises(InputError, match=r"damaged.*header of 20,000,000 bytes"):
        dict(read_members(path, "top", re.compile(".*")))


def test_compressed_texts(tmp_path, monkeypatch):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"a b\nc\n"))
    assert list(read_lines(path)()) == [["a", "b"], ["c"]]
    assert read_file(path) == b"a b\nc\n"
    monkeypatch.setattr("rnnkit.data.token_stream.MAX_WORD", 1 << 19)
    path.write_bytes(gzip.compress(b"a\n" + b"x" * (1 << 21)))
    with pytest.raises(InputError, match=r"a\.txt\.gz, line 2: more than .* without a space"):
        list(read_lines(path)())
    monkeypatch.setattr("rnnkit.untrusted.FREE_BYTES", 1000)
    path.write_bytes(gzip.compress(b"x " * (1 << 20)))
    for read in (read_file, lambda path: list(read_lines(path)())):
        with pytest.raises(InputError, match=r"a\.txt\.gz unpacks to more than"):
            read(path)


def npy(shape, dtype="<f8", data=b""):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


ARRAYS = {
    "huge": npy("(1000000, 1000000)"),
    "short": npy("(2, 2)", data=bytes(31)),
    "objects": npy("(1,)", "|O", b"\x80\x04N."),
    "negative": npy("(-1, -4)", data=bytes(32)),
    "not finite": npy("(1, 1)", data=np.array(np.nan).tobytes()),
    "not square": npy("(1, 2)", data=bytes(16)),
    "texts": npy("(1, 1)", "<U2", bytes(8)),
    "no array": b"x",
    "nothing": b"",
}


@pytest.mark.parametrize("data", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("name", ["weights", "thresholds", "stored"])
def test_damaged_arrays(tmp_path, name, data):
    path = tmp_path / "net.npz"
    network = HopfieldNetwork(2)
    network.save(path)
    check_arrays(path)
    with zipfile.ZipFile(path) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for one, good in files.items():
            archive.writestr(one, data if one == f"{name}.npy" else good)
    for read in (HopfieldNetwork.load, rnnkit.load):
        with pytest.raises(InputError, match=re.escape(str(path))):
            read(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "[" * 100_000,
        '{"tokens": "ab", "counts": "ab"}',
        '{"tokens": ["a"]}',
        '{"tokens": ["a", "a"], "counts": [0, 1, 1]}',
        '{"tokens": ["a"], "counts": [0, -1]}',
        '{"tokens": ["a"], "counts": ["0", 1]}',
        '{"tokens": ["a"], "counts": [0, 1.0]}',
        '{"tokens": ["a"], "counts": [true, 1]}',
        '{"tokens": [""], "counts": [0, 1]}',
        '{"tokens": {"a": 1}, "counts": [0, 1]}',
        '{"tokens": ["a"], "counts": [' + "1" * 5000 + "]}",
    ],
    ids=range(14),
)
def test_a_vocabulary_that_is_none(tmp_path, text):
    with pytest.raises(InputError):
        Vocabulary.from_json(text)
    path = tmp_path / "words.json"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(str(path))):
        rnnkit.load(path)
