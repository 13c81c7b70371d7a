"""Baum-Welch over shards: E-steps of parts of the data, in any processes, and one M-step.

The M-step depends on the data through sums over their steps alone. Each shard returns few weighted
observations that have the sums of its own (`Emission.summarize`), and those of all shards together
have the sums of all data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.hmm import inference
from rnnkit.hmm.estimators.coordinates import Coordinates
from rnnkit.hmm.estimators.em_steps import ExpectedCounts
from rnnkit.hmm.estimators.expectations import EStep, Expected
from rnnkit.hmm.estimators.params import Params
from rnnkit.hmm.estimators.passes import prepare_observations
from rnnkit.hmm.estimators.sequences import Sequences, read_sequences

Map = Callable[..., Iterable[Any]]
ARGUMENTS = ("X", "lengths", "mask", "states")


class ShardCounts(NamedTuple):
    """Result of the E-step on a shard, as arrays."""

    x: np.ndarray  # (S, ...), the summary: weighted observations
    weights: np.ndarray  # (R, S, K)
    first: np.ndarray  # (R, K), the expected number of sequences that start in each state
    transitions: np.ndarray  # (R, K, K), the expected number of transitions
    log_likelihood: np.ndarray  # (R,)


def read_shard(place: int, shard: Any, states: int) -> Sequences:
    """Read a shard: a file, an X of `fit`, its arguments by name, or a function that returns one.

    Args:
        place: its number, for errors.
        shard: the path of a `.npy` file with X or of a `.npz` file with arrays named as the
            arguments of `fit`; or what such a file holds; or a function without arguments.
        states: K, to check known states.

    Example:
        >>> read_shard(0, {"X": [[1.0], [2.0], [3.0]], "lengths": [1, 2]}, 2).lengths
        array([1, 2])
    """
    name = f"Shard {place}"
    if callable(shard):
        shard = shard()
    if isinstance(shard, str | Path):
        name = f"Shard {place} ({shard})"
        try:
            read = np.load(shard, allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"{name} is missing: there is no such file.") from None
        except (OSError, ValueError) as error:
            raise InputError(
                f"{name} cannot be read: {error}. Expected a file of np.save or np.savez."
            ) from error
        shard = read if isinstance(read, np.ndarray) else {key: read[key] for key in read.files}
    given = dict(shard) if isinstance(shard, Mapping) else {"X": shard}
    unknown = [key for key in given if key not in ARGUMENTS]
    if unknown or "X" not in given:
        raise InputError(
            f"{name} holds {', '.join(map(repr, given))}; expected X and, where needed, lengths, "
            "mask or states."
        )
    try:
        x, lengths, mask, known = (given.get(key) for key in ARGUMENTS)
        return read_sequences(x, lengths, mask, known, states)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


@dataclass(frozen=True)
class Describe:
    """What the first pass asks each shard for: `(features, observed steps)`."""

    states: int

    def __call__(self, numbered: tuple[int, Any]) -> tuple[int, int]:
        """Return the number of features and of observed steps of a shard and its number."""
        sequences = read_shard(*numbered, self.states)
        return sequences.x.shape[1], int(sequences.observed.sum())


@dataclass(frozen=True)
class Shards:
    """The parts of the data, and how to run a function on each.

    Args:
        parts: as `read_shard` takes them.
        map: called as `map(function, items)`.
        features: D.
        steps: the number of observed steps.
    """

    parts: Sequence[Any]
    map: Map
    features: int
    steps: int

    @classmethod
    def of(cls, parts: Sequence[Any], map: Map, states: int) -> Shards:
        """Look at all parts.

        Raises:
            InputError: no shard, a shard that cannot be read, or one with other features.
        """
        if isinstance(parts, str | Path | np.ndarray) or not len(parts):
            raise InputError(
                f"shards is {parts!r:.60}; expected a list with at least one file or array."
            )
        found = list(map(Describe(states), list(enumerate(parts))))
        if len(found) != len(parts):
            raise InputError(
                f"map returned {len(found)} results for {len(parts)} shards; expected a function "
                "like the built-in map, which returns one for each, in their order."
            )
        features = found[0][0]
        for place, (width, _) in enumerate(found):
            if width != features:
                raise InputError(
                    f"Shard {place} has {width} features, and shard 0 has {features}: not equal."
                )
        return cls(parts, map, features, sum(steps for _, steps in found))


@dataclass(frozen=True)
class ShardEStep:
    """The E-step on one shard, under parameters as arrays: what is sent to a worker."""

    coordinates: Coordinates
    params: Params  # (R, ...), in the units of the computation
    numerics: inference.Numerics
    dtype: str

    def __call__(self, numbered: tuple[int, Any]) -> ShardCounts | None:
        """Return the expected counts of a shard and its number; None if nothing was observed."""
        sequences = read_shard(*numbered, self.params.startprob.shape[-1]).drop_uninformative()
        if not len(sequences.lengths):
            return None
        emission, units = self.coordinates.emission, self.coordinates.units
        shapes = {name: value[0] for name, value in self.params.emission.items()}
        x = prepare_observations(emission, sequences, shapes, self.dtype, units)
        inner = self.coordinates.inner
        e_step = EStep(inner, sequences, x, self.params.startprob.size, self.dtype)
        found = e_step(native.tensors(self.params), self.numerics)

        def arrays(name: str) -> list[np.ndarray]:
            parts = [ops.convert_to_numpy(getattr(each, name)) for each in found.counts]
            return [part.astype("float64") for part in parts]

        summary = inner.summarize(
            ops.convert_to_numpy(found.x), np.concatenate(arrays("weights"), 1)
        )
        first, transitions = (np.sum(arrays(name), 0) for name in ("first", "transitions"))
        return ShardCounts(*summary, first, transitions, found.log_likelihood)


@dataclass(frozen=True)
class ShardedEStep:
    """The E-step over all shards."""

    shards: Shards
    coordinates: Coordinates
    dtype: str

    @property
    def features(self) -> int:
        """D."""
        return self.shards.features

    @property
    def steps(self) -> int:
        """The number of observed steps."""
        return self.shards.steps

    def __call__(self, params: Params, numerics: inference.Numerics) -> Expected:
        """Return what the M-step needs, under parameters with restarts."""
        arrays = params.map(ops.convert_to_numpy)
        task = ShardEStep(self.coordinates, arrays, numerics, self.dtype)
        given = list(enumerate(self.shards.parts))
        parts = [part for part in self.shards.map(task, given) if part is not None]
        total = np.sum([part.log_likelihood for part in parts], axis=0)
        counts = ExpectedCounts(
            log_prob=total[:, None, None],
            first=np.sum([part.first for part in parts], axis=0),
            transitions=np.sum([part.transitions for part in parts], axis=0),
            weights=np.concatenate([part.weights for part in parts], 1),
        )
        counts = ExpectedCounts._make(np.asarray(each, self.dtype) for each in counts)
        x = np.concatenate([part.x for part in parts])
        x = x.astype(self.dtype) if x.dtype.kind == "f" else x
        return Expected(native.tensors(x), [native.tensors(counts)], total)
