"""Tables are read as Python's csv and pandas read them, or refused with line and column."""

from __future__ import annotations

import csv
import io
import json
import math
import os

import numpy as np
import pandas
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnnkit.data import series_tables
from rnnkit.data.files import class_names
from rnnkit.data.series import from_csv
from rnnkit.data.series_files import read_series
from rnnkit.data.tables import MISSING, csv_records, json_records, parse_number
from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend
MANY = 2_000 if os.environ.get("RNNKIT_DEEP") else 150
HEAD = "time,value,note\n"
ROWS = [f"2024-01-01 {h:02}:{m:02},{h + m},ok" for h in range(2) for m in range(0, 60, 5)]


def write(path, rows=(), header=HEAD):
    path.write_text(header + "\n".join(rows) + "\n", encoding="utf-8", newline="")
    return path


def readers(path):
    """What each reader of series reads of a file with times, values and notes."""
    yield lambda **options: from_csv(path, **options)
    yield lambda **options: series_tables.from_path(path, target="value", columns="-", **options)


@settings(max_examples=MANY, deadline=None)
@given(st.text(st.sampled_from('abc,;"\n\r\t é'), max_size=40), st.sampled_from(",;\t"))
def test_a_table_is_that_of_pythons_csv_or_refused(text, delimiter):
    told = ""
    try:
        found = [list(row.values()) for _, row in csv_records(text, "x.csv", delimiter)]
    except InputError as error:
        told = str(error)
    if told:
        assert told.startswith("x.csv, line ")
        return
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    rows = [row for row in rows if row]
    if rows and len(set(rows[0])) == len(rows[0]):
        assert found == rows[1:]


@settings(max_examples=MANY, deadline=None)
@given(
    st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=2), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
)
def test_what_csv_writes_is_read(rows, delimiter):
    rows = [[cell.replace("\0", "").replace("\r", "") for cell in row] for row in rows]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([["a", "b"], *rows])
    assert [list(row.values()) for _, row in csv_records(out.getvalue(), "x", delimiter)] == rows


@settings(max_examples=MANY, deadline=None)
@given(st.text(st.sampled_from("0123456789+-.,eE_ naif１x%'"), min_size=1, max_size=8))
@example("na")
def test_a_number_is_that_of_pandas_or_refused(text):
    told = ""
    try:
        number = parse_number(text, "x, line 2", "a")
    except InputError as error:
        told = str(error)
    if told:
        assert told.startswith("x, line 2, column 'a': ")
        return
    cell = text.strip()  # to pandas a blank cell is a text
    table = io.StringIO(f"a,b\n{cell},1\n")
    missing = [cell] if cell.lower() in MISSING else None  # pandas knows NA, and not na
    column = pandas.read_csv(table, skip_blank_lines=False, na_values=missing)["a"]
    other = float(column.iloc[0])
    assert math.isclose(number, other, rel_tol=1e-12) or (np.isnan(number) and np.isnan(other))


@pytest.mark.parametrize(
    "wrong",
    [
        "1_000",
        "now",
        "inf",
        "-Infinity",
        "1e999",
        "１２",
        "0x10",
        "12abc",
        "1 000",
        "5%",
        "9" * 400,
    ],
)
def test_other_numbers_are_refused_by_line_and_column(tmp_path, wrong):
    path = write(tmp_path / "my.csv", [*ROWS[:3], f"2024-01-01 00:15,{wrong},ok", *ROWS[4:]])
    for read in readers(path):
        with pytest.raises(InputError, match=r"my.csv, line 5, column 'value': ") as told:
            read()
        assert len(str(told.value)) < 400
    with pytest.raises(InputError, match="line 2, column 2: "):
        read_series(write(path, [f"4,{wrong}"], "1,2\n"))


def test_numbers_of_any_length_and_kind():
    assert parse_number("9" * 300, "x", 0) == float("9" * 300)
    assert math.isnan(parse_number("NaN", "x", 0))
    assert class_names(["1" * 5000, "2"]) == ("1" * 5000, "2")
    assert class_names(["１", "2"]) == ("2", "１")
    with pytest.raises(InputError, match="x, line 1 is damaged JSON"):
        list(json_records('{"a": ' + "1" * 5000 + "}", "x"))
    with pytest.raises(InputError, match="x, line 1 has two values for 'a'"):
        list(json_records('{"a": 1, "a": 2}', "x"))


def test_a_decimal_comma_is_refused_or_read_as_decimal_says(tmp_path):
    rows = [row.replace(",", ";").replace(";ok", ",5;ok") for row in ROWS]
    path = write(tmp_path / "my.csv", rows, HEAD.replace(",", ";"))
    for read in readers(path):
        with pytest.raises(InputError, match=r"column 'value': '0,5' is not .*decimal=','"):
            read(delimiter=";")
        data = read(delimiter=";", decimal=",")
        values = np.concatenate(
            [
                one.values[:, 0]
                for part in ("train", "valid", "test")
                for one in getattr(data, part).x
            ]
        )
        expected = pandas.read_csv(path, sep=";", decimal=",")["value"]
        np.testing.assert_allclose(values, expected)
        with pytest.raises(InputError, match=r"delimiter \(--delimiter\)"):
            read()
        with pytest.raises(InputError, match="decimal is ':'"):
            read(delimiter=";", decimal=":")
    # Without a name for it, the column is not left out in silence.
    with pytest.raises(InputError, match=r"line 2, column 'value': '0,5' is not a number"):
        series_tables.from_path(path, delimiter=";")
    found = series_tables.read_columns(path, ["value"], delimiter=";", decimal=",")[0][0]
    assert found.values[1, 0] == 5.5
    assert read_series(
        write(path, ["1,5;2"], "x;y\n"), delimiter=";", decimal=","
    ).values.tolist() == [[1.5, 2.0]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('2024-01-01 00:15,18,"ok', r"line 5, column 3: unexpected end of data"),
        ('2024-01-01 00:15,"18,ok', r"line 5, column 2: unexpected end of data"),
        ('2024-01-01 00:15,18,"o"k', r"line 5, column 3: "),
        ("2024-01-01 00:15,18", r"line 5 has 2 fields, the header 3: column 3 is missing"),
        ("2024-01-01 00:15,18,ok,", r"line 5 has 4 fields, the header 3: column 4 is too many"),
    ],
)
def test_stray_quotes_and_fields_are_named(tmp_path, line, message):
    path = write(tmp_path / "my.csv", [*ROWS[:3], line, *ROWS[4:]])
    for read in readers(path):
        with pytest.raises(InputError, match=message):
            read()


def test_two_stray_quotes_swallow_no_rows(tmp_path):
    for last in (5, 4):
        rows = [*ROWS]
        rows[3] = rows[3].replace("ok", '"ok')
        rows[last] += '"'
        path = write(tmp_path / "my.csv", rows)
        for read in readers(path):
            with pytest.raises(InputError, match=r"column 'note': a quoted cell of \d lines holds"):
                read()
    rows = [*ROWS[:3], ROWS[3].replace("ok", '"all\nfine"'), *ROWS[4:]]
    for read in readers(write(path, rows)):
        assert read().train.steps == 16


def test_two_columns_of_one_name(tmp_path):
    path = write(tmp_path / "my.csv", ["a,1,2"], "time,value,value\n")
    for read in readers(path):
        with pytest.raises(
            InputError, match=r"line 1 has two columns of the name 'value', numbers 2"
        ):
            read()
    assert [row for _, row in csv_records("a,,\n1,,\n", "x")] == [{"a": "1", "": ""}]
    with pytest.raises(InputError, match="x, line 2, column 3: '5' is in a column without a name"):
        list(csv_records("a,,\n1,,5\n", "x"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings_are_read_or_named(tmp_path, encoding):
    path = tmp_path / "my.csv"
    text = HEAD + "\n".join(ROWS).replace("ok", "café")
    path.write_text(text, encoding=encoding)
    if encoding != "utf-8-sig":
        with pytest.raises(InputError, match=r"my.csv"):
            from_csv(path)
    for read in readers(path):
        assert read(encoding=encoding).train.steps == 16


@settings(max_examples=MANY // 3, deadline=None)
@given(st.text(st.sampled_from('{}[]":,ab1.e- \\\\u'), max_size=20))
def test_json_is_that_of_python_or_refused(text):
    told = ""
    try:
        found = [record for _, record in json_records(text, "x")]
    except InputError as error:
        told = str(error)
    if told:
        assert told.startswith("x, line 1")
        return
    assert found == ([json.loads(text)] if text.strip() else [])
