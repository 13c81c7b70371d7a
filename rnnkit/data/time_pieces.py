"""Times of one series: checked, compared with a step, and cut where rows are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.time_grid import (
    CLOCK_HINT,
    Grid,
    calendar_note,
    clock_change,
    find_grid,
    jitter_note,
    place_rows,
)
from rnnkit.data.times import read_times
from rnnkit.errors import InputError


class Piece(NamedTuple):
    """Consecutive rows without a gap.

    Attributes:
        rows: their numbers.
        times: datetime64 in minutes; None for steps of the calendar.
    """

    rows: np.ndarray
    times: np.ndarray | None


def cut_times(times: Any, count: int, step: int | None) -> tuple[list[Piece], int, list[str]]:
    """Return the pieces between gaps, the step in minutes, and notes for readers of results.

    Args:
        times: datetime64, or what `rnnkit.data.times.read_times` reads.
        count: the number of rows.
        step: minutes from row to row; None = found from the times.

    Raises:
        InputError: times that cannot be read, do not rise, or are not one for each row; no row
            comes one step after the one before it.

    Example:
        >>> pieces, step, _ = cut_times(["2024-01-01", "2024-01-02", "2024-01-09"], 3, None)
        >>> [len(piece.rows) for piece in pieces], step
        ([2, 1], 1440)
    """
    moments, notes = _moments(times)
    if count != len(moments):
        raise InputError(f"There are {len(moments)} times for {count} steps.")
    check_rising(moments, [f"times[{i}]" for i in range(len(moments))])
    try:
        grid = find_grid(moments)
    except InputError:
        if step is None:
            raise
        grid = None
    if grid is None:
        grid = Grid("minutes", step or 1)
    elif step is not None:
        grid = _compared(grid, step, moments)
    placed = place_rows(moments, grid)
    at, distance = placed.times, np.diff(placed.places)
    if placed.odd is None or not grid.has_clock:
        notes += [*jitter_note(placed.late, grid), *calendar_note(grid)]
    else:  # not at equal distances: what is one step apart in whole minutes stays together
        at = moments.astype("datetime64[m]")
        check_rising(at, [f"times[{i}]" for i in range(len(moments))])
        distance = np.diff(at).astype(int) / grid.size
    cuts = np.flatnonzero(distance != 1) + 1
    pieces = [
        Piece(rows, None if at is None else at[rows]) for rows in np.split(np.arange(count), cuts)
    ]
    if len(cuts):
        notes.append(f"{len(cuts):,} gaps begin new series.")
    return pieces, grid.minutes, notes


def check_rising(moments: np.ndarray, places: Sequence[str]) -> None:
    """Refuse times that do not rise, and say where.

    Example:
        >>> check_rising(np.array(["2024-01-02", "2024-01-01"], "datetime64[D]"), ["a", "b"])
        Traceback (most recent call last):
        rnnkit.errors.InputError: b: 2024-01-01 00:00:00 comes after 2024-01-02 00:00:00. The ...
    """
    for i in np.flatnonzero(np.diff(moments).astype(np.int64) <= 0).tolist():
        before, now = moments[i], moments[i + 1]
        hint = CLOCK_HINT if clock_change(before, now) else " Sort them."
        shown = [str(one.astype("datetime64[s]")).replace("T", " ") for one in (now, before)]
        raise InputError(
            f"{places[i + 1]}: {shown[0]} comes after {shown[1]}. The times of a series do not "
            f"rise from step to step.{hint}"
        )


def _moments(times: Any) -> tuple[np.ndarray, list[str]]:
    """Return times in microseconds, and notes on how they were read."""
    found = np.asarray(times)
    if found.dtype.kind == "M":
        if np.isnat(found).any():
            raise InputError(f"times[{int(np.isnat(found).argmax())}] is missing: expected a time.")
        return found.astype("datetime64[us]"), []
    rows = found.reshape(-1).tolist()
    try:
        moments, notes = read_times(rows, [f"times[{i}]" for i in range(len(rows))])
    except InputError as error:
        raise InputError(f"times cannot be read as times: {error}") from None
    return moments, list(notes)


def _compared(grid: Grid, step: int, moments: np.ndarray) -> Grid:
    """Return the grid of the step that was given, or refuse one that no row has."""
    if grid == Grid("minutes", step) or (grid.unit == "business days" and step == 24 * 60):
        return grid
    own = Grid("minutes", step)
    following = np.diff(place_rows(moments, own).places) == 1
    exact = np.diff(moments.astype("datetime64[m]")).astype(int) == step
    if not (following & exact).any():
        raise InputError(
            f"step is {step} (minutes), and most rows are one every {grid.name}: no row comes "
            f"{step} minutes after the one before it. Leave step out, or give the right one."
        )
    return own
