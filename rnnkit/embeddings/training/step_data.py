"""What word2vec's steps need besides the words: factors of the learning rate, the Huffman tree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnnkit.embeddings.options import Method, Word2VecOptions
from rnnkit.embeddings.training.frequencies import Frequencies
from rnnkit.embeddings.training.huffman import HuffmanTree
from rnnkit.embeddings.training.steps import step_scale


class StepData(NamedTuple):
    """What stays the same in all steps of a training.

    Attributes:
        method: "skip-gram" or "cbow".
        vector_scales: float32 `(V,)`, factors of the learning rate of word vectors.
        output_scales: float32, those of output vectors.
        tree: of hierarchical softmax; None = negative sampling.
        workers: threads that update the tables at the same time, where the steps can.
    """

    method: Method
    vector_scales: np.ndarray
    output_scales: np.ndarray
    tree: HuffmanTree | None
    workers: int


def step_data(
    known: Frequencies, options: Word2VecOptions, tree: HuffmanTree | None, size: int
) -> StepData:
    """Return what stays the same in all steps.

    Args:
        known: the vocabulary.
        options: the settings.
        tree: of hierarchical softmax.
        size: words of a step.
    """
    kept = known.keep_probabilities(options["sample"]) * known.counts
    frequencies = kept / kept.sum()
    context_size = 1 + options["window"]  # the mean number of context words
    predictions = size * (context_size if options["method"] == "skip-gram" else 1)
    if tree is None:
        targets = frequencies + options["negative"] * known.noise_distribution
    else:
        below = np.repeat(frequencies, tree.lengths)
        targets = np.bincount(tree.nodes[tree.mask], below, len(known) - 1)
    return StepData(
        options["method"],
        step_scale(size * context_size * frequencies),
        step_scale(predictions * targets),
        tree,
        options["workers"] or 1,
    )
