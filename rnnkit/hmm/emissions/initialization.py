"""Initialisation of emissions: k-means for numbers, Dirichlet draws for symbols.

From k-means centres and within-cluster variances, Baum-Welch finds the optimum of an easy model
with every seed; from randomly drawn means and the total variance, with one seed in three.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MAX_SAMPLE = 20_000  # rows used by k-means: more give the same centres
KMEANS_RESTARTS = 5  # the best is kept; restarts of the model still differ


class Clusters(NamedTuple):
    """Result of k-means: points `x (N, D)`, their `labels (N,)`, `centres (K, D)`, in float64."""

    x: np.ndarray
    labels: np.ndarray
    centres: np.ndarray


def kmeans(x: np.ndarray, count: int, rng: np.random.Generator) -> Clusters:
    """Cluster observations by k-means.

    Args:
        x: `(N, D)`, N at least 1. Of more than 20,000 rows, a sample of that many is used.
        count: the number of clusters. With fewer distinct points, each point is a centre, and the
            other centres are drawn around the data.
        rng: the random generator.

    Example:
        >>> found = kmeans(np.array([[0.0], [0.2], [9.0]]), 2, np.random.default_rng(0))
        >>> sorted(found.centres[:, 0].round(3).tolist())
        [0.1, 9.0]
    """
    from sklearn.cluster import KMeans

    x = np.asarray(x, "float64")
    if len(x) > MAX_SAMPLE:
        x = x[rng.choice(len(x), MAX_SAMPLE, replace=False)]
    points, labels = np.unique(x, axis=0, return_inverse=True)
    if len(points) <= count:
        around = x[rng.integers(len(x), size=count - len(points))]
        around = around + rng.standard_normal(around.shape) * x.std(axis=0)
        return Clusters(x, labels.reshape(-1), np.concatenate([points, around]))
    seed = int(rng.integers(2**31))
    found = KMeans(count, n_init=KMEANS_RESTARTS, random_state=seed).fit(x)
    return Clusters(x, found.labels_, found.cluster_centers_)


def covariances(found: Clusters, covariance_type: str) -> np.ndarray:
    """Return the covariances within clusters, without a lower bound; for "tied" the pooled one.

    Each is shrunk towards the pooled one, with the weight of D + 1 points, so that a cluster of one
    or two points has a positive variance.
    """
    x, labels, centres = found
    count, features = centres.shape
    squares = np.zeros((count, features, features))
    for cluster in range(count):
        away = x[labels == cluster] - centres[cluster]
        squares[cluster] = away.T @ away
    pooled = squares.sum(axis=0) / len(x)
    if covariance_type == "tied":
        return pooled
    sizes = np.bincount(labels, minlength=count)[:, None, None]
    full = (squares + (features + 1) * pooled) / (sizes + features + 1)
    if covariance_type == "full":
        return full
    diagonal = np.diagonal(full, axis1=-2, axis2=-1).copy()
    return diagonal if covariance_type == "diag" else diagonal.mean(axis=-1)
