"""Gaussian densities, scatter matrices and lower bounds for the four covariance types.

C is the number of components: the K states, or all K * M components of mixtures.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from keras import backend, ops

from rnnkit.backend import native
from rnnkit.errors import InputError, check_choice
from rnnkit.hmm.emissions.arithmetic import at_least, like, over_features
from rnnkit.hmm.emissions.base import Constraint, Tensor
from rnnkit.hmm.emissions.units import Kind, Units

CovarianceType = Literal["spherical", "diag", "full", "tied"]
LOG_2PI = math.log(2 * math.pi)
UNROLLED = 6  # up to this many features, L^-1 (x - mean) row by row is faster than a product
MIN_VARIANCE = 1e-12  # applies even with min_covar=0, so that densities stay finite
RELATIVE_FLOOR = 1e-6  # of the variance of the data, where no min_covar is given


def check_settings(covariance_type: str, min_covar: Any) -> None:
    """Refuse an unknown covariance type and a negative lower bound."""
    check_choice("covariance_type", covariance_type, get_args(CovarianceType))
    if min_covar is not None and not (np.isfinite(min_covar) & (np.asarray(min_covar) >= 0)).all():
        raise InputError(f"min_covar is {min_covar!r}; expected a number of at least 0, or None.")


def units_kind(covariance_type: str, min_covar: Any) -> Kind:
    """Return the units that a covariance type allows.

    A lower bound of eigenvalues keeps its meaning only if all features have one scale.
    """
    if covariance_type == "diag":
        return "each"
    return "white" if covariance_type != "spherical" and min_covar is None else "common"


def floor_in_units(min_covar: Any, units: Units, covariance_type: str) -> Any:
    """Return the lower bound of variances in other units; None stays None."""
    if min_covar is None:
        return None
    squares = np.square(units.deviations)
    return min_covar / (squares if covariance_type == "diag" else squares[0])


def standardize(covars: np.ndarray, units: Units, covariance_type: str) -> np.ndarray:
    """Return covariances in other units."""
    if covariance_type in ("full", "tied"):
        return units.standardize_matrices(covars)
    squares = np.square(units.deviations)
    return covars / (squares if covariance_type == "diag" else squares[0])


def restore(covars: np.ndarray, units: Units, covariance_type: str) -> np.ndarray:
    """Return covariances in the units of the data: the inverse of `standardize`."""
    if covariance_type in ("full", "tied"):
        return units.restore_matrices(covars)
    squares = np.square(units.deviations)
    return covars * (squares if covariance_type == "diag" else squares[0])


def constraint(covariance_type: str) -> Constraint:
    """Return the constraint of the parameter covars."""
    return "covariance" if covariance_type in ("full", "tied") else "positive"


def shape(covariance_type: str, components: tuple, features: int) -> tuple[int, ...]:
    """Return the shape of the covariances of components `(K,)`, or `(K, M)` in mixtures.

    Tied covariances are shared along the last axis of the components: `(4, 2)` gives `(4, D, D)`.
    """
    axes = {"spherical": 0, "diag": 1}.get(covariance_type, 2)
    shared = components[:-1] if covariance_type == "tied" else components
    return (*shared, *[features] * axes)


def log_density(x: Tensor, means: Tensor, covars: Tensor, covariance_type: str) -> Tensor:
    r"""Return `log N(x_n | mean_c, covariance_c)`, `(R, N, C)`.

    `-(D log 2 pi + log det C + |L^-1 (x - mean)|^2) / 2` with `C = L L'`. The squares of `x - mean`
    are never expanded: far from zero that would lose all digits of float32.

    Args:
        x: `(N, D)`.
        means: `(R, C, D)`.
        covars: `(R, C)`, `(R, C, D)`, `(R, C, D, D)`; tied `(R, D, D)`.
        covariance_type: "spherical", "diag", "full" or "tied".
    """
    if covariance_type in ("full", "tied"):
        inverse = _inverse_factor(covars if covariance_type == "full" else covars[:, None])
        squares = _squared_length(x, means, inverse)
        half_log_det = -ops.sum(ops.log(ops.diagonal(inverse, axis1=-2, axis2=-1)), axis=-1)
    else:
        if covariance_type == "spherical":
            covars = ops.broadcast_to(covars[..., None], means.shape)
        if (found := native.diagonal_density(x, means, covars)) is not None:
            return found
        squares = over_features(lambda x, m, p: ops.square(x - m) * p, x, means, 1.0 / covars)
        half_log_det = 0.5 * ops.sum(ops.log(covars), axis=-1)
    constant = half_log_det + 0.5 * LOG_2PI * x.shape[-1]
    return -0.5 * squares - constant[:, None]


def _inverse_factor(covars: Tensor) -> Tensor:
    """Return `L^-1`, lower triangular, of each covariance `L L'`.

    By way of the correlations: features of any two scales then have a factor in float32.
    """
    unit = ops.eye(covars.shape[-1], dtype=backend.standardize_dtype(covars.dtype))
    scale = ops.sqrt(ops.diagonal(covars, axis1=-2, axis2=-1))
    factor = ops.cholesky(covars / scale[..., None, :] / scale[..., :, None])
    inverse = ops.solve_triangular(factor, ops.broadcast_to(unit, factor.shape), lower=True)
    return inverse / scale[..., None, :]


def _squared_length(x: Tensor, means: Tensor, inverse: Tensor) -> Tensor:
    """Return the squared Mahalanobis distance `|L^-1 (x_n - mean_c)|^2`, `(R, N, C)`."""
    features = x.shape[-1]
    if features > UNROLLED:
        white = (x[None, None] - means[:, :, None]) @ ops.swapaxes(inverse, -1, -2)
        return ops.transpose(ops.sum(ops.square(white), axis=-1), (0, 2, 1))
    away = [x[None, :, d, None] - means[:, None, :, d] for d in range(features)]
    rows = [sum(inverse[:, None, :, i, d] * away[d] for d in range(i + 1)) for i in range(features)]
    return sum(ops.square(row) for row in rows)


def scatter(x: Tensor, means: Tensor, weights: Tensor, covariance_type: str) -> Tensor:
    """Scatter matrix `sum_n w_nc (x_n - mean_c)(x_n - mean_c)'`, or its diagonal.

    `x (N, D)`, `means (R, C, D)`, `weights (R, N, C)` -> `(R, C, D, D)` for "full" and "tied",
    otherwise `(R, C, D)`.
    """
    if covariance_type not in ("full", "tied"):
        found = native.diagonal_scatter(x, means, weights)
        if found is not None:
            return found
    away = ops.transpose(x) - means[..., None]  # (R, C, D, N): the sum over steps is a product
    weights = ops.transpose(weights, (0, 2, 1))
    if covariance_type in ("full", "tied"):
        return (away * weights[:, :, None]) @ ops.swapaxes(away, -1, -2)
    return (ops.square(away) @ weights[..., None])[..., 0]


def floor_covars(covars: Tensor, floor: Any, covariance_type: str) -> Tensor:
    """Raise variances, or eigenvalues, to a lower bound; a matrix above it stays unchanged.

    The bound of a matrix is also relative to its largest eigenvalue, ten times the rounding error
    of the smallest one: the Cholesky factor exists in float32 even if features are collinear.

    Args:
        covars: `(..., D)`, `(..., D, D)` or, spherical, `(...,)`.
        floor: a number, `(D,)` numbers for "diag", or None = 1e-6, a millionth of the variance of
            standardized data.
        covariance_type: "spherical", "diag", "full" or "tied".
    """
    least = like(_least(floor), covars)
    if covariance_type not in ("full", "tied"):
        return at_least(covars, least)
    covars = 0.5 * (covars + ops.swapaxes(covars, -1, -2))
    values, vectors = ops.linalg.eigh(covars)
    least = at_least(_rounding(covars) * values[..., -1:], least)
    lifted = at_least(values, least)
    raised = (vectors * lifted[..., None, :]) @ ops.swapaxes(vectors, -1, -2)
    low = ops.any(values < least, axis=-1)
    return ops.where(low[..., None, None], raised, covars)


def at_floor(covars: np.ndarray, floor: Any, covariance_type: str, dtype: str) -> np.ndarray:
    """Return which covariances are at the bound of `floor_covars`.

    Boolean: `(...,)` for matrices, otherwise in the shape of the covariances.
    """
    covars, least = np.asarray(covars, "float64"), _least(floor)
    if covariance_type not in ("full", "tied"):
        return covars <= 1.001 * least
    values = np.linalg.eigvalsh(covars)
    rounding = 10.0 * covars.shape[-1] * float(np.finfo(dtype).eps)
    return values[..., 0] <= 1.1 * np.maximum(least, rounding * values[..., -1])


def factorable(covars: np.ndarray, dtype: str) -> tuple[np.ndarray, bool]:
    """Return matrices with a Cholesky factor in a dtype, and whether one had to be changed."""
    covars = np.asarray(covars, "float64")
    scale = np.sqrt(np.diagonal(covars, axis1=-2, axis2=-1))
    outer = scale[..., None, :] * scale[..., :, None]
    values, vectors = np.linalg.eigh(covars / outer)
    least = 2.0 * covars.shape[-1] * float(np.finfo(dtype).eps)
    low = values[..., 0] < least
    if not low.any():
        return covars, False
    lifted = np.maximum(values, least)[..., None, :]
    raised = (vectors * lifted) @ np.swapaxes(vectors, -1, -2) * outer
    changed = bool((values[..., 0] < 0.5 * least).any())
    return np.where(low[..., None, None], raised, covars), changed


def _least(floor: Any) -> np.ndarray:
    return np.maximum(RELATIVE_FLOOR if floor is None else floor, MIN_VARIANCE)


def _rounding(covars: Tensor) -> float:
    epsilon = float(np.finfo(backend.standardize_dtype(covars.dtype)).eps)
    return 10.0 * covars.shape[-1] * epsilon


def floor_initial(covars: np.ndarray, floor: Any, covariance_type: str) -> np.ndarray:
    """Apply `floor_covars` to initial covariances, in float32."""
    first = floor_covars(ops.convert_to_tensor(covars.astype("float32")), floor, covariance_type)
    return np.asarray(ops.convert_to_numpy(first), "float64")


def draw(
    means: np.ndarray,
    covars: np.ndarray,
    covariance_type: str,
    components: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw one vector for each step, `(N, D)`, from the Gaussian of its component `(N,)`.

    `means (C, D)`; `covars (C,)`, `(C, D)`, `(C, D, D)`, or tied `(D, D)`.
    """
    noise = rng.standard_normal((len(components), means.shape[-1]))
    if covariance_type in ("full", "tied"):
        factors = _roots(np.asarray(covars, "float64"))
        factors = np.broadcast_to(factors, (len(means), *factors.shape[-2:]))
        for component in np.unique(components):
            here = components == component
            noise[here] = noise[here] @ factors[component].T
    else:
        deviations = np.sqrt(np.asarray(covars, "float64"))[components]
        noise *= deviations[:, None] if covariance_type == "spherical" else deviations
    return means[components] + noise


def _roots(covars: np.ndarray) -> np.ndarray:
    """Return a root `R R'` of each covariance; one of collinear features may be singular."""
    try:
        return np.linalg.cholesky(covars)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covars)
        return vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
