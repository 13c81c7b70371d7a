"""LSTM in blocks of steps: TensorFlow's fused LSTM forward, its fused cell backward.

`BlockLSTM` runs the steps of a block in one operation, with the products of inputs and states in
one product. Its own gradient adds to the whole gradient by the weights at each step; here each step
backward is one fused operation and one product, and the gradients by weights and inputs are one
product for each block.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from rnnkit.backend.kernels import Kernel, KernelRequest
from rnnkit.backend.tensorflow.block_rows import BLOCK, AllBlocks, RealBlocks
from rnnkit.backend.tensorflow.recurrent import Kept, run_with_gradient
from rnnkit.backend.tensorflow.recurrent import unsupported_reason as loop_unsupported_reason
from rnnkit.backend.tensorflow.steps import kernel_grad

Tensor = Any


def unsupported_reason(request: KernelRequest) -> str | None:
    """Return why this kernel cannot run a pass."""
    if request.cell_type != "lstm":
        return f"the cell type is {request.cell_type}, not lstm"
    if request.recurrent_dropout:
        return "recurrent dropout changes the state within a step"
    if request.zoneout or request.resets:
        return "zoneout and resets change the states between two steps of a block"
    if request.training and (request.units or 0) % 2:
        # It copies what is not aligned, and warns of it at every block. With one more unit, as in
        # inference, a training step would take up to 14 % more; the loop takes what this took.
        return f"the number of units, {request.units}, is odd"
    return loop_unsupported_reason(request)


def _swap(gates: Tensor, axis: int = -1) -> Tensor:
    """Swap the second and third gate: `i, f, g, o` of Keras, `i, g, f, o` of the fused cell."""
    i, f, g, o = tf.split(gates, 4, axis=axis)
    return tf.concat([i, g, f, o], axis=axis)


class Blocks:
    """Forward and backward loop of an LSTM over blocks of steps.

    Args:
        weights: `kernel`, `recurrent_kernel`, and `bias` or none.
        rows: the rows of every block.
        cells: whether a gradient by the last cell states may come.
    """

    def __init__(self, weights: Mapping[str, Tensor], rows: AllBlocks, cells: bool) -> None:
        self.kernel, self.recurrent = weights["kernel"], weights["recurrent_kernel"]
        self.width, self.units = self.kernel.shape[0], self.recurrent.shape[0]
        self.bias, self.rows, self.cells = weights.get("bias"), rows, cells
        self.nothing = tf.zeros((self.units,))  # no peepholes
        self.zeros = tf.zeros((4 * self.units,))
        self.shape = tf.TensorShape([None, self.units])

    def forward(self, x: Tensor, states: tuple) -> tuple[list[Tensor], tuple]:
        """Run the steps over `x (N, D)` from sorted states `(B, U)`.

        Returns:
            The outputs and cell states, `(B + N, U)`; arrays of what each block keeps for the
            gradient.
        """
        rows = self.rows
        weights = tf.concat([self.kernel, self.recurrent], axis=0)
        bias = self.zeros if self.bias is None else self.bias

        def body(block: Tensor, states: tuple, kept: tuple, found: tuple) -> tuple:
            first, stop = rows.first_step(block), rows.first_step(block + 1)
            begin, end, size = rows.span(first, stop)
            h, c = (state[:size] for state in states)
            i, cs, f, o, g, squashed, hs = tf.raw_ops.BlockLSTMV2(
                seq_len_max=tf.cast(stop - first, tf.int64),
                x=tf.reshape(x[begin:end], tf.stack([stop - first, size, self.width])),
                cs_prev=c,
                h_prev=h,
                w=weights,
                wci=self.nothing,
                wcf=self.nothing,
                wco=self.nothing,
                b=bias,
                cell_clip=0,
                use_peephole=False,
            )
            saved = (i, cs, f, o, g, squashed, hs, c, h)
            kept = tuple(a.write(block, part) for a, part in zip(kept, saved, strict=True))
            steps = [tf.reshape(part, (-1, self.units)) for part in (hs, cs)]
            found = tuple(a.write(block + 1, part) for a, part in zip(found, steps, strict=True))
            states = tuple(part[-size:] for part in steps)
            return block + 1, states, kept, found

        kept = tuple(_array(rows.blocks, None) for _ in range(9))
        found = tuple(_array(rows.blocks + 1, self.units).write(0, state) for state in states)
        shapes = (self.shape,) * 2, (tf.TensorShape(None),) * 9, (tf.TensorShape(None),) * 2
        _, _, kept, found = tf.while_loop(
            lambda block, *_: block < rows.blocks,
            body,
            (tf.constant(0), states, kept, found),
            shape_invariants=(tf.TensorShape([]), *shapes),
        )
        return [part.concat() for part in found], kept

    def backward(
        self, x: Tensor, kept: tuple, d_outputs: tuple, d_cells: tuple
    ) -> tuple[Tensor, tuple, dict[str, Tensor]]:
        """Run the blocks in reverse and propagate the gradient.

        `d_outputs` and `d_cells` are those of `output_grad`. Returns the gradients by x, after
        blank rows, by the sorted states before the first step, and by each weight.
        """
        rows, recurrent = self.rows, _swap(self.recurrent)
        # Transposed once: a product with a transposed operand is slower.
        kernel_t, recurrent_t = tf.transpose(_swap(self.kernel)), tf.transpose(recurrent)

        def several(done: Tensor, carry: tuple, count: int) -> tuple:
            d_states, sums, dx = carry
            block = rows.blocks - 1 - (done // BLOCK + done % BLOCK)  # whole blocks come first here
            first = rows.steps - done - count
            begin, end, size = rows.span(first, first + count)
            saved = [_unstack(a.read(block), count, self.units) for a in kept[:7]]
            c_first, h_first = (
                tf.ensure_shape(a.read(block), (None, self.units)) for a in kept[7:]
            )
            by_outputs = _split(d_outputs[0], begin, end, count)
            by_cells = _split(d_cells[0], begin, end, count)
            before = [c_first, *saved[1][:-1]]
            d_h, d_c = (_pad(d, size) for d in d_states)
            found: list[Tensor] = []
            for j in reversed(range(count)):
                d_h = d_h if by_outputs is None else d_h + by_outputs[j]
                d_c = d_c if by_cells is None else d_c + by_cells[j]
                step = [part[j] for part in saved]
                d_gates, d_c = self.cell_grad(recurrent, step, before[j], d_h, d_c)
                d_h = tf.matmul(d_gates, recurrent_t)
                found.insert(0, d_gates)
            d_gates = tf.concat(found, axis=0)
            h_before = tf.concat([h_first, *saved[6][:-1]], axis=0)
            slopes = [kernel_grad(x[begin:end], d_gates), kernel_grad(h_before, d_gates)]
            slopes += [] if self.bias is None else [tf.reduce_sum(d_gates, axis=0)]
            sums = tuple(total + one for total, one in zip(sums, slopes, strict=True))
            dx = dx.write(block + 1, tf.matmul(d_gates, kernel_t))
            return done + count, ((d_h, d_c), sums, dx)

        weights = [self.kernel, self.recurrent, *([] if self.bias is None else [self.bias])]
        dx = _array(rows.blocks + 1, self.width).write(0, rows.blank(self.width))
        carry = (d_outputs[1], d_cells[1]), tuple(map(tf.zeros_like, weights)), dx
        shapes = (self.shape,) * 2, tuple(w.shape for w in weights), tf.TensorShape(None)
        done = tf.constant(0)
        for count in (BLOCK, 1):
            done, carry = tf.while_loop(
                lambda done, carry, count=count: done + count <= rows.steps,
                functools.partial(several, count=count),
                (done, carry),
                shape_invariants=(tf.TensorShape([]), shapes),
            )
        d_states, sums, dx = carry
        d_h, d_c = (_pad(d, rows.batch) for d in d_states)
        d_h = d_h if d_outputs[2] is None else d_h + d_outputs[2]
        d_c = d_c if d_cells[2] is None else d_c + d_cells[2]
        names = ("kernel", "recurrent_kernel", "bias")
        by_weights = {n: _swap(total) for n, total in zip(names, sums, strict=False)}
        return dx.concat(), (d_h, d_c), by_weights

    def cell_grad(
        self, recurrent: Tensor, step: list[Tensor], c_before: Tensor, d_h: Tensor, d_c: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the gradients by the gates before activation and by `c_before`.

        The operation reads of the inputs, the state and the weights but the shapes.
        """
        i, cs, f, o, g, squashed, h = step
        d_c, d_gates, *_ = tf.raw_ops.LSTMBlockCellGrad(
            x=tf.zeros(tf.stack([tf.shape(h)[0], 0])),
            cs_prev=c_before,
            h_prev=h,
            w=recurrent,
            wci=self.nothing,
            wcf=self.nothing,
            wco=self.nothing,
            b=self.zeros,
            i=i,
            cs=cs,
            f=f,
            o=o,
            ci=g,
            co=squashed,
            cs_grad=d_c,
            h_grad=d_h,
            use_peephole=False,
        )
        return d_gates, d_c


def _array(size: Tensor, width: int | None) -> tf.TensorArray:
    shape = None if width is None else (None, width)
    return tf.TensorArray(
        tf.float32, size=size, element_shape=shape, infer_shape=False, clear_after_read=False
    )


def _unstack(part: Tensor, count: int, units: int) -> list[Tensor]:
    return tf.unstack(tf.ensure_shape(part, (count, None, units)))


def _split(d: Tensor | None, begin: Tensor, end: Tensor, count: int) -> list[Tensor] | None:
    """Return the rows of each of some steps."""
    return None if d is None else tf.split(d[begin:end], count)


def _pad(d: Tensor, size: Tensor) -> Tensor:
    """Append zeros, for the rows that ended before."""
    return tf.pad(d, [[0, size - tf.shape(d)[0]], [0, 0]])


def _with_even_units(run: Callable) -> Callable:
    """Return `run` that adds a unit to an odd number, whose state stays zero: see above."""

    def pad(tensor: Tensor, axis: int = -1) -> Tensor:
        widths = [[0, 0]] * tensor.shape.rank
        widths[axis] = [0, 1]
        return tf.pad(tensor, widths)

    @functools.wraps(run)
    def even(
        request: KernelRequest, x: Tensor, states: tuple, params: Mapping[str, Tensor], **more: Any
    ) -> tuple[Tensor | None, tuple]:
        if states[0].shape[-1] % 2 == 0:
            return run(request, x, states, params, **more)
        wide = {
            name: tf.concat([pad(gate) for gate in tf.split(weights, 4, axis=-1)], axis=-1)
            for name, weights in params.items()
        }
        wide["recurrent_kernel"] = pad(wide["recurrent_kernel"], axis=0)
        outputs, last = run(request, x, tuple(map(pad, states)), wide, **more)
        cut = None if outputs is None else outputs[..., :-1]
        return cut, tuple(state[..., :-1] for state in last)

    return even


@_with_even_units
def run(
    request: KernelRequest,
    x: Tensor,
    states: tuple,
    params: Mapping[str, Tensor],
    *,
    mask: Tensor | None = None,
    resets: None = None,  # there are none, nor zoneout: see `unsupported_reason`
    zoneout: tuple = (),
    reverse: bool = False,
    sequences: bool = True,
    reference: Callable | None = None,
) -> tuple[Tensor | None, tuple]:
    """Run a recurrence; see `rnnkit.backend.kernels.Kernel` and `portable.recurrence`."""
    rows = AllBlocks(x, reverse) if mask is None else RealBlocks(tf.cast(mask, tf.bool), reverse)

    def forward(x: Tensor, states: tuple, weights: dict[str, Tensor]) -> tuple[list, Callable]:
        one = Blocks(weights, rows, request.states)
        packed, first = rows.pack(x), tuple(map(rows.sort, states))
        (outputs, cells), kept = one.forward(packed, first)
        found = [rows.last(outputs), rows.last(cells)]
        if sequences:
            found.insert(0, rows.unpack(outputs))
        saved = Kept(kept, lambda: one.forward(packed, first)[1])

        def by_loop(*d: Tensor) -> list:
            d_steps, d_h, d_c = d if sequences else (None, *d)
            d_outputs = rows.output_grad(d_steps, d_h)
            d_cells = rows.output_grad(None, d_c) if one.cells else (None, d_c[:0], None)
            dx, d_states, d_weights = one.backward(packed, saved.read(), d_outputs, d_cells)
            by_states = map(rows.unsort, d_states)
            return [rows.unpack_steps(dx), *by_states, *(d_weights[name] for name in weights)]

        return found, by_loop

    marks = mask, resets, zoneout
    return run_with_gradient(forward, x, states, params, marks, sequences, reference)


KERNEL = Kernel(
    "fused blocks",
    "TensorFlow's fused LSTM over blocks of eight steps with a gradient of its own; with a mask, "
    "each block computes only the rows that have not ended",
    unsupported_reason,
    run,
    reads_padding=False,
)
