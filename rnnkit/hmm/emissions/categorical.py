"""Categorical emissions: each state has a probability for each symbol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.random import Generator

from rnnkit.backend import native
from rnnkit.errors import InputError, check_count
from rnnkit.hmm.emissions.arithmetic import like, normalize_counts, safe_log
from rnnkit.hmm.emissions.base import Arrays, Emission, Tensor, Tensors, check_integer_observations


@dataclass
class Categorical(Emission):
    """Symbols 0 .. V-1, `p(x = v | z = k) = emissionprob[k, v]`.

    Parameter: emissionprob `(R, K, V)`. A probability of 0 gives a log-likelihood of -inf. The
    M-step is `max(prior - 1 + counts, 0)`, normalised: the mode under a Dirichlet prior.

    Attributes:
        n_features: V; None = the largest symbol of the training data, plus 1.
        prior: of the Dirichlet distribution, a number or `(K, V)`; 1 = no prior, 2 adds one
            observation of each symbol.

    Example:
        >>> import numpy as np
        >>> params = {"emissionprob": np.array([[[0.25, 0.75], [1.0, 0.0]]])}
        >>> found = Categorical().log_likelihood(params, np.array([1]))
        >>> [round(float(v), 4) for v in found[0, 0]]
        [-0.2877, -inf]
    """

    n_features: int | None = None
    prior: Any = 1.0

    def __post_init__(self) -> None:
        if self.n_features is not None:
            check_count("n_features", self.n_features)
        self.constraints = {"emissionprob": "simplex"}

    def log_likelihood(self, params: Tensors, x: Tensor) -> Tensor:
        """Return `log emissionprob[k, x_n]`, `(N,)` -> `(R, N, K)`."""
        table = ops.transpose(safe_log(params["emissionprob"]), (0, 2, 1))
        return ops.take(table, x, axis=1)  # a row of K for each step

    def m_step(self, params: Tensors, x: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """M-step: MAP estimate of the probabilities; a state without weight keeps its own."""
        last = params["emissionprob"]
        restarts, states, symbols = last.shape
        rows = ops.reshape(ops.transpose(weights, (1, 0, 2)), (-1, restarts * states))
        counts = native.segment_sum(rows, x, symbols)  # no array of size N * V
        counts = ops.transpose(ops.reshape(counts, (symbols, restarts, states)), (1, 2, 0))
        return {"emissionprob": normalize_counts(counts, last, like(self.prior, weights) - 1.0)}

    def summarize(self, x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each symbol once, with the sum of its weights."""
        symbols, places = np.unique(x, return_inverse=True)
        sums = np.zeros((len(symbols), weights.shape[0], weights.shape[2]))
        np.add.at(sums, places, np.swapaxes(weights, 0, 1))
        return symbols, np.swapaxes(sums, 0, 1)

    def shapes(self, states: int, features: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of emissionprob; V is `features` if n_features is None."""
        return {"emissionprob": (states, self.n_features or features)}

    def check(self, x: np.ndarray, params: Arrays | None = None) -> np.ndarray:
        """Return symbols as `(N,)` int32; `(N, 1)` and integral floats are accepted, too.

        Raises:
            InputError: a fraction, a negative or unknown symbol, or several symbols per step.
        """
        x = np.asarray(x)
        if x.ndim == 2 and x.shape[1] == 1:
            x = x[:, 0]
        if x.ndim != 1:
            raise InputError(f"Expected one symbol per step, (N,) or (N, 1); got {x.shape}.")
        x = check_integer_observations(x, "symbol")
        symbols = params["emissionprob"].shape[-1] if params else self.n_features
        if symbols is not None and x.max(initial=0) >= symbols:
            step = int(np.argmax(x >= symbols))
            raise InputError(
                f"Symbol {x[step]:.0f} at observation {step} is unseen: the model knows 0 to "
                f"{symbols - 1}. Fit with n_features={x.max() + 1:.0f}, or set it to NaN (missing)."
            )
        return x.astype("int32")

    def initial_params(self, x: np.ndarray, states: int, rng: Generator) -> dict[str, np.ndarray]:
        """Initialise each state with a draw from a flat Dirichlet distribution."""
        symbols = self.n_features or int(np.max(x)) + 1
        return {"emissionprob": rng.dirichlet(np.ones(symbols), states)}

    def sample(self, params: Arrays, states: np.ndarray, rng: Generator) -> np.ndarray:
        """Draw one symbol for each state, `(N,)` int32."""
        table = np.asarray(params["emissionprob"], "float64")
        drawn = np.zeros(len(states), "int32")
        for state in np.unique(states):
            here = np.flatnonzero(states == state)
            probabilities = table[state] / table[state].sum()
            drawn[here] = rng.choice(len(probabilities), len(here), p=probabilities)
        return drawn
