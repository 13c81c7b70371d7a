"""A model that was never fitted says so, whatever it is asked."""

from __future__ import annotations

import numpy as np
import pytest

from rnnkit import recipes
from rnnkit.errors import InputError

SERIES = np.zeros((4, 2), "float32")
EXAMPLES = {
    "texts": (["a b"], [1]),
    "tagged sentences": ([["Ann", "sings"]], [["B-PER", "O"]]),
    "running text": (["a b"], None),
    "pairs": (["a b"], ["c d"]),
    "labelled series": ([SERIES], [0]),
    "labelled frames": ([SERIES], [[0, 1, 1, 0]]),
    "series": ([SERIES], None),
}


@pytest.mark.parametrize(
    "name", [name for name in recipes.names() if recipes.kind_of(name) != "corpus"]
)
@pytest.mark.parametrize("verb", ["predict", "evaluate", "save"])
def test_a_model_that_was_never_fitted_says_so(verb, name, tmp_path):
    model = recipes.find(name)()
    x, y = EXAMPLES[recipes.kind_of(name)]
    asked = {
        "predict": (x,),
        "evaluate": (x,) if y is None else (x, y),
        "save": (tmp_path / "model.keras",),
    }
    with pytest.raises(InputError, match=r"is not trained yet.* Call fit first"):
        getattr(model, verb)(*asked[verb])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["keyed_vectors", "save"])
def test_word_vectors_say_so_too(verb, tmp_path):
    asked = (tmp_path / "model.keras",) if verb == "save" else ()
    with pytest.raises(InputError, match=r"is not trained yet.* Call fit first"):
        getattr(recipes.word_vectors(), verb)(*asked)
