"""The Hopfield network: an associative memory for binary patterns."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit.atomic import replacing
from rnnkit.errors import InputError, check_choice, check_count
from rnnkit.untrusted import read_arrays

CAPACITY = 0.138  # patterns per unit, Hebb's rule: Amit, Gutfreund and Sompolinsky 1985
RULES = ("hebb", "storkey")
ORDERS = ("steepest", "random", "synchronous")


class CapacityWarning(UserWarning):
    """More patterns are stored than the network can recall."""


class Recall(NamedTuple):
    """Result of `HopfieldNetwork.recall`.

    Args:
        states: the final states `(B, N)`, each +1 or -1.
        rested: boolean `(B,)`, true = the state is a fixed point.
    """

    states: np.ndarray
    rested: np.ndarray


class HopfieldNetwork:
    """Hopfield network: associative memory of N binary units (+1 or -1).

    `s_i ← sign(Σ_j w_ij s_j − θ_i)`; a unit whose sum is zero does not change. The weights are
    symmetric with a zero diagonal, so that asynchronous updates never increase the energy
    `E(s) = −½ Σ_ij w_ij s_i s_j + Σ_i θ_i s_i` and converge to a fixed point. It has no gradient
    and is no Keras layer: plain NumPy.

    Args:
        units: the number N of units.
        thresholds: θ, one number or `(N,)`.

    Attributes:
        weights: `(N, N)`.
        stored: the number of patterns stored so far.

    Raises:
        InputError: units that are no positive integer, thresholds of another shape.

    Source: Hopfield 1982, Neural networks and physical systems with emergent collective
    computational abilities.

    Example:
        >>> network = HopfieldNetwork(6)
        >>> network.store([1, 1, 1, -1, -1, -1])
        >>> network.recall([1, 1, -1, -1, -1, -1]).states.tolist()
        [[1, 1, 1, -1, -1, -1]]
    """

    def __init__(self, units: int, thresholds: Any = 0.0) -> None:
        check_count("HopfieldNetwork: units", units)
        given = np.asarray(thresholds, "float64")
        if given.shape not in ((), (units,)) or not np.isfinite(given).all():
            raise InputError(
                f"HopfieldNetwork: thresholds have the shape {given.shape}; expected one finite "
                f"number, or {units}, one for each unit."
            )
        self.units = units
        self._slack = 1e-12 * units  # tolerance for a zero field: its rounding grows with N
        self.thresholds = np.broadcast_to(given, (units,)).copy()
        self.weights = np.zeros((units, units))
        self.stored = 0

    def store(self, patterns: Any, rule: str = "hebb") -> None:
        """Store patterns, by Hebb's or Storkey's learning rule, in addition to those stored before.

        Hebb's rule, `w_ij += ξ_i ξ_j / N`, is one product per pattern and recalls it up to a few
        wrong units while fewer than 0.138 N random patterns are stored. Storkey's,
        `w_ij += (ξ_i ξ_j − ξ_i h_ji − h_ij ξ_j) / N` with `h_ij = Σ_{k≠i,j} w_ik ξ_k`, is slower
        and has a capacity of `N / sqrt(2 ln N)` patterns without errors.

        Args:
            patterns: `(P, N)` or `(N,)`, each number +1 or -1.
            rule: "hebb" or "storkey".

        Raises:
            InputError: other numbers, another shape, an unknown rule; nothing was stored.

        Warns:
            CapacityWarning: more patterns are stored than the capacity of the rule.

        Source: Hopfield 1982; Storkey 1997, Increasing the capacity of a Hopfield network without
        sacrificing functionality; Amit, Gutfreund and Sompolinsky 1985, Storing infinite numbers of
        patterns in a spin-glass model of neural networks.
        """
        check_choice("HopfieldNetwork: rule", rule, RULES)
        rows = self._check("patterns", patterns).astype("float64")
        if rule == "hebb":
            self.weights += rows.T @ rows / self.units
            np.fill_diagonal(self.weights, 0.0)
        else:
            for row in rows:
                self._storkey(row)
        self.stored += len(rows)
        limit = CAPACITY * self.units
        if rule == "storkey":
            limit = self.units / np.sqrt(2 * np.log(max(self.units, 2)))
        if self.stored > max(limit, 1):  # one pattern is a fixed point of any network
            warnings.warn(
                f"{self.stored} patterns are stored in {self.units} units; past {limit:.1f} "
                f"(rule {rule!r}) random patterns can no longer be recalled. Store fewer, or use "
                "more units.",
                CapacityWarning,
                stacklevel=2,
            )

    def _storkey(self, row: np.ndarray) -> None:
        """Add one pattern by Storkey's rule, written with `h_ij = h_i − w_ij ξ_j`."""
        half = np.outer(row, row / 2 - self.weights @ row) / self.units
        self.weights *= 1 + 2 / self.units
        self.weights += half + half.T  # in one sum: exactly symmetric
        np.fill_diagonal(self.weights, 0.0)

    def recall(
        self, cues: Any, steps: int = 100, order: str = "steepest", seed: int | None = None
    ) -> Recall:
        """Update the network from the cues until it converges.

        | order | which unit is updated next | converges |
        |---|---|---|
        | "steepest" | the one that lowers the energy most; recalls best | to a fixed point |
        | "random" | all in a random order, drawn again for each sweep | to a fixed point |
        | "synchronous" | all at once | to a fixed point or a cycle of two states |

        Args:
            cues: `(B, N)` or `(N,)`, each number +1 or -1.
            steps: maximum number of sweeps over all units.
            order: "steepest", "random" or "synchronous"; the first two are asynchronous.
            seed: seed of the random order, the same for all cues.

        Returns:
            `Recall(states, rested)`.

        Raises:
            InputError: other numbers, another shape, an unknown order, steps that are not positive.
        """
        check_choice("HopfieldNetwork: order", order, ORDERS)
        check_count("HopfieldNetwork: steps", steps)
        states = self._check("cues", cues).astype("float64")
        rng = np.random.default_rng(seed)
        for _ in range(steps):
            if self._rested(states).all():
                break
            if order == "synchronous":
                states = self._next(states, self.fields(states))
            elif order == "random":
                self._in_turn(states, rng.permutation(self.units))
            else:
                self._steepest(states)
        return Recall(states.astype("int8"), self._rested(states))

    def fields(self, states: Any) -> np.ndarray:
        """Return the local fields `Σ_j w_ij s_j − θ_i` for states `(B, N)`."""
        return np.asarray(states, "float64") @ self.weights - self.thresholds

    def energy(self, states: Any) -> np.ndarray:
        """Return the energy `−½ Σ_ij w_ij s_i s_j + Σ_i θ_i s_i` `(B,)` for states `(B, N)`."""
        rows = self._check("states", states).astype("float64")
        return -0.5 * np.sum(rows * (rows @ self.weights), axis=1) + rows @ self.thresholds

    def _next(self, states: np.ndarray, fields: np.ndarray) -> np.ndarray:
        """Return the signs of the fields; the old state where a field is zero up to rounding."""
        return np.where(np.abs(fields) <= self._slack, states, np.sign(fields))

    def _rested(self, states: np.ndarray) -> np.ndarray:
        """Return for each row whether it is a fixed point."""
        return (self._next(states, self.fields(states)) == states).all(axis=1)

    def _in_turn(self, states: np.ndarray, places: np.ndarray) -> None:
        """Update all units in place, one after the other, for all rows at once."""
        fields = self.fields(states)  # updated for units that flip: few near a fixed point
        for place in places:
            new = self._next(states[:, place], fields[:, place])
            rows = np.flatnonzero(new != states[:, place])
            if rows.size:
                fields[rows] += np.outer(2 * new[rows], self.weights[place])
                states[rows, place] = new[rows]

    def _steepest(self, states: np.ndarray) -> None:
        """Flip in each row the unit that lowers the energy most, in place, at most N times."""
        fields = self.fields(states)
        rows = np.arange(len(states))
        for _ in range(self.units):
            pull = states[rows] * fields[rows]
            places = pull.argmin(axis=1)
            moves = pull[np.arange(len(rows)), places] < -self._slack
            rows, places = rows[moves], places[moves]
            if not rows.size:
                break
            states[rows, places] *= -1
            fields[rows] += 2 * states[rows, places, None] * self.weights[places]

    def _check(self, label: str, rows: Any) -> np.ndarray:
        """Return `(B, N)` of +1 and -1; refuse anything else."""
        array = np.atleast_2d(np.asarray(rows))
        if array.ndim != 2 or array.shape[1] != self.units:
            shape = np.shape(rows)
            raise InputError(
                f"HopfieldNetwork: {label} have the shape {shape}; expected (rows, {self.units})."
            )
        if array.dtype == bool or not np.isin(array, (-1, 1)).all():
            values = np.unique(array)[:5].tolist()
            raise InputError(
                f"HopfieldNetwork: {label} contain {values}; expected +1 and -1 only. For zeros "
                "and ones give 2 * x - 1."
            )
        return array

    def save(self, path: str | os.PathLike) -> None:
        """Write the network to an `.npz` file, atomically.

        Raises:
            DiskError: the file cannot be written.
        """
        size = self.weights.nbytes + self.thresholds.nbytes
        place = replacing(Path(path), "the network", size)
        with place as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file, weights=self.weights, thresholds=self.thresholds, stored=self.stored
            )

    @classmethod
    def load(cls, path: str | os.PathLike) -> HopfieldNetwork:
        """Read a network from a file of `save`.

        Raises:
            InputError: it is damaged, or another file.
        """
        try:
            file = read_arrays(Path(path))
        except ValueError as error:
            raise InputError(f"HopfieldNetwork: {path} cannot be read: {error}.") from error
        missing = sorted({"weights", "thresholds", "stored"} - set(file))
        if missing:
            hint = "expected a file of HopfieldNetwork.save"
            raise InputError(f"HopfieldNetwork: {path} has no {missing}; {hint}.")
        weights, thresholds, stored = (file[n] for n in ("weights", "thresholds", "stored"))
        units = len(weights) if weights.ndim == 2 else 0
        if (
            weights.shape != (units, units)
            or not units
            or {weights.dtype.kind, thresholds.dtype.kind} != {"f"}
            or not np.isfinite(weights).all()
            or stored.shape != ()
            or stored.dtype.kind not in "iu"
        ):
            raise InputError(
                f"HopfieldNetwork: {path} holds weights of shape {weights.shape}; expected a "
                "square of finite numbers, and how many patterns were stored."
            )
        try:
            network = cls(units, thresholds)
        except InputError as error:
            raise InputError(f"{path} is damaged: {error}") from error
        network.weights, network.stored = weights, int(stored)
        return network
