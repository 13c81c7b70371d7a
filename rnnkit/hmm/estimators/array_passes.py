"""Inference by loops on NumPy arrays, for the emissions that have them, on every backend."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from rnnkit.backend import native
from rnnkit.backend.array_loops import runs_on_arrays
from rnnkit.hmm.emissions.base import Arrays, Emission
from rnnkit.hmm.emissions.categorical import Categorical
from rnnkit.hmm.emissions.gaussian import Gaussian
from rnnkit.hmm.estimators.params import Params
from rnnkit.hmm.estimators.sequences import Sequences

if TYPE_CHECKING:
    from rnnkit.backend.numba.groups import Models

# Sequences side by side hide that each step waits for the one before. With fewer of them, counted
# in lengths of the longest one, the loops of the backend are faster.
MIN_SEQUENCES = 8
MAX_ELEMENTS = 1 << 21  # steps times states of the longest sequence: 256 MiB for eight in a thread


def _categorical(params: Arrays, x: np.ndarray) -> Any:
    from rnnkit.backend.numba.groups import Table  # Numba comes with the first loop

    probabilities = params["emissionprob"]
    positive = probabilities >= np.finfo(probabilities.dtype).tiny  # as `safe_log`
    with np.errstate(divide="ignore"):
        logs = np.log(np.where(positive, probabilities, 0.0).astype("float64"))
    return Table(_plain(x), np.ascontiguousarray(logs.swapaxes(1, 2)))


def _gaussian(params: Arrays, x: np.ndarray) -> Any:
    from rnnkit.backend.numba.groups import Diagonal

    means, covars = (params[name].astype("float64") for name in ("means", "covars"))
    if covars.ndim < means.ndim:  # spherical
        covars = np.repeat(covars[..., None], means.shape[-1], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):  # a NaN is refused by its results
        constants = -0.5 * (np.log(covars).sum(-1) + math.log(2 * math.pi) * means.shape[-1])
        return Diagonal(_plain(x), means, -0.5 / covars, constants)


# A subclass may have another density: the class itself must be here.
_DENSITIES: dict[type, Callable[[Arrays, np.ndarray], Any]] = {
    Categorical: _categorical,
    Gaussian: _gaussian,
}


def has_loops(emission: Emission) -> bool:
    """Return whether there are loops on arrays for an emission.

    Example:
        >>> has_loops(Gaussian()), has_loops(Gaussian("full"))
        (True, False)
    """
    diagonal = getattr(emission, "covariance_type", "diag") in ("diag", "spherical")
    return type(emission) in _DENSITIES and diagonal


def choose_arrays(emission: Emission, sequences: Sequences, params: Params) -> bool:
    """Return whether inference without logarithmic messages runs on arrays.

    `params` are tensors or arrays, with restarts.
    """
    longest, states = int(sequences.lengths.max()), params.startprob.shape[-1]
    if len(sequences.x) < MIN_SEQUENCES * longest or longest * states > MAX_ELEMENTS:
        return False
    dtype = keras.backend.standardize_dtype(params.startprob.dtype)
    return has_loops(emission) and runs_on_arrays(dtype)


def array_models(emission: Emission, params: Params, sequences: Sequences, x: np.ndarray) -> Models:
    """Return the models with these parameters, over all sequences.

    Args:
        emission: one that has loops.
        params: arrays, with restarts.
        sequences: lengths, known states, and which steps were observed.
        x: `(N, ...)`, the observations as the emission needs them.
    """
    from rnnkit.backend.numba.groups import Models

    states = sequences.states
    return Models(
        params.startprob.astype("float64"),
        params.transmat.astype("float64"),
        _DENSITIES[type(emission)](params.emission, x),
        sequences.starts,
        sequences.lengths,
        None if sequences.observed.all() else _plain(sequences.observed),
        None if states is None else _plain(states.astype("int32")),
        native.loop_threads(),
    )


def _plain(x: np.ndarray) -> np.ndarray:
    """Return an array in one piece that may be written to: loops are compiled for one kind."""
    return np.require(x, requirements=["C", "W"])
