"""Sequence taggers as ONNX: ids of words and their characters in, scores and tags out."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnnkit.data.treebank import CUT_AFTER, PATTERNS
from rnnkit.onnx_graph import Graph, Tensor
from rnnkit.tasks.inference import predict_batch
from rnnkit.tasks.onnx.artefact import Artefact, described, random_ids
from rnnkit.tasks.onnx.network import add_network
from rnnkit.tasks.onnx.tagging import add_tags

SHAPES = [(1, 1), (3, 6), (4, 25)]
SENTENCES = [
    "",
    "Why don't you ask John?",
    "zqxjkv",
    "Dr. O'Neill can't pay $1,000.50 to AT&T -- he's in the U.S. gonna wait... http://a.org/x ;-)",
    "Incomprehensibilities overwhelmed Übermäßigkeitsbeauftragte 很好看！",
]


def describe_tagger(task: Any) -> Artefact:
    """Return the parts of the export of a sequence tagger."""
    parts, network = task.parts(), task.network
    scoring = keras.Model(network.input, parts.scores.output)
    letters = [] if task.letters is None else task.letters.tokens
    preprocessing = {
        "classes": list(task.classes),
        "patterns": described(PATTERNS),
        "cut_after": CUT_AFTER,
        "lowercase": task.lowercase,
        "word_length": task.word_length,
        "vocabulary": task.vocabulary.tokens,
        "letters": letters,
    }

    def add(graph: Graph, given: list[Tensor]) -> dict[str, tuple[Tensor, str, tuple]]:
        scores = add_network(graph, scoring, given)
        axes = ("batch", "time")
        return {
            "scores": (scores, "float32", (*axes, len(task.classes))),
            "tags": (add_tags(graph, parts.crf, scores, given[0]), "int32", axes),
        }

    def run(given: list[np.ndarray]) -> dict[str, np.ndarray]:
        scores = predict_batch(scoring, given[0])
        if parts.crf is None:
            return {"scores": scores, "tags": scores.argmax(-1)}
        tags = parts.crf.decode(scores, given[0][:, :, 0] != 0)
        return {"scores": scores, "tags": keras.ops.convert_to_numpy(tags)}

    def inputs() -> list[list[np.ndarray]]:
        found = []
        for words in random_ids(SHAPES, len(task.vocabulary)):
            size = (*words.shape, task.word_length)
            spelled = random_ids([(words.size, size[-1])], len(letters))[0] if size[-1] else words
            spelled = spelled.reshape(size) * (words[:, :, None] > 0)
            found.append([np.concatenate([words[:, :, None], spelled], -1).astype("int32")])
        return found

    return Artefact(
        ("tagger", "Tagger"),
        preprocessing,
        network,
        add,
        run,
        inputs(),
        [SENTENCES, [SENTENCES[1]], [["Ask", "John", "."]]],
        # Past the notice of unknown words, which is given once.
        lambda sentences: task.tags_of(task.make_batches(task.encode(sentences))),
        lambda runner, sentences: runner.predict(sentences),
    )
