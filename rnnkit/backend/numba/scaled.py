"""Forward-backward with messages as probabilities, normalised at each step: the fast numerics."""

from __future__ import annotations

from rnnkit.backend.numba.jit import jit
from rnnkit.backend.numba.layout import WIDTH, Array


@jit
def forward_rows(
    begin: int,
    stop: int,
    leaving: Array,
    mask: Array,
    begins: Array,
    seen: Array,
    posterior: Array,
    totals: Array,
) -> None:
    """Filter the rows from `begin` to `stop`; see `layout.py`.

    Args:
        begin, stop: of the R rows.
        leaving: `(M, K, C, 8)`, the transition probabilities, from row to column.
        mask: `(B, T)`.
        begins: `(B,)`.
        seen: `(R, T, C, 8)`, `p(x_t | z_t)` in any scale.
        posterior: `(R, T, C, 8)`, holds the posteriors up to the first real step, and becomes all.
        totals: `(R, T)`, becomes the sum before normalising; not at the first step or masked ones.
    """
    rows, (size, blocks) = len(mask), leaving.shape[1:3]
    for row in range(begin, stop):
        b, model = row % rows, row // rows
        for t in range(begins[b] + 1, mask.shape[1]):
            if not mask[b, t]:
                for c in range(blocks):
                    for k in range(WIDTH):
                        posterior[row, t, c, k] = posterior[row, t - 1, c, k]
                continue
            total = 0.0
            for c in range(blocks):
                for k in range(WIDTH):
                    posterior[row, t, c, k] = 0.0
                for i in range(size):
                    weight = posterior[row, t - 1, i // WIDTH, i % WIDTH]
                    for k in range(WIDTH):
                        posterior[row, t, c, k] += weight * leaving[model, i, c, k]
                for k in range(WIDTH):
                    posterior[row, t, c, k] *= seen[row, t, c, k]
                    total += posterior[row, t, c, k]
            inverse = 1.0 / total
            for c in range(blocks):
                for k in range(WIDTH):
                    posterior[row, t, c, k] *= inverse
            totals[row, t] = total


@jit
def backward_rows(
    begin: int,
    stop: int,
    entering: Array,
    mask: Array,
    begins: Array,
    seen: Array,
    posterior: Array,
    messages: Array,
    smoothed: Array,
    pairs: Array,
) -> None:
    """Smooth the rows from `begin` to `stop`.

    Args:
        begin, stop, mask, begins, seen, posterior: see `forward_rows`.
        entering: `(M, K, C, 8)`, the transition probabilities, from column to row.
        messages: `(R, 2, C, 8)`, work space.
        smoothed: `(R, T, C, 8)`, becomes the posteriors given all steps.
        pairs: `(R, K, C, 8)`, zeros, becomes the expected transitions without the factor A; no
            rows = do not count them.
    """
    rows, (size, blocks) = len(mask), entering.shape[1:3]
    last, counting = mask.shape[1] - 1, len(pairs) > 0
    for row in range(begin, stop):
        b, model = row % rows, row // rows
        for c in range(blocks):
            for k in range(WIDTH):
                messages[row, 0, c, k] = 1.0
                smoothed[row, last, c, k] = posterior[row, last, c, k]
        for t in range(last, 0, -1):
            if t <= begins[b]:
                for c in range(blocks):
                    for k in range(WIDTH):
                        smoothed[row, t - 1, c, k] = posterior[row, t - 1, c, k]
                continue
            if not mask[b, t]:
                for c in range(blocks):
                    for k in range(WIDTH):
                        smoothed[row, t - 1, c, k] = smoothed[row, t, c, k]
                continue
            for c in range(blocks):
                for k in range(WIDTH):
                    messages[row, 1, c, k] = seen[row, t, c, k] * messages[row, 0, c, k]
            total, both = 0.0, 0.0
            for c in range(blocks):
                for k in range(WIDTH):
                    messages[row, 0, c, k] = 0.0
                for j in range(size):
                    weight = messages[row, 1, j // WIDTH, j % WIDTH]
                    for k in range(WIDTH):
                        messages[row, 0, c, k] += weight * entering[model, j, c, k]
                for k in range(WIDTH):
                    total += messages[row, 0, c, k]
                    joint = posterior[row, t - 1, c, k] * messages[row, 0, c, k]
                    smoothed[row, t - 1, c, k] = joint
                    both += joint
            inverse, shrink = 1.0 / both, 1.0 / total
            if counting:
                for i in range(size):
                    weight = posterior[row, t - 1, i // WIDTH, i % WIDTH] * inverse
                    for c in range(blocks):
                        for k in range(WIDTH):
                            pairs[row, i, c, k] += weight * messages[row, 1, c, k]
            for c in range(blocks):
                for k in range(WIDTH):
                    smoothed[row, t - 1, c, k] *= inverse
                    messages[row, 0, c, k] *= shrink
