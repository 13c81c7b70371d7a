"""Kernel dispatch: the first kernel whose preconditions hold runs, and it can be asked why.

Each backend lists its fast kernels in `native.KERNELS`, best first. A kernel's
`unsupported_reason` returns why it cannot run the pass of a `KernelRequest`; the first kernel
without a reason runs. The portable loop runs everything. Nothing is tried and caught.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, TypeVar, get_args

from rnnkit.backend.compilation import Compilations
from rnnkit.deprecation import RenamedAttributes, renamed_names
from rnnkit.errors import InputError, check_choice

Tensor = Any
KernelChoice = Literal["auto", "fused", "portable"]
CHOICES = get_args(KernelChoice)
Chosen = TypeVar("Chosen", bound="Implementation")


@dataclass(frozen=True)
class KernelRequest:
    """Properties of one pass of one layer, which decide its kernel.

    Args:
        cell_type: the recurrence: "simple_rnn", "lstm", "gru_reset_after", "gru_reset_before" ...
        device: "cpu" or "gpu".
        dtype: the dtype of the computation.
        activation, recurrent_activation: names of the activations; "custom" for a function that
            has none.
        training: the pass is part of a training step.
        masked: a mask is given.
        recurrent_dropout: dropout on the state where it enters the recurrent product.
        zoneout: units keep their previous value at random.
        resets: the state of single rows is zeroed at single steps.
        unroll: the loop over time is unrolled.
        static_shapes: the pass is compiled for static shapes (XLA).
        transformed: a transform of `torch.func`, a forward derivative or an export is under way.
        exported: a graph is traced for an export, which runs without rnnkit, and in which sizes may
            be unknown: see `native.exporting`.
        zero_output: masked steps output zeros; else they repeat the output before them.
        states: all states after the last step are returned; else only the first one, the output.
        arrays: an estimator computes on NumPy arrays, without gradients.
        units: size of the state; None = not known.
    """

    cell_type: str
    device: str = "cpu"
    dtype: str = "float32"
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    training: bool = False
    masked: bool = False
    recurrent_dropout: bool = False
    zoneout: bool = False
    resets: bool = False
    unroll: bool = False
    static_shapes: bool = False
    transformed: bool = False
    exported: bool = False
    zero_output: bool = False
    states: bool = True
    arrays: bool = False
    units: int | None = None


@dataclass(frozen=True)
class Implementation:
    """An implementation of a recurrence, and where it can run.

    Args:
        name: its name in `explain_kernels` and in `rnnkit doctor`.
        about: one sentence: how it computes.
        unsupported_reason: `request -> None` where it can run, else why not, as a clause
            ("the dtype is float16, not float32").
    """

    name: str
    about: str
    unsupported_reason: Callable[[KernelRequest], str | None]


@dataclass(frozen=True)
class Kernel(Implementation):
    """An implementation of a recurrent pass.

    Args:
        name, about, unsupported_reason: see `Implementation`.
        run: `(request, x, states, params, *, mask, resets, zoneout, reverse, sequences, reference)
            -> (outputs, states)`; see `rnnkit.backend.portable.recurrence` for the meaning.
            `zoneout` has one part for each state, all masks `(B, T, S)` or all rates, or none.
            `reference` is the same pass in the portable loop
            (`rnnkit.backend.portable.PortablePass`), for the gradient of a gradient.
        reads_padding: a NaN at a masked step of the inputs would reach a result or a gradient.
        zeroes: masked steps output zeros where the request says so; else they repeat in any case.
    """

    run: Callable[..., tuple[Tensor | None, tuple]]
    reads_padding: bool = True
    zeroes: bool = False


# Cell types of the hand-written kernels, on all backends, and their activations.
ACTIVATIONS = {
    "simple_rnn": ("tanh", "relu"),
    "lstm": ("tanh",),
    "gru_reset_after": ("tanh",),
    "gru_reset_before": ("tanh",),
}


def common_unsupported_reason(request: KernelRequest) -> str | None:
    """Return why no hand-written kernel of any backend can run a pass; None if some can.

    Example:
        >>> common_unsupported_reason(KernelRequest("lstm", dtype="float16"))
        'the dtype is float16, not float32'
    """
    if request.cell_type not in ACTIVATIONS:
        return f"the cell type is {request.cell_type}, not one of {', '.join(ACTIVATIONS)}"
    if request.dtype != "float32":
        return f"the dtype is {request.dtype}, not float32"
    if request.exported:
        return "a graph is traced for an export"
    known = ACTIVATIONS[request.cell_type]
    if request.activation not in known:
        return f"the activation is {request.activation}, not {' or '.join(known)}"
    if request.cell_type != "simple_rnn" and request.recurrent_activation != "sigmoid":
        return f"the recurrent activation is {request.recurrent_activation}, not sigmoid"
    return "the loop over time is unrolled" if request.unroll else None


# Recurrences without a cell: their loops are the backend's `native.LOOPS`.
LOOPS = ("hidden_markov", "linear_scan")


def loop_request(loop: str, device: str, dtype: str, **flags: bool) -> KernelRequest:
    """Return the properties of a pass of a recurrence without a cell; `flags` as for a layer.

    Example:
        >>> loop_request("linear_scan", "cpu", "float32", masked=True).cell_type
        'linear_scan'
    """
    masked, training = flags.get("masked", False), flags.get("training", False)
    request = KernelRequest(loop, device=device, dtype=dtype, masked=masked, training=training)
    return replace(request, arrays=flags.get("arrays", False))


def compiled_loop_unsupported_reason(request: KernelRequest) -> str | None:
    """Return why a compiled loop of PyTorch's CPU cannot run a recurrence, but for Numba itself.

    Example:
        >>> compiled_loop_unsupported_reason(KernelRequest("linear_scan", device="gpu"))
        'the device is gpu, not cpu'
    """
    if request.cell_type not in LOOPS:
        return f"the recurrence is {request.cell_type}, not {' or '.join(LOOPS)}"
    if request.transformed or request.exported:
        return "torch.func, a forward derivative or an export transforms the pass"
    return device_unsupported_reason(request)


def device_unsupported_reason(request: KernelRequest) -> str | None:
    """Return why no loop that is compiled for a CPU can run a recurrence without a cell.

    Example:
        >>> device_unsupported_reason(KernelRequest("hidden_markov", dtype="float16"))
        'the dtype is float16, not float32 or float64'
    """
    if request.device != "cpu":
        return f"the device is {request.device}, not cpu"
    if request.dtype not in ("float32", "float64"):
        return f"the dtype is {request.dtype}, not float32 or float64"
    return None


PORTABLE = "portable"


@dataclass(frozen=True)
class Explanation(RenamedAttributes):
    """The kernel that runs a pass, and why each faster one does not.

    Args:
        kernel: the name of the kernel that runs.
        about: how it computes.
        passed_over: the faster kernels that cannot run this pass, each with its reason.
        request: the properties of the pass.
        compiled: of the last layer of `explain_kernels`: what XLA compiled in this process so far.

    Example:
        >>> passed_over = (("ATen", "the dtype is float16"),)
        >>> print(Explanation("portable", "loop", passed_over, KernelRequest("lstm")))
        lstm on cpu, float32: portable (loop)
          not ATen: the dtype is float16
    """

    renamed_attributes: ClassVar = {"facts": "request"}

    kernel: str
    about: str
    passed_over: tuple[tuple[str, str], ...]
    request: KernelRequest
    compiled: Compilations | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """Return one line for the kernel that runs, one for each kernel passed over, and more."""
        request = self.request
        first = f"{request.cell_type} on {request.device}, {request.dtype}: {self.kernel}"
        lines = [f"{first} ({self.about})" if self.about else first]
        lines += [f"  not {name}: {why}" for name, why in self.passed_over]
        if self.compiled is not None and self.compiled.programs:
            lines.append(f"compiled so far: {self.compiled}")
        return "\n".join(lines)


def choose(
    request: KernelRequest, kernels: tuple[Chosen, ...], wanted: str = "auto"
) -> Chosen | None:
    """Return the kernel that runs a pass; None is the portable loop.

    | wanted | runs |
    |---|---|
    | "auto" | the first of the backend's kernels that can, else the portable loop |
    | "fused" | the first of the backend's kernels that can; an error if there is none |
    | "portable" | the portable loop |

    Args:
        request: the properties of the pass.
        kernels: the backend's kernels, best first (`native.KERNELS`).
        wanted: "auto", "fused" or "portable".

    Raises:
        InputError: an unknown choice, or "fused" where no kernel can run the pass.

    Example:
        >>> choose(KernelRequest("lstm"), ()) is None
        True
    """
    check_choice("kernel", wanted, CHOICES)
    if wanted == "portable":
        return None
    for kernel in kernels:
        if kernel.unsupported_reason(request) is None:
            return kernel
    if wanted == "fused":
        reasons = "; ".join(f"{k.name}: {k.unsupported_reason(request)}" for k in kernels)
        raise InputError(
            f"kernel='fused' cannot run this {request.cell_type} on {request.device}: "
            f"{reasons or 'there is none'}. Change these settings, or use kernel='auto'."
        )
    return None


def explain_request(
    request: KernelRequest, kernels: tuple[Implementation, ...], wanted: str = "auto"
) -> Explanation:
    """Return which kernel runs a pass with these properties, and why not the ones before it."""
    chosen = choose(request, kernels, wanted)
    passed: list[tuple[str, str]] = []
    for kernel in kernels:
        if kernel is chosen:
            break
        reason = kernel.unsupported_reason(request) or "kernel='portable' was requested"
        passed.append((kernel.name, reason))
    if chosen is None:
        return Explanation(PORTABLE, "a loop over the steps", tuple(passed), request)
    return Explanation(chosen.name, chosen.about, tuple(passed), request)


WIDE = 8192  # B U from which the work of one step outweighs the overhead of a Python loop


def select_scan_algorithm(backend: str, device: str, width: int = 0) -> str:
    """Select the scan algorithm ("loop", "chunked", "associative") of a linear recurrence.

    | backend | device | algorithm |
    |---|---|---|
    | jax | cpu | "loop": XLA runs a step in a microsecond, in place |
    | jax | gpu | "associative": log2 T rounds, each over all steps at once |
    | torch | cpu, no Numba | "loop" where B U > 8192, else "chunked": a step costs microseconds |
    | torch | gpu | "chunked": few operations, each over many steps |
    | tensorflow | any | "chunked": a step of a while_loop costs several operations |

    Args:
        backend: "jax", "tensorflow" or "torch".
        device: "cpu" or "gpu".
        width: B U, the numbers in one step.

    Returns:
        "loop": one step after the other; "chunked": the same step of all chunks of 8 or 16 steps
        at once, then a scan over the ends of the chunks, then every step from the start of its
        chunk; "associative": `jax.lax.associative_scan`.

    Source: measured on two CPU cores (docs, "Linear recurrences"); the GPU rows are reasoned, not
    measured. The chunks are those of Blelloch 1990, Prefix Sums and Their Applications.

    Example:
        >>> select_scan_algorithm("jax", "cpu"), select_scan_algorithm("torch", "cpu", width=2500)
        ('loop', 'chunked')
    """
    if backend == "jax":
        return "loop" if device == "cpu" else "associative"
    if backend == "torch" and device == "cpu" and width > WIDE:
        return "loop"
    return "chunked"


__getattr__ = renamed_names(
    __name__,
    {
        "Facts": "KernelRequest",
        "usual_obstacle": "common_unsupported_reason",
        "explain_facts": "explain_request",
    },
)
