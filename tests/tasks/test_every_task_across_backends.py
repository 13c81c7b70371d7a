"""A file of each task that PyTorch wrote, on the others: the same answers.

`test_across_backends.py` asks the classifier of texts and the forecaster more, in all directions.
"""

import numpy as np
import pytest
from deep import mostly_deep
from small_tasks import make

import rnnkit.backend
from rnnkit import datasets, recipes

pytestmark = pytest.mark.skipif(
    rnnkit.backend.name != "torch", reason="written on PyTorch, which compiles nothing"
)
OTHERS = sorted(set(rnnkit.backend.installed()) - {"torch"})
RECIPES = [
    "bag_of_words_sentiment",
    "name_tagger",
    "translator",
    "frame_labeller",
    "sequence_classifier",
]
CHILD = """
import json, sys
import numpy as np
from rnnkit import datasets, tasks
answers = {}
for name, (path, data) in json.loads(sys.argv[1]).items():
    split = datasets.load(data, limit=6).test
    model = tasks.load(path)
    answers[name] = model.evaluate(split.x, split.y, return_dict=True, verbose=0)
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Each recipe's file, its data, and what it measures here."""
    folder = tmp_path_factory.mktemp("models")
    files, measured = {}, {}
    for name in RECIPES:
        data = recipes.sample_for(name)
        sample = datasets.load(data, limit=24)
        model = make(name, epochs=1)
        model.fit(sample.train.x, sample.train.y, verbose=0)
        files[name] = (str(folder / f"{name}.keras"), data)
        model.save(files[name][0])
        split = datasets.load(data, limit=6).test
        measured[name] = model.evaluate(split.x, split.y, return_dict=True, verbose=0)
    return files, measured


@pytest.mark.parametrize("other", mostly_deep(OTHERS, *OTHERS[:1]))
def test_every_task_measures_the_same_on_another_backend(written, other, other_backend):
    files, measured = written
    there = other_backend(CHILD, files, backend=other)
    for name, here in measured.items():
        assert np.isfinite(list(here.values())).all()
        assert there[name] == pytest.approx(here, rel=1e-4, abs=1e-5), name
