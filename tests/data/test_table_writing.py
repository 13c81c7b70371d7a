"""Tables that are written: read again by other libraries, and whole or not at all."""

from __future__ import annotations

import csv
import datetime
import decimal
import json
import math

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.json_values import as_json, dump_json
from rnnkit.data.table_files import read_tables
from rnnkit.data.table_writing import FORMATS, Column, check_format, write_table
from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend

# What breaks a table: separators, quotes, line ends, spaces at the ends, other scripts, nothing.
CELLS = st.text(st.sampled_from('a,"\t\r\n ;é映😀\u2028\x00='), max_size=6)
SPANS = [{"text": "John", "type": "PER", "start": 0, "end": 4}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, st.floats(allow_nan=False)), max_size=4), CELLS)
def test_what_is_written_is_read_by_others(folder, rows, name):
    name = f"x{name}"
    columns = [Column("text", "text"), Column(name, "text"), Column("p", "number")]
    names = [column.name for column in columns]
    records = [dict(zip(names, row, strict=True)) for row in rows]
    for suffix in FORMATS:
        path = folder / f"answers{suffix}"
        write_table(path, columns, records)
        if suffix == ".parquet":
            assert pyarrow.parquet.read_table(path).to_pylist() == records
        elif suffix == ".jsonl":
            found = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
            finite = [p if math.isfinite(p) else None for *_, p in rows]
            assert found == [{**row, "p": p} for row, p in zip(records, finite, strict=True)]
        else:
            with path.open(encoding="utf-8", newline="") as file:
                heading, *found = csv.reader(file, delimiter="\t" if suffix == ".tsv" else ",")
            assert heading == names
            assert [(a, b, float(p)) for a, b, p in found] == rows


def test_kinds_have_types_in_parquet_even_without_a_value(tmp_path):
    columns = [Column("spans", "spans"), Column("words", "texts"), Column("step", "integer")]
    columns += [Column("p", "number"), Column("label", "text"), Column("own")]
    write_table(tmp_path / "a.parquet", columns, [{"own": 7}, {}])
    types = {f.name: str(f.type) for f in pyarrow.parquet.read_schema(tmp_path / "a.parquet")}
    assert types == {
        "spans": "list<element: struct<text: string, type: string, start: int64, end: int64>>",
        "words": "list<element: string>",
        "step": "int64",
        "p": "double",
        "label": "string",
        "own": "int64",
    }


def test_lists_and_dates_in_each_format(tmp_path):
    when = datetime.datetime(2024, 1, 31, 10, 15)
    row = {"spans": SPANS, "when": when, "yes": True, "none": None, "p": math.nan, "n": 3}
    columns = [Column("spans", "spans"), *map(Column, [*row][1:])]
    for suffix in FORMATS:
        write_table(tmp_path / f"a{suffix}", columns, [row])
    found = pd.read_csv(tmp_path / "a.csv").iloc[0]
    assert json.loads(found.spans) == SPANS
    assert (found.when, bool(found.yes), found.n) == ("2024-01-31T10:15:00", True, 3)
    assert pd.isna(found["none"])
    assert pd.isna(found.p)
    plain = {**row, "when": "2024-01-31T10:15:00", "p": None}
    assert json.loads((tmp_path / "a.jsonl").read_text()) == plain
    (again,) = pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert again == {**row, "p": None}


def test_our_own_reader_reads_it(tmp_path):
    columns = [Column("text", "text"), Column("p", "number")]
    rows = [{"text": 'two\r\nlines, "quoted"', "p": 0.25}, {"text": " ", "p": 1.0}]
    for suffix in FORMATS:
        write_table(tmp_path / f"a{suffix}", columns, rows)
        found = [record for _, record in read_tables(tmp_path / f"a{suffix}")["train"].rows]
        assert [(row["text"], float(row["p"])) for row in found] == [
            (row["text"], row["p"]) for row in rows
        ]


@pytest.mark.parametrize(
    ("suffix", "rows", "message"),
    [
        (".xls", [], r"expected a name that ends in \.csv, \.tsv, \.jsonl or \.parquet"),
        (".csv", [{"a": "\ud800"}], "Row 1, column 'a': half a character"),
        (".csv", [{"a": b"x"}], "is bytes, which text has no form for"),
        (".jsonl", [{"a": [b"x"]}], "is bytes, which text has no form for"),
        (".parquet", [{"a": 1}, {"a": "x"}], "Column 'a' cannot be written as Parquet"),
        (".parquet", [{"a": "\ud800"}], "Column 'a' cannot be written as Parquet"),
        (".parquet", [{"a": 2**70}], "Column 'a' cannot be written as Parquet"),
    ],
)
def test_what_a_format_cannot_hold_leaves_the_file_that_was_there(tmp_path, suffix, rows, message):
    path = tmp_path / f"answers{suffix}"
    path.write_text("before")
    with pytest.raises(InputError, match=message):
        write_table(path, [Column("a")], rows)
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_half_a_character_has_an_escape_in_json_lines(tmp_path):
    write_table(tmp_path / "a.jsonl", [Column("a")], [{"a": "x\ud800é"}])
    assert json.loads((tmp_path / "a.jsonl").read_text("utf-8")) == {"a": "x\ud800é"}


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(InputError, match="Two columns have the name 'a': rename one"):
        write_table(tmp_path / "a.csv", [Column("a"), Column("a")], [])
    assert not list(tmp_path.iterdir())


KILLED = """
import json, os, sys
from pathlib import Path
from rnnkit.data.table_writing import Column, write_table
class Rows(list):
    def __iter__(self):
        yield {"a": "x" * 100_000}
        os._exit(9)
write_table(Path(json.loads(sys.argv[1])), [Column("a")], Rows())
"""


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_killed_process_leaves_no_half_file(tmp_path, fresh_python, suffix):
    path = tmp_path / f"answers{suffix}"
    path.write_text("before")
    assert fresh_python(KILLED, str(path), check=False).code == 9
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 2  # the temporary file, which the next one removes
    from rnnkit import atomic

    atomic._swept.clear()
    write_table(path, [Column("a")], [{"a": "after"}])
    assert "after" in path.read_text()
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'rnnkit\[data\]'.* \.jsonl need no other"):
        check_format(tmp_path / "answers.parquet", "out")
    for suffix in (".csv", ".tsv", ".jsonl"):
        write_table(tmp_path / f"a{suffix}", [Column("a")], [{"a": 1}])


def test_values_as_json():
    value = {
        1: np.array([1.5, np.nan, np.inf]),
        "of numpy": (np.float32(0.5), np.int64(3), np.bool_(True), np.str_("x")),
        "money": decimal.Decimal("0.10"),
        "times": [np.datetime64("2024-01-31"), datetime.time(10, 15), pd.NaT],
    }
    expected = {
        "1": [1.5, None, None],
        "of numpy": [0.5, 3, True, "x"],
        "money": "0.10",
        "times": ["2024-01-31", "10:15:00", None],
    }
    assert as_json(value) == expected
    assert json.loads(dump_json(value), parse_constant=pytest.fail) == expected
    assert dump_json("é") == '"é"'
    assert dump_json("é", ascii_only=True) == '"\\u00e9"'
