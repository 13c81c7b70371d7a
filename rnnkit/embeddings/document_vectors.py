"""Vectors of n-grams that predict the documents they stand in: PV-DBOW with cosine similarity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit.backend.numba.available import missing
from rnnkit.backend.numba.threads import over_rows
from rnnkit.errors import InputError
from rnnkit.progress import track

SCALE = 6.0  # of the cosine, before the logistic function: as in the source
NOISE_POWER = 0.75  # of the counts, as in word2vec
NOISE_TABLE = 1 << 22
PRIME = 1_000_003  # tells the seeds of threads apart
BLOCK = 10_000  # vectors
ONE_THREAD = 1_000_000  # n-grams; below, one thread is fast enough, and reproducible


def train_ngram_vectors(
    rows: Sequence[np.ndarray],
    count: int,
    *,
    keep: np.ndarray | None = None,
    vector_size: int = 200,
    epochs: int = 30,
    rate: float = 0.002,
    negatives: int = 5,
    shared: int = 2,
    threads: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Return unit vectors of n-grams, `(count, vector_size)`, float32.

    Each document has a vector d, each n-gram a vector w; SGD with negative sampling minimizes
    `-log σ(6 cos(d, w)) - Σ_k log σ(-6 cos(d, w_k))` over the n-grams of each document. N-grams of
    similar documents get similar vectors, those that are rare, too.

    Args:
        rows: the numbers of the n-grams of each document; 0 is padding.
        count: the numbers, padding included.
        keep: the probability that an n-gram of a document is learned, `(count,)`; None = all are.
        vector_size: D.
        epochs: passes over the documents.
        rate: the learning rate, which falls to a tenth.
        negatives: n-grams that are drawn as noise for each of a document.
        shared: n-grams of a document that share what is drawn, which weighs as many times as much.
        threads: that share the documents; None = 1 below a million n-grams, else all processors.
            Several change vectors of n-grams without locks: two trainings differ a little.
        seed: of the initial vectors and of all draws.

    Raises:
        InputError: Numba cannot be used, or there is no n-gram.

    Source: Thongtan and Phienthrakul 2019, ACL, doi:10.18653/v1/P19-2057 (DV-ngrams-cosine);
    Bingyu and Arefyev 2022, arXiv:2205.13357, for `keep` by naive-Bayes weights; Recht, Ré,
    Wright and Niu 2011, arXiv:1106.5730 (Hogwild), for threads without locks.

    Example:
        >>> rows = [np.array([1, 2]), np.array([1, 2]), np.array([3, 4]), np.array([3, 4])] * 50
        >>> vectors = train_ngram_vectors(rows, 5, vector_size=8, rate=0.02)
        >>> bool(vectors[1] @ vectors[2] > vectors[1] @ vectors[3])
        True
    """
    if (reason := missing()) is not None:
        raise InputError(f"Vectors of n-grams are trained by Numba, and {reason}.")
    from rnnkit.backend import native
    from rnnkit.backend.numba.document_vectors import train_epoch

    ngrams = np.concatenate([np.zeros(0, np.int32), *rows]).astype(np.int32)
    if not len(ngrams):
        raise InputError(f"None of the {len(rows)} documents has an n-gram to learn.")
    ends = np.cumsum([0, *map(len, rows)])
    generator = np.random.default_rng(seed)
    documents = _initial(generator, len(rows), vector_size)
    vectors = _initial(generator, count, vector_size)
    noise = _noise(ngrams, count)
    kept = np.ones(count, "float32") if keep is None else keep.astype("float32")
    if threads is None:
        threads = 1 if len(ngrams) < ONE_THREAD else native.loop_threads()

    def train_part(start: int, stop: int, order: np.ndarray, *state: Any) -> None:
        *given, first = state
        own = (first + start * PRIME) % 2**32  # the seed of this part's draws
        train_epoch(ngrams, ends, order[start:stop], *given, own)

    operations = len(ngrams) * vector_size * (1 + negatives)
    for epoch in track(range(epochs), "Training vectors of n-grams"):
        falling = rate * (1 - 0.9 * epoch / epochs)
        order = generator.permutation(len(rows))
        whole = (documents, vectors, kept, noise, falling, SCALE, negatives, shared)
        over_rows(train_part, len(rows), operations, threads, order, *whole, seed + epoch)
    vectors[0] = 0
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    vectors /= np.maximum(norms, 1e-12)[:, None]
    return vectors


def _initial(generator: np.random.Generator, rows: int, width: int) -> np.ndarray:
    """Return small random vectors; the direction is what is learned."""
    found = np.empty((rows, width), "float32")
    for start in range(0, rows, BLOCK):  # draws are float64, twice as large as the vectors
        part = found[start : start + BLOCK]
        part[:] = generator.uniform(-5, 5, part.shape)
    found /= width
    return found


def _noise(ngrams: np.ndarray, count: int) -> np.ndarray:
    """Return a table in which each n-gram stands in proportion to a power of its count."""
    shares = np.cumsum(np.bincount(ngrams, minlength=count) ** NOISE_POWER)
    size = min(NOISE_TABLE, 64 * len(shares) + 1024)
    points = (np.arange(size) + 0.5) / size * shares[-1]
    return np.searchsorted(shares, points).astype(np.int32)
