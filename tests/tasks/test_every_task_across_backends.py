"""A file of each task that PyTorch wrote, on the others: the same answers.

`test_across_backends.py` asks the classifier of texts and the forecaster more, in all directions.
"""

import numpy as np
import pytest

import rnnkit.backend
from rnnkit import datasets, recipes

pytestmark = pytest.mark.skipif(
    rnnkit.backend.name != "torch", reason="written on PyTorch, which compiles nothing"
)
OTHERS = sorted(set(rnnkit.backend.installed()) - {"torch"})
RECIPES = {
    "bag_of_words_sentiment": {"ngrams": 1},
    "name_tagger": {"units": 4, "embedding_size": 6, "character_units": 4},
    "translator": {
        "units": 6,
        "decoder_units": 6,
        "embedding_size": 6,
        "vocabulary_size": 320,
        "beam_size": 2,
        "max_target_length": 6,
    },
    "frame_labeller": {"units": 4},
    "sequence_classifier": {"units": 4},
}
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
    for name, settings in RECIPES.items():
        data = recipes.sample_for(name)
        sample = datasets.load(data, limit=24)
        model = recipes.find(name)(**settings, epochs=1)
        model.fit(sample.train.x, sample.train.y, verbose=0)
        files[name] = (str(folder / f"{name}.keras"), data)
        model.save(files[name][0])
        split = datasets.load(data, limit=6).test
        measured[name] = model.evaluate(split.x, split.y, return_dict=True, verbose=0)
    return files, measured


@pytest.mark.parametrize("other", OTHERS)
def test_every_task_measures_the_same_on_another_backend(written, other, other_backend):
    files, measured = written
    there = other_backend(CHILD, files, backend=other)
    for name, here in measured.items():
        assert np.isfinite(list(here.values())).all()
        assert there[name] == pytest.approx(here, rel=1e-4, abs=1e-5), name
