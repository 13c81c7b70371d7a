"""Initializers drawn by NumPy: the same seed gives the same weights on every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.errors import check_choice

Shape = tuple[int, ...]


def _glorot_uniform(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    limit = np.sqrt(6.0 / (shape[0] + shape[-1]))
    return rng.uniform(-limit, limit, shape)


def _orthogonal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    tall = rng.normal(size=(max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diag(r))  # without this the distribution is not uniform (Mezzadri 2007)
    return q if shape[0] >= shape[1] else q.T


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, Shape], np.ndarray]] = {
    "glorot_uniform": _glorot_uniform,
    "orthogonal": _orthogonal,
    "uniform": lambda rng, shape: rng.uniform(-0.05, 0.05, shape),
}


@keras.saving.register_keras_serializable(package="rnnkit")
class Seeded(keras.initializers.Initializer):
    """Initializer that draws with NumPy from the distribution of Keras's of the same name.

    Args:
        distribution: "glorot_uniform" (`U(±sqrt(6 / (fan_in + fan_out)))`), "orthogonal", or
            "uniform" (`U(±0.05)`, Keras's choice for embeddings).
        seed: the seed; equal seeds give equal weights.

    Raises:
        InputError: an unknown distribution.

    Example:
        >>> Seeded("uniform", seed=1)((2,)).shape
        (2,)
    """

    def __init__(self, distribution: str, seed: int) -> None:
        self.distribution = check_choice("Seeded: distribution", distribution, DISTRIBUTIONS)
        self.seed = seed

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return the initial value of a weight."""
        values = DISTRIBUTIONS[self.distribution](np.random.default_rng(self.seed), tuple(shape))
        # Row by row: PyTorch would keep the order of a transposed array, which changes last digits.
        return ops.convert_to_tensor(np.ascontiguousarray(values, "float32"), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"distribution": self.distribution, "seed": self.seed}
