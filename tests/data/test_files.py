import csv
import json
from collections import Counter

import numpy as np
import pytest

from rnnkit.data.datasets import from_files
from rnnkit.errors import InputError

TEXTS = [
    ('Good, "very" good\nfilm', "pos"),
    ("naïve\u2028 but fine", "pos"),
    ("dull\tand long", "neg"),
    ("", "neg"),
]


def rows(count=40):
    """Rows whose text begins with their number, three of four classes uneven."""
    return [(f"{i} {TEXTS[i % 4][0]}", ["a", "b", "b", "c"][i % 4]) for i in range(count)]


def write(path, data, text="text", label="label", encoding="utf-8"):
    if path.suffix == ".jsonl":
        lines = [json.dumps({label: y, text: x}, ensure_ascii=False) for x, y in data]
        path.write_text("\n".join(lines), encoding=encoding)
    elif path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="", encoding=encoding) as file:
            writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writerows([["id", label, text], *(["7", y, x] for x, y in data)])
    else:
        for i, (x, y) in enumerate(data):
            folder = path / y
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{i:03}.txt").write_text(x, encoding=encoding)
    return path


def everything(data):
    return [
        (text, data.classes[label])
        for split in (data.train, data.valid, data.test)
        for text, label in zip(split.texts, split.labels, strict=True)
    ]


@pytest.mark.parametrize("name", ["my.csv", "my.TSV", "my.jsonl", "folder"])
def test_every_kind_brings_every_row_once(tmp_path, name):
    if name == "my.TSV":
        path = write(tmp_path / "my.tsv", rows()).rename(tmp_path / name)
    else:
        path = write(tmp_path / name, rows())
    data = from_files(path, valid_fraction=0.2, test_fraction=0.1)
    assert sorted(everything(data)) == sorted(rows())
    assert data.classes == ("a", "b", "c")
    assert Counter(data.valid.labels.tolist()) == {0: 2, 1: 4, 2: 2}
    assert Counter(data.test.labels.tolist()) == {0: 1, 1: 2, 2: 1}
    assert len(data.train) == 28
    assert data.train.labels.dtype == np.int64
    again = from_files(path, valid_fraction=0.2, test_fraction=0.1)
    assert everything(again) == everything(data)
    other = from_files(path, valid_fraction=0.2, test_fraction=0.1, seed=1)
    assert everything(other) != everything(data)


def test_three_files_and_named_columns(tmp_path):
    named = {"text": "review", "label": "stars"}
    train = write(tmp_path / "train.csv", [("x", "10"), ("y", "9"), ("z", "9")], **named)
    valid = write(tmp_path / "valid.jsonl", [("v", 9)], **named)
    test = write(tmp_path / "test.tsv", [("t", "10")], **named)
    data = from_files(train, valid=valid, test=test, text_column="review", label_column="stars")
    assert data.classes == ("9", "10")  # by value, not by the alphabet
    assert data.train.texts == [["x", "y", "z"][i] for i in map("xyz".index, data.train.texts)]
    assert sorted(everything(data)) == [
        *(("t", "10"), ("v", "9"), ("x", "10"), ("y", "9"), ("z", "9")),
    ]
    assert (data.valid.texts, data.test.texts) == (["v"], ["t"])


def test_small_classes_keep_a_row_in_train(tmp_path):
    path = write(tmp_path / "my.csv", [("a", "x"), *((str(i), "y") for i in range(3))])
    data = from_files(path, valid_fraction=0.45, test_fraction=0.45)
    assert set(data.train.labels) == {0, 1}
    assert (len(data.valid), len(data.test)) == (1, 1)
    whole = from_files(path, valid_fraction=0, test_fraction=0)
    assert (len(whole.train), len(whole.valid), len(whole.test)) == (4, 0, 0)


def test_a_folder_of_unlabelled_texts(tmp_path):
    path = write(tmp_path / "folder", [*rows(), ("who knows", "unsup")])
    data = from_files(path)
    assert data.unlabelled == ["who knows"]
    assert data.classes == ("a", "b", "c")


def test_byte_order_mark_encodings_and_long_fields(tmp_path):
    long = "word " * 200_000
    data = [("é", "a"), (long, "b")]
    before = csv.field_size_limit(131_072)
    for encoding, name in (("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("cp1252", "cp1252")):
        path = tmp_path / "my.csv"
        path.write_text(
            "text,label\r\n" + "".join(f"{x},{y}\r\n" for x, y in data), encoding=encoding
        )
        assert sorted(everything(from_files(path, encoding=name))) == [(long, "b"), ("é", "a")]
        assert csv.field_size_limit() == 131_072  # other users of csv find it as it was
    csv.field_size_limit(before)


def test_json_labels_may_be_numbers_or_truth_values(tmp_path):
    path = tmp_path / "my.jsonl"
    path.write_text('{"text": "a", "label": true}\n\n{"text": "b", "label": false}\r\n')
    assert from_files(path).classes == ("false", "true")
    path.write_text('{"text": "a", "label": 1}\n{"text": "b", "label": -1}\n')
    assert from_files(path).classes == ("-1", "1")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,lable\nx,1\n", r"a.csv, line 2 has no column 'label': it has 'text', 'lab"),
        ("a.csv", "text,lable\nx,1\n", r"Did you mean 'lable'\?"),
        ("a.csv", "text,label\nx,1\ny,1\n", "All 2 texts of .* have the label '1'"),
        ("a.csv", "text,label\n", "a.csv has no labelled text"),
        ("a.csv", "", "has no labelled text"),
        ("a.csv", "text,label\nx,1\ny,\n", "a.csv, line 3: the label is empty"),
        ("a.csv", "text,label\nx,1\ny, \n", "line 3: the label is empty"),
        ("a.csv", "text,label\nx,y,1\n", "line 2 has 3 fields, the header 2"),
        ("a.csv", 'text,label\nx,1\n"open,2\n', "line 3, column 1: unexpected end of data"),
        ("a.csv", b"text,label\nx,1\ncaf\xe9,2\n", r"line 3: byte 0xe9 is not utf-8.*'cp1252'"),
        ("a.csv", "text,label\nx,1\n".encode("utf-16"), r"line 1.*encoding='utf-16'"),
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text": \n', "a.jsonl, line 2 is damaged JSON"),
        ("a.jsonl", "[" * 100_000, "line 1 is damaged JSON"),
        ("a.jsonl", '["x", 1]\n', r"line 1 is a list: expected an object"),
        ("a.jsonl", '{"text": "x"}\n', "line 1 has no column 'label'"),
        ("a.jsonl", '{"text": "x", "label": null}\n', "line 1: the label is empty"),
        ("a.jsonl", '{"text": "x", "label": NaN}\n', "line 1: the label is empty"),
        ("a.jsonl", '{"text": "x", "label": [1]}\n', r"the label is \[1\]"),
        ("a.jsonl", '{"text": 5, "label": 1}\n', "line 1: text is int"),
        ("a.jsonl", '{"text": "\\ud800", "label": 1}\n', "line 1: text holds half a character"),
        ("a.xlsx", "", r"ends in '.xlsx': expected .csv, .tsv, .jsonl"),
    ],
)
def test_what_cannot_be_read_is_refused_with_file_and_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        from_files(path)


def test_other_refusals(tmp_path):
    path = write(tmp_path / "reviews.csv", rows())
    with pytest.raises(InputError, match=r"Did you mean 'reviews.csv'\?"):
        from_files(tmp_path / "review.csv")
    with pytest.raises(InputError, match=r"folder .* does not exist either"):
        from_files(tmp_path / "nowhere" / "review.csv")
    with pytest.raises(InputError, match="encoding is 'utf-9'"):
        from_files(path, encoding="utf-9")
    with pytest.raises(InputError, match="valid_fraction is 1"):
        from_files(path, valid_fraction=1)
    with pytest.raises(InputError, match=r"test_fraction is -0.1"):
        from_files(path, test_fraction=-0.1)
    with pytest.raises(InputError, match="nothing is left"):
        from_files(path, valid_fraction=0.5, test_fraction=0.5)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty has no texts"):
        from_files(tmp_path / "empty")
    test = write(tmp_path / "test.csv", [("x", "d")])
    with pytest.raises(InputError, match=r"test.csv, line 2: label 'd' does not occur in train"):
        from_files(path, test=test)
    folder = write(tmp_path / "folder", rows())
    (folder / "a" / "bad.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match=r"bad.txt, line 1"):
        from_files(folder)
