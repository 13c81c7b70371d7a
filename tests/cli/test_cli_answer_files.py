"""`rnnkit predict` of texts with `--out` and `--json`: the answers are what `predict` returns.

The models are small ones that are kept in `tests/saved`.
"""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written_answers import FORMATS, SAVED, done, load, read, typed

pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.usefixtures("opened_once"),
    pytest.mark.filterwarnings(
        "ignore:class in a saved file .* is now called:DeprecationWarning",
    ),
]

TEXTS = [
    "a good film",
    'He said "no", twice',
    "two\nlines,\r\nas it were ",
    "映画 is fine 😀",
    "",
    "John Brown and Maria ask the company",
    "a long one, " * 8,
]
ROWS = [{"id": f"00{n}", "review": text, "who": "é, ü"} for n, text in enumerate(TEXTS)]


def write(path, rows=ROWS):
    """Write the same table in each format."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def classes_of(model):
    """What the columns of a classifier hold, from `predict` and `predict_labels` alone."""
    outputs = model.predict(TEXTS, verbose=0).astype("float64")
    if outputs.shape[1] == 1:
        outputs = np.hstack([1 - outputs, outputs])
    names = [f"probability_{name}" for name in model.classes]
    rows = [dict(zip(names, row, strict=True)) for row in outputs.tolist()]
    labels = model.predict_labels(TEXTS)
    return [{"prediction": label, **row} for label, row in zip(labels, rows, strict=True)]


def spans_of(model):
    return [{"spans": [s._asdict() for s in found]} for found in model.predict_spans(TEXTS)]


def tags_of(model):
    return [{"tags": tags} for tags in model.predict(TEXTS)]


def outputs_of(model):
    return [{"output": text or None} for text in model.predict(TEXTS)]


TEXT_MODELS = {
    "bilstm": classes_of,
    "bag_of_words": classes_of,
    "name_tagger": spans_of,
    "pos_tagger": tags_of,
    "translator": outputs_of,
}


@pytest.mark.filterwarnings("ignore:.* know:rnnkit.errors.UnknownWordsWarning")
@pytest.mark.parametrize(
    ("name", "table", "formats"),
    [
        ("bilstm", "reviews.csv", FORMATS),
        ("name_tagger", "reviews.csv", (".csv", ".jsonl", ".parquet")),
        ("pos_tagger", "reviews.csv", (".csv", ".parquet")),
        ("translator", "reviews.csv", (".csv",)),  # it is slow, and texts are as above
    ],
)
def test_answers_stand_beside_the_rows_that_were_asked(name, table, formats, rnnkit, tmp_path):
    table = write(tmp_path / table)
    expected = TEXT_MODELS[name](load(SAVED / f"{name}.keras"))
    for suffix in formats:
        out = tmp_path / f"answers{suffix}"
        args = ["predict", SAVED / f"{name}.keras", table, "--text-column", "review"]
        answer = done(rnnkit(*args, "--out", out))
        assert answer.lines == []
        assert f"7 rows in {out}" in answer.error
        found = read(out)
        assert [{key: row[key] for key in ROWS[0]} for row in found] == ROWS
        answers = [{key: typed(row[key]) for key in expected[0]} for row in found]
        if name == "translator":  # a text that looks like a number stays text
            answers = [{"output": row["output"] or None} for row in found]
        assert answers == expected


CELLS = st.text(st.sampled_from('good film,"\t\r\n ;é映😀\u2028='), max_size=12)


@pytest.mark.filterwarnings("ignore:.* know:rnnkit.errors.UnknownWordsWarning")
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5),
    st.sampled_from([".csv", ".jsonl", ".parquet"]),
    st.sampled_from(FORMATS),
)
def test_any_table_keeps_rows_and_order_and_gets_the_answers(rnnkit, tmp_path, pairs, ending, out):
    rows = [{"own, too": own, "text": text} for own, text in pairs]
    table, path = write(tmp_path / f"in{ending}", rows), tmp_path / f"out{out}"
    done(rnnkit("predict", SAVED / "bag_of_words.keras", table, "--out", path))
    model, texts = load(SAVED / "bag_of_words.keras"), [text for _, text in pairs]
    found = read(path)
    assert [(row["own, too"], row["text"]) for row in found] == pairs
    assert [row["prediction"] for row in found] == model.predict_labels(texts)
    outputs = model.predict(texts, verbose=0).astype("float64")[:, 0].tolist()
    assert [float(row["probability_pos"]) for row in found] == outputs


# Other sources of texts, and names.


def test_texts_lines_and_tables_in_their_order(rnnkit, tmp_path):
    (tmp_path / "lines.txt").write_text("good\n\nbad\n")
    (tmp_path / "table.csv").write_text("n,text\n1,fine\n")
    args = [SAVED / "bilstm.keras", "so so", tmp_path / "table.csv", "-"]
    args += ["--file", tmp_path / "lines.txt", "--prefix", "p_", "--out", tmp_path / "a.csv"]
    done(rnnkit("predict", *args, input="from stdin\n"))
    found = read(tmp_path / "a.csv")
    assert [row["text"] for row in found] == ["so so", "fine", "from stdin", "good", "", "bad"]
    assert [row["n"] for row in found] == ["", "1", "", "", "", ""]
    assert [*found[0]] == ["text", "n", "p_prediction", "p_probability_neg", "p_probability_pos"]


def test_a_million_words_are_one_row(rnnkit, tmp_path):
    long = "good film " * 500_000
    (tmp_path / "long.jsonl").write_text(json.dumps({"text": long}) + "\n")
    args = ["predict", SAVED / "bilstm.keras", tmp_path / "long.jsonl", "--out"]
    done(rnnkit(*args, tmp_path / "a.jsonl"))
    (row,) = read(tmp_path / "a.jsonl")
    assert row["text"] == long
    model = load(SAVED / "bilstm.keras")
    assert row["probability_pos"] == float(model.predict([long], verbose=0)[0, 0])


@pytest.mark.parametrize("stdin", ["lines", "csv", "tsv", "jsonl"])
def test_stdin_as_json_lines_with_its_own_columns(rnnkit, stdin):
    rows = [
        {"id": str(i), "text": text}
        for i, text in enumerate(TEXTS[:4] if stdin != "lines" else TEXTS[:2])
    ]
    if stdin == "lines":
        given = "".join(row["text"] + "\n" for row in rows)
    elif stdin == "jsonl":
        given = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        from rnnkit.data.table_writing import csv_cell

        between = "," if stdin == "csv" else "\t"
        cells = [["id", "text"], *([*row.values()] for row in rows)]
        given = "".join(between.join(csv_cell(c, between) for c in row) + "\n" for row in cells)
    args = ["predict", SAVED / "bilstm.keras", "-", "--json", "--stdin", stdin]
    answer = done(rnnkit(*args, input=given.encode()))
    found = [json.loads(line) for line in answer.lines]
    assert [row["text"] for row in found] == [row["text"] for row in rows]
    if stdin != "lines":
        assert [row["id"] for row in found] == [row["id"] for row in rows]
    expected = load(SAVED / "bilstm.keras").predict([row["text"] for row in rows], verbose=0)
    got = [[row["probability_pos"]] for row in found]
    np.testing.assert_allclose(got, expected, rtol=1e-5)
