"""Units in which emissions of real numbers are computed, whatever the units of the data are.

`z = (x - origin) W'` has deviations of about 1: constants and rounding in float32 then mean the
same for returns of 1e-4 and for a meter that reads 1e8. Sums are taken in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["common", "each", "white"]
# Smaller eigenvalues of a correlation matrix are raised to this before whitening. The lower bound
# of covariances, 1e-6 of it, is still larger than the rounding error of float64.
MIN_EIGENVALUE = 1e-7


@dataclass(frozen=True)
class Units:
    """An affine map of observations, `x = origin + root z`.

    Attributes:
        origin: `(D,)`.
        deviations: `(D,)`, the scale of each feature.
        rotation: `(D, D)`, so that `root = deviations[:, None] * rotation`; None = the identity.
        constant: boolean `(D,)`, the features that never vary.

    Example:
        >>> units = Units(np.array([5.0]), np.array([2.0]))
        >>> units.standardize(np.array([[9.0]])).tolist(), round(units.log_jacobian, 4)
        ([[2.0]], 0.6931)
    """

    origin: np.ndarray
    deviations: np.ndarray
    rotation: np.ndarray | None = None
    constant: np.ndarray | None = None

    @property
    def log_jacobian(self) -> float:
        """`log |det root|`: `log p(x) = log p(z) - log_jacobian`."""
        found = float(np.log(self.deviations).sum())
        if self.rotation is not None:
            found += float(np.linalg.slogdet(self.rotation)[1])
        return found

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Return points `(..., D)` in these units, float64."""
        away = (np.asarray(x, "float64") - self.origin) / self.deviations
        return away if self.rotation is None else away @ np.linalg.inv(self.rotation).T

    def restore(self, z: np.ndarray) -> np.ndarray:
        """Return points `(..., D)` in the units of the data."""
        away = z if self.rotation is None else z @ self.rotation.T
        return self.origin + away * self.deviations

    def standardize_matrices(self, matrices: np.ndarray) -> np.ndarray:
        """Return covariance matrices `(..., D, D)` in these units."""
        scaled = matrices / self.deviations / self.deviations[:, None]
        if self.rotation is not None:
            inverse = np.linalg.inv(self.rotation)
            scaled = inverse @ scaled @ inverse.T
        return 0.5 * (scaled + np.swapaxes(scaled, -1, -2))

    def restore_matrices(self, matrices: np.ndarray) -> np.ndarray:
        """Return covariance matrices `(..., D, D)` in the units of the data."""
        if self.rotation is not None:
            matrices = self.rotation @ matrices @ self.rotation.T
        scaled = matrices * self.deviations * self.deviations[:, None]
        return 0.5 * (scaled + np.swapaxes(scaled, -1, -2))


def units_of_data(x: np.ndarray, kind: Kind) -> Units:
    """Return the units of observations `(N, D)`: about their median, the variance is 1.

    A feature that never varies has its own size as unit.

    Args:
        x: the observations, finite.
        kind: "common", one scale for all features; "each", one for each; "white", uncorrelated
            features of variance 1.

    Example:
        >>> units = units_of_data(np.array([[1e8, 3.0], [1e8 + 2, 3.0]]), "each")
        >>> units.deviations.tolist(), units.constant.tolist()
        ([1.0, 3.0], [False, True])
    """
    x = np.asarray(x, "float64")
    origin = np.median(x, axis=0)
    away = x - origin
    span = np.abs(away).max(axis=0)
    largest = np.abs(x).max(axis=0)
    constant = span <= 2 * np.finfo("float64").eps * largest
    span = np.where(constant, 1.0, span)
    deviations = (away / span).std(axis=0) * span  # squares of 1e200 would overflow
    deviations = np.where(constant, np.where(largest > 0, largest, 1.0), deviations)
    if kind == "common":
        return Units(origin, _common(deviations, constant), None, constant)
    if kind == "each":
        return Units(origin, deviations, None, constant)
    scaled = np.where(constant, 0.0, away / deviations)
    scaled = scaled - scaled.mean(axis=0)
    return Units(origin, deviations, _rotation(scaled.T @ scaled / len(x)), constant)


def units_of_components(means: np.ndarray, covars: np.ndarray, kind: Kind) -> Units:
    """Return the units of Gaussians: those of data drawn from them in equal parts, about.

    The origin is the mean of the narrowest one, where float32 is finest.

    Args:
        means: `(C, D)`.
        covars: variances `(C, D)`, or matrices `(C, D, D)`.
        kind: as for `units_of_data`.
    """
    means, covars = np.asarray(means, "float64"), np.asarray(covars, "float64")
    matrices = covars.ndim == 3
    variances = np.diagonal(covars, axis1=-2, axis2=-1) if matrices else covars
    origin = np.take_along_axis(means, variances.argmin(axis=0)[None], axis=0)[0]
    away = means - means.mean(axis=0)
    deviations = np.sqrt(np.mean(variances + np.square(away), axis=0))
    if kind == "common":
        return Units(origin, _common(deviations, np.zeros(len(origin), bool)))
    if kind == "each":
        return Units(origin, deviations)
    scaled = (away[:, :, None] * away[:, None, :] + covars).mean(axis=0)
    return Units(origin, deviations, _rotation(scaled / deviations / deviations[:, None]))


def _common(deviations: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Return one scale for all features, from those that vary."""
    chosen = deviations if constant.all() else deviations[~constant]
    top = chosen.max()
    return np.full(len(deviations), top * np.sqrt(np.mean(np.square(chosen / top))))


def _rotation(correlation: np.ndarray) -> np.ndarray:
    """Return a root of a correlation matrix; directions without variance keep a small one."""
    absent = np.diagonal(correlation) == 0  # a feature that never varies keeps its own unit
    values, vectors = np.linalg.eigh(correlation + np.diag(absent.astype("float64")))
    return vectors * np.sqrt(np.maximum(values, MIN_EIGENVALUE))
