"""The SGD steps of word2vec in one compiled loop, for a CPU; the tables are NumPy arrays.

A step computes all gradients at the tables before it, then adds them, as
`rnnkit.embeddings.training.steps.sgd_step` does on the framework's tensors. What makes it fast is
that only words with a context, and only the nodes that a path has, cost anything, and that nothing
larger than a step's rows is written besides the tables.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from rnnkit.backend.numba.jit import jit

Array = Any
LANES = 16  # scores whose sigmoids are computed at once; rows are padded to a multiple of it
LINE = 64  # bytes of a line of the processor's cache
_LOWEST = -126.0  # the exponent of the smallest normal float32
# Sums may be reordered and products fused. Not all of `fastmath`: that assumes that no value is
# infinite or NaN, and a loss that is must be seen.
_FASTMATH = {"contract", "reassoc", "nsz"}
_inlined = numba.njit(fastmath=_FASTMATH, error_model="numpy", forceinline=True)


@_inlined
def aligned_rows(rows: int, width: int) -> Array:
    """Return zeros `(rows, width)`, float32, that begin with a line of the cache."""
    memory = np.zeros(rows * width + LINE // 4, np.float32)
    begin = (-memory.ctypes.data % LINE) // 4
    return memory[begin : begin + rows * width].reshape(rows, width)


@_inlined
def _dot(a: Array, i: int, b: Array, j: int) -> Any:
    total = np.float32(0)
    for d in range(a.shape[1]):
        total += a[i, d] * b[j, d]
    return total


@_inlined
def _clear(table: Array, row: int) -> None:
    for d in range(table.shape[1]):
        table[row, d] = 0


@_inlined
def _add_row(table: Array, row: int, factor: float, source: Array, i: int) -> None:
    """Add `factor source[i]` to a row."""
    for d in range(table.shape[1]):
        table[row, d] += factor * source[i, d]


@_inlined
def _add_rows(
    table: Array,
    row: int,
    scale: float,
    factors: Array,
    f: int,
    source: Array,
    rows: Array,
    r: int,
    count: int,
) -> None:
    """Add `scale Σ_k factors[f + k] source[rows[r + k]]`, `k < count`, to a row: four at a time."""
    end = r + count
    while r + 4 <= end:
        a, b = scale * factors[f], scale * factors[f + 1]
        c, e = scale * factors[f + 2], scale * factors[f + 3]
        i, j, m, n = rows[r], rows[r + 1], rows[r + 2], rows[r + 3]
        for d in range(table.shape[1]):
            first = a * source[i, d] + b * source[j, d]
            table[row, d] += first + (c * source[m, d] + e * source[n, d])
        f += 4
        r += 4
    if r + 2 <= end:
        a, b = scale * factors[f], scale * factors[f + 1]
        i, j = rows[r], rows[r + 1]
        for d in range(table.shape[1]):
            table[row, d] += a * source[i, d] + b * source[j, d]
        f += 2
        r += 2
    if r < end:
        _add_row(table, row, scale * factors[f], source, rows[r])


@_inlined
def _exp_of_negative(x: Any) -> Any:
    """Return `exp(x)`, float32, for x <= 0; below 1e-38 it stops there. Vector instructions."""
    binary = x * np.float32(1.4426950408889634)
    binary = binary if binary > np.float32(_LOWEST) else np.float32(_LOWEST)  # NaN, too
    whole = np.floor(binary + np.float32(0.5))
    r = binary - whole
    power = np.float32(0.00015403530393381608)
    power = np.float32(0.0013333558146428443) + r * power
    power = np.float32(0.009618129107628477) + r * power
    power = np.float32(0.05550410866482158) + r * power
    power = np.float32(0.2402265069591007) + r * power
    power = np.float32(0.6931471805599453) + r * power
    power = np.float32(1) + r * power
    bits = np.int32((np.int32(whole) + np.int32(127)) * np.int32(1 << 23))
    return power * bits.view(np.float32)


@_inlined
def _logistic(scores: Array, labels: Array, slopes: Array, at: int, count: int) -> float:
    """Set `slopes`, from `at` on, to `σ(s) - y`; return the sum of losses `log(1 + e^s) - y s`.

    What is padded to whole lanes has a loss of 0. A NaN passes through: `y s` is NaN.
    """
    loss = 0.0
    padded = (count + LANES - 1) // LANES * LANES
    for k in range(count, padded):
        scores[k], labels[k] = -200, 0
    for begin in range(0, padded, LANES):
        factors: Any = np.float32(1)
        linear: Any = np.float32(0)
        for k in range(begin, begin + LANES):
            s, y = scores[k], labels[k]
            small = _exp_of_negative(-abs(s))
            positive = s > 0
            linear += (s if positive else np.float32(0)) - y * s
            factors *= np.float32(1) + small  # each is in [1, 2]: one logarithm for all
            slopes[at + k] = (np.float32(1) if positive else small) / (np.float32(1) + small) - y
        loss += linear + math.log(factors)
    return loss


@jit
def train_block(
    vectors: Array,
    outputs: Array,
    vector_scales: Array,
    output_scales: Array,
    rate: float,
    words: Array,
    contexts: Array,
    noise: Array,
    nodes: Array,
    codes: Array,
    lengths: Array,
    cbow: bool,
    first: int,
    last: int,
) -> tuple[float, int]:
    """Train on a block: a step of each reduced window, then the next step of each.

    Args:
        vectors: word vectors, float32 `(V, D)`, D a multiple of `LANES`; changed in place.
        outputs: output vectors, float32 `(V, D)` or `(V - 1, D)`; changed in place.
        vector_scales: float32 `(V,)`, factors of the learning rate for each word vector.
        output_scales: float32, for each output vector.
        rate: float32, the learning rate.
        words: int32 `(W, S, N)`, S steps of N words for each of W reduced windows.
        contexts: int32, `(S, N, 2)`, `(S, N, 4)` ... `(S, N, 2 W)`, one after the other, flat; -1
            for no word.
        noise: int32 `(W, S, N, K)`, noise words.
        nodes: of a `HuffmanTree`, `(V, L)`; `(0, 0)` = negative sampling.
        codes: of the tree.
        lengths: of the tree.
        cbow: the mean of a context predicts the word; else each of its words does.
        first: of the N words, the first that is read; the others are left to other threads.
        last: the one behind those that are read.

    Returns:
        The sum of the losses, each before its step, and the number of predictions.
    """
    windows, steps, size = words.shape
    width, widest = vectors.shape[1], 2 * windows
    targets = nodes.shape[1] if len(nodes) else noise.shape[3] + 1
    each = 1 if cbow else widest  # the most predictions of a word
    room = each * targets + LANES
    count = last - first
    hidden = aligned_rows(count if cbow else 0, width)
    errors = aligned_rows(count * each, width)
    # Of each word one part of a flat array: a slice of rows would be counted as a reference.
    rows, row_counts = np.empty(count * targets, np.int32), np.empty(count, np.int64)
    around, around_counts = np.empty(count * widest, np.int32), np.empty(count, np.int64)
    slopes = np.empty(count * room, np.float32)
    scores, labels = np.empty(room, np.float32), np.empty(room, np.float32)
    factors = np.ones(widest, np.float32)
    one, loss, number = np.float32(1), 0.0, 0
    for step in range(steps):
        group = 0
        for w in range(windows):
            reach = 2 * (w + 1)
            for n in range(count):
                place = group + (step * size + first + n) * reach
                begin, near = n * widest, 0
                for c in range(reach):
                    if contexts[place + c] >= 0:
                        around[begin + near] = contexts[place + c]
                        near += 1
                around_counts[n] = near
                if not near:
                    continue
                word, row, own = words[w, step, first + n], n * targets, np.int64(0)
                if len(nodes):
                    own = np.int64(lengths[word])
                    for j in range(own):
                        rows[row + j] = nodes[word, j]
                        labels[j] = 0 if codes[word, j] else 1
                else:
                    rows[row], labels[0], own = word, 1, np.int64(1)
                    for k in range(noise.shape[3]):
                        drawn = noise[w, step, first + n, k]
                        if drawn != word:
                            rows[row + own], labels[own] = drawn, 0
                            own += 1
                row_counts[n] = own
                slope = n * room
                if cbow:
                    number += 1
                    _clear(hidden, n)
                    for c in range(near):
                        factors[c] = one
                    mean = one / np.float32(near)
                    _add_rows(hidden, n, mean, factors, 0, vectors, around, begin, near)
                    for j in range(own):
                        scores[j] = _dot(hidden, n, outputs, rows[row + j])
                    loss += _logistic(scores, labels, slopes, slope, own)
                    _clear(errors, n)
                    _add_rows(errors, n, one, slopes, slope, outputs, rows, row, own)
                else:
                    number += near
                    for k in range(own, near * own):
                        labels[k] = labels[k - own]
                    for c in range(near):
                        for j in range(own):
                            word = around[begin + c]
                            scores[c * own + j] = _dot(vectors, word, outputs, rows[row + j])
                    loss += _logistic(scores, labels, slopes, slope, near * own)
                    for c in range(near):
                        error = n * each + c
                        _clear(errors, error)
                        part = slope + c * own
                        _add_rows(errors, error, one, slopes, part, outputs, rows, row, own)
            # The gradients are known: first the outputs, whose changes need the old vectors.
            for n in range(count):
                near, own, begin = around_counts[n], row_counts[n], n * widest
                if not near:
                    continue
                for j in range(own):
                    row = rows[n * targets + j]
                    change, slope = -rate * output_scales[row], n * room + j
                    if cbow:
                        _add_row(outputs, row, change * slopes[slope], hidden, n)
                    else:
                        for c in range(near):
                            factors[c] = slopes[slope + c * own]
                        _add_rows(outputs, row, change, factors, 0, vectors, around, begin, near)
            for n in range(count):
                for c in range(around_counts[n]):
                    word = around[n * widest + c]
                    error = n if cbow else n * each + c
                    _add_row(vectors, word, -rate * vector_scales[word], errors, error)
            group += steps * size * reach
    return loss, number
