"""Export of a hidden Markov model's online filter as an ONNX model of one step."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.atomic import replacing
from rnnkit.errors import InputError
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.emissions.categorical import Categorical
from rnnkit.hmm.emissions.gaussian import Gaussian
from rnnkit.hmm.emissions.mixture import GaussianMixture
from rnnkit.hmm.emissions.poisson import Poisson
from rnnkit.hmm.estimators.passes import float64_enabled
from rnnkit.hmm.inference.steps import LOG_ZERO
from rnnkit.onnx_graph import TOLERANCE, Graph, Tensor, library

Params = Mapping[str, np.ndarray]
CHECKED = 64  # steps
SHIFT = 8  # Stirling's series is exact to 13 digits from here on


def write_filter(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the filter of a hidden Markov model as an ONNX model; see `BaseHMM.export_filter`.

    Args:
        model: with parameters.
        path: of the file; the name ends in ".onnx".
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise InputError(f"Cannot export to {path}: expected a name that ends in '.onnx'.")
    emission = model.emission_
    if type(emission) not in EMISSIONS:
        known = ", ".join(kind.__name__ for kind in EMISSIONS)
        raise InputError(
            f"An ONNX file cannot hold the emission {type(emission).__name__}: it holds {known}. "
            "model.stream() filters with any emission."
        )
    model.stream()  # refuses parameters that are none
    file = _graph(emission, model.startprob_, model.transmat_, model.emission_params())
    _check(model, file)
    with replacing(path, "the exported filter", len(file)) as temporary:
        temporary.write_bytes(file)


def _graph(emission: Emission, startprob: Any, transmat: Any, params: Params) -> bytes:
    """Return the model of a step as the bytes of its file.

    A state of zeros begins a sequence; otherwise it is the posterior of the step before.
    """
    graph = Graph()
    params = {name: np.asarray(value, "float64") for name, value in params.items()}
    log_pi, log_A = (_log(np.asarray(value, "float64")) for value in (startprob, transmat))
    states, axis = len(log_pi), graph.integers(1)
    least, zero = graph.constant(np.float64(LOG_ZERO)), graph.constant(np.float64(0))

    last = graph.add("Max", graph.add("Log", "state"), least)
    moves = graph.add("Add", graph.add("Unsqueeze", last, graph.integers(2)), graph.constant(log_A))
    moved = graph.add("ReduceLogSumExp", moves, axis, keepdims=0)
    goes_on = graph.add("Greater", graph.add("ReduceSum", "state", axis, keepdims=1), zero)
    predicted = graph.add("Where", goes_on, moved, graph.constant(log_pi))

    log_lik, observed = EMISSIONS[type(emission)](graph, emission, params)
    log_lik = graph.add("Where", observed, graph.add("Max", log_lik, least), zero)
    joint = graph.add("Add", predicted, log_lik)
    highest = graph.add("ReduceMax", joint, axis, keepdims=1)
    impossible = graph.add("Less", highest, graph.constant(np.float64(LOG_ZERO / 2)))
    joint = graph.add("Where", impossible, predicted, joint)
    total = graph.add("ReduceLogSumExp", joint, axis, keepdims=1)
    posterior = graph.add("Exp", graph.add("Sub", joint, total))
    never = graph.constant(np.float64(-np.inf))
    log_prob = graph.add("Squeeze", graph.add("Where", impossible, never, total), axis)

    discrete = isinstance(emission, Categorical)
    x = ("int64", ("batch",)) if discrete else ("float64", ("batch", _width(params)))
    return graph.finish(
        "filter",
        {"x": x, "state": ("float64", ("batch", states))},
        {
            "posterior": (posterior, "float64", ("batch", states)),
            "log_prob": (log_prob, "float64", ("batch",)),
        },
    )


def _width(params: Params) -> int:
    """Return the number of features of a real observation."""
    return params["means" if "means" in params else "lambdas"].shape[-1]


def _log(probabilities: np.ndarray) -> np.ndarray:
    """Return logarithms; that of 0 is `LOG_ZERO`, whose sums stay finite."""
    return np.where(probabilities > 0, np.log(np.maximum(probabilities, 1e-300)), LOG_ZERO)


def _real(graph: Graph) -> tuple[Tensor, Tensor]:
    """Return the observations `(B, D)` without NaN, and whether each is complete, `(B, 1)`."""
    unknown = graph.add("IsNaN", "x")
    counted = graph.cast(unknown, "float64")
    missing = graph.add("ReduceSum", counted, graph.integers(1), keepdims=1)
    zero = graph.constant(np.float64(0))
    return graph.add("Where", unknown, zero, "x"), graph.add("Equal", missing, zero)


def _densities(
    graph: Graph, x: Tensor, means: np.ndarray, covars: np.ndarray, log_weights: np.ndarray
) -> Tensor:
    """Return `log w_c + log N(x | mean_c, covars_c)`, `(B, C)`, of matrices `(C, D, D)`."""
    roots = np.linalg.inv(np.linalg.cholesky(covars))
    log_det = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(1)
    constants = log_weights + log_det - 0.5 * math.log(2 * math.pi) * means.shape[1]
    away = graph.add("Sub", graph.add("Unsqueeze", x, graph.integers(1)), graph.constant(means))
    white = graph.add("Einsum", away, graph.constant(roots), equation="bcd,ced->bce")
    squares = graph.add("ReduceSum", graph.add("Mul", white, white), graph.integers(2), keepdims=0)
    halves = graph.add("Mul", squares, graph.constant(np.float64(0.5)))
    return graph.add("Sub", graph.constant(constants), halves)


def _matrices(covars: np.ndarray, kind: str, components: tuple[int, ...], width: int) -> np.ndarray:
    """Return a covariance matrix for each component, `(C, D, D)`."""
    unit = np.eye(width)
    if kind == "spherical":
        covars = covars[..., None, None] * unit
    elif kind == "diag":
        covars = covars[..., None] * unit
    elif kind == "tied":  # one for all states, or for all components of a state
        covars = np.broadcast_to(covars[..., None, :, :], (*components, width, width))
    return np.reshape(covars, (-1, width, width))


def _gaussian(graph: Graph, emission: Any, params: Params) -> tuple[Tensor, Tensor]:
    means = params["means"]
    x, observed = _real(graph)
    kind, components = emission.covariance_type, means.shape[:-1]
    covars = _matrices(params["covars"], kind, components, means.shape[-1])
    return _densities(graph, x, means, covars, np.zeros(len(means))), observed


def _mixture(graph: Graph, emission: Any, params: Params) -> tuple[Tensor, Tensor]:
    means, weights = params["means"], params["weights"]
    x, observed = _real(graph)
    kind, width = emission.covariance_type, means.shape[-1]
    covars = _matrices(params["covars"], kind, weights.shape, width)
    rows = np.reshape(means, (-1, width))
    found = _densities(graph, x, rows, covars, _log(weights).ravel())
    found = graph.add("Reshape", found, graph.integers(-1, *weights.shape))
    return graph.add("ReduceLogSumExp", found, graph.integers(2), keepdims=0), observed


def _categorical(graph: Graph, emission: Any, params: Params) -> tuple[Tensor, Tensor]:
    del emission
    zero = graph.constant(np.int64(0))
    known = graph.add("GreaterOrEqual", "x", zero)
    symbols = graph.add("Where", known, "x", zero)
    table = graph.constant(_log(params["emissionprob"].T))
    observed = graph.add("Unsqueeze", known, graph.integers(1))
    return graph.add("Gather", table, symbols, axis=0), observed


def _poisson(graph: Graph, emission: Any, params: Params) -> tuple[Tensor, Tensor]:
    del emission
    x, observed = _real(graph)
    rates = params["lambdas"]
    logs = graph.constant(_log(rates).T)
    found = graph.add("Sub", graph.add("MatMul", x, logs), graph.constant(rates.sum(1)))
    factorials = graph.add("ReduceSum", _log_factorial(graph, x), graph.integers(1), keepdims=1)
    return graph.add("Sub", found, factorials), observed


def _log_factorial(graph: Graph, x: Tensor) -> Tensor:
    """Return `log x!` by Stirling's series at `x + SHIFT`, divided by the factors in between."""

    def number(value: float) -> Tensor:
        return graph.constant(np.float64(value))

    n = graph.add("Add", x, number(SHIFT))
    found = graph.add("Mul", graph.add("Add", n, number(0.5)), graph.add("Log", n))
    found = graph.add("Add", graph.add("Sub", found, n), number(0.5 * math.log(2 * math.pi)))
    power, square = graph.add("Reciprocal", n), graph.add("Mul", n, n)
    for factor in (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188):
        found = graph.add("Add", found, graph.add("Mul", power, number(factor)))
        power = graph.add("Div", power, square)
    for k in range(1, SHIFT + 1):
        found = graph.add("Sub", found, graph.add("Log", graph.add("Add", x, number(k))))
    return found


EMISSIONS: dict[type, Callable[[Graph, Any, Params], tuple[Tensor, Tensor]]] = {
    Categorical: _categorical,
    Gaussian: _gaussian,
    GaussianMixture: _mixture,
    Poisson: _poisson,
}


def _exact(model: Any) -> Any:
    """Return the model in float64, in which the file computes, where the backend has it."""
    if model.dtype == "float64" or not float64_enabled():
        return model
    model = copy.copy(model)
    model.dtype = "float64"
    return model


def _check(model: Any, file: bytes) -> None:
    """Compare the exported filter with `stream` on a sampled sequence with a missing step.

    Raises:
        InputError: an answer differs by more than `TOLERANCE`.
    """
    session = library("onnxruntime").InferenceSession(file, providers=["CPUExecutionProvider"])
    x = model.sample(CHECKED, random_state=0)[0].astype("float64")
    x[CHECKED // 2] = np.nan
    live, state = _exact(model).stream(), np.zeros((1, len(model.startprob_)))
    total = 0.0
    for step, observation in enumerate(x):
        wanted = live.step(observation)
        given = observation[None]
        if session.get_inputs()[0].type == "tensor(int64)":
            given = np.where(np.isnan(observation), -1, observation).astype("int64")
        state, log_prob = session.run(["posterior", "log_prob"], {"x": given, "state": state})
        total += float(log_prob[0])
        worst = max(
            float(np.abs(state[0] - wanted).max()),
            abs(total - live.log_prob) / max(1.0, abs(live.log_prob)),
        )
        if not worst <= TOLERANCE:  # NaN included
            raise InputError(
                f"The exported filter differs from stream() by {worst:.2g} at step {step}, at most "
                f'{TOLERANCE:g} was expected. Nothing was written. A model with dtype="float64" is '
                "more exact."
            )
