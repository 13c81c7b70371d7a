"""The Hopfield network: an associative memory for binary patterns."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit.errors import InputError

CAPACITY = 0.138  # patterns per unit, Hebb's rule: Amit, Gutfreund and Sompolinsky 1985
RULES = ("hebb", "storkey")
ORDERS = ("steepest", "random", "synchronous")


class CapacityWarning(UserWarning):
    """More patterns are stored than the network can recall."""


class Recall(NamedTuple):
    """What `HopfieldNetwork.recall` returns.

    Args:
        states: the states `(B, N)` in which the network ended, each +1 or -1.
        rested: boolean `(B,)`: the state is a fixed point, no unit would change any more.
    """

    states: np.ndarray
    rested: np.ndarray


class HopfieldNetwork:
    """Associative memory of N units that are +1 or -1: stores patterns, recalls them from cues.

    `s_i ← sign(Σ_j w_ij s_j − θ_i)`; a unit whose sum is zero stays as it is. The weights are
    symmetric with a zero diagonal, so that asynchronous updates never raise the energy
    `E(s) = −½ Σ_ij w_ij s_i s_j + Σ_i θ_i s_i` and end at rest. It has no gradient and is no Keras
    layer: plain NumPy.

    Args:
        units: the number N of units.
        thresholds: θ, one number or `(N,)`.

    Attributes:
        weights: `(N, N)`.
        stored: the number of patterns stored so far.

    Raises:
        InputError: units that are no positive whole number, thresholds of another shape.

    Source: Hopfield 1982, Neural networks and physical systems with emergent collective
    computational abilities.

    Example:
        >>> network = HopfieldNetwork(6)
        >>> network.store([1, 1, 1, -1, -1, -1])
        >>> network.recall([1, 1, -1, -1, -1, -1]).states.tolist()
        [[1, 1, 1, -1, -1, -1]]
    """

    def __init__(self, units: int, thresholds: Any = 0.0) -> None:
        if isinstance(units, bool) or not isinstance(units, int) or units <= 0:
            raise InputError(
                f"HopfieldNetwork: units is {units!r}; expected a positive whole number."
            )
        given = np.asarray(thresholds, "float64")
        if given.shape not in ((), (units,)) or not np.isfinite(given).all():
            raise InputError(
                f"HopfieldNetwork: thresholds have the shape {given.shape}; expected one finite "
                f"number, or {units}, one for each unit."
            )
        self.units = units
        self.thresholds = np.broadcast_to(given, (units,)).copy()
        self.weights = np.zeros((units, units))
        self.stored = 0

    def store(self, patterns: Any, rule: str = "hebb") -> None:
        """Add patterns to those that are stored already.

        Hebb's rule, `w_ij += ξ_i ξ_j / N`, takes a pattern in one product and recalls it up to a
        few wrong units while fewer than 0.138 N random patterns are stored. Storkey's,
        `w_ij += (ξ_i ξ_j − ξ_i h_ji − h_ij ξ_j) / N` with `h_ij = Σ_{k≠i,j} w_ik ξ_k`, is slower
        and holds `N / sqrt(2 ln N)` patterns without an error.

        Args:
            patterns: `(P, N)` or `(N,)`, each number +1 or -1.
            rule: "hebb" or "storkey".

        Raises:
            InputError: other numbers, another shape, another rule; nothing was stored.

        Warns:
            CapacityWarning: more patterns are stored than the rule can hold.

        Source: Hopfield 1982; Storkey 1997, Increasing the capacity of a Hopfield network without
        sacrificing functionality; Amit, Gutfreund and Sompolinsky 1985, Storing infinite numbers of
        patterns in a spin-glass model of neural networks.
        """
        if rule not in RULES:
            raise InputError(f"HopfieldNetwork: rule is {rule!r}; expected one of {RULES}.")
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
        if self.stored > max(limit, 1):  # one pattern is at rest in any network
            warnings.warn(
                f"{self.stored} patterns are stored in {self.units} units; past {limit:.1f} "
                f"(rule {rule!r}) random patterns can no longer be recalled. Store fewer, or take "
                "more units.",
                CapacityWarning,
                stacklevel=2,
            )

    def _storkey(self, row: np.ndarray) -> None:
        """Add one pattern by Storkey's rule, written with `h_ij = h_i − w_ij ξ_j`."""
        half = np.outer(row, row / 2 - self.weights @ row) / self.units
        self.weights *= 1 + 2 / self.units
        self.weights += half + half.T  # in one sum: symmetric to the last bit
        np.fill_diagonal(self.weights, 0.0)

    def recall(
        self, cues: Any, steps: int = 100, order: str = "steepest", seed: int | None = None
    ) -> Recall:
        """Let the network run from the cues until it rests.

        | order | which unit changes next | ends |
        |---|---|---|
        | "steepest" | the one whose change lowers the energy most; recalls best | always at rest |
        | "random" | the next one of a random order, drawn anew when all had their turn | at rest |
        | "synchronous" | all at once | at rest, or two states follow each other for ever |

        Args:
            cues: `(B, N)` or `(N,)`, each number +1 or -1.
            steps: how many times all units have their turn at most.
            order: "steepest", "random" or "synchronous"; the first two are asynchronous.
            seed: seed of the random order, which all cues share.

        Returns:
            `Recall(states, rested)`.

        Raises:
            InputError: other numbers, another shape, another order, steps that are not positive.
        """
        if order not in ORDERS:
            raise InputError(f"HopfieldNetwork: order is {order!r}; expected one of {ORDERS}.")
        if isinstance(steps, bool) or not isinstance(steps, int) or steps <= 0:
            raise InputError(
                f"HopfieldNetwork: steps is {steps!r}; expected a positive whole number."
            )
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
        """Return `Σ_j w_ij s_j − θ_i` for states `(B, N)`: the sums whose signs the units take."""
        return np.asarray(states, "float64") @ self.weights - self.thresholds

    def energy(self, states: Any) -> np.ndarray:
        """Return `E(s) = −½ Σ_ij w_ij s_i s_j + Σ_i θ_i s_i` `(B,)` for states `(B, N)`."""
        rows = self._check("states", states).astype("float64")
        return -0.5 * np.sum(rows * (rows @ self.weights), axis=1) + rows @ self.thresholds

    def _next(self, states: np.ndarray, fields: np.ndarray) -> np.ndarray:
        """Return the signs of the fields; where a field is zero, up to rounding, the old state."""
        return np.where(np.abs(fields) <= self._slack, states, np.sign(fields))

    @property
    def _slack(self) -> float:
        """What counts as zero in a field: rounding grows with the number of units."""
        return 1e-12 * self.units

    def _rested(self, states: np.ndarray) -> np.ndarray:
        """Tell for each row whether no unit would change."""
        return (self._next(states, self.fields(states)) == states).all(axis=1)

    def _in_turn(self, states: np.ndarray, places: np.ndarray) -> None:
        """Update all units in place, one after the other, for all rows at once.

        The fields are kept and changed by the units that flip: near rest these are few.
        """
        fields = self.fields(states)
        for place in places:
            new = self._next(states[:, place], fields[:, place])
            rows = np.flatnonzero(new != states[:, place])
            if rows.size:
                fields[rows] += np.outer(2 * new[rows], self.weights[place])
                states[rows, place] = new[rows]

    def _steepest(self, states: np.ndarray) -> None:
        """Flip in each row the unit that its field pulls hardest, in place, N times at most."""
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
            raise InputError(
                f"HopfieldNetwork: {label} have the shape {np.shape(rows)}; expected "
                f"(rows, {self.units})."
            )
        if array.dtype == bool or not np.isin(array, (-1, 1)).all():
            values = np.unique(array)[:5].tolist()
            raise InputError(
                f"HopfieldNetwork: {label} hold {values}; expected +1 and -1 alone. For zeros and "
                "ones give 2 * x - 1."
            )
        return array

    def save(self, path: str | os.PathLike) -> None:
        """Write the network to an `.npz` file, whole or not at all."""
        target = Path(path)
        beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            with beside.open("wb") as file:
                np.savez_compressed(
                    file, weights=self.weights, thresholds=self.thresholds, stored=self.stored
                )
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike) -> HopfieldNetwork:
        """Read a network that `save` wrote."""
        with np.load(path) as file:
            missing = {"weights", "thresholds", "stored"} - set(file.files)
            if missing:
                raise InputError(
                    f"HopfieldNetwork: {path} has no {sorted(missing)}; expected a file that "
                    "HopfieldNetwork.save wrote."
                )
            network = cls(len(file["weights"]), file["thresholds"])
            network.weights = file["weights"]
            network.stored = int(file["stored"])
        return network
