"""Explanation of a text's class by a bag of words: the distinct words and n-grams of the text."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit.backend import native
from rnnkit.explain.question import Question, check_length
from rnnkit.tasks.explaining.features import Feature, add_features, largest, unknown_note
from rnnkit.tasks.explaining.sources import Sources, blinded
from rnnkit.tasks.explaining.texts import TextClasses


def question_of_bag(task: Any, x: Any, target: Any) -> Question:
    """Return what is asked about the class of a text.

    The weights of the tokens, such as tf-idf, are those of the whole text.

    Args:
        task: a trained `BagOfWords`.
        x: one text.
        target: the name of the class; None = the most probable one.

    Raises:
        InputError: as `rnnkit.tasks.explaining.texts.question_of_text`.
    """
    text = TextClasses(task, x, target)
    words = text.tokens
    check_length(len(words), "words", "Give a part of the text.")
    inputs = [task.make_batches(task.encode_words([words]))[0][0]]
    ids = inputs[0][0, :, 0]
    ids = ids[ids > 0]
    sources = Sources(
        functools.partial(native.run_network, text.scores.model), inputs, task.embedding_layers()
    )
    features = bag_features(task, words, ids)
    places = {int(number): row for row, number in enumerate(ids)}
    own = task.encode_tokens([words])[0]

    def share(parts: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        return {"bag of words": add_features(features, parts[0].sum(-1)[: len(ids)], len(words))}

    return Question(
        about=text.about(baseline="an empty bag: no word at all"),
        words=words,
        function=sources.function(text.odds),
        inputs=sources.outputs,
        baselines=sources.baselines(len(ids)),
        share=share,
        occluded=lambda: text.without(range(len(words))),
        blind=sources.function(text.odds, blinded(inputs)),
        outputs=text.outputs(sources, np.array([places.get(int(one), -1) for one in own])),
        features=lambda parts: largest(features, parts[0].sum(-1)),
        notes=unknown_note(task.vocabulary, words),
    )


def bag_features(task: Any, words: Sequence[str], ids: np.ndarray) -> list[Feature]:
    """Return the words and sequences of words of a text with these ids, and where they are.

    Args:
        task: a trained `BagOfWords`.
        words: of the text.
        ids: distinct ones; the id of unknown words stands for all of them.
    """
    found: dict[int, Feature] = {}
    for length in range(1, task.ngrams + 1):
        starts = range(len(words) - length + 1)
        names = [" ".join(words[start : start + length]) for start in starts]
        for start, name, number in zip(starts, names, task.encode_tokens([names])[0], strict=True):
            feature = found.setdefault(int(number), Feature(name, []))
            feature.places.append((start, length))
    return [found[int(number)] for number in ids]
