"""The three forms of input data, read into one record and restored for the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from rnnkit.errors import InputError

FORMS = (
    "Give a list of sequences [(T, D), ...], a padded array (B, T, D) with mask=(B, T), "
    "or all steps in a row (N, D) with lengths=[...]."
)


@dataclass(frozen=True)
class Sequences:
    """All real steps in a row, and the form of the input."""

    x: np.ndarray  # the observations (N, D); a step with a NaN is a missing observation
    lengths: np.ndarray  # (B,), at least 1 each; they sum to N
    states: np.ndarray | None  # (N,), the known state of each step or -1; None if none is known
    form: Literal["list", "padded", "rows"]
    mask: np.ndarray | None = None  # (B, T), only of the padded form
    names: tuple[str, ...] = ()  # of the features, where X has names

    @property
    def unobserved_feature(self) -> str | None:
        """The name of a feature that is missing at every step while others are not, or None."""
        if self.x.dtype.kind != "f" or self.x.shape[1] == 1 or self.observed.any():
            return None
        missing = np.isnan(self.x).all(0)
        if missing.all() or not missing.any():
            return None
        place = int(np.argmax(missing))
        return f"Feature {place}{f' ({self.names[place]!r})' if self.names else ''}"

    @cached_property
    def observed(self) -> np.ndarray:
        """Boolean `(N,)`, false at missing observations."""
        if self.x.dtype.kind != "f" or not np.isnan(self.x.min()):
            return np.ones(len(self.x), bool)
        return ~np.isnan(self.x).any(1)

    @property
    def starts(self) -> np.ndarray:
        """`(B,)`, the index of the first step of each sequence."""
        return np.cumsum(self.lengths) - self.lengths

    def drop_uninformative(self) -> Sequences:
        """Keep the sequences with at least one observed step or known state."""
        known = self.observed if self.states is None else self.observed | (self.states >= 0)
        keep = np.logical_or.reduceat(known, self.starts)
        if keep.all():
            return self
        steps = np.repeat(keep, self.lengths)
        states = None if self.states is None else self.states[steps]
        return replace(
            self, x=self.x[steps], lengths=self.lengths[keep], states=states, form="list", mask=None
        )

    def restore(self, values: np.ndarray, fill: float = 0) -> Any:
        """Return results `(N, ...)` in the form of the input, with `fill` at masked steps."""
        if self.form == "rows":
            return values
        if self.mask is None:
            return np.split(values, np.cumsum(self.lengths)[:-1])
        out = np.full((*self.mask.shape, *values.shape[1:]), fill, values.dtype)
        out[self.mask] = values
        return out


def read_sequences(
    x: Any, lengths: Any = None, mask: Any = None, states: Any = None, n_states: int | None = None
) -> Sequences:
    """Read any of the three forms of input; see `BaseHMM`.

    Args:
        x: a list of arrays `(T, D)` or `(T,)`; an array `(B, T, D)`, or `(B, T)` with a mask; or
            an array `(N, D)` or `(N,)`.
        lengths: of the sequences in the last form; None means one sequence.
        mask: boolean `(B, T)`, True = a real step, any pattern.
        states: integers in the same form, -1 where the state is not known.
        n_states: K, to check the known states.

    Example:
        >>> read_sequences([[0, 1, 0], [1, 1]]).lengths
        array([3, 2])
        >>> read_sequences(np.zeros((5, 2)), lengths=[2, 3]).x.shape
        (5, 2)
        >>> read_sequences(np.zeros((2, 3, 1)), mask=[[1, 1, 0], [1, 1, 1]]).lengths
        array([2, 3])
    """
    if isinstance(x, list | tuple) and mask is None and lengths is None and _is_sequence_list(x):
        sequences = _from_list(x)
    else:
        array = _array(x, "X")
        if mask is not None or array.ndim == 3:
            sequences = _from_padded(array, mask, lengths)
        else:
            sequences = _from_rows(array, lengths)
    columns = getattr(x, "columns", None)  # of a table
    if columns is not None and len(columns) == sequences.x.shape[1]:
        sequences = replace(sequences, names=tuple(map(str, columns)))
    if sequences.x.shape[1] == 0:
        raise InputError(f"X has no features: its steps are empty. {FORMS}")
    if sequences.x.dtype.kind == "f" and np.isinf(sequences.x).any():
        step = int(np.flatnonzero(np.isinf(sequences.x).any(1))[0])
        place = _where(sequences, step)
        raise InputError(f"X is infinite at {place}. Use NaN for a missing observation.")
    if states is None:
        return sequences
    return replace(sequences, states=_check_states(states, sequences, n_states))


def _is_sequence_list(x: Sequence) -> bool:
    """Distinguish a list of sequences from one sequence written as nested lists."""
    if not x:
        raise InputError(f"X is empty. {FORMS}")
    if np.ndim(x[0]) == 0:
        return False
    nested = (isinstance(item, list | tuple) and np.ndim(item[0] if item else 0) == 0 for item in x)
    if not all(nested) or len({len(item) for item in x}) > 1:
        return True
    raise InputError(
        f"X is a list of {len(x)} lists of {len(x[0])} numbers: that may be {len(x)} sequences, or "
        f"one sequence of {len(x)} steps. Give NumPy arrays: np.array(X) for one sequence, "
        "[np.array(s) for s in X] for several."
    )


def _array(values: Any, name: str) -> np.ndarray:
    """Convert numbers to an array."""
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind == "b":
        array = array.astype("int32")
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name} is not an array of numbers. {FORMS}")
    return array


def _numbers(values: Any) -> np.ndarray | None:
    """Convert to an array; None if rows have different lengths."""
    try:
        return np.asarray(values)
    except ValueError:
        return None


def _columns(array: np.ndarray, name: str) -> np.ndarray:
    """Return `(T, D)`; one number per step is D = 1."""
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise InputError(f"{name} has the shape {array.shape}. {FORMS}")
    return array


def _from_list(x: Sequence) -> Sequences:
    parts = []
    for place, item in enumerate(x):
        array = _array(item if len(item) else np.zeros(0), f"Sequence {place}")
        if len(array) == 0:
            raise InputError(f"Sequence {place} of {len(x)} has length 0: leave it out.")
        parts.append(_columns(array, f"Sequence {place}"))
    widths = [part.shape[1] for part in parts]
    other = next((place for place, width in enumerate(widths) if width != widths[0]), None)
    if other is not None:
        raise InputError(
            f"Sequence {other} has {widths[other]} features, sequence 0 has {widths[0]}: not equal."
        )
    return Sequences(np.concatenate(parts), np.array([len(part) for part in parts]), None, "list")


def _from_padded(array: np.ndarray, mask: Any, lengths: Any) -> Sequences:
    if lengths is not None:
        raise InputError("A padded array (B, T, D) takes mask=(B, T), not lengths.")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.size == 0:
        raise InputError(f"X has the shape {array.shape}. {FORMS}")
    mask = np.ones(array.shape[:2], bool) if mask is None else _numbers(mask)
    if mask is None or mask.shape != array.shape[:2]:
        shape = "no one shape" if mask is None else f"the shape {mask.shape}"
        raise InputError(f"The mask has {shape}, X needs {array.shape[:2]}.")
    if mask.dtype.kind not in "biuf" or not np.isin(mask, (0, 1)).all():
        raise InputError("The mask must hold true (1) at real steps and false (0) at others alone.")
    mask = mask.astype(bool)
    counts = mask.sum(1)
    if not counts.all():
        row = int(np.argmin(counts))
        raise InputError(f"Row {row} of X has length 0: its mask has no real step. Leave it out.")
    return Sequences(array[mask], counts, None, "padded", mask)


def _from_rows(array: np.ndarray, lengths: Any) -> Sequences:
    array = _columns(array, "X")
    if len(array) == 0:
        raise InputError(f"X is empty. {FORMS}")
    if lengths is None:
        return Sequences(array, np.array([len(array)]), None, "rows")
    given, lengths = lengths, _numbers(lengths)
    if lengths is None:
        raise InputError(f"lengths is {given!r}; expected a list of integers, one per sequence.")
    if lengths.ndim != 1 or lengths.size == 0 or lengths.dtype.kind not in "iu":
        raise InputError(f"lengths is {lengths}; expected a list of integers, one per sequence.")
    if lengths.min() < 1:
        place = int(np.argmin(lengths))
        raise InputError(f"Sequence {place} has length {lengths[place]}: leave it out.")
    if lengths.sum() != len(array):
        raise InputError(
            f"lengths sum to {lengths.sum()}, and X has {len(array)} steps: not equal."
        )
    return Sequences(array, lengths.astype(int), None, "rows")


def _check_states(states: Any, sequences: Sequences, n_states: int | None) -> np.ndarray:
    """Return the known states as `(N,)`, checked against the sequences."""
    if sequences.form == "list":
        if not hasattr(states, "__len__"):
            raise InputError(f"states is {states!r}; expected one array for each sequence of X.")
        if len(states) != len(sequences.lengths):
            raise InputError(f"states has {len(states)} sequences, X has {len(sequences.lengths)}.")
        parts = [np.asarray(part) for part in states]
        shapes = {f"states[{place}]": (int(n),) for place, n in enumerate(sequences.lengths)}
    else:
        found, mask = _numbers(states), sequences.mask
        if found is None:
            raise InputError("states has rows of different lengths; it must have the form of X.")
        parts = [found]
        shapes = {"states": (len(sequences.x),) if mask is None else mask.shape}
    for part, (name, shape) in zip(parts, shapes.items(), strict=True):
        if part.shape != shape:
            raise InputError(f"{name} has the shape {part.shape}, not {shape}.")
    known = np.concatenate(parts) if sequences.mask is None else parts[0][sequences.mask]
    if known.dtype.kind not in "iu":
        raise InputError(f"states is an array of {known.dtype}; expected integers, -1 = not known.")
    wrong = (known < -1) | (known >= (n_states or np.inf))
    if wrong.any():
        step = int(np.argmax(wrong))
        raise InputError(
            f"states is {known[step]} at {_where(sequences, step)}: states go from 0 to "
            f"{(n_states or 0) - 1}, and -1 means not known."
        )
    return known.astype("int32")


def _where(sequences: Sequences, step: int) -> str:
    """Name a step by its sequence and its index in it."""
    place = int(np.searchsorted(np.cumsum(sequences.lengths), step, side="right"))
    return f"step {step - int(sequences.starts[place])} of sequence {place}"
