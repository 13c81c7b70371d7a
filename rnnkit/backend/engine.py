"""One pass of a recurrence: choose the kernel, spend the memory, run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keras import ops

from rnnkit.backend import native, portable
from rnnkit.backend.kernels import Explanation, Facts, choose, explain_facts
from rnnkit.backend.memory import spend
from rnnkit.errors import InputError

Tensor = Any


def run(
    facts: Facts,
    cell: Any,
    x: Tensor,
    states: tuple,
    params: Mapping[str, Tensor],
    *,
    mask: Tensor | None = None,
    resets: Tensor | None = None,
    zoneout: tuple = (),
    reverse: bool = False,
    sequences: bool = True,
    memory: str = "store",
    kernel: str = "auto",
) -> tuple[Tensor | None, tuple]:
    """Run a recurrence over time with the kernel that `choose` picks from the facts.

    Args:
        facts: what the choice depends on; they have to be those of the other arguments.
        cell: the recurrence as pure functions.
        x: `(B, T, D)`.
        states: the states before the first step, each `(B, S)`.
        params: the parameters by name.
        mask: boolean `(B, T)`, true = real step; None = all steps are real.
        resets: boolean `(B, T)`, true = the row starts anew at this step.
        zoneout: for each state the share that is held back, or boolean `(B, T, S)`, true = held.
        reverse: run from the last step to the first.
        sequences: collect the first state of every step.
        memory: what is kept for the gradient; see `rnnkit.backend.memory.spend`.
        kernel: "auto", "fused" or "portable"; see `rnnkit.backend.kernels.choose`.

    Returns:
        The first state of every step, `(B, T, S)` in the order of the inputs, or None; and the
        states after the last step.

    Raises:
        InputError: a kernel or memory of another name, `kernel="fused"` where none can run.
    """
    if memory == "sqrt":  # the last chunk is filled up with masked steps
        mask = ops.ones(ops.shape(x)[:2], dtype="bool") if mask is None else mask
        facts = replace(facts, masked=True)
    chosen = choose(facts, native.KERNELS, kernel)
    steps = {"x": x, "mask": mask, "resets": resets}
    steps |= {f"zoneout {i}": z for i, z in enumerate(zoneout) if not isinstance(z, float)}
    steps = {name: part for name, part in steps.items() if part is not None}

    def one(steps: Mapping, states: tuple, params: Mapping) -> tuple[Tensor | None, tuple]:
        shared: dict = {"mask": steps.get("mask"), "reverse": reverse, "sequences": sequences}
        if chosen is not None:
            return chosen.run(facts, steps["x"], states, params, **shared)
        held = tuple(steps.get(f"zoneout {i}", z) for i, z in enumerate(zoneout))
        return portable.recurrence(
            cell,
            steps["x"],
            states,
            params,
            resets=steps.get("resets"),
            zoneout=held,
            unroll=facts.unroll,
            **shared,
        )

    return spend(memory, one, steps, states, params, reverse=reverse)


def explain(
    layer: Any,
    *,
    masked: bool = False,
    training: bool = True,
    resets: bool = False,
    jit_compile: bool = False,
) -> list[Explanation]:
    r"""Tell which kernel a layer will run on the present backend and device, and why no faster one.

    Args:
        layer: a recurrent layer, a wrapper around some, or a model that contains some.
        masked: calls come with a mask.
        training: calls are training steps.
        resets: calls come with resets.
        jit_compile: the model is compiled with `jit_compile=True`; TensorFlow has another kernel
            then. Keras's default, "auto", is False there on a CPU.

    Returns:
        An `Explanation` for each recurrent layer, in the order of the layers.

    Raises:
        InputError: no recurrent layer of rnnkit is in it.

    Example:
        >>> from rnnkit.layers import LSTM
        >>> print(*explain(LSTM(8, zoneout=0.1)), sep="\n")  # doctest: +SKIP
        lstm on cpu, float32: portable (a loop over the steps)
          not own gradient: zoneout
    """
    parts = [part for part in _parts(layer) if hasattr(part, "facts")]
    if not parts:
        raise InputError(
            f"explain: found no recurrent layer of rnnkit in {layer!r}; expected one, or a "
            "Bidirectional, Stack or model that contains one."
        )
    every = [part.facts(masked=masked, training=training, resets=resets) for part in parts]
    if jit_compile:
        every = [replace(facts, fixed_shapes=True) for facts in every]
    return [
        explain_facts(facts, native.KERNELS, part.kernel_choice)
        for facts, part in zip(every, parts, strict=True)
    ]


def _parts(layer: Any) -> list:
    """Return a layer and all layers inside it."""
    inner = getattr(layer, "_flatten_layers", None)
    return list(inner()) if inner is not None else [layer]
