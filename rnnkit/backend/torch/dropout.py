"""Dropout by 16 random bits for each number, for PyTorch."""

from __future__ import annotations

import keras
import torch
from torch import Tensor

STEPS = 1 << 16  # of a rate


@torch.compiler.disable
def draw(numbers: int, seeds: keras.random.SeedGenerator, device: torch.device) -> Tensor:
    """Draw integers from -2^15 to 2^15 - 1; four are one draw of the generator."""
    first, second = seeds.next().tolist()
    generator = torch.Generator(device=device)
    generator.manual_seed((first + second) & 0xFFFFFFFF)
    bits = torch.empty(-(-numbers // 4), dtype=torch.int64, device=device)
    bits.random_(torch.iinfo(torch.int64).min, None, generator=generator)
    return bits.view(torch.int16)[:numbers]


def dropout(x: Tensor, rate: float, seeds: keras.random.SeedGenerator) -> Tensor:
    """Set each number to 0 with probability `rate`, the others scaled by `1 / (1 - rate)`.

    `keras.random.dropout` draws a double for each number, one after the other: seven times as long.
    The rate is rounded to a multiple of 2^-16; the expected value is x.
    """
    dropped = round(rate * STEPS)
    if not dropped or x.device.type == "meta":  # or shapes are only inferred
        return x
    if dropped == STEPS:
        return torch.zeros_like(x)
    kept = draw(x.numel(), seeds, x.device).view(x.shape) >= dropped - STEPS // 2
    return x * kept.to(x.dtype).mul_(STEPS / (STEPS - dropped))
