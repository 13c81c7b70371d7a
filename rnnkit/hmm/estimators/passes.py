"""Inference over sequences: loops on arrays, or functions compiled once per emission and shape."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.hmm import inference
from rnnkit.hmm.emissions.base import MAX_STANDARDIZED, Arrays, Emission, Tensor, refuse_large
from rnnkit.hmm.emissions.units import Units
from rnnkit.hmm.estimators.array_passes import array_models, choose_arrays
from rnnkit.hmm.estimators.blocks import Block, Blocks, make_blocks
from rnnkit.hmm.estimators.params import Params
from rnnkit.hmm.estimators.sequences import Sequences

if TYPE_CHECKING:
    from rnnkit.backend.numba.groups import Models

Op = Literal["score", "filter", "smooth", "fixed-lag", "viterbi"]


def log_likelihood(emission: Emission, params: Params, block: Block) -> Tensor:
    """Return `log p(x_t | z_t = k)` as `(R, B, T, K)`.

    It is 0 at a step without an observation, and -inf for states that a known state excludes.
    """
    restarts, states = params.startprob.shape
    log_lik = emission.log_likelihood(params.emission, block.x)
    log_lik = ops.reshape(log_lik, (restarts, *block.mask.shape, states))
    if not isinstance(block.observed, tuple):
        log_lik = ops.where(ops.expand_dims(block.observed, -1), log_lik, 0.0)
    if isinstance(block.states, tuple):
        return log_lik
    known = ops.expand_dims(block.states, -1)
    possible = ops.logical_or(known < 0, known == ops.arange(states, dtype="int32"))
    return ops.where(possible, log_lik, -float("inf"))


def over_block(
    emission: Emission, params: Params, block: Block, infer: Callable[..., tuple[Tensor, ...]]
) -> list[Tensor]:
    """Apply a function of `rnnkit.hmm.inference` to a block, and return its results with restarts.

    `infer(log_pi, log_A, log_lik, mask)` returns a tuple that starts with the log-probability of
    each step, `(T, ..., B)`. Of these, sums over some steps each are returned, `(R, B, P)`: the
    log-probability of a sequence in parts, to be added in float64. It is NaN if a log-likelihood
    is.
    """
    log_lik = log_likelihood(emission, params, block)
    log_pi, log_A = ops.log(params.startprob), ops.log(params.transmat)
    # One restart goes without its axis: TensorFlow 2.21 with oneDNN runs out of memory in the
    # product of (T, 1, B, K) and (1, K, K).
    single = log_pi.shape[0] == 1
    if single:
        log_pi, log_A, log_lik = log_pi[0], log_A[0], log_lik[0]
    mask = None if isinstance(block.observed, tuple) else block.mask
    log_prob, *others = infer(log_pi, log_A, log_lik, mask)
    # Checked here: a maximum in XLA for TensorFlow ignores NaN. A sum takes one pass on PyTorch.
    broken = ops.isnan(ops.sum(log_lik, axis=(-2, -1)))
    parts = inference.partial_sums(log_prob)
    found = [ops.where(broken[..., None], float("nan"), parts), *others]
    return [value[None] for value in found] if single else found


@functools.lru_cache(maxsize=256)
def compiled_inference(
    emission: Emission, op: Op, numerics: inference.Numerics = "log", lag: int = 0
) -> Callable[[Params, Block], list[Tensor]]:
    """Return a compiled function `(params, block) -> [log_prob in parts, result of each step]`.

    The op "score" has no result per step.
    """

    def infer(*inputs: Tensor) -> tuple[Tensor, ...]:
        if op == "viterbi":
            return inference.viterbi_each(*inputs)
        if op == "smooth":
            log_prob, _, smoothed, *_ = inference.smooth_each(
                *inputs, numerics=numerics, transitions=False, filtered=False
            )
            return log_prob, smoothed
        log_prob, filtered = inference.filter_each(*inputs, numerics=numerics)
        if op == "score":
            return (log_prob,)
        if op == "fixed-lag":
            return log_prob, inference.fixed_lag(*inputs, lag=lag)
        return log_prob, filtered

    def run(params: Params, block: Block) -> list[Tensor]:
        return over_block(emission, params, block, infer)

    return native.compiled(run)


def run_inference(
    emission: Emission,
    params: Params,
    sequences: Sequences,
    x: np.ndarray,
    op: Op,
    numerics: inference.Numerics = "log",
    lag: int = 0,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Run inference over all sequences, on arrays where loops can run, else on blocks.

    Return the log-probability of each sequence `(B,)`, and the result of each step `(N, ...)`, None
    for the op "score".
    """
    scaled = op == "viterbi" or (numerics == "scaled" and op != "fixed-lag")
    if scaled and choose_arrays(emission, sequences, params):
        each, results = _on_arrays(array_models(emission, params, sequences, x), op, params)
    else:
        states = params.startprob.shape[-1]
        blocks = make_blocks(sequences, x, sequences.observed, states)
        each, results = _on_blocks(compiled_inference(emission, op, numerics, lag), params, blocks)
    refuse_nan(each, emission)
    return each, results


def _on_arrays(models: Models, op: Op, params: Params) -> tuple[np.ndarray, np.ndarray | None]:
    """Run `numba.groups`; see `run_inference`."""
    if op == "viterbi":
        log_prob, states = models.decode()
        return log_prob[0], states[0]
    dtype = str(params.startprob.dtype)
    if op == "smooth":
        log_prob, found, *_ = models.smooth(dtype)
    else:
        log_prob, found, *_ = models.filter(dtype, posteriors=op == "filter")
    return log_prob[0], None if found is None else found[0]


def _on_blocks(
    run: Callable[..., list[Tensor]], params: Params, blocks: Blocks
) -> tuple[np.ndarray, np.ndarray | None]:
    """Run compiled inference over all blocks; see `run_inference`."""
    log_probs, results = [], []
    for block in blocks.blocks:
        log_prob, *steps = run(params, block)
        log_probs.append(add_parts(log_prob)[0])
        results += [ops.convert_to_numpy(step)[0] for step in steps]
    each = blocks.restore_sequences(log_probs)
    return each, blocks.restore_steps(results) if results else None


def prepare_observations(
    emission: Emission,
    sequences: Sequences,
    emission_params: Arrays | None,
    dtype: str,
    units: Units | None = None,
) -> np.ndarray:
    """Return the observations as the emission needs them, `(N, ...)`, floats in `dtype`.

    A step with a NaN gets any valid value. `emission_params` is None before the first fit. Units
    are changed in float64: a series of 1e8 and more keeps its digits.
    """
    x, observed = sequences.x, sequences.observed
    if not observed.all():
        x = x[observed] if observed.any() else np.zeros((1, x.shape[1]))
    x = emission.check(x, emission_params)
    if units is not None:
        given, x = x, units.standardize(x) if observed.any() else np.zeros(x.shape)
        refuse_large(given, x, MAX_STANDARDIZED)
    if x.dtype.kind == "f":
        x = x.astype(dtype)
    if observed.all():
        return x
    full = np.empty((len(observed), *x.shape[1:]), x.dtype)
    full[~observed] = x[0]
    if observed.any():
        full[observed] = x
    return full


def add_parts(log_prob: Tensor) -> np.ndarray:
    """Return the log-probability of each sequence, `(R, B)` float64, from its parts."""
    return ops.convert_to_numpy(log_prob).astype("float64").sum(-1)


def refuse_nan(log_prob: np.ndarray, emission: Emission) -> None:
    """Refuse an emission with which log-probabilities of sequences are NaN."""
    if np.isnan(log_prob).any():
        raise InputError(
            f"{type(emission).__name__}.log_likelihood or .m_step returned NaN. For an impossible "
            "observation return -inf."
        )


def float64_enabled() -> bool:
    """Return whether Keras can hold float64: JAX needs `jax_enable_x64`."""
    if keras.backend.backend() != "jax":
        return True
    return str(keras.backend.standardize_dtype(ops.array(np.zeros(1)).dtype)) == "float64"


def first_impossible(emission: Emission, params: Params, block: Block, row: int) -> int:
    """Return the first step in a row that no state can explain, for a warning; -1 if none."""
    steps = block.mask.shape[1]
    one = Block(
        block.x[row * steps : (row + 1) * steps],
        *(value[row : row + 1] for value in block[1:]),  # an empty tuple stays empty
    )
    log_lik = log_likelihood(emission, native.tensors(params), native.tensors(one))
    log_lik = ops.convert_to_numpy(log_lik)[0, 0]
    with np.errstate(divide="ignore"):
        forward = np.log(params.startprob[0], dtype="float64")
        log_A = np.log(params.transmat[0], dtype="float64")
    for step in np.flatnonzero(one.mask[0]):
        joint = forward + log_lik[step]
        if not joint.max() > -np.inf:
            return int(step)
        forward = np.logaddexp.reduce(joint[:, None] + log_A, axis=0)
    return -1
