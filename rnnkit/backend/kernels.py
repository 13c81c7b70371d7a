"""Which way a recurrence is computed: a list to walk through, and an answer why.

Each backend lists its fast kernels in `native.KERNELS`, best first. Each kernel says by `obstacle`
what keeps it from running a given pass, from facts that anyone can see; the first one without an
obstacle runs. The portable loop has none. Nothing is tried and caught.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rnnkit.errors import InputError

Tensor = Any
CHOICES = ("auto", "fused", "portable")


@dataclass(frozen=True)
class Facts:
    """What the choice of a kernel depends on: the facts of one pass of one layer.

    Args:
        system: the recurrence: "simple_rnn", "lstm", "gru_reset_after", "gru_reset_before" ...
        device: "cpu" or "gpu".
        dtype: the dtype of the computation.
        activation, recurrent_activation: names of the activations; "custom" for a function that
            has none.
        training: the pass is part of a training step.
        masked: a mask is given.
        recurrent_dropout: the state is dropped on its way into the recurrent product.
        zoneout: states are held back at random.
        resets: single rows start anew at single steps.
        unroll: the steps are to be written out.
        fixed_shapes: the pass is compiled for shapes that are known before (XLA).
    """

    system: str
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
    fixed_shapes: bool = False


@dataclass(frozen=True)
class Kernel:
    """One way to compute a pass of a recurrence.

    Args:
        name: what it is called in `explain` and in `rnnkit doctor`.
        about: one sentence: how it computes.
        obstacle: `facts -> None` where it can run, else what stands in the way, as a clause
            ("the dtype is float16, not float32").
        run: `(facts, x, states, params, *, mask, reverse, sequences) -> (outputs, states)`; see
            `rnnkit.backend.portable.recurrence` for the meaning.
    """

    name: str
    about: str
    obstacle: Callable[[Facts], str | None]
    run: Callable[..., tuple[Tensor | None, tuple]]


# What the hand-written kernels of all backends know: each system and its activations.
ACTIVATIONS = {
    "simple_rnn": ("tanh", "relu"),
    "lstm": ("tanh",),
    "gru_reset_after": ("tanh",),
    "gru_reset_before": ("tanh",),
}


def usual_obstacle(facts: Facts) -> str | None:
    """Return what keeps the hand-written kernels from a pass, on any backend; None = nothing.

    Example:
        >>> usual_obstacle(Facts("lstm", dtype="float16"))
        'the dtype is float16, not float32'
    """
    if facts.system not in ACTIVATIONS:
        return f"the system is {facts.system}, not one of {', '.join(ACTIVATIONS)}"
    if facts.dtype != "float32":
        return f"the dtype is {facts.dtype}, not float32"
    known = ACTIVATIONS[facts.system]
    if facts.activation not in known:
        return f"the activation is {facts.activation}, not {' or '.join(known)}"
    if facts.system != "simple_rnn" and facts.recurrent_activation != "sigmoid":
        return f"the recurrent activation is {facts.recurrent_activation}, not sigmoid"
    for flag, reason in (
        (facts.zoneout, "zoneout holds states back at single steps"),
        (facts.resets, "single rows start anew at single steps"),
        (facts.unroll, "the steps are to be written out"),
    ):
        if flag:
            return reason
    return None


PORTABLE = "portable"


@dataclass(frozen=True)
class Explanation:
    """Which kernel runs, and why no faster one.

    Args:
        kernel: the name of the kernel that runs.
        about: how it computes.
        passed_over: the faster kernels that cannot run this pass, each with what stands in the way.
        facts: what the answer depends on.

    Example:
        >>> passed_over = (("ATen", "the dtype is float16"),)
        >>> print(Explanation("portable", "loop", passed_over, Facts("lstm")))
        lstm on cpu, float32: portable (loop)
          not ATen: the dtype is float16
    """

    kernel: str
    about: str
    passed_over: tuple[tuple[str, str], ...]
    facts: Facts

    def __str__(self) -> str:
        """Return the answer in one line, and one more for each kernel passed over."""
        first = f"{self.facts.system} on {self.facts.device}, {self.facts.dtype}: {self.kernel}"
        lines = [f"{first} ({self.about})" if self.about else first]
        return "\n".join(lines + [f"  not {name}: {why}" for name, why in self.passed_over])


def choose(facts: Facts, kernels: tuple[Kernel, ...], wanted: str = "auto") -> Kernel | None:
    """Return the kernel that runs a pass; None is the portable loop.

    | wanted | runs |
    |---|---|
    | "auto" | the first of the backend's kernels without an obstacle, else the portable loop |
    | "fused" | the first of the backend's kernels without an obstacle; an error if there is none |
    | "portable" | the portable loop |

    Args:
        facts: the facts of the pass.
        kernels: the backend's kernels, best first (`native.KERNELS`).
        wanted: "auto", "fused" or "portable".

    Raises:
        InputError: another word, or "fused" where every kernel has an obstacle.

    Example:
        >>> choose(Facts("lstm"), ()) is None
        True
    """
    if wanted not in CHOICES:
        raise InputError(f"kernel is {wanted!r}; expected one of {CHOICES}.")
    if wanted == "portable":
        return None
    for kernel in kernels:
        if kernel.obstacle(facts) is None:
            return kernel
    if wanted == "fused":
        reasons = "; ".join(f"{k.name}: {k.obstacle(facts)}" for k in kernels) or "there is none"
        raise InputError(
            f"kernel='fused' cannot run this {facts.system} on {facts.device}: {reasons}. "
            "Remove what stands in the way, or use kernel='auto'."
        )
    return None


def explain_facts(facts: Facts, kernels: tuple[Kernel, ...], wanted: str = "auto") -> Explanation:
    """Return which kernel runs a pass with these facts, and why not the ones before it."""
    chosen = choose(facts, kernels, wanted)
    passed: list[tuple[str, str]] = []
    for kernel in kernels:
        if kernel is chosen:
            break
        passed.append((kernel.name, kernel.obstacle(facts) or "kernel='portable' was asked for"))
    if chosen is None:
        return Explanation(PORTABLE, "a loop over the steps", tuple(passed), facts)
    return Explanation(chosen.name, chosen.about, tuple(passed), facts)
