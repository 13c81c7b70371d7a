"""What `rnnkit predict` prints for each kind of model: lines for programs, tables for people.

The models are small ones that are kept in `tests/saved`, beside what they answer.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SAVED = Path(__file__).parents[1] / "saved"

pytestmark = pytest.mark.filterwarnings(
    "ignore:class in a saved file .* is now called:DeprecationWarning"
)


def answers_of(name):
    return {
        key: asked["answer"]
        for key, asked in json.loads((SAVED / f"{name}.json").read_text("utf-8"))["answers"].items()
    }


def inputs_of(name):
    return json.loads((SAVED / f"{name}.json").read_text("utf-8"))["x"]


def lines_of(answer):
    assert answer.code == 0, answer.text
    return [line.split("\t") for line in answer.lines]


def table_of(answer):
    """The cells of each row of a table, its heading first."""
    assert answer.code == 0, answer.text
    rows = [line for line in answer.lines if line.startswith(("┃", "│"))]
    return [[cell.strip() for cell in row.replace("┃", "│").split("│")[1:-1]] for row in rows]


def write_csv(path, rows, times=None):
    lines = [",".join(map(str, row if isinstance(row, list) else [row])) for row in rows]
    if times:
        lines = [f"{time},{line}" for time, line in zip(times, lines, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


# Texts with a label.


def expected_labels(name):
    """Two classes: the network gives the probability of the second."""
    found = answers_of(name)
    shares = [p if label == "pos" else 1 - p for (p,), label in zip(*found.values(), strict=True)]
    return [[label, f"{share:.4f}"] for label, share in zip(found["labels"], shares, strict=True)]


def test_texts_get_their_label_and_its_probability(rnnkit):
    texts = inputs_of("bilstm")
    cells = lines_of(rnnkit("predict", SAVED / "bilstm.keras", *texts))
    assert [cell[:2] for cell in cells] == expected_labels("bilstm")
    assert [cell[2] for cell in cells] == texts
    assert {cell[0] for cell in cells} == {"neg", "pos"}


def test_texts_in_a_terminal(rnnkit, terminal):
    text = inputs_of("bilstm")[0]
    heading, row = table_of(rnnkit("predict", SAVED / "bilstm.keras", text))
    assert heading == ["label", "probability", "text"]
    assert row == [*expected_labels("bilstm")[0], text]


# Series with a label.


def test_series_get_the_likeliest_of_several_classes(rnnkit, tmp_path):
    found = answers_of("sound")
    paths = [
        write_csv(tmp_path / f"{number}.csv", wave)
        for number, wave in enumerate(inputs_of("sound"))
    ]
    cells = lines_of(rnnkit("predict", SAVED / "sound.keras", *paths))
    shares = [f"{max(row):.4f}" for row in found["predict"]]
    wanted = zip(found["labels"], shares, map(str, paths), strict=True)
    assert [tuple(cell) for cell in cells] == list(wanted)


# Series with a label a step.


def expected_steps(name, number):
    """Label and probability of each step; the labels of a CRF need not be the likeliest ones."""
    found, classes = answers_of(name), ("hold", "move", "rest")
    return [
        [label, f"{row[classes.index(label)]:.4f}"]
        for label, row in zip(found["labels"][number], found["predict"][number], strict=True)
    ]


def test_steps_are_numbered_or_have_their_time(rnnkit, tmp_path):
    one, two = inputs_of("frames_crf")[:2]
    times = [f"2020-01-01 00:{minute:02}" for minute in range(len(two))]
    paths = [write_csv(tmp_path / "plain.csv", one), write_csv(tmp_path / "timed.csv", two, times)]
    cells = lines_of(rnnkit("predict", SAVED / "frames_crf.keras", *paths))
    assert [cell[1:3] for cell in cells] == [
        *expected_steps("frames_crf", 0),
        *expected_steps("frames_crf", 1),
    ]
    assert [cell[0] for cell in cells] == [*map(str, range(len(one))), *times]
    assert [cell[3] for cell in cells] == [str(paths[0])] * len(one) + [str(paths[1])] * len(two)


def test_steps_in_a_terminal(rnnkit, terminal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "plain.csv", inputs_of("frames_crf")[0])
    heading, *rows = table_of(rnnkit("predict", SAVED / "frames_crf.keras", "plain.csv"))
    assert heading == ["when", "label", "probability", "series"]
    assert [row[1:3] for row in rows] == expected_steps("frames_crf", 0)


def test_a_file_of_words_is_no_series(rnnkit, tmp_path):
    (tmp_path / "words.csv").write_text("a,b\nc,d\n")
    answer = rnnkit("predict", SAVED / "frames_crf.keras", tmp_path / "words.csv")
    assert answer.code == 2
    assert "words.csv, line 2, column 1: 'c' is not a number" in answer.text


# Sentences.

TEXTS = ["He lives here", "John\nBrown and Maria ask the company"]
SPANS = [
    ["1", "-", "-", "-", "-"],
    ["2", "John Brown", "PER", "0", "10"],
    ["2", "Maria", "PER", "15", "20"],
]


def test_spans_with_the_number_of_their_text(rnnkit):
    assert lines_of(rnnkit("predict", SAVED / "name_tagger.keras", *TEXTS)) == SPANS


def test_spans_in_a_terminal(rnnkit, terminal):
    heading, *rows = table_of(rnnkit("predict", SAVED / "name_tagger.keras", *TEXTS))
    assert heading == ["text", "name", "type", "from", "to"]
    assert rows == SPANS


def test_words_with_their_tags_as_conll(rnnkit):
    answer = rnnkit("predict", SAVED / "pos_tagger.keras", "Maria lives in Rome", "He lives here")
    tags = answers_of("pos_tagger")["predict"]
    assert lines_of(answer) == [
        *map(list, zip(["Maria", "lives", "in", "Rome"], tags[1], strict=True)),
        [""],
        *map(list, zip(["He", "lives", "here"], tags[5], strict=True)),
        [""],
    ]


def test_words_in_a_terminal(rnnkit, terminal):
    heading, row = table_of(rnnkit("predict", SAVED / "pos_tagger.keras", "Maria lives in Rome"))
    tags = answers_of("pos_tagger")["predict"][1]
    words = zip(["Maria", "lives", "in", "Rome"], tags, strict=True)
    assert heading == ["text", "words and tags"]
    assert row == ["1", " ".join("/".join(pair) for pair in words)]
