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
    shared: int,
    seed: int,
) -> tuple[float, int]:
    """Change document vectors d and n-gram vectors w by SGD; return summed loss and predictions.

    The loss of an n-gram of a document is `-log σ(s cos(d, w)) - Σ_k log σ(-s cos(d, w_k))` with
    the scale s, and n-grams k that are drawn from the noise. `shared` n-grams of a document have
    the same ones, which weigh as many times as much: rows of the noise are what the loop waits for.

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
        shared: n-grams of a document for which they are drawn at once.
        seed: of the draws.
    """
    np.random.seed(seed)
    loss, count = 0.0, 0
    for document in order:
        d = documents[document]
        end = ends[document + 1]
        waiting = 0  # n-grams since the last draw
        for place in range(ends[document], end):
            target = ngrams[place]
            if np.random.random() < keep[target]:
                waiting += 1
                loss += _descend(d, vectors[target], True, rate, scale)
            if waiting == shared or (waiting and place == end - 1):
                for _ in range(negatives):
                    drawn = noise[int(np.random.random() * len(noise))]
                    loss += waiting * _descend(d, vectors[drawn], False, rate * waiting, scale)
                count += waiting
                waiting = 0
    return loss, count


@jit
def _descend(d: Array, w: Array, there: bool, rate: float, scale: float) -> float:
    """Change two vectors by a step on `-log σ(±s cos(d, w))`; return the loss before."""
    dot, square, own = np.float32(0), np.float32(0), np.float32(0)
    for i in range(len(d)):
        dot += d[i] * w[i]
        square += d[i] * d[i]
        own += w[i] * w[i]
    norms = np.sqrt(square) * np.sqrt(own)
    cosine = dot / norms
    p = 1 / (1 + np.exp(-scale * cosine))
    step = rate * scale * ((1 if there else 0) - p)
    across = np.float32(step / norms)
    along, shrink = np.float32(step * cosine / square), np.float32(step * cosine / own)
    for i in range(len(d)):
        x, y = d[i], w[i]
        d[i] = x + across * y - along * x
        w[i] = y + across * x - shrink * y
    return -np.log(p if there else 1 - p)
