"""`rnnkit predict` with `--out` and `--json`: what stands in the file is what `predict` returns.

The models are small ones that are kept in `tests/saved`.
"""

from __future__ import annotations

import csv
import functools
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from rnnkit import study, tasks

SAVED = Path(__file__).parents[1] / "saved"
FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")

pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.filterwarnings(
        "ignore:class in a saved file .* is now called:DeprecationWarning",
    ),
]

load = functools.cache(tasks.load)


@pytest.fixture(autouse=True)
def opened_once(monkeypatch):
    """Each model is read from its file once."""
    monkeypatch.setattr(study, "open_model", load)


def read(path):
    """The rows of a file in the types that its format has; lists of CSV are JSON."""
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        lines = path.read_text("utf-8").split("\n")[:-1]
        return [json.loads(line, parse_constant=pytest.fail) for line in lines]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


def typed(value):
    """A value that may be a cell of a CSV file: a list, a number or nothing where it is text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except ValueError:
        return value


def done(answer):
    assert answer.code == 0, answer.text
    return answer


TEXTS = [
    "a good film",
    'He said "no", twice',
    "two\nlines,\r\nas it were ",
    "映画 is fine 😀",
    "",
    "John Brown and Maria ask the company",
    "a long one, " * 300,
]
ROWS = [{"id": f"00{n}", "review": text, "who": "é, ü"} for n, text in enumerate(TEXTS)]


@pytest.fixture(params=[".csv", ".jsonl", ".parquet"])
def table(request, tmp_path):
    """The same table in each format."""
    path = tmp_path / f"reviews{request.param}"
    if request.param == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ROWS[0])
            writer.writeheader()
            writer.writerows(ROWS)
    elif request.param == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
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
@pytest.mark.parametrize("name", TEXT_MODELS)
def test_answers_stand_beside_the_rows_that_were_asked(name, table, rnnkit, tmp_path):
    expected = TEXT_MODELS[name](load(SAVED / f"{name}.keras"))
    for suffix in FORMATS:
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


# Series: a row for each, or for each of their steps.


def series_files(name, folder, times=False):
    paths = []
    for number, rows in enumerate(json.loads((SAVED / f"{name}.json").read_text("utf-8"))["x"]):
        lines = [",".join(map(str, row if isinstance(row, list) else [row])) for row in rows]
        if times:
            lines = [f"2020-01-01 {i // 60:02}:{i % 60:02},{row}" for i, row in enumerate(lines)]
        paths.append(folder / f"{number}.csv")
        paths[-1].write_text("\n".join(lines) + "\n")
    return paths[:3]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_label_for_each_series(rnnkit, tmp_path, suffix):
    paths = series_files("sound", tmp_path)
    out = tmp_path / f"answers{suffix}"
    done(rnnkit("predict", SAVED / "sound.keras", *paths, "--out", out))
    model = load(SAVED / "sound.keras")
    series = [np.loadtxt(path, delimiter=",", ndmin=2) for path in paths]
    expected = model.predict(series, verbose=0)
    found = read(out)
    assert [row["series"] for row in found] == [str(path) for path in paths]
    assert [row["prediction"] for row in found] == model.predict_labels(series)
    shares = [[float(row[f"probability_{name}"]) for name in model.classes] for row in found]
    assert shares == expected.astype("float64").tolist()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_label_for_each_step(rnnkit, tmp_path, suffix):
    paths = series_files("frames_crf", tmp_path, times=True)
    out = tmp_path / f"answers{suffix}"
    done(rnnkit("predict", SAVED / "frames_crf.keras", *paths, "--out", out))
    model, found = load(SAVED / "frames_crf.keras"), read(out)
    at = 0
    for path in paths:
        with path.open() as file:
            times, *columns = zip(*csv.reader(file), strict=True)
        values = np.array(columns, float).T
        rows, at = found[at : at + len(times)], at + len(times)
        assert [row["series"] for row in rows] == [str(path)] * len(times)
        assert [int(row["step"]) for row in rows] == list(range(len(times)))
        assert [row["time"] for row in rows] == list(times)
        own = [[float(row[f"column_{i}"]) for i in range(values.shape[1])] for row in rows]
        assert own == values.tolist()
        assert [row["prediction"] for row in rows] == model.predict_labels(values)
        shares = [[float(row[f"probability_{name}"]) for name in model.classes] for row in rows]
        assert shares == model.predict(values).astype("float64").tolist()
    assert at == len(found)


@pytest.fixture(scope="module")
def intervals():
    """A forecaster of two targets at two horizons, with an interval of 80 %."""
    from rnnkit.data.series import Series
    from rnnkit.recipes import forecaster

    times = np.datetime64("2024-01-01T00:00") + 60 * np.arange(60)
    values = np.stack([np.arange(60.0) % 24, np.arange(60.0) % 7], axis=1)
    series = Series(values, times, columns=("load", "temp"))
    small = {"units": 2, "epochs": 1, "context": 4, "window": 20, "warm_up": 4}
    model = forecaster(target=("load", "temp"), horizon=(1, 3), quantiles=(0.1, 0.5, 0.9), **small)
    model.fit([series], verbose=0)
    return model


@pytest.mark.parametrize("suffix", FORMATS)
def test_forecasts_with_intervals_beside_what_was_measured(
    rnnkit, tmp_path, suffix, intervals, monkeypatch
):
    monkeypatch.setattr(study, "open_model", lambda run: intervals)
    times = np.datetime64("2024-03-01T00:00") + 60 * np.arange(9)
    values = np.array([[i % 5, i] for i in range(9)], float)
    lines = [f"{str(t).replace('T', ' ')},{a},{b}" for t, (a, b) in zip(times, values, strict=True)]
    lines[2] = lines[2].rpartition(",")[0] + ","  # a missing measurement
    (tmp_path / "day.csv").write_text("\n".join(["when,load,temp", *lines]) + "\n")
    (tmp_path / "short.csv").write_text("\n".join(["when,load,temp", *lines[:2]]) + "\n")
    (tmp_path / "model.keras").write_bytes(b"")
    out = tmp_path / f"answers{suffix}"
    files = [tmp_path / "day.csv", tmp_path / "short.csv"]
    done(rnnkit("predict", tmp_path / "model.keras", *files, "--out", out))
    found = [{key: typed(value) for key, value in row.items()} for row in read(out)]
    assert len(found) == 11
    assert [row["load"] for row in found] == [*values[:, 0], *values[:2, 0]]
    assert [row["temp"] for row in found[:3]] == [0.0, 1.0, None]

    from rnnkit.data.series import Series

    values[2, 1] = np.nan
    expected = intervals.predict(Series(values, times, columns=("load", "temp")), verbose=0)
    for step, row in enumerate(found):
        assert row["step"] == (step if step < 9 else step - 9)
        for horizon in (1, 3):
            for target, name in enumerate(("load", "temp")):
                ends = [f"{start}_{name}_h{horizon}" for start in ("forecast", "quantile_0.1")]
                ends += [f"quantile_{q}_{name}_h{horizon}" for q in (0.5, 0.9)]
                got = [row[end] for end in ends]
                if 3 <= step < 9:
                    low, median, high = expected[step - 3, (1, 3).index(horizon), target]
                    assert got == [median, low, median, high]
                else:  # too few steps were read
                    assert got == [None] * 4
    last = found[8]
    assert last["time"] == "2024-03-01 08:00"
    assert last["forecast_time_h1"] == "2024-03-01 09:00"
    assert last["forecast_time_h3"] == "2024-03-01 11:00"


def test_a_forecast_without_quantiles_or_times(rnnkit, tmp_path):
    (path, *_) = series_files("forecaster", tmp_path, times=True)
    done(rnnkit("predict", SAVED / "forecaster.keras", path, "--out", tmp_path / "a.jsonl"))
    model, found = load(SAVED / "forecaster.keras"), read(tmp_path / "a.jsonl")
    series = study.series_reader(SAVED / "forecaster.keras", model)(str(path))[0][0]
    expected = model.predict(series, verbose=0)
    known = [row["forecast"] for row in found if row["forecast"] is not None]
    assert known == expected.tolist()
    assert all(row["forecast"] is None for row in found[: model.context - 1])
    assert len(found) == len(series)


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


def test_series_as_json_lines(rnnkit, tmp_path):
    path, *_ = series_files("frames_crf", tmp_path)
    answer = done(rnnkit("predict", SAVED / "frames_crf.keras", path, "--json"))
    found = [json.loads(line) for line in answer.lines]
    assert [row["step"] for row in found] == list(range(len(found)))
    assert [*found[0]][:3] == ["series", "step", "column_0"]


# What is refused: nothing is written.


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text("text,prediction\nfine,1\n")
    (tmp_path / "plain.csv").write_text("review,stars\nfine,1\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "heading.csv").write_text("text,label\n")
    (tmp_path / "none.jsonl").write_text('{"text": "fine"}\n{"text": null}\n')
    (tmp_path / "run").mkdir()
    (tmp_path / "notes.txt").write_text("no model\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


MODEL, SOUND = str(SAVED / "bilstm.keras"), str(SAVED / "sound.keras")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([MODEL, "plain.csv", "--text-column", "reviw", "--json"], "Did you mean 'review'?"),
        ([MODEL, "plain.csv", "--out", "a.csv"], "has no column 'text': it has 'review', 'stars'"),
        ([MODEL, "reviews.csv", "--out", "a.csv"], "column 'prediction', and so have the answers"),
        ([MODEL, "reviews.csv", "--json"], "a column 'prediction', and so have the answers"),
        ([MODEL, "x", "--out", "a.xls"], "--out is 'a.xls'; expected a name that ends in .csv,"),
        ([MODEL, "x", "--out", "a.jsnl"], "Did you mean '.jsonl'?"),
        ([MODEL, "plain.csv", "--out", "plain.csv"], "--out is 'plain.csv', which is the input"),
        ([MODEL, "--data", "plain.csv", "--out", "./run/../plain.csv"], "which is the input"),
        ([MODEL, "--file", "plain.csv", "--out", "plain.csv"], "which is the input"),
        ([MODEL, "--data", ".", "--out", "plain.csv"], "which is the input"),
        ([MODEL, "x", "--out", "run.csv/"], "--out is 'run.csv', which is a folder"),
        ([MODEL, "empty.csv", "--out", "a.csv"], "No text to predict"),
        ([MODEL, "heading.csv", "--out", "a.csv"], "No text to predict"),
        ([MODEL, "none.jsonl", "--out", "a.csv"], "none.jsonl, line 2: text"),
        ([MODEL, "revews.csv", "--out", "a.csv"], "Did you mean 'reviews.csv'?"),
        ([MODEL, "x", "--out", "a.csv", "--json"], "--json prints the answers: leave one"),
        ([MODEL, "x", "--prefix", "p_"], "--prefix is 'p_', and is for answers as a table"),
        ([MODEL, "x", "--json", "--stdin", "csv"], "no argument is -: add it"),
        ([MODEL, "-", "--json", "--stdin", "xml"], "--stdin is 'xml'; expected one of"),
        (["notes.txt", "x", "--out", "a.csv"], "notes.txt is no rnnkit model"),
        (["run", "x", "--json"], "run"),
        ([str(SAVED / "next_word.keras"), "x", "--out", "a.csv"], "rnnkit generate RUN"),
        ([str(SAVED / "cbow.keras"), "x", "--json"], "rnnkit neighbours RUN WORD"),
        ([SOUND, "plain.csv", "--text-column", "stars", "--json"], "reads series"),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_writes_nothing(folder, rnnkit, monkeypatch, args, message):
    if not args[0].endswith(".keras"):
        monkeypatch.undo()
        monkeypatch.chdir(folder)
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    if args[-1] == "run.csv/":
        (folder / "run.csv").mkdir()
        args = [*args[:-1], "run.csv"]
    answer = rnnkit("predict", *args, input="")
    assert answer.code == 2, answer.text
    assert message in answer.error, answer.error
    assert answer.lines == []
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_rows_before_a_bad_one_are_answered_in_a_stream(rnnkit):
    given = '{"text": "fine", "id": 1}\n{"text": 7}\n'
    args = ["predict", MODEL, "-", "--json", "--stdin", "jsonl"]
    answer = rnnkit(*args, input=given)
    assert answer.code == 2
    assert [json.loads(line)["id"] for line in answer.lines] == [1]
    assert "stdin, line 2: text" in answer.error


def test_an_older_file_stays_where_a_row_is_bad(folder, rnnkit):
    (folder / "a.csv").write_text("before")
    assert rnnkit("predict", MODEL, "none.jsonl", "--out", "a.csv").code == 2
    assert (folder / "a.csv").read_text() == "before"


def test_equal_probabilities_have_the_label_of_predict_labels():
    from rnnkit.tasks.answers import answer_classes, best_classes

    outputs = np.array([[0.5], [0.6], [0.4]])
    assert best_classes(outputs).tolist() == [0, 1, 0]

    class Model:
        classes = ("neg", "pos")

    lines = answer_classes(Model(), ["x"] * 3, outputs=outputs, notes=()).plain
    assert [line.split("\t")[0] for line in lines] == ["neg", "pos", "neg"]
