"""The one reader of tables, and what is read with it: one series from a CSV file."""

import csv

import numpy as np
import pytest

from rnnkit.data.series import Series
from rnnkit.data.series_files import read_series, step_label
from rnnkit.data.tables import csv_records, decode, json_records, read_text, records, split_lines
from rnnkit.errors import InputError


def test_records_name_file_and_line(tmp_path):
    table = tmp_path / "my.csv"
    table.write_text('a,b\n1,"two\nlines"\n\n3,4\n')
    assert list(records(table)) == [
        (f"{table}, line 3", {"a": "1", "b": "two\nlines"}),
        (f"{table}, line 5", {"a": "3", "b": "4"}),
    ]
    tabs = tmp_path / "my.TSV"
    tabs.write_text("a\tb\n1\t2,5\n")
    assert list(records(tabs)) == [(f"{tabs}, line 2", {"a": "1", "b": "2,5"})]
    lines = tmp_path / "my.jsonl"
    lines.write_text('{"a": "x\u2028y"}\r\n\n{"a": 2}\n', encoding="utf-8")
    assert [record for _, record in records(lines)] == [{"a": "x\u2028y"}, {"a": 2}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_lines_end_as_python_reads_them(tmp_path, end):
    text = f"a\u2028b\x0bc{end}{end}d{end}e"
    path = tmp_path / "lines.txt"
    path.write_bytes(text.replace("\r\r\n", "\r\n").encode())
    with path.open(encoding="utf-8") as file:
        expected = [line.removesuffix("\n") for line in file]
    assert split_lines(text) == expected


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    assert decode("\ufeffa".encode(), "x") == decode("a".encode("utf-16"), "x", "utf-16") == "a"


def test_the_field_limit_of_csv_is_left_as_it_was():
    before = csv.field_size_limit()
    ((_, record),) = csv_records("a\n" + "x" * (before + 1) + "\n", "big")
    assert len(record["a"]) == before + 1
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda path: read_text(path / "nothing.csv"), r"There is no file '.*nothing\.csv'"),
        (lambda path: read_text(path), "cannot be read: "),
        (lambda path: decode(b"a\nb\xe9", "x.txt"), r"x\.txt, line 2: byte 0xe9 is not utf-8"),
        (lambda path: decode(b"a", "x.txt", "utf-9"), "encoding is 'utf-9'"),
        (lambda path: list(csv_records("a,b\n1\n", "x")), "x, line 2 has 1 fields, the header 2"),
        (
            lambda path: list(csv_records('a\n"b', "x")),
            "x, line 2, column 1: unexpected end of data",
        ),
        (lambda path: list(json_records("{}\n[1]", "x")), "x, line 2 is a list"),
        (lambda path: list(records(path / "x.xlsx")), r"ends in '\.xlsx': expected \.csv, \.tsv"),
    ],
)
def test_damage_is_named_with_its_place(tmp_path, read, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", " has no step"),
        ("x,y\n", " has no step"),
        ("1,2\n3,x\n", ", line 2, column 2: 'x' is not a number"),
        ("x,y\n1,2\n3\n", ", line 3 has 1 cells, the first row 2"),
        ("2024-01-01,1\nlater,2\n", ", line 2, column 1: 'later' is not a time"),
        ("1,2\n\xff", ", line 2: byte 0xff is not utf-8"),
    ],
)
def test_what_is_no_series_is_refused_by_place(tmp_path, text, message):
    path = tmp_path / "odd.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=rf"odd\.csv{message}"):
        read_series(path)


def test_a_series_of_a_file(tmp_path):
    path = tmp_path / "walk.csv"
    path.write_text("\ufeff1,2.5\n3,-4\n", encoding="utf-8")
    assert read_series(str(path)).values.tolist() == [[1.0, 2.5], [3.0, -4.0]]
    path.write_text("2016,5\n2017,6\n")
    assert read_series(path).times is None  # a year alone is a number
    path.write_text("when,cars\n2024-01-01 00:00,7\n2024-01-01 00:05,9\n2024-01-01 00:10,\n")
    found = read_series(path)
    assert found.values[:2].tolist() == [[7.0], [9.0]]
    assert np.isnan(found.values[2, 0])  # an empty cell is a missing measurement
    assert str(found.times[1]) == "2024-01-01T00:05"


def test_steps_are_labelled_by_time_or_number():
    times = np.datetime64("2024-03-04T21:00") + 15 * np.arange(3)
    series = Series(np.arange(3), times)
    labels = [step_label(series, i) for i in (0, 2, 3, 4)]
    assert labels == [f"2024-03-04 {time}" for time in ("21:00", "21:30", "21:45", "22:00")]
    assert step_label(Series(np.arange(3)), 4) == step_label(series.between(0, 1), 4) == "4"


def test_the_distance_of_steps_is_not_sought_for_each_of_them(monkeypatch):
    series = Series(np.arange(3), np.datetime64("2024-01-01T00:00") + 15 * np.arange(3))
    monkeypatch.setattr(np, "median", lambda *_: pytest.fail("it takes as long as the series"))
    assert [step_label(series, i)[11:] for i in range(3)] == ["00:00", "00:15", "00:30"]
