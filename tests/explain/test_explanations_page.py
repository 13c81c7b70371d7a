"""The guide's table of tasks and their explanations, cell by cell."""

import re
from pathlib import Path

import numpy as np
import pytest
from explained import model_of

from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "explanations.md"
SENTENCE = [["Ellen", "saw", "Paris"]]
# A row of the table, by its first words -> a model, its example and more arguments.
ROWS = {
    "classifier of texts": ("gru_sentiment", "so good a film", {}),
    "the same with n-grams": ("wide", "so good a film", {}),
    "bag of words": ("bag_of_words_sentiment", "so good a film", {}),
    "classifier of series": ("sequence_classifier", None, {}),
    "frame labeller": ("frame_labeller", None, {}),
    "tagger": ("name_tagger", SENTENCE, {}),
    "language model": ("next_word", "the film was", {}),
    "forecaster": ("forecaster", None, {"at": 20}),
    "classifier of waveforms": ("waveforms", None, {}),
    "translation and summaries": ("translator", "ein Hund", {}),
    "word vectors": (None, None, {}),
    "hidden Markov models": (None, None, {}),
}
COLUMNS = ("attributions", "occlusion", "connectivity")


def table():
    """First words of each row -> what its three last cells say."""
    text = GUIDE.read_text(encoding="utf-8").partition("## What can be explained")[2]
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 7 and cells[-1] in ("yes", "no"):
            found[re.split(r"[,(]", cells[0])[0].strip()] = cells[-3:]
    return found


def sound():
    """A classifier of waveforms, not trained."""
    from rnnkit.recipes import sequence_classifier

    model = sequence_classifier(units=2, features="log-mel", sample_rate=8000)
    x = [np.random.default_rng(i).normal(size=(900, 1)) for i in range(4)]
    model.fit(x, ["a", "b"] * 2, epochs=0, verbose=0)
    return model, x


def test_the_table_has_a_row_for_each_of_these():
    assert set(table()) == set(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_what_explain_does(row):
    name, x, options = ROWS[row]
    said = dict(zip(COLUMNS, table()[row], strict=True))
    if name is None:
        from rnnkit.embeddings import SkipGram
        from rnnkit.hmm import GaussianHMM
        from rnnkit.tasks import Ensemble

        assert not any(hasattr(cls, "explain") for cls in (SkipGram, GaussianHMM, Ensemble))
        assert set(said.values()) == {"no"}
        return
    model, examples = sound() if name == "waveforms" else model_of(name)
    x = examples[0] if x is None else x
    if said["attributions"] == "no":
        assert set(said.values()) == {"no"}
        with pytest.raises(InputError, match="no explanation"):
            model.explain(x, **options)
        return
    found = model.explain(x, connectivity=True, **options)
    count = len(found.words)
    assert count
    beside = any("without n-grams" in note for note in found.notes)  # what connectivity leaves out
    assert beside == ("n-grams" in found.parts and len(found.parts) > 1)
    for column, value in (
        ("attributions", found.attributions),
        ("occlusion", found.occlusion),
        ("connectivity", found.connectivity.norms.max(axis=0)),
    ):
        assert said[column] == "yes"
        assert value.shape == (count,)
        assert np.isfinite(value).all()
        assert np.abs(value).max() > 0
