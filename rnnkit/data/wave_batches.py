"""Batches of waveforms, padded to powers of two so that few shapes are compiled."""

from __future__ import annotations

import numpy as np

from rnnkit.data.batching import Batch, BucketedBatches


class WaveBatches(BucketedBatches):
    """`BucketedBatches` of values and mask, padded to a length that is a power of two.

    A second of sound has thousands of samples, but a hundred frames: padding costs little once
    frames are extracted, and compiling for each of twenty lengths would take longer than training.

    Example:
        >>> batches = WaveBatches([np.zeros((900, 1)), np.zeros((600, 1))], batch_size=2)
        >>> (values, mask), *_ = batches[0]
        >>> values.shape, mask.sum(axis=1).tolist()
        ((2, 1024, 1), [600, 900])
    """

    def __getitem__(self, index: int) -> Batch:
        (values, mask), labels, weights = super().__getitem__(index)
        steps = 2 ** int(mask.sum(axis=1).max() - 1).bit_length()
        values, mask = values[:, :steps], mask[:, :steps]
        more = steps - mask.shape[1]
        values = np.pad(values, ((0, 0), (0, more), (0, 0)))
        return (values, np.pad(mask, ((0, 0), (0, more)))), labels, weights
