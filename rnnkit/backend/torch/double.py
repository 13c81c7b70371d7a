"""Gradients that can be differentiated again, where a kernel has a gradient written by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def reference_gradients(
    run: Callable[..., Sequence[Tensor | None]],
    inputs: Sequence[Tensor | None],
    wanted: Sequence[bool],
    d: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Return the gradients of a reference implementation, with the graph of their computation.

    For the `backward` of an autograd function while it is recorded (`create_graph=True`).

    Args:
        run: the reference, a function of the inputs; it returns tensors, and None where there is
            no output.
        inputs: the saved inputs, None where one was left out.
        wanted: for each input, whether its gradient is needed.
        d: the gradients by the outputs; None = zero.

    Returns:
        The gradient by each input, None where it is not wanted.

    Example:
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> (slope,) = reference_gradients(lambda x: [x**3], [x], [True], [torch.tensor(1.0)])
        >>> torch.autograd.grad(slope, x)[0]
        tensor(18.)
    """
    # Aliases, so that a tensor that is two inputs has a gradient for each.
    aliases = [
        part.view_as(part) if want and part is not None else part
        for part, want in zip(inputs, wanted, strict=True)
    ]
    pairs = [
        (out, by)
        for out, by in zip(run(*aliases), d, strict=True)
        if out is not None and by is not None and out.requires_grad
    ]
    learning = [a for a, want in zip(aliases, wanted, strict=True) if want]
    if not pairs:
        return [
            torch.zeros_like(a) if want else None for a, want in zip(aliases, wanted, strict=True)
        ]
    outputs, by = zip(*pairs, strict=True)
    found = iter(
        torch.autograd.grad(
            outputs, learning, by, create_graph=True, allow_unused=True, materialize_grads=True
        )
    )
    return [next(found) if want else None for want in wanted]
