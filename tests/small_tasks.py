"""A small model of each kind of task, and a few examples for it, for tests of all tasks."""

import copy
import functools

from rnnkit import datasets, recipes

SMALL = {
    "bag_of_words_sentiment": {"ngrams": 1},
    "gru_sentiment": {"units": 3, "embedding": "random", "embedding_size": 4, "min_count": 1},
    "sequence_classifier": {"units": 3},
    "frame_labeller": {"units": 4},
    "name_tagger": {"units": 4, "embedding": "random", "embedding_size": 6, "character_units": 4},
    "forecaster": {"units": 4, "window": 48, "warm_up": 16},
    "next_word": {"units": 4, "embedding_size": 4},
    "translator": {
        "units": 6,
        "decoder_units": 6,
        "embedding_size": 6,
        "vocabulary_size": 320,
        "beam_size": 2,
        "max_target_length": 6,
    },
}

# What is the same code for all tasks is tested on these; on the others in the deep profile.
FEW = ("gru_sentiment", "name_tagger", "next_word")

LIMITS = {"forecaster": 200, "frame_labeller": 3}


def make(name, **more):
    """The task, not trained; `more` settings of its recipe."""
    return recipes.find(name)(**SMALL[name], **more)


def examples(name, limit=None, split="train"):
    """The arguments of `fit`: examples and, where they are not their own, targets."""
    return copy.deepcopy(_examples(name, limit or LIMITS.get(name, 16), split))


@functools.cache
def _examples(name, limit, split):
    data = getattr(datasets.load(recipes.sample_for(name), limit=limit), split)
    if name == "frame_labeller":  # the first steps of long recordings
        return [row[:40] for row in data.x], [row[:40] for row in data.y]
    return (data.x,) if make(name).self_supervised else (data.x, data.y)
