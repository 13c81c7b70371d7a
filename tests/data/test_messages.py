"""Messages of every reader name the file and quote no more than a line of it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data import conll, pair_files, running_text, series_tables
from rnnkit.data.files import from_files
from rnnkit.data.labelled_tables import read_frame_classes, read_series_classes
from rnnkit.data.series import from_csv
from rnnkit.data.series_files import read_series
from rnnkit.errors import InputError, clip, quote, quote_all, suggest
from rnnkit.tasks.labels import check_classes
from rnnkit.tasks.tagging.sentence_io import numbers, pairs

pytestmark = pytest.mark.one_backend
MANY = 2_000 if os.environ.get("RNNKIT_DEEP") else 60
LONG = "x" * 140_000
READERS = {
    "texts": from_files,
    "tags": conll.from_path,
    "pairs": pair_files.from_path,
    "running text": running_text.from_path,
    "series": from_csv,
    "one series": read_series,
    "table of series": lambda path: series_tables.from_path(path, target="value", time="time"),
    "any column": series_tables.from_path,
    "labelled series": lambda path: read_series_classes(path, group="time"),
    "labelled frames": read_frame_classes,
}
DAMAGED = {
    "header": "{0},label\na,b\n",
    "names": ",".join(f"c{i}" for i in range(40_000)) + "\n1,2\n",
    "cell": "time,value,label\n2024-01-01 00:00,1,a\n2024-01-01 01:00,{0},b\n",
    "time": "time,value,label\n2024-01-01 00:00,1,a\n{0},2,b\n",
    "label": "text,label\n" + "a,b\nc,d\n" * 9 + "e,{0}\n",
    "labels": "text,label\n" + "a,b{0}\n" * 9,
    "fields": "time,value,label\n{0},{0},{0},{0}\n",
    "quote": 'time,value,label\n2024-01-01 00:00,1,"{0}\n',
    "one line": "{0}",
    "json": '{{"text": "{0}", "label": \n',
    "json keys": '{{"{0}": 1}}\n{{"{0}": 2}}\n',
    "json value": '{{"text": ["{0}"], "label": ["{0}"]}}\n',
    "columns": "a\tO\n{0}\n",
    "tabs": "a\tO\n{0}\tO\t{0}\tO\n",
}


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".conll", ".conllu", ".txt"])
@pytest.mark.parametrize("damage", DAMAGED)
def test_no_message_is_long(tmp_path, damage, ending):
    path = tmp_path / f"mine{ending}"
    path.write_text(DAMAGED[damage].format(LONG))
    told = {}
    for name, read in READERS.items():
        try:
            read(path)
        except InputError as error:
            told[name] = str(error)
    for name, message in told.items():
        assert len(message) < 1_000, name
        assert LONG[:200] not in message, name
        assert path.stem in message, name
    assert told, "no reader refused the file"


@settings(max_examples=MANY, deadline=None)
@given(st.one_of(st.text(max_size=300), st.binary(max_size=300), st.lists(st.text(max_size=50))))
def test_a_quotation_is_the_value_or_its_beginning(value):
    shown = quote(value)
    assert len(shown) <= 120
    assert shown == repr(value) or "..." in shown


def test_names_are_shortened_together():
    assert quote_all(["a", "b"]) == "'a', 'b'"
    assert len(quote_all([LONG] * 9)) < 400
    assert len(quote_all(map(str, range(10**5)))) < 200
    assert len(clip(LONG)) < 200
    assert suggest(LONG, [LONG]) == suggest("x", [LONG]) == ""


def test_checks_of_what_is_given_in_python_are_short_too():
    for call in (
        lambda: check_classes([LONG, LONG]),
        lambda: numbers([[LONG]], [LONG + "a", "b"], "test"),
        lambda: pairs([[LONG]], [["O", "O"]], "test"),
    ):
        with pytest.raises(InputError) as told:
            call()
        assert len(str(told.value)) < 700
