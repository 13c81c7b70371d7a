"""Logistic regression on n-grams that are scaled by their naive-Bayes log-count ratios: NB-SVM.

The problem is convex: a solver of scikit-learn finds the minimum in seconds, and no learning rate
has to be chosen. Source: Wang and Manning 2012, Baselines and bigrams, ACL; the features of
Mesnil et al. 2015, arXiv:1412.5335: n-grams of one to three words, present or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

# Inverse strengths of the L2 penalty to choose from (scikit-learn's C).
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
LEAST_SHARE = 0.01  # of a recurrent network in a pool with a cap
DEFAULT_STRENGTH = 0.1  # where there is nothing to choose it on


class LinearModel(NamedTuple):
    """A linear model of the features of a text, one column for each output.

    Attributes:
        ratio: the log-count ratios, `(V, outputs)`.
        kernel: the weights of the scaled features, `(V, outputs)`.
        bias: `(outputs,)`.
        strength: the inverse penalty C that it was fitted with.
    """

    ratio: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    strength: float

    def logits(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """Return the logits of texts, `(N, outputs)`, by the numbers of their features."""
        return np.asarray(feature_matrix(rows, len(self.ratio)) @ (self.ratio * self.kernel)) + (
            self.bias
        )


def feature_matrix(rows: Sequence[np.ndarray], size: int) -> Any:
    """Return the sparse matrix `(N, size)` with a 1 for each feature of each text.

    Example:
        >>> feature_matrix([np.array([1, 3]), np.array([], int)], 4).toarray().tolist()
        [[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    """
    from scipy.sparse import csr_matrix

    ends = np.cumsum([0, *map(len, rows)])
    numbers = np.concatenate([np.zeros(0, np.int32), *rows])
    return csr_matrix((np.ones(ends[-1], "float32"), numbers, ends), (len(rows), size))


def log_count_ratio(
    features: Any, positive: np.ndarray, weights: np.ndarray | None = None, smoothing: float = 1.0
) -> np.ndarray:
    """Return `r = ln((p / ‖p‖₁) / (q / ‖q‖₁))` of each feature, `(V,)`.

    p is the smoothed number of texts of the class with the feature, q that of the other texts. The
    column 0 is padding: its ratio is 0, and it counts in no norm.

    Args:
        features: `(N, V)`, a sparse matrix or an array.
        positive: whether each text is of the class, boolean `(N,)`.
        weights: of the texts.
        smoothing: what is added to each count.

    Example:
        >>> log_count_ratio(np.array([[0, 1, 1], [0, 1, 0]]), np.array([True, False])).round(2)
        array([ 0.  , -0.29,  0.41], dtype=float32)
    """
    share = np.ones(len(positive)) if weights is None else np.asarray(weights, "float64")
    p, q = (smoothing + features.T @ (share * side) for side in (positive, ~positive))
    p[0] = q[0] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(p / p.sum()) - np.log(q / q.sum())
    ratio[0] = 0
    return ratio.astype("float32")


def fit_linear_model(
    features: Any,
    classes: np.ndarray,
    outputs: int,
    strength: float = DEFAULT_STRENGTH,
    weights: np.ndarray | None = None,
) -> LinearModel:
    """Fit logistic regression on scaled features; of more than two classes, one against the rest.

    It minimizes `Σ_n a_n log(1 + exp(-y_n z_n)) + ‖w‖² / (2 C)` with L-BFGS.

    Args:
        features: `(N, V)`, a sparse matrix.
        classes: the number of the class of each text, `(N,)`.
        outputs: 1 for two classes, else the number of classes.
        strength: C, the inverse of the L2 penalty.
        weights: a, of the texts; None = all 1.

    Example:
        >>> texts = feature_matrix([np.array([1, 2]), np.array([2, 3])], 4)
        >>> model = fit_linear_model(texts, np.array([1, 0]), 1, strength=1.0)
        >>> model.kernel.shape, bool(model.logits([np.array([1])])[0, 0] > 0)
        ((4, 1), True)
    """
    from scipy.sparse import diags
    from sklearn.linear_model import LogisticRegression

    columns = []
    for one in [1] if outputs == 1 else range(outputs):
        positive = np.asarray(classes) == one
        ratio = log_count_ratio(features, positive, weights)
        if positive.all() or not positive.any():  # a class without a text
            columns.append((ratio, np.zeros_like(ratio), -10.0 if not positive.any() else 10.0))
            continue
        scaled = (features @ diags(ratio)).tocsr()
        solver = LogisticRegression(C=strength, max_iter=1000)
        fitted = solver.fit(scaled, positive, sample_weight=weights)
        columns.append((ratio, fitted.coef_[0], fitted.intercept_[0]))
    ratios, kernels, biases = zip(*columns, strict=True)
    ratio, kernel = (np.stack(part, axis=-1).astype("float32") for part in (ratios, kernels))
    return LinearModel(ratio, kernel, np.array(biases, "float32"), strength)


def cross_entropy(
    logits: np.ndarray, classes: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return the mean loss of logits `(N, outputs)`: binary with one output, else of a softmax.

    Example:
        >>> round(cross_entropy(np.array([[0.0], [0.0]]), np.array([0, 1])), 3)
        0.693
    """
    logits = np.asarray(logits, "float64")
    classes = np.asarray(classes, np.int64).reshape(-1)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    total = np.logaddexp.reduce(logits, axis=1)
    losses = total - logits[np.arange(len(logits)), classes]
    return float(np.average(losses, weights=weights))


def choose_linear_model(
    train: tuple[Sequence[np.ndarray], np.ndarray, np.ndarray | None],
    valid: tuple[Sequence[np.ndarray], np.ndarray, np.ndarray | None] | None,
    size: int,
    outputs: int,
    strengths: Sequence[float] = STRENGTHS,
) -> LinearModel:
    """Fit linear models, and return the one with the lowest loss on held-out texts.

    Args:
        train: the features, class and weight of each text.
        valid: the same of the held-out texts; None = C is `DEFAULT_STRENGTH`.
        size: V, the number of features.
        outputs: 1 for two classes, else the number of classes.
        strengths: values of C to choose from, ascending; the first that is worse than the one
            before it ends the search.
    """
    rows, classes, weights = train
    features = feature_matrix(rows, size)
    if valid is None:
        return fit_linear_model(features, classes, outputs, DEFAULT_STRENGTH, weights)
    best, lowest = None, np.inf
    for strength in strengths:
        model = fit_linear_model(features, classes, outputs, strength, weights)
        loss = cross_entropy(model.logits(valid[0]), valid[1], valid[2])
        if loss >= lowest:
            break
        best, lowest = model, loss
    assert best is not None
    return best


def pool_weights(
    members: Sequence[np.ndarray],
    classes: np.ndarray,
    weights: np.ndarray | None = None,
    logit_cap: float | None = None,
) -> np.ndarray:
    """Return weights, none below 0, with which the weighted sum of logits has a low loss.

    Stacking (Wolpert 1992) with one weight a for each of K members. The convex function
    `Σ_n loss_n + Σ_k (a_k - 1/K)² / 2` is minimized: of few texts, all of which are right, the
    plain loss would be lowest at infinite weights.

    Args:
        members: logits `(N, outputs)` of each member, of texts that none was fitted on.
        classes: of the texts.
        weights: of the texts.
        logit_cap: of the pool; see `rnnkit.layers.LogOpinionPool`.

    Example:
        >>> right, random = np.array([[2.0], [-2.0], [2.0], [-1.0]]), np.array([[0.1]] * 4)
        >>> bool(np.argmax(pool_weights([right, random], np.array([1, 0, 0, 0]))) == 0)
        True
    """
    from scipy.optimize import minimize

    stacked = np.stack([np.asarray(one, "float64") for one in members])
    start = np.full(len(stacked), 1 / len(stacked))
    count = len(classes) if weights is None else float(np.sum(weights))

    def pooled(shares: np.ndarray) -> np.ndarray:
        if logit_cap is None or len(shares) == 1:
            return np.tensordot(shares, stacked, 1)
        others = np.tensordot(shares[1:], stacked[1:], 1)
        if others.shape[1] > 1:
            others = others - others.mean(axis=1, keepdims=True)
        bound = logit_cap * shares[0]
        return shares[0] * stacked[0] + bound * np.tanh(others / bound)

    def objective(shares: np.ndarray) -> float:
        loss = cross_entropy(pooled(shares), classes, weights)
        return count * loss + float(np.square(shares - start).sum()) / 2

    bounds = [(0.0, None)] * len(stacked)
    if logit_cap is not None:
        bounds[0] = (LEAST_SHARE, None)  # what the cap is in units of
    found = minimize(objective, start, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x, "float32")
