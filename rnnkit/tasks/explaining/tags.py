"""Explanation of a word's tag: the vectors and the spelling of all words of the sentence."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.data.batching import BucketedBatches
from rnnkit.errors import InputError
from rnnkit.explain.question import Question, check_length
from rnnkit.tasks.answers import name_unknown
from rnnkit.tasks.explaining.scores import one_example
from rnnkit.tasks.explaining.sources import Sources, blinded
from rnnkit.tasks.explaining.steps import StepLabel
from rnnkit.tasks.inference import predict_batches
from rnnkit.tasks.tagging import sentence_io
from rnnkit.tasks.tagging.word_layers import CharEncoder

UNKNOWN_WORD = 1


def question_of_tag(task: Any, x: Any, target: Any, at: int | None) -> Question:
    """Return what is asked about the tag of a word.

    Args:
        task: a trained `SequenceTagger`.
        x: a raw sentence, or a list with one raw sentence or one list of words.
        target: the tag; None = the predicted one.
        at: the number of the word; None = the first one in a span, or the first one.

    Raises:
        InputError: no word, several sentences, more words than can be explained, or an unknown tag
            or place.
    """
    (found,) = sentence_io.sentences([one_example(x, "sentence (of words: [words])")])
    words = [word.text for word in found]
    if not words:
        raise InputError("There is no word in the sentence: expected one at least.")
    check_length(len(words), "words", "Give a single sentence.")
    (row,) = task.encode_checked([words])
    ids: Any = BucketedBatches([row], batch_size=1)[0][0]
    scores, crf, _ = task.parts()
    scoring = keras.Model(task.network.input, scores.output)
    (predicted,) = task.predict([words])
    outside = [i for i, tag in enumerate(predicted) if tag != "O"]
    label = StepLabel(
        words,
        task.classes,
        predicted,
        at,
        outside[0] if outside and task.marks_spans() else 0,
        target,
        crf,
        ids[0, :, 0] != 0,
        ("word", "tag"),
    )
    spelling = [one for one in task.network.layers if isinstance(one, CharEncoder)]
    layers = [*task.embedding_layers(), *spelling]
    sources = Sources(functools.partial(native.run_network, scoring), [ids], layers)

    def share(parts: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for layer, part in zip(layers, parts, strict=True):
            name = "characters" if isinstance(layer, CharEncoder) else "word vectors"
            found[name] = found.get(name, 0) + part.sum(-1)[: len(words)]
        return found

    def occluded() -> np.ndarray:
        rows = []
        for i in range(len(words)):
            rows.append(row.copy())
            rows[-1][i] = 0
            rows[-1][i, 0] = UNKNOWN_WORD
        found = predict_batches(scoring, BucketedBatches(rows, batch_size=len(rows)), verbose=0)
        return ops.convert_to_numpy(label.odds(ops.convert_to_tensor(found)))

    own = label.odds(predict_batches(scoring, BucketedBatches([row], batch_size=1), verbose=0))
    zero = "zero vectors in the place of the words' vectors"
    return Question(
        about=label.about(
            float(ops.convert_to_numpy(own)[0]),
            baseline=zero + (" and of their characters'" if spelling else ""),
            without="an unknown word without letters in its place",
        ),
        words=words,
        function=sources.function(label.odds),
        inputs=sources.outputs,
        baselines=sources.baselines(len(words)),
        share=share,
        occluded=occluded,
        blind=sources.function(label.odds, blinded([ids])),
        outputs=label.outputs(sources.function(lambda found: found), len(layers)),
        notes=[name_unknown(row) for row in task.unknown_words([words]) if row],
    )
