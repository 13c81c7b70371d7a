"""Baseline of word vectors: gensim's word2vec with the settings of the run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rnnkit.data.splits import Dataset


def gensim_word2vec(dataset: Dataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Word2vec by gensim, with the method, loss, sizes, rates and seed of the run.

    The result has ``tokens_per_second``, too.

    Example:
        >>> gensim_word2vec(dataset, {"method": "cbow"})["test"]["analogies"]  # doctest: +SKIP
        0.43
    """
    from rnnkit.embeddings.model import make_word2vec  # brings Keras in

    options = {name: value for name, value in settings.items() if name != "recipe"}
    model = make_word2vec(**{"method": "skip-gram", **options, "trainer": "gensim"})
    begin = time.perf_counter()
    model.fit(dataset.train.x, verbose=0)
    seconds = time.perf_counter() - begin
    return {
        "test": dict(model.evaluate(return_dict=True, verbose=0)),
        "seconds": seconds,
        "tokens_per_second": (model.tokens_per_epoch or 0) * model.epochs_done / seconds,
        "parameters": int(model.count_params()),
    }
