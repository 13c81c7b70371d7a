"""First-order linear recurrences of a batch of sequences, and their gradients."""

from __future__ import annotations

from rnnkit.backend.numba.jit import jit
from rnnkit.backend.numba.layout import Array


@jit
def scan_rows(
    begin: int, stop: int, a: Array, b: Array, h0: Array, reverse: bool, h: Array
) -> None:
    """Compute `h_t = a_t h_t-1 + b_t` for the rows from `begin` to `stop`.

    Args:
        begin: of the B rows.
        stop: of the B rows.
        a: `(B, T, U)`.
        b: `(B, T, U)`.
        h0: `(B, U)`, the state before the first step.
        reverse: from the last step to the first.
        h: `(B, T, U)`, becomes the states.
    """
    steps, units = a.shape[1], a.shape[2]
    for row in range(begin, stop):
        for n in range(steps):
            t = steps - 1 - n if reverse else n
            if n == 0:
                for u in range(units):
                    h[row, t, u] = a[row, t, u] * h0[row, u] + b[row, t, u]
            else:
                last = t + 1 if reverse else t - 1
                for u in range(units):
                    h[row, t, u] = a[row, t, u] * h[row, last, u] + b[row, t, u]


@jit
def scan_gradient_rows(
    begin: int,
    stop: int,
    a: Array,
    h0: Array,
    h: Array,
    dh: Array,
    reverse: bool,
    da: Array,
    db: Array,
    dh0: Array,
) -> None:
    """Compute the gradients of `scan_rows` by its inputs, from those by its states.

    `db_t = dh_t + a_t+1 db_t+1`, `da_t = db_t h_t-1`, `dh_0 = a_1 db_1`.
    """
    steps, units = a.shape[1], a.shape[2]
    for row in range(begin, stop):
        for n in range(steps - 1, -1, -1):
            t = steps - 1 - n if reverse else n
            later = t - 1 if reverse else t + 1
            last = t + 1 if reverse else t - 1
            if n == steps - 1:
                for u in range(units):
                    db[row, t, u] = dh[row, t, u]
            else:
                for u in range(units):
                    db[row, t, u] = dh[row, t, u] + a[row, later, u] * db[row, later, u]
            if n == 0:
                for u in range(units):
                    da[row, t, u] = db[row, t, u] * h0[row, u]
                    dh0[row, u] = a[row, t, u] * db[row, t, u]
            else:
                for u in range(units):
                    da[row, t, u] = db[row, t, u] * h[row, last, u]
        if steps == 0:
            dh0[row] = 0.0
