"""Text classifiers as ONNX: token ids, n-grams or bags in, probabilities out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from rnnkit.onnx_graph import refusal
from rnnkit.tasks.inference import predict_batch
from rnnkit.tasks.onnx.artefact import Artefact, described, random_ids
from rnnkit.tasks.onnx.network import add_network
from rnnkit.tasks.texts.bag_of_words import BagOfWords

SHAPES = [(1, 1), (2, 9), (5, 40)]
# Tags, references, contractions, abbreviations, characters beyond ASCII, unknown words, nothing.
TEXTS = [
    "",
    " ",
    "zqxjkv",
    "I DON'T like it,<br />pls don’t ask u2 &amp; me; it's GREAT!!! 10/10 :-)",
    "Über-ärgerlich: 'naïve' café <b>film</b> &#233; &#99999999999; 很好看！ e\u0301",
]


def describe_classifier(task: Any) -> Artefact:
    """Return the parts of the export of a text classifier.

    Raises:
        InputError: its tokens are those of KerasHub.
    """
    if task.hub_tokenizer is not None:
        raise refusal(f"This {type(task).__name__}", "its tokenizer is one of KerasHub")
    network, vocabulary = task.network, task.vocabulary
    ngrams, bag = getattr(task, "ngram_vocabulary", None), isinstance(task, BagOfWords)
    outputs = network.output_shape[-1]
    preprocessing = {
        "classes": list(task.classes),
        "pipeline": task.pipeline.get_config(),
        "patterns": described(task.pipeline.patterns()),
        "token_ngrams": task.ngrams if bag else 1,
        "bag": bag,
        "vocabulary": vocabulary.tokens,
        "ngrams": None if ngrams is None else json.loads(ngrams.to_json()),
        "max_length": task.max_length,
        "truncate": task.truncate,
    }

    def inputs() -> list[list[np.ndarray]]:
        ids = random_ids(SHAPES, len(vocabulary))
        if bag:
            counts = [np.where(one > 0, 1 + one % 3, 0).astype("int32") for one in ids]
            return [[np.stack(pair, -1)] for pair in zip(ids, counts, strict=True)]
        if ngrams is None:
            return [[one] for one in ids]
        return [[*pair] for pair in zip(ids, random_ids(SHAPES, len(ngrams), 1), strict=True)]

    return Artefact(
        ("classifier", "Classifier"),
        preprocessing,
        network,
        lambda graph, given: {
            "probabilities": (
                add_network(graph, network, given),
                "float32",
                ("batch", outputs),
            )
        },
        lambda given: {"probabilities": predict_batch(network, _one_or_all(given))},
        inputs(),
        [TEXTS, [TEXTS[3]], _known_texts(task)],
        lambda texts: task.outputs_of(task.encode(texts)),
        lambda runner, texts: runner.predict(texts),
    )


def _one_or_all(given: list[np.ndarray]) -> Any:
    return given if len(given) > 1 else given[0]


def _known_texts(task: Any) -> list[str]:
    """Return texts of words of the vocabulary, of several lengths, one of them to be truncated."""
    random = np.random.default_rng(0)
    words = task.vocabulary.tokens[2:]
    longest = task.max_length or 50
    lengths = (1, 2, 7, 30, min(longest + 5, 1000))
    return [" ".join(words[i] for i in random.integers(0, len(words), n)) for n in lengths]
