"""What `evaluate_examples` returns: the same measures, and of each example what they consist of."""

import numpy as np
import pytest
from small_tasks import SMALL, examples, make

from rnnkit.data.ngram_batches import TextRow
from rnnkit.study.kept_answers import measures, read_answers, write_answers
from rnnkit.tasks import NGramTextClassifier

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module", params=SMALL)
def measured(request):
    """A task, its test examples, what it measured on them, and what it kept."""
    name = request.param
    model = make(name, epochs=1)
    train = examples(name)
    model.fit(*train, verbose=0)
    test = examples(name, split="test")
    return model, test, *model.evaluate_examples(*test)


def test_the_measures_are_those_of_evaluate_and_of_the_sums(measured, tmp_path):
    model, test, found, kept = measured
    write_answers(tmp_path / "kept.npz", kept)
    told = measures(read_answers(tmp_path / "kept.npz"))
    assert told
    assert found == pytest.approx(model.evaluate(*test, return_dict=True, verbose=0), rel=1e-5)
    for name, measure in told.items():
        assert measure.value == pytest.approx(found[name], rel=1e-3, abs=1e-4), name


def test_lengths_are_those_of_the_whole_inputs(measured):
    model, (texts, *_), _, kept = measured
    if "truth" not in kept:
        pytest.skip("this task keeps no lengths")
    whole = model.split_texts(texts) if hasattr(model, "split_texts") else texts
    assert kept["lengths"].tolist() == [len(one) for one in whole]


def test_length_of_a_text_with_ngrams_is_that_of_its_tokens():
    row = TextRow(np.zeros(3, "int32"), np.zeros(9, "int32"))
    assert NGramTextClassifier.length_of(None, row) == 3
