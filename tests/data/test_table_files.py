"""Tables in files and folders hold the same rows, whatever format they are written in."""

import datasets as hub
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest

from rnnkit.data import datasets
from rnnkit.data.table_files import TABLES, holds_tables, read_tables, read_texts
from rnnkit.errors import InputError

FILMS = pd.DataFrame(
    {
        "text": [f"a {mood} film {i}" for i in range(20) for mood in ("good", "bad")],
        "label": ["pos", "neg"] * 20,
    }
)
HOURS = pd.date_range("2024-01-01", periods=40, freq="h")
LOADS = pd.DataFrame({"when": HOURS, "load": np.arange(40.0) % 7, "temp": np.arange(40) / 4})
PHASES = LOADS.assign(phase=["up", "down"] * 20)
WALKS = pd.DataFrame(
    {
        "walk": [i for i in range(12) for _ in range(4)],
        "x": np.arange(48.0),
        "kind": [f"k{i % 2}" for i in range(12) for _ in range(4)],
    }
)


def stream(frame, path):
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as sink:
        sink.write_table(table)


WRITERS = {
    "my.csv": lambda frame, path: frame.to_csv(path, index=False),
    "my.tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "my.jsonl": lambda frame, path: frame.to_json(
        path, orient="records", lines=True, date_format="iso"
    ),
    "my.parquet": lambda frame, path: frame.to_parquet(path),
    "sorted.parquet": lambda frame, path: frame.set_index(frame.index[::-1]).to_parquet(path),
    "my.feather": lambda frame, path: frame.to_feather(path),
    "my.arrow": lambda frame, path: pa.feather.write_feather(frame, str(path)),
    "stream.arrow": stream,
    "saved": lambda frame, path: hub.Dataset.from_pandas(frame).save_to_disk(str(path)),
    "splits": lambda frame, path: hub.DatasetDict(
        train=hub.Dataset.from_pandas(frame)
    ).save_to_disk(str(path)),
}
OPENED = {
    "texts": (FILMS, {}),
    "series": (LOADS, {"options": {"target": "load", "columns": "temp"}}),
    "labelled frames": (PHASES, {"label_column": "phase"}),
    "labelled series": (WALKS, {"label_column": "kind", "options": {"group": "walk"}}),
    "corpus": (FILMS, {}),
}


def write(folder, name, frame):
    path = folder / name
    WRITERS[name](frame, path)
    return path


def shown(data):
    """The splits of a data set as plain lists."""

    def plain(one):
        one = getattr(one, "values", one)
        return one.tolist() if hasattr(one, "tolist") else one

    parts = {name: getattr(data, name) for name in ("train", "valid", "test")}
    return {
        name: (
            [plain(x) for x in split.x],
            None if split.y is None else [plain(y) for y in split.y],
        )
        for name, split in parts.items()
    }


@pytest.mark.parametrize("kind", OPENED)
def test_every_format_gives_the_data_set_of_the_csv_file(tmp_path, kind):
    frame, options = OPENED[kind]
    expected = shown(datasets.open_data(write(tmp_path, "my.csv", frame), kind, **options))
    assert expected["train"][0]
    for name in WRITERS:
        path = write(tmp_path, name, frame)
        assert shown(datasets.open_data(path, kind, **options)) == expected, name


def test_tagged_sentences_and_pairs_from_tables(tmp_path):
    features = {
        "tokens": hub.Sequence(hub.Value("string")),
        "tags": hub.Sequence(hub.ClassLabel(names=["O", "B-PER"])),
    }
    rows = {"tokens": [["Ask", "John"], ["Go"]] * 10, "tags": [[0, 1], [0]] * 10}
    tagged = hub.Dataset.from_dict(rows, features=hub.Features(features))
    tagged.to_parquet(str(tmp_path / "tags.parquet"))
    tagged.save_to_disk(str(tmp_path / "tags"))
    for path in (tmp_path / "tags.parquet", tmp_path / "tags"):
        found = datasets.open_data(path, "tagged sentences")
        assert found.classes == ("B-PER", "O")
        pairs = zip(found.train.x, found.train.y, strict=True)
        assert all(tags == ["O", "B-PER"][: len(words)] for words, tags in pairs)
    texts = pd.DataFrame({"source": ["ja", "nein"] * 10, "target": ["yes", "no"] * 10})
    for name in WRITERS:
        found = datasets.open_data(write(tmp_path, f"{name}", texts), "pairs")
        assert {*zip(found.train.x, found.train.y, strict=True)} == {("ja", "yes"), ("nein", "no")}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_folder_of_splits_keeps_them(tmp_path, ending):
    parts = {"train": FILMS[:20], "dev": FILMS[20:26], "test": FILMS[26:]}
    for split, frame in parts.items():
        WRITERS[f"my.{ending}"](frame, tmp_path / f"{split}.{ending}")
    found = datasets.open_data(tmp_path, "texts")
    for split, frame in zip(("train", "valid", "test"), parts.values(), strict=True):
        assert sorted(getattr(found, split).x) == sorted(frame.text)
    (tmp_path / f"dev.{ending}").unlink()
    found = datasets.open_data(tmp_path, "texts")
    assert (len(found.train), len(found.valid), len(found.test)) == (18, 2, 14)


def test_splits_of_series_keep_their_columns_and_their_order(tmp_path):
    LOADS[:20].to_csv(tmp_path / "train.csv", index=False)
    LOADS[20:].to_csv(tmp_path / "test.csv", index=False, columns=["temp", "load", "when"])
    options = {"target": "load"}
    found = datasets.open_data(tmp_path, "series", options=options)
    assert [part.steps for part in (found.train, found.valid, found.test)] == [17, 3, 20]
    np.testing.assert_allclose(found.test.x[0].values, LOADS[20:][["load", "temp"]], rtol=1e-6)
    PHASES[:20].to_csv(tmp_path / "train.csv", index=False)
    PHASES[20:].to_csv(tmp_path / "test.csv", index=False)
    found = datasets.open_data(tmp_path, "labelled frames", label_column="phase")
    assert [part.x[0].shape for part in (found.train, found.valid, found.test)] == [
        (17, 2),
        (3, 2),
        (20, 2),
    ]
    PHASES[20:].assign(phase="sideways").to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(InputError, match="'sideways' does not occur in train"):
        datasets.open_data(tmp_path, "labelled frames", label_column="phase")
    for split, numbers in (("train", range(8)), ("test", range(8, 12))):
        rows = WALKS[WALKS.walk.isin(numbers)]
        rows.to_csv(tmp_path / f"{split}.csv", index=False)
    walks = {"label_column": "kind", "options": {"group": "walk"}}
    found = datasets.open_data(tmp_path, "labelled series", **walks)
    assert [len(part) for part in (found.train, found.valid, found.test)] == [6, 2, 4]
    assert found.test.x[0].tolist() == [[32.0], [33.0], [34.0], [35.0]]


def test_splits_of_hugging_face_with_names_of_classes_and_texts_without_a_label(tmp_path):
    features = {"text": hub.Value("string"), "label": hub.ClassLabel(names=["pos", "neg"])}

    def table(count, label=None):
        labels = [i % 2 if label is None else label for i in range(count)]
        rows = {"text": [f"text {i}" for i in range(count)], "label": labels}
        return hub.Dataset.from_dict(rows, features=hub.Features(features))

    splits = {"train": table(20), "test": table(6), "unsupervised": table(4, -1), "odd": table(1)}
    hub.DatasetDict(splits).save_to_disk(str(tmp_path / "films"))
    found = datasets.open_data(tmp_path / "films", "texts")
    assert found.classes == ("pos", "neg")
    assert (len(found.train), len(found.valid), len(found.test)) == (18, 2, 6)
    assert found.test.y.names == ["pos", "neg"] * 3
    assert found.unlabelled == [f"text {i}" for i in range(4)]
    assert found.notes == ["Splits left out: odd."]
    for number in (0, 1):  # the names in which data sets of the Hub are stored
        splits["train"].select(range(10 * number, 10 * number + 10)).to_parquet(
            str(tmp_path / f"train-0000{number}-of-00002.parquet")
        )
    shards = datasets.from_files(tmp_path, test_fraction=0, valid_fraction=0)
    assert sorted(shards.train.x) == sorted(splits["train"]["text"])
    assert shards.classes == ("pos", "neg")


def test_delimiter_and_encoding(tmp_path):
    path = tmp_path / "films.csv"
    FILMS.replace("good", "schön", regex=True).to_csv(path, sep=";", encoding="cp1252", index=False)
    options = {"delimiter": ";", "encoding": "cp1252"}
    found = datasets.open_data(path, "texts", options=options)
    assert any("schön" in text for text in found.train.x)
    LOADS.to_csv(path, sep="\t", index=False)
    for tab in ("\t", "tab", r"\t"):
        series = datasets.open_data(path, "series", options={"target": "load", "delimiter": tab})
        assert series.columns == ("load", "temp")


def test_texts_to_predict(tmp_path):
    for name in WRITERS:
        path = write(tmp_path, name, FILMS)
        assert read_texts(path) == list(FILMS.text), name
        assert read_texts(write(tmp_path, name, FILMS[["label"]]), "text") == list(FILMS.label)
    FILMS[:3].to_csv(tmp_path / "train.csv")
    FILMS[3:].to_csv(tmp_path / "test.csv")
    assert read_texts(tmp_path) == list(FILMS.text[3:])
    (tmp_path / "lines.txt").write_text("one\n\ntwo\n")
    assert read_texts(tmp_path / "lines.txt") == ["one", "", "two"]
    with pytest.raises(InputError, match=r"delimiter is .;., and .* is no table"):
        read_texts(tmp_path / "lines.txt", delimiter=";")


def test_what_cannot_be_read_is_refused(tmp_path, monkeypatch):
    def refused(message, path, **options):
        with pytest.raises(InputError, match=message):
            read_tables(path, **options)

    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no table")
    refused(r"bad\.parquet cannot be read as parquet", tmp_path / "bad.parquet")
    (tmp_path / "bad.arrow").write_bytes(b"ARROW1 no table")
    refused(r"bad\.arrow cannot be read as arrow", tmp_path / "bad.arrow")
    refused("There is no file", tmp_path / "none.parquet")
    path = write(tmp_path, "my.parquet", FILMS)
    refused(r"delimiter is ';', and .*my.parquet is no \.csv", path, delimiter=";")
    refused("expected one character", write(tmp_path, "my.csv", FILMS), delimiter=";;")
    refused("has no table: expected train.csv", tmp_path)
    write(tmp_path, "my.csv", FILMS).rename(tmp_path / "test.csv")
    refused("has no split to train on: it has test", tmp_path)
    write(tmp_path, "my.csv", FILMS).rename(tmp_path / "train.csv")
    write(tmp_path, "my.parquet", FILMS).rename(tmp_path / "train.parquet")
    refused(r"has train\.csv and train\.parquet: keep one", tmp_path)
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "state.json").write_text("{}")
    refused("saved cannot be read by datasets", saved)
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(
        r"read by pyarrow, which is not installed: pip install 'rnnkit\[data\]'",
        tmp_path / "train.parquet",
    )
    monkeypatch.setitem(sys.modules, "datasets", None)
    refused(r"read by datasets, which is not installed: pip install 'rnnkit\[data\]'", saved)
    refused(r"hf:imdb is read by datasets, which is not installed", "hf:imdb")


def test_a_data_set_of_the_hub_without_a_network(fresh_python):
    code = """
from rnnkit.data import datasets
from rnnkit.errors import InputError
try:
    datasets.open_data("hf:stanfordnlp/imdb", "texts")
except InputError as error:
    print('"' + str(error).replace('"', "'") + '"')
"""
    message = fresh_python(code, HF_HUB_OFFLINE="1", HF_HOME="/nowhere").value
    assert message.startswith("hf:stanfordnlp/imdb cannot be loaded")
    assert "It takes a network, or the data set in the cache" in message


def test_a_data_set_of_the_hub_by_name_and_configuration(monkeypatch):
    asked = []

    def load_dataset(*names):
        asked.append(names)
        table = hub.Dataset.from_pandas(FILMS)
        return hub.DatasetDict(train=table, validation=table)

    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    found = datasets.open_data("hf:films", "texts")
    assert (len(found.train), len(found.valid), len(found.test)) == (36, 40, 4)
    datasets.open_data("hf:some/films:english", "texts")
    assert asked == [("films", None), ("some/films", "english")]


def test_what_holds_tables_is_told_by_its_name(tmp_path):
    assert all(holds_tables(f"my{ending}") for ending in TABLES)
    assert not holds_tables(tmp_path)
    assert not holds_tables("my.txt")


def test_a_column_of_another_name_is_taken_where_it_is_the_only_one(tmp_path):
    path = tmp_path / "films.csv"
    path.write_text("review\nfine\ndull\n")
    assert read_texts(path) == ["fine", "dull"]
    path.write_text("review,stars\nfine,4\n")
    with pytest.raises(InputError, match="no column 'text'"):
        read_texts(path)


def test_texts_of_several_files_are_those_of_test(tmp_path):
    for name in ("train", "valid"):
        (tmp_path / f"{name}.csv").write_text(f"text\n{name}\n")
    with pytest.raises(InputError, match=r"has the splits train, valid and no test: give one file"):
        read_texts(tmp_path)
    (tmp_path / "test.csv").write_text("text\nfine\n")
    assert read_texts(tmp_path) == ["fine"]
    assert read_texts(tmp_path / "train.csv") == ["train"]
