"""The table of inputs and tasks in the guide, cell by cell: fit, evaluate and predict."""

import re
from pathlib import Path

import datasets as hub
import keras
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from rnnkit import recipes, tasks
from rnnkit.data.series import Series
from rnnkit.errors import InputError

torch = pytest.importorskip("torch", reason="data sets of PyTorch are given to the tasks")

pytestmark = pytest.mark.one_backend

GUIDE = Path(__file__).parents[2] / "docs/guide/data.md"
HEADING = "| input |"
YES, NO, PREDICT = "yes", "no", "predict"
WAVE = np.round(np.sin(np.arange(80.0)).reshape(4, 20, 1), 3)
TEXTS = ["a good film", "a dull film", "good fun", "dull stuff"]
SMALL = {"units": 2, "embedding_size": 4, "epochs": 1}
# Task -> recipe, its settings, four examples and their targets.
TASKS = {
    "TextClassifier": ("gru_sentiment", SMALL, TEXTS, ["pos", "neg", "pos", "neg"]),
    "SequenceTagger": (
        "name_tagger",
        SMALL | {"character_units": 2},
        [["Ask", "John"], ["Go", "on"], ["See", "Ann"], ["Run"]],
        [["O", "B-PER"], ["O", "O"], ["O", "B-PER"], ["O"]],
    ),
    "Seq2Seq": (
        "translator",
        SMALL
        | {"decoder_units": 2, "vocabulary_size": 290, "beam_size": 1, "max_target_length": 4},
        TEXTS,
        ["ein guter Film", "ein fader Film", "guter Spass", "fades Zeug"],
    ),
    "LanguageModel": ("next_word", SMALL | {"min_count": 1}, TEXTS, None),
    "SequenceClassifier": ("sequence_classifier", {"units": 2}, list(WAVE), ["a", "b", "a", "b"]),
    "FrameLabeller": (
        "frame_labeller",
        {"units": 2},
        list(WAVE),
        [["up", "down"] * 10] * 4,
    ),
    "Forecaster": ("forecaster", {"units": 2, "context": 4, "horizon": 1}, list(WAVE), None),
}


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 2

    def __getitem__(self, i):
        rows = slice(2 * i, 2 * i + 2)
        return self.x[rows] if self.y is None else (self.x[rows], self.y[rows])


class Pairs(torch.utils.data.Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i] if self.y is None else (self.x[i], self.y[i])


def plain(rows):
    """Arrays as lists, for libraries that store lists."""
    return None if rows is None else [r.tolist() if hasattr(r, "tolist") else r for r in rows]


def array(rows):
    if rows is None or isinstance(rows[0], str):
        return None if rows is None else np.array(rows)
    if all(len(row) == len(rows[0]) for row in rows):
        return np.array(rows)
    found = np.empty(len(rows), object)
    found[:] = rows
    return found


def table(make):
    def build(task, x, y):
        form = getattr(tasks, task).form
        columns = {form.text_column: plain(x)}
        if y is not None:
            columns[form.label_column] = plain(y)
        return make(columns), None

    return build


def alone(make):
    return lambda task, x, y: (make(x, y), None)


def apart(make):
    return lambda task, x, y: (make(plain(x)), None if y is None else make(plain(y)))


def tensors(x, y):
    tf = pytest.importorskip("tensorflow")
    parts = [plain(part) for part in (x, y) if part is not None]
    types = [tf.float64 if np.array(part[0]).dtype.kind == "f" else None for part in parts]
    parts = [tf.ragged.constant(*part) for part in zip(parts, types, strict=True)]
    parts = [part.to_tensor() if len(part.shape) == 3 else part for part in parts]
    return tf.data.Dataset.from_tensor_slices(tuple(parts) if y is not None else parts[0])


def number_table(make):
    def build(task, x, y):
        del x
        label = {} if y is None else {"label": ["up", "down"] * 10}
        return make({"a": WAVE[0, :, 0].tolist(), **label}), None

    return build


INPUTS = {
    "list": lambda task, x, y: (x, y),
    "tuple": lambda task, x, y: (tuple(x), None if y is None else tuple(y)),
    "NumPy array": lambda task, x, y: (array(x), array(y)),
    "pandas Series": apart(pd.Series),
    "polars Series": apart(pl.Series),
    "pyarrow Array": apart(pa.array),
    "pandas DataFrame": table(pd.DataFrame),
    "polars DataFrame": table(pl.DataFrame),
    "pyarrow Table": table(pa.table),
    "Hugging Face Dataset": table(hub.Dataset.from_dict),
    "Hugging Face IterableDataset": table(
        lambda columns: hub.Dataset.from_dict(columns).to_iterable_dataset()
    ),
    "pandas DataFrame of numbers": number_table(pd.DataFrame),
    "polars DataFrame of numbers": number_table(pl.DataFrame),
    "pyarrow Table of numbers": number_table(pa.table),
    "generator": alone(lambda x, y: iter(x) if y is None else zip(x, y, strict=True)),
    "keras PyDataset": alone(Batches),
    "tf.data Dataset": alone(tensors),
    "torch Dataset": alone(Pairs),
    "torch DataLoader": alone(lambda x, y: torch.utils.data.DataLoader(Pairs(x, y), batch_size=2)),
    "torch DataLoader, collate_fn=list": alone(
        lambda x, y: torch.utils.data.DataLoader(
            Pairs(x, y), batch_size=1, collate_fn=lambda b: b[0]
        )
    ),
}


def cells():
    """The cells of the table in the guide."""
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(HEADING))
    names = [cell.strip(" `") for cell in lines[first].strip("|").split("|")]
    found = {}
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        name, *marks = (cell.strip(" `") for cell in line.strip("|").split("|"))
        found |= {(name, task): mark for task, mark in zip(names[1:], marks, strict=True)}
    return found


CELLS = cells()


def test_the_guide_has_every_input_and_every_task():
    assert {name for name, _ in CELLS} == {*INPUTS}
    assert {task for _, task in CELLS} == {*TASKS}
    assert set(CELLS.values()) <= {YES, NO, PREDICT}


class Watched:
    """An untrained model of a task with its network, and what its `check` is given."""

    def __init__(self, task):
        recipe, settings, *data = TASKS[task]
        self.task, self.model, self.expected = task, recipes.find(recipe)(**settings), {}
        self.model.fit(*data, epochs=0, verbose=0)
        assert type(self.model).__name__ == task
        check, self.seen = self.model.check, []

        def watched(x, y, name):
            found = check(x, y, name)
            self.seen.append(flat(found))
            return found

        self.model.check = watched

    def asked(self, make):
        """What each of the three methods makes of data that are made anew for it."""
        self.seen.clear()
        self.model.fit(*make(), epochs=0, verbose=0)
        measured = self.model.evaluate(*make(), verbose=0, batch_size=4)
        answers = flat(self.model.predict(make()[0], verbose=0, batch_size=4))
        return self.seen[0], measured, re.sub(r"\s", "", str(answers))

    def listed(self, one):
        """The same of lists; or of a single series."""
        if one not in self.expected:
            *_, x, y = TASKS[self.task]
            if one:
                x, y = Series(WAVE[0]), None if y is None else np.array(y[0])
            self.expected[one] = self.asked(lambda: (x, y))
        return self.expected[one]


@pytest.fixture(scope="module")
def models():
    return {task: Watched(task) for task in TASKS}


def flat(value):
    value = getattr(value, "values", value)
    value = value.tolist() if hasattr(value, "tolist") else value
    return [flat(one) for one in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", INPUTS)
def test_each_cell_is_as_the_guide_says(models, name, task):
    watched, model = models[task], models[task].model
    *_, x, y = TASKS[task]

    def make():
        return INPUTS[name](task, x, y)

    if CELLS[name, task] != YES:
        for method in (model.fit, model.evaluate):
            with pytest.raises(InputError):
                method(*make(), verbose=0)
        if CELLS[name, task] == NO:
            with pytest.raises(InputError):
                model.predict(make()[0], verbose=0)
            return
        expected = model.predict([WAVE[0]], verbose=0)
        np.testing.assert_allclose(model.predict(make()[0], verbose=0), expected, rtol=1e-5)
        return
    expected, found = watched.listed(name.endswith("of numbers")), watched.asked(make)
    assert found[0] == expected[0]
    assert found[1] == pytest.approx(expected[1], rel=1e-5)
    assert found[2] == expected[2]
