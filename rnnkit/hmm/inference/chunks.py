"""Long sequences in chunks that run side by side, where a loop over time is a Python loop.

A chunk is a map from the state before it to the state after it, a matrix `(K, K)`. The matrices of
all chunks are computed at once, then the messages at their boundaries one after the other; from
these all chunks run side by side. So T steps take about `3 sqrt(T)` rounds instead of T.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from keras import ops

from rnnkit import backend
from rnnkit.hmm.inference.steps import LOG_ZERO, Steps, Tensor

MIN_STEPS = 512  # shorter sequences take no longer one step after the other
MAX_WIDTH = 64  # sequences times states: wider steps keep the processor busy by themselves
Semiring = Literal["probability", "log", "max"]


@dataclass(frozen=True)
class Chunks:
    """The layout of `T` steps as C chunks of L steps, the last one filled up."""

    steps: int
    count: int
    length: int

    @classmethod
    def of(cls, steps: Steps) -> Chunks | None:
        """Return the layout of a sequence, or None to go through it step by step."""
        if backend.name != "torch" or getattr(steps.log_lik, "requires_grad", False):
            return None
        total, *width = steps.log_lik.shape
        if total < MIN_STEPS or math.prod(width) > MAX_WIDTH:
            return None
        length = math.isqrt(total)
        return cls(total, -(-total // length), length)

    def split(self, x: Tensor) -> Tensor:
        """Return `x (T, ..., B, X)` as `(L, ..., C * B, X)`; the filling is 0 or false."""
        missing = self.count * self.length - self.steps
        filling = ops.broadcast_to(ops.zeros_like(x[:1]), (missing, *x.shape[1:]))
        x = ops.concatenate([x, filling])
        x = ops.reshape(x, (self.count, self.length, *x.shape[1:]))
        x = ops.moveaxis(x, 0, -3)
        return ops.reshape(x, (*x.shape[:-3], -1, x.shape[-1]))

    def join(self, x: Tensor) -> Tensor:
        """Return `x (L, ..., C * B, X)` as `(T, ..., B, X)`: the inverse of `split`."""
        x = ops.moveaxis(self._apart(x), -3, 0)
        return ops.reshape(x, (-1, *x.shape[2:]))[: self.steps]

    def boundaries(
        self, start: Tensor, maps: Tensor, semiring: Semiring, reverse: bool = False
    ) -> Tensor:
        """Return the message before each chunk, `(..., C * B, K)`, from the first, `(..., B, K)`.

        With `reverse`, chunks are entered from their end: messages are those of later steps.
        """
        maps = ops.moveaxis(self._apart(maps, 2), -4, 0)
        message, found = start, []
        for place in range(self.count)[:: -1 if reverse else 1]:
            found.append(message)
            one = ops.swapaxes(maps[place], -1, -2) if reverse else maps[place]
            message = _apply(message, one, semiring)
        stacked = ops.stack(found[:: -1 if reverse else 1], axis=-3)
        return ops.reshape(stacked, (*stacked.shape[:-3], -1, stacked.shape[-1]))

    def _apart(self, x: Tensor, after: int = 1) -> Tensor:
        """Return `(..., C * B, X...)` as `(..., C, B, X...)`; `after` counts the last axes."""
        lead, rest = x.shape[: -after - 1], x.shape[-after:]
        return ops.reshape(x, (*lead, self.count, -1, *rest))


def scan_chunks(
    chunks: Chunks | None,
    step: Callable[[tuple, tuple], tuple[tuple, Tensor]],
    start: Tensor,
    inputs: Sequence[Tensor],
    maps: Callable[..., Tensor],
    semiring: Semiring,
    reverse: bool = False,
) -> Tensor:
    """Scan with one message `(..., B, K)` as carry, in chunks if there are any.

    Args:
        chunks: the layout; None = step by step.
        step: as for `rnnkit.backend.native.scan`.
        start: the first message.
        inputs: `(T, ..., B, X)` each.
        maps: returns the matrices of the chunks, `(..., C * B, K, K)`, from their inputs.
        semiring: of the matrices.
        reverse: from the end to the start.
    """
    if chunks is None:
        return backend.native.scan(step, (start,), tuple(inputs), reverse=reverse)[1]
    parts = tuple(chunks.split(x) for x in inputs)
    begin = chunks.boundaries(start, maps(*parts), semiring, reverse)
    return chunks.join(backend.native.scan(step, (begin,), parts, reverse=reverse)[1])


def probability_maps(A: Tensor, likelihoods: Tensor, real: Tensor) -> Tensor:
    """Return `prod_t A diag(p(x_t | z_t))` of each chunk, the largest entry being 1.

    Rows differ by no more than the smallest transition: see `select_numerics`.
    """

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, None]:
        (last,), (likelihood, real) = carry, inputs
        found = (last @ A[..., None, :, :]) * likelihood[..., None, :]
        found = found / ops.max(found, axis=(-2, -1), keepdims=True)
        return (ops.where(real[..., None], found, last),), None

    size = likelihoods.shape[-1]
    shape = (*likelihoods.shape[1:], size)
    first = ops.broadcast_to(ops.eye(size, dtype=likelihoods.dtype), shape)
    return backend.native.scan(one, (first,), (likelihoods, real))[0][0]


def log_maps(
    log_pi: Tensor, log_A: Tensor, semiring: Semiring, log_lik: Tensor, real: Tensor, first: Tensor
) -> Tensor:
    """Return the matrices of the chunks as logarithms, the largest entry being 0.

    Args:
        log_pi: `(..., 1, K)`.
        log_A: `(..., 1, K, K)`.
        semiring: "log" sums over paths, "max" takes the best.
        log_lik: `(L, ..., C * B, K)`.
        real: boolean `(L, ..., C * B, 1)`.
        first: boolean, the first real step, which no transition leads to.
    """

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, None]:
        (rows, scale), (log_lik, real, first) = carry, inputs
        moved = _sum(rows[..., :, :, None] + log_A[..., None, :, :], semiring, -2)
        # Every row goes on from the start; the weights of the rows, which sum to 1, stay theirs.
        moved = ops.where(first[..., None], log_pi[..., None, :], moved)
        found = moved + log_lik[..., None, :]
        top = ops.max(found, axis=-1, keepdims=True)
        real = real[..., None]
        # The scale of a row stands apart: beside a large one, entries would lose their digits.
        scales = scale + top
        scales = scales - ops.max(scales, axis=-2, keepdims=True)
        scales = ops.where(scales < LOG_ZERO, LOG_ZERO, scales)
        return (ops.where(real, found - top, rows), ops.where(real, scales, scale)), None

    size = log_lik.shape[-1]
    eye = ops.eye(size, dtype=log_lik.dtype)
    rows = ops.broadcast_to((1.0 - eye) * LOG_ZERO, (*log_lik.shape[1:], size))
    scale = ops.zeros_like(rows[..., :1])
    rows, scale = backend.native.scan(one, (rows, scale), (log_lik, real, first))[0]
    return rows + scale


def _sum(x: Tensor, semiring: Semiring, axis: int) -> Tensor:
    return ops.max(x, axis=axis) if semiring == "max" else ops.logsumexp(x, axis=axis)


def _apply(message: Tensor, matrix: Tensor, semiring: Semiring) -> Tensor:
    """Return a message `(..., K)` after a chunk, normalised."""
    if semiring == "probability":
        found = (message[..., None, :] @ matrix)[..., 0, :]
        return found / ops.sum(found, axis=-1, keepdims=True)
    found = _sum(message[..., :, None] + matrix, semiring, -2)
    found = found - _sum(found, semiring, -1)[..., None]
    return ops.where(found < LOG_ZERO, LOG_ZERO, found)


def follow(pointers: Tensor) -> Tensor:
    """Compose maps of states from the last step back to each: `g_t = f_t(f_t+1(...))`.

    `pointers (T, ..., K)`, integers; the rounds are `log2 T`.

    Example:
        >>> [int(g) for g in follow(ops.array([[1, 0], [1, 0], [0, 0]]))[:, 1]]
        [0, 1, 0]
    """
    shift = 1
    while shift < pointers.shape[0]:
        later = ops.take_along_axis(pointers[:-shift], pointers[shift:], axis=-1)
        pointers = ops.concatenate([later, pointers[-shift:]])
        shift *= 2
    return pointers
