"""What fit, evaluate and predict take gives the same examples as plain lists."""

import datasets as hub
import keras
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from rnnkit.data.frames import InputForm
from rnnkit.data.inputs import read_examples
from rnnkit.errors import InputError
from rnnkit.recipes import lstm_sentiment
from rnnkit.tasks import Forecaster, FrameLabeller, Seq2Seq, SequenceTagger

torch_data = pytest.importorskip("torch.utils.data", reason="its DataLoader is one of the inputs")

X = ["good film", "bad one", "fine thing", "dull stuff"] * 4
Y = ["pos", "neg"] * 8
COLUMNS = {"text": X, "label": Y}
NAMED = {"text": hub.Value("string"), "label": hub.ClassLabel(names=["pos", "neg"])}
HUB = hub.Dataset.from_dict({"text": X, "label": [0, 1] * 8}, features=hub.Features(NAMED))
LABELS = InputForm(label_depth=0)


def read(x, y=None, *, form=LABELS, **options):
    return read_examples(x, y, form=form, name="The training set", **options)


ALONE = {
    "pandas": lambda: pd.DataFrame(COLUMNS, index=range(16, 0, -1)),
    "categories": lambda: pd.DataFrame(COLUMNS).astype({"label": "category"}),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "lazy": lambda: pl.LazyFrame(COLUMNS),
    "pyarrow": lambda: pa.table(COLUMNS),
    "hub": lambda: HUB,
    "hub splits": lambda: hub.DatasetDict(train=HUB),
    "hub stream": HUB.to_iterable_dataset,
    "generator": lambda: (pair for pair in zip(X, Y, strict=True)),
    "batches": lambda: iter([(X[:5], Y[:5]), (X[5:], Y[5:])]),
    "bytes": lambda: iter([(np.array(X), [y.encode() for y in Y])]),
    "frames": lambda: iter([pd.DataFrame(COLUMNS)[:7], pd.DataFrame(COLUMNS)[7:]]),
    "loader": lambda: torch_data.DataLoader(list(zip(X, Y, strict=True)), batch_size=3),
}
APART = {
    "tuples": (tuple(X), tuple(Y)),
    "arrays": (np.array(X), np.array(Y)),
    "pandas": (pd.Series(X, index=range(16, 0, -1)), pd.Series(Y)),
    "polars": (pl.Series(X), pl.Series(Y)),
    "pyarrow": (pa.array(X), pa.chunked_array([Y])),
    "hub": (HUB["text"], HUB["label"]),
    "name": (pd.DataFrame(COLUMNS), "label"),
}


@pytest.mark.parametrize("kind", ALONE)
def test_tables_and_streams_are_their_lists(kind):
    found = read(ALONE[kind]())
    assert (list(found.x), list(found.y)) == (X, Y)
    assert found.classes == (("pos", "neg") if kind.startswith("hub") else None)


@pytest.mark.parametrize("kind", APART)
def test_columns_are_their_lists(kind):
    found = read(*APART[kind])
    assert (list(found.x), list(found.y)) == (X, Y)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:2], ["1", 1], "y holds texts and numbers: .* is '1', .* is 1"),
        (X[:2], [[0, 1], [1]], r"y\[0\] holds 2 labels"),
        (X[:2], ["a", None], r"y\[1\] is None, a missing label"),
        (X[:2], pd.Series([1.0, np.nan]), r"y\[1\] is nan"),
        (X[:1], [b"\xe9"], "not UTF-8"),
        (pd.DataFrame({"text": X, "lable": Y}), None, "Did you mean 'lable'"),
        (pd.DataFrame({"a": X, "b": X, "label": Y}), None, "no column 'text'"),
        (pd.DataFrame({"text": [None], "label": [1]}), None, "has no text in row 0"),
        (iter([]), None, "has no element"),
        (iter(X), Y, "y was given beside a list_iterator"),
        (COLUMNS, None, "is a dict with 'text', 'label'"),
        (iter([(["a", "b"], [1])]), None, "2 examples and 1 targets"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(x, y, message):
    with pytest.raises(InputError, match=message):
        read(x, y)


NESTED = hub.Dataset.from_dict({"translation": [{"de": "ja", "en": "yes"}], "label": ["a"]})


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (NESTED, {"text_column": "translation.de"}, r"'translation' holds records.*x\.flatten"),
        (NESTED, {"text_column": "translation"}, "row 0 is a record with 'de', 'en'"),
        (X[:2], {"y": [["a", "b"], ["a"]]}, r"y\[0\] holds 2 labels"),
        (X[:2], {"y": pd.Series([["a", "b"], []])}, r"y\[0\] holds 2 labels"),
        (X[:2], {"y": [[], ["a"]]}, r"y\[0\] holds 0 labels"),
        (iter([("a", ["x", "y"])]), {}, r"y\[0\] holds 2 labels"),
        (iter([("a", "1"), ("b", 1)]), {}, r"y\[0\] is '1', y\[1\] is 1"),
        (pd.DataFrame({"text": X[:2], "label": ["1", 1]}), {}, "holds texts and numbers"),
    ],
)
def test_labels_and_columns_that_do_not_fit_are_refused_by_name(data, options, message):
    with pytest.raises(InputError, match=message):
        read(data, **options)


def test_lists_that_torch_transposes_are_refused():
    pairs = [(["Ask", "John"], ["O", "B-PER"]), (["Go", "on"], ["O", "O"])]
    loader = torch_data.DataLoader(pairs, batch_size=2)
    with pytest.raises(InputError, match="which transposes lists"):
        read(loader, form=SequenceTagger.form)
    references = [("ja", ["yes", "yeah"]), ("nein", ["no", "nope"])]
    with pytest.raises(InputError, match="which transposes lists"):
        read(torch_data.DataLoader(references, batch_size=2), form=Seq2Seq.form)
    whole = torch_data.DataLoader(
        pairs, batch_size=2, collate_fn=lambda rows: tuple(zip(*rows, strict=True))
    )
    found = read(whole, form=SequenceTagger.form)
    assert (found.x, found.y) == ([row[0] for row in pairs], [row[1] for row in pairs])


def test_weights_of_validation_tables_and_streams():
    """They come with a stream, or from the column of that name."""
    model = lstm_sentiment(units=2, embedding_size=2)
    triples = list(zip(X, Y, [0.0] * 8 + [1.0] * 8, strict=True))
    late = model.fit(X, Y, validation_data=iter(triples), epochs=1, verbose=0, shuffle=False)
    expected = model.evaluate(X, Y, sample_weight=[t[2] for t in triples], verbose=0)
    assert late.history["val_loss"][0] == pytest.approx(expected[0], rel=1e-5)
    frame = pd.DataFrame({**COLUMNS, "weight": 1.0})
    frame["weight"] = [t[2] for t in triples]
    for data in (frame, (frame, None), (frame, None, "weight")):
        history = model.fit(
            frame, sample_weight="weight", validation_data=data, epochs=1, verbose=0
        ).history
        expected = model.evaluate(frame, sample_weight="weight", verbose=0)
        assert history["val_loss"][0] == pytest.approx(expected[0], rel=1e-5)
    lacking = frame.drop(columns="weight")
    with pytest.raises(InputError, match="no column 'weight' for the weights"):
        model.fit(frame, sample_weight="weight", validation_data=lacking, epochs=0, verbose=0)
    numbers = pd.DataFrame({"a": [1.0, 2.0], "w": [1.0, 2.0]})
    with pytest.raises(InputError, match="the weights of one series are not read"):
        read(numbers, form=Forecaster.form, sample_weight="w")


def test_a_stream_is_read_as_far_as_told_and_refused_when_it_ends_early():
    endless = ((["a"], [i]) for i in iter(int, 1))
    assert read(endless, steps=3).x == ["a"] * 3
    with pytest.raises(InputError, match=r"steps_per_epoch is 5, .* ended after 1 element"):
        read(iter([(["a"], [1])]), steps=5)
    with pytest.raises(InputError, match="not a stream"):
        read(X, Y, steps=5)


@pytest.mark.parametrize("later", [(["b"],), (["b"], [1], [0.5])])
def test_elements_of_a_stream_have_the_same_parts(later):
    with pytest.raises(InputError, match="Element 1 of the list_iterator has other parts than the"):
        read(iter([(["a"], [1]), later]))


def test_tags_of_hugging_face_are_names():
    words = [["Ask", "John"], ["Go"]]
    tags = hub.Sequence(hub.ClassLabel(names=["O", "B-PER"]))
    features = hub.Features({"tokens": hub.Sequence(hub.Value("string")), "ner_tags": tags})
    one = hub.Dataset.from_dict({"tokens": words, "ner_tags": [[0, 1], [0]]}, features=features)
    found = read(one, form=SequenceTagger.form, label_column="ner_tags")
    assert (found.x, found.y) == (words, [["O", "B-PER"], ["O"]])
    with pytest.raises(InputError, match="no column 'tags'"):
        read(one, form=SequenceTagger.form)


def test_pairs_have_columns_of_their_own():
    found = read(pl.DataFrame({"source": ["ja"], "target": ["yes"]}), form=Seq2Seq.form)
    assert (found.x, found.y) == (["ja"], ["yes"])


def test_a_frame_of_numbers_is_one_series():
    hours = pd.date_range("2024-01-01", periods=6, freq="h")
    frame = pd.DataFrame({"a": [1.0, 2, np.nan, 4, 5, 6], "b": range(6)}, index=hours)
    series = read(frame, form=Forecaster.form).x
    np.testing.assert_array_equal(series.values, frame.to_numpy("float32"))
    np.testing.assert_array_equal(series.times, hours.to_numpy().astype("datetime64[m]"))
    with pytest.raises(InputError, match="not at equal distances"):
        read(frame.drop(index=hours[2]), form=Forecaster.form)
    steps = read(pl.DataFrame({"a": [1.0, 2.0], "label": [0, 1]}), form=FrameLabeller.form)
    assert steps.x.values.shape == (2, 1)
    np.testing.assert_array_equal(steps.y, [0, 1])
    assert len(read(np.zeros((3, 5, 2)), form=Forecaster.form).x) == 3


def test_fit_evaluate_and_predict_agree_with_lists():
    def run(*data, **options):
        keras.utils.set_random_seed(0)
        model = lstm_sentiment()
        return model, model.fit(*data, epochs=1, verbose=0, **options).history["loss"]

    model, loss = run(X, Y)
    frame, named = pd.DataFrame({"review": X, "label": Y}), {"text_column": "review"}
    assert run(frame, validation_data=frame, **named)[1] == loss
    assert run(HUB)[0].classes == ("pos", "neg")  # the order of the numbers survives
    assert model.evaluate(frame, verbose=0, **named) == model.evaluate(X, Y, verbose=0)
    outputs = model.predict(frame, verbose=0, **named)
    np.testing.assert_array_equal(outputs, model.predict(X, verbose=0))
