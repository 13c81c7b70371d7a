"""Passes over one block of sequences, compiled once and shared by all models of one kind."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.hmm import inference
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.estimators.chunks import Chunk

Tensor = Any
# {"startprob": (R, K), "transmat": (R, K, K), "emission": {name: (R, ...)}}
Model = dict[str, Any]


class Same:
    """An emission that equals every other of the same class and settings.

    Args:
        emission: what to compare by its settings.
    """

    def __init__(self, emission: Emission) -> None:
        self.emission = emission
        self._key = (type(emission), _frozen(vars(emission)))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self._key == other._key


def _frozen(value: Any) -> Hashable:
    """Return something to compare settings by: two equal values give equal ones."""
    if isinstance(value, Mapping):
        return tuple((name, _frozen(value[name])) for name in sorted(value))
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    return value if isinstance(value, Hashable) else id(value)


def to_model(parameters: Mapping[str, np.ndarray], dtype: str) -> Model:
    """Return parameters with restarts in order: `startprob`, `transmat`, and the emission's."""
    values = {name: value.astype(dtype) for name, value in parameters.items()}
    start, moves = values.pop("startprob"), values.pop("transmat")
    return {"startprob": start, "transmat": moves, "emission": values}


def to_numpy(model: Model) -> dict[str, np.ndarray]:
    """Return the parameters of a model as arrays, the emission's beside the others."""
    tensors = {"startprob": model["startprob"], "transmat": model["transmat"], **model["emission"]}
    return {name: ops.convert_to_numpy(value) for name, value in tensors.items()}


def to_block(chunk: Chunk) -> dict[str, np.ndarray]:
    """Return a block as a compiled pass takes it."""
    block = {"x": chunk.x, "mask": chunk.mask, "observed": chunk.observed}
    if chunk.states is not None:
        block["states"] = chunk.states
    return block


def log_likelihood(emission: Emission, model: Model, block: Mapping[str, Tensor]) -> Tensor:
    """Return `log p(x_t | z_t = k)` as `(R, B, T, K)`.

    It is 0 at a step without an observation, and -inf for the states that a known state rules out.
    """
    restarts, states = model["startprob"].shape
    log_lik = emission.log_likelihood(model["emission"], block["x"])
    log_lik = ops.reshape(log_lik, (restarts, *block["mask"].shape, states))
    log_lik = ops.where(ops.expand_dims(block["observed"], -1), log_lik, 0.0)
    if "states" not in block:
        return log_lik
    known = ops.expand_dims(block["states"], -1)
    possible = ops.logical_or(known < 0, known == ops.arange(states, dtype="int32"))
    return ops.where(possible, log_lik, -float("inf"))


def _count(prepared: tuple, block: Mapping[str, Tensor], way: inference.Way) -> dict[str, Tensor]:
    """The E-step: the log-probability of each sequence and what the M-step sums up."""
    found = inference.smooth(*prepared, way=way)
    observed = ops.cast(ops.expand_dims(block["observed"], -1), found.smoothed.dtype)
    weights = found.smoothed * observed
    *restarts, _, _, states = weights.shape
    return {
        "log_prob": found.log_prob,
        "first": ops.sum(found.first, -2),
        "transitions": ops.sum(found.transitions, -3),
        "weights": ops.reshape(weights, (*restarts, -1, states)),
    }


def _results(
    prepared: tuple, block: Mapping[str, Tensor], what: str, way: inference.Way, lag: int
) -> dict[str, Tensor]:
    """Run one of the passes of `block_pass`."""
    if what == "count":
        return _count(prepared, block, way)
    if what == "viterbi":
        path = inference.viterbi(*prepared)
        return {"log_prob": path.log_prob, "states": path.states}
    if what == "smooth":
        smoothed = inference.smooth(*prepared, way=way, transitions=False)
        return {"log_prob": smoothed.log_prob, "posterior": smoothed.smoothed}
    found = inference.filter(*prepared, way=way)
    if what == "score":
        return {"log_prob": found.log_prob}
    if what == "fixed-lag":
        lagged = inference.fixed_lag(*prepared, lag=lag)
        return {"log_prob": found.log_prob, "posterior": lagged}
    return {"log_prob": found.log_prob, "posterior": found.filtered}


@functools.lru_cache(maxsize=256)
def block_pass(
    same: Same, what: str, way: inference.Way = "log", lag: int = 0
) -> Callable[[Model, Mapping[str, Tensor]], dict[str, Tensor]]:
    """Return a compiled pass `(model, block) -> results`.

    Args:
        same: the emission.
        what: "count", "score", "filter", "smooth", "fixed-lag" or "viterbi".
        way: see `inference.way`.
        lag: of "fixed-lag".
    """

    def run(model: Model, block: Mapping[str, Tensor]) -> dict[str, Tensor]:
        log_lik = log_likelihood(same.emission, model, block)
        log_pi, log_A = ops.log(model["startprob"]), ops.log(model["transmat"])
        # One restart goes without its axis: TensorFlow 2.21 with oneDNN multiplies (T, 1, B, K) by
        # (1, K, K) beyond its memory.
        alone = log_pi.shape[0] == 1
        chain = (log_pi[0], log_A[0], log_lik[0]) if alone else (log_pi, log_A, log_lik)
        found = _results((*chain, block["mask"]), block, what, way, lag)
        # Said here: a maximum in XLA for TensorFlow passes over NaN.
        broken = ops.any(ops.isnan(chain[2]), axis=(-2, -1))
        found["log_prob"] = ops.where(broken, float("nan"), found["log_prob"])
        return {name: value[None] for name, value in found.items()} if alone else found

    return native.compiled(run)


def refuse_nan(log_prob: np.ndarray, emission: Emission) -> None:
    """Refuse an emission that answers NaN.

    Args:
        log_prob: what passes returned as `log_prob`.
        emission: whose densities they used.

    Raises:
        InputError: one of them is NaN.
    """
    if np.isnan(log_prob).any():
        raise InputError(
            f"{type(emission).__name__}.log_likelihood or .m_step answers NaN. They must not: "
            "-inf is an impossible observation."
        )


def holds_float64() -> bool:
    """Tell whether Keras can hold float64 at the moment: JAX needs `jax_enable_x64`."""
    if keras.backend.backend() != "jax":
        return True
    return str(keras.backend.standardize_dtype(ops.array(np.zeros(1)).dtype)) == "float64"


def first_impossible(emission: Emission, model: Model, chunk: Chunk, row: int) -> int:
    """Return the first step of a block's row that no state can explain; -1 if there is none.

    It walks the sequence in NumPy: only a warning asks for it.
    """
    steps = chunk.mask.shape[1]
    one = Chunk(
        chunk.x[row * steps : (row + 1) * steps],
        chunk.mask[row : row + 1],
        chunk.observed[row : row + 1],
        None if chunk.states is None else chunk.states[row : row + 1],
        chunk.rows[row : row + 1],
    )
    log_lik = log_likelihood(emission, native.tensors(model), native.tensors(to_block(one)))
    log_lik = ops.convert_to_numpy(log_lik)[0, 0]
    parameters = to_numpy(model)
    with np.errstate(divide="ignore"):
        forward = np.log(parameters["startprob"][0], dtype="float64")
        log_A = np.log(parameters["transmat"][0], dtype="float64")
    for step in np.flatnonzero(one.mask[0]):
        joint = forward + log_lik[step]
        if not joint.max() > -np.inf:
            return int(step)
        forward = np.logaddexp.reduce(joint[:, None] + log_A, axis=0)
    return -1
