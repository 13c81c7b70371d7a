"""One epoch of document vectors with cosine similarity, in a compiled loop on a CPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnkit.backend.numba.jit import jit

Array = Any


@jit
def train_epoch(
    ngrams: Array,
    ends: Array,
    order: Array,
    documents: Array,
    vectors: Array,
    keep: Array,
    noise: Array,
    rate: float,
    scale: float,
    negatives: int,
    seed: int,
) -> tuple[float, int]:
    """Change document vectors d and n-gram vectors w by SGD; return summed loss and predictions.

    The loss of an n-gram of a document is `-log σ(s cos(d, w)) - Σ_k log σ(-s cos(d, w_k))` with
    the scale s, and n-grams k that are drawn from the noise.

    Args:
        ngrams: the n-grams of all documents end to end.
        ends: where each document begins, and the end of the last.
        order: the documents, in the order to train on.
        documents: `(N, D)`, float32.
        vectors: `(V, D)`, float32.
        keep: the probability that an n-gram of a document is not skipped, `(V,)`.
        noise: a table of n-grams, each as often as it is to be drawn.
        rate: the learning rate.
        scale: s.
        negatives: n-grams to draw.
        seed: of the draws.
    """
    np.random.seed(seed)
    width = documents.shape[1]
    change = np.zeros(width, np.float32)
    loss, count = 0.0, 0
    for document in order:
        d = documents[document]
        for place in range(ends[document], ends[document + 1]):
            target = ngrams[place]
            if np.random.random() >= keep[target]:
                continue
            count += 1
            square = np.float32(0)
            for i in range(width):
                square += d[i] * d[i]
                change[i] = 0
            norm = np.sqrt(square)
            for draw in range(negatives + 1):
                number = target
                if draw:
                    number = noise[int(np.random.random() * len(noise))]
                w = vectors[number]
                dot, own = np.float32(0), np.float32(0)
                for i in range(width):
                    dot += d[i] * w[i]
                    own += w[i] * w[i]
                length = np.sqrt(own)
                cosine = dot / (norm * length)
                p = 1 / (1 + np.exp(-scale * cosine))
                loss -= np.log(p if draw == 0 else 1 - p)
                step = rate * scale * ((1 if draw == 0 else 0) - p)
                across = np.float32(step / (norm * length))
                along, shrink = np.float32(step * cosine / square), np.float32(step * cosine / own)
                for i in range(width):
                    x = w[i]
                    change[i] += across * x - along * d[i]
                    w[i] = x + across * d[i] - shrink * x
            for i in range(width):
                d[i] += change[i]
    return loss, count
