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
        masked: a mask is given.
        recurrent_dropout: the state is dropped on its way into the recurrent product.
        zoneout: states are held back at random.
        resets: single rows start anew at single steps.
        unroll: the steps are to be written out.
    """

    system: str
    device: str = "cpu"
    dtype: str = "float32"
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    masked: bool = False
    recurrent_dropout: bool = False
    zoneout: bool = False
    resets: bool = False
    unroll: bool = False


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
