"""Continuous cache for language models (Grave, Joulin, Usunier 2016)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from rnnkit.errors import InputError

BLOCK = 256  # steps compared with their history in one product


@dataclasses.dataclass(frozen=True)
class WordCache:
    """Continuous cache: mixes a language model with recently seen words, in evaluation.

    `p(w | x_<=t) = (1 - λ) p_model(w) + λ p_cache(w)`, with
    `p_cache(w) ∝ Σ_{i = t-W .. t-1} exp(θ h_t·h_i) [x_{i+1} = w]`: the words that followed states
    similar to the present one. Nothing is trained. At a text's first word the cache is empty, and
    the model counts alone.

    Args:
        share: λ, at least 0 and below 1.
        theta: θ, at least 0; 0 = all positions count the same.
        window: W, the number of steps in the cache.

    Raises:
        InputError: a number out of range.

    Source: Grave, Joulin and Usunier 2016, arXiv:1612.04426.

    Example:
        >>> same = np.ones((3, 2))
        >>> WordCache(0.5, 1.0, 10).nll(same, np.array([4, 4, 4]), np.log([8.0, 8.0, 8.0])).round(3)
        array([2.079, 0.575, 0.575])
    """

    share: float = 0.1
    theta: float = 0.3
    window: int = 2000

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1 or self.theta < 0 or self.window < 1:
            raise InputError(
                f"The cache is {self}: expected 0 <= share < 1, theta >= 0, window >= 1."
            )

    def probabilities(self, hidden: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return `p_cache` of targets `(T,)` after `(T, D)`; NaN where the cache is empty."""
        hidden = np.ascontiguousarray(hidden, "float32")
        found = np.full(len(targets), np.nan)
        for begin in range(0, len(targets), BLOCK):
            end = min(begin + BLOCK, len(targets))
            first = max(0, begin - self.window)
            scores = self.theta * (hidden[begin:end] @ hidden[first:end].T)
            ago = np.arange(begin, end)[:, None] - np.arange(first, end)[None]
            scores = np.where((ago > 0) & (ago <= self.window), scores, -np.inf)
            top = scores.max(axis=1, keepdims=True)
            known = np.isfinite(top[:, 0])
            powers = np.exp(scores[known] - top[known])
            same = targets[begin:end, None][known] == targets[None, first:end]
            found[begin:end][known] = (powers * same).sum(axis=1) / powers.sum(axis=1)
        return found

    def nll(self, hidden: np.ndarray, targets: np.ndarray, losses: np.ndarray) -> np.ndarray:
        """Return `-log p` with the cache of targets `(T,)`; `losses` are `-log p_model`."""
        return self.mixed(self.probabilities(hidden, targets), losses)

    def mixed(self, probabilities: np.ndarray, losses: np.ndarray) -> np.ndarray:
        """Return `-log p` of the mixture; where the cache is empty, of the model alone."""
        both = (1 - self.share) * np.exp(-losses) + self.share * probabilities
        return np.where(np.isnan(probabilities), losses, -np.log(np.maximum(both, 1e-300)))


def choose_cache(
    hidden: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    losses: Sequence[np.ndarray],
    *,
    shares: Sequence[float] = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5),
    thetas: Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0),
    windows: Sequence[int] = (2000,),
) -> WordCache:
    """Grid search for the cache with the lowest loss on validation texts.

    Args:
        hidden: `(T, D)` of each text.
        targets: `(T,)` of each text.
        losses: `(T,)` of each text, `-log p_model`.
        shares: values of λ.
        thetas: values of θ.
        windows: values of W.

    Example:
        >>> alike = [np.ones((20, 2))], [np.full(20, 4)], [np.full(20, 2.0)]
        >>> choose_cache(*alike, windows=(5,)).share
        0.5
    """
    best: tuple[float, WordCache] | None = None
    for window in windows:
        for theta in thetas:
            one = WordCache(0.0, theta, window)
            p = [one.probabilities(h, y) for h, y in zip(hidden, targets, strict=True)]
            for share in shares:
                cache = WordCache(share, theta, window)
                mixed = (cache.mixed(q, nll).sum() for q, nll in zip(p, losses, strict=True))
                total = sum(map(float, mixed))
                if best is None or total < best[0]:
                    best = total, cache
    assert best is not None  # there is at least one of each
    return best[1]
