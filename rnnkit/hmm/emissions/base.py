"""What every emission is: two methods, and the kinds of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from rnnkit.errors import InputError

Tensor = Any
Kind = Literal["real", "positive", "simplex", "covariance"]


class Emission:
    """The distribution of an observation given the hidden state, `p(x | z = k)`. Abstract.

    An emission of one's own gives `kinds`, `log_likelihood` and `m_step`; the other methods are
    needed only to begin without given parameters, to sample, and to count parameters.

    Every parameter has the restarts R as its leading axis, so that several starts are trained as
    one batch. Both methods are traced by the backend: `keras.ops` only, and no Python branch on
    values.

    Attributes:
        kinds: parameter name -> what its values may be: "real", "positive", "simplex" (the last
            axis sums to 1) or "covariance" (the last two axes, positive definite).
    """

    kinds: Mapping[str, Kind] = {}

    def log_likelihood(self, params: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Return `log p(x_n | z_n = k)`.

        Args:
            params: parameter name -> `(R, ...)`.
            x: the observations, `(N, D)`, or `(N,)` whole numbers.

        Returns:
            `(R, N, K)`.
        """
        raise NotImplementedError

    def m_step(self, params: Mapping[str, Tensor], x: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Return the parameters that make the weighted observations most likely.

        Args:
            params: the parameters so far, `(R, ...)` each.
            x: the observations, `(N, D)`, or `(N,)` whole numbers.
            weights: `(R, N, K)`, the posterior of each state; 0 at steps without an observation.

        Returns:
            The same names and shapes. A state without any weight may get anything but NaN: the
            caller keeps its last parameters.
        """
        raise NotImplementedError

    def shapes(self, states: int, features: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter for K states and D features, without restarts."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say the shapes of its parameters"
        )

    def check(self, x: np.ndarray, params: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """Refuse observations that cannot be, and return them in the dtype that they need.

        Args:
            x: `(N, D)` or `(N,)`, no NaN among them.
            params: what was learned, without restarts; None before the first fit.

        Raises:
            InputError: an observation that this emission cannot have put out.
        """
        del params
        return x

    def start(self, x: np.ndarray, states: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the parameters that one restart begins with.

        Args:
            x: the observations, `(N, D)` or `(N,)`.
            states: K.
            rng: decides what is random about it.
        """
        raise InputError(
            f"{type(self).__name__} cannot find a start by itself. Give its first parameters "
            f"({', '.join(self.kinds)}) to the model, or write {type(self).__name__}.start."
        )

    def sample(
        self, params: Mapping[str, np.ndarray], states: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw one observation for each state.

        Args:
            params: the parameters, without restarts.
            states: `(N,)`, the state of each step.
            rng: decides.

        Returns:
            `(N, D)`, or `(N,)`.
        """
        raise InputError(
            f"{type(self).__name__} cannot sample: write {type(self).__name__}.sample."
        )

    def n_parameters(self, states: int, features: int) -> int:
        """Count the free parameters: all numbers, less one for every sum that is 1."""
        count = 0
        for name, shape in self.shapes(states, features).items():
            size, last = int(np.prod(shape)), shape[-1]
            if self.kinds[name] == "simplex":
                size -= size // last
            elif self.kinds[name] == "covariance":
                size = size // last**2 * (last * (last + 1) // 2)
            count += size
        return count
