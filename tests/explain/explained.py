"""Small models whose weights are large enough for answers to depend on the input."""

import functools

import numpy as np
import small_tasks

from rnnkit import recipes

WIDE = {"ngram_order": 2, "ngram_min_count": 1, "ngram_embedding_size": 3}
MORE = {
    "wide": ("gru_sentiment", WIDE),
    "bag_of_pairs": ("bag_of_words_sentiment", {"ngrams": 2, "weighting": "binary"}),
    "forecaster": ("forecaster", {"profile": None}),
    "forecasts": ("forecaster", {"horizon": (1, 3), "quantiles": (0.1, 0.5, 0.9)}),
    "frames_crf": ("frame_labeller", {"output": "crf"}),
}


@functools.cache
def model_of(name):
    """A model that is not trained, with random weights, and its training examples."""
    recipe, settings = MORE.get(name, (name, {}))
    model = recipes.find(recipe)(**{**small_tasks.SMALL[recipe], **settings})
    data = small_tasks.examples(recipe)
    model.fit(*data, epochs=0, verbose=0)
    rng = np.random.default_rng(0)
    for weight in model.network.trainable_weights:
        weight.assign(weight + rng.normal(scale=0.5, size=weight.shape).astype("float32"))
    return model, data[0]


def logit(probability):
    """Log-odds, in float64."""
    p = np.asarray(probability, "float64")
    return np.log(p) - np.log1p(-p)
