"""Run one recurrent pass: select a kernel, apply the checkpointing policy, execute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keras import ops

from rnnkit.backend import native, portable
from rnnkit.backend.array_loops import ARRAY_LOOPS
from rnnkit.backend.compilation import compilations
from rnnkit.backend.kernels import (
    LOOPS,
    Explanation,
    Implementation,
    KernelRequest,
    choose,
    explain_request,
)
from rnnkit.backend.masking import clean_steps
from rnnkit.backend.memory import checkpointed
from rnnkit.backend.portable import PassInputs
from rnnkit.deprecation import renamed_names
from rnnkit.errors import InputError

Tensor = Any


def run(
    request: KernelRequest,
    cell: Any,
    inputs: PassInputs,
    states: tuple,
    params: Mapping[str, Tensor],
    *,
    zoneout_rates: tuple[float, ...] = (),
    reverse: bool = False,
    sequences: bool = True,
    memory: str = "store",
    kernel: str = "auto",
) -> tuple[Tensor | None, tuple]:
    """Run a recurrence over time with the kernel that `choose` selects for the request.

    What stands at masked steps of the inputs, a NaN for instance, reaches nothing.

    `request` has to agree with the other arguments. `kernel`: see `rnnkit.backend.kernels.choose`;
    `memory`: `rnnkit.backend.memory.checkpointed`; the rest, and the return value:
    `rnnkit.backend.portable.recurrence`.

    Raises:
        InputError: an unknown kernel or memory; `kernel="fused"` where none can run.
    """
    if memory == "sqrt":  # the last chunk is padded with masked steps
        if inputs.mask is None:
            inputs = inputs._replace(mask=ops.ones(ops.shape(inputs.x)[:2], dtype="bool"))
        request = replace(request, masked=True)
    chosen = choose(request, native.KERNELS, kernel)

    def one(inputs: PassInputs, states: tuple, params: Mapping) -> tuple[Tensor | None, tuple]:
        shared: dict = {"reverse": reverse, "sequences": sequences}
        x, mask = inputs.x, inputs.mask
        if chosen is None or chosen.reads_padding:
            x = clean_steps(x, mask, x.dtype)
        if chosen is not None:
            reference = portable.PortablePass(request, cell, reverse, sequences)
            shared |= {"mask": mask, "resets": inputs.resets, "reference": reference}
            shared["zoneout"] = inputs.zoneout_masks or zoneout_rates
            outputs, last = chosen.run(request, x, states, params, **shared)
        else:
            shared |= {"zoneout_rates": zoneout_rates, "unroll": request.unroll}
            inputs = inputs._replace(x=x)
            outputs, last = portable.recurrence(cell, inputs, states, params, **shared)
        if request.zero_output and outputs is not None and not (chosen and chosen.zeroes):
            outputs = clean_steps(outputs, mask, outputs.dtype)
        return outputs, last

    flags = {"reverse": reverse, "sequences": sequences}
    return checkpointed(memory, one, inputs, states, params, **flags)


def explain_kernels(
    layer: Any,
    *,
    masked: bool = False,
    training: bool = True,
    resets: bool = False,
    jit_compile: bool = False,
    exported: bool = False,
) -> list[Explanation]:
    r"""Return which kernel a layer runs on the current backend and device, and why no faster one.

    Args:
        layer: a recurrent layer, a CRF, a model of `rnnkit.hmm`, or a wrapper or network that
            contains some.
        masked: calls come with a mask.
        training: calls are training steps.
        resets: calls come with resets.
        jit_compile: the model is compiled by XLA; Keras's "auto" is False for TensorFlow on a CPU.
        exported: the model is traced for an export. PyTorch (`torch.export`, ONNX) and JAX (a
            SavedModel for any sizes) take the portable loop there, and TensorFlow for LiteRT and
            ONNX; a SavedModel keeps TensorFlow's kernels.

    Returns:
        An `Explanation` for each recurrent layer, in the order of the layers; on JAX the last one
        tells what was compiled so far, too.

    Raises:
        InputError: it contains no recurrent layer of rnnkit.

    Example:
        >>> from rnnkit.layers import LSTM
        >>> print(*explain_kernels(LSTM(8, unroll=True)), sep="\n")  # doctest: +SKIP
        lstm on cpu, float32: portable (a loop over the steps)
          not own gradient: the loop over time is unrolled
    """
    inside = layer._flatten_layers() if hasattr(layer, "_flatten_layers") else [layer]
    parts = [part for part in inside if hasattr(part, "kernel_request")]
    if not parts:
        raise InputError(
            f"explain_kernels: found no recurrent layer of rnnkit in {layer!r}; expected one, or "
            "a Bidirectional, Stack or model that contains one."
        )
    flags = {"masked": masked, "training": training, "resets": resets}
    requests = [part.kernel_request(**flags) for part in parts]
    if jit_compile:
        requests = [replace(request, static_shapes=True) for request in requests]
    if exported:
        requests = [replace(request, exported=True) for request in requests]
    pairs = zip(requests, parts, strict=True)
    found = [
        explain_request(r, loops_for(r), "auto")
        if r.cell_type in LOOPS
        else explain_request(r, native.KERNELS, part.kernel_choice)
        for r, part in pairs
    ]
    return [*found[:-1], replace(found[-1], compiled=compilations())]


def loops_for(request: KernelRequest) -> tuple[Implementation, ...]:
    """Return the loops in machine code for a recurrence without a cell, best first.

    Example:
        >>> [loop.name for loop in loops_for(KernelRequest("hidden_markov", arrays=True))][0]
        'numba groups'
    """
    return (ARRAY_LOOPS if request.arrays else ()) + native.LOOPS


__getattr__ = renamed_names(__name__, {"explain": "explain_kernels"})
