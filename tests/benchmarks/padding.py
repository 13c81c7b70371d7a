"""Padding compared with compiling: how many widths do batches of a data set need?

python tests/benchmarks/padding.py                    # the sample
python tests/benchmarks/padding.py --data imdb        # about a minute

For buckets that grow by 1.25, 1.6 and 2, and for several `PROGRAM_CELLS`: the widths of an epoch's
batches, each of which is a program, the share of padding, and an estimate of seconds for compiling
and for padding in all epochs. Nothing is trained. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from unittest import mock

import numpy as np

from rnnkit import datasets
from rnnkit.data import batching
from rnnkit.data.text import TextPipeline

COMPILING = 2.5  # seconds of a width: a program to train is traced and compiled; JAX
CELL = 4.5e-6  # seconds of a padded step in training; the LSTM of 64 units of `lstm_sentiment`


def buckets(growth: float, longest: int) -> list[int]:
    """Return buckets that grow by a factor."""
    found = [8]
    while found[-1] < longest:
        found.append(max(found[-1] + 8, round(found[-1] * growth / 8) * 8))
    return found


def row(lengths: list[int], growth: float, cells: int, epochs: int) -> str:
    """Return a row of the table."""
    ladder = buckets(growth, max(lengths))

    def bucket(length: int, most: int | None = None) -> int:
        fitting = next(one for one in ladder if one >= length)
        return fitting if most is None else min(fitting, most)

    rows = [np.zeros(length, np.int32) for length in lengths]
    with (
        mock.patch.object(batching, "bucket_length", bucket),
        mock.patch.object(batching, "PROGRAM_CELLS", cells),
    ):
        batches = batching.BucketedBatches(rows, batch_size=32, max_length=400, shuffle=True)
    widths = sorted({batches[i][0].shape[1] for i in range(len(batches))})
    share = batches.padding_share
    padded = batches.tokens * share / (1 - share)
    compiling, padding = COMPILING * len(widths), CELL * padded * epochs
    return (
        f"| {growth} | {cells:,} | {len(widths)}: {', '.join(map(str, widths))} | {share:.1%} "
        f"| {compiling:.0f} | {padding:.0f} | {compiling + padding:.0f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="sample")
    parser.add_argument("--epochs", type=int, help="4 for the sample, 3 for imdb.")
    options = parser.parse_args()
    epochs = options.epochs or (4 if options.data == "sample" else 3)
    texts = datasets.load(options.data).train.x
    lengths = [max(1, len(tokens)) for tokens in TextPipeline().tokens(texts)]
    print(f"{options.data}: {len(lengths):,} texts, {epochs} epochs\n")
    print("| growth | cells of a width | widths | padding | compiling, s | padding, s | sum |")
    print("|---|---|---|---|---|---|---|")
    for growth in (1.25, 1.6, 2.0):
        for cells in (0, 50_000, 120_000, 200_000):
            print(row(lengths, growth, cells, epochs))


if __name__ == "__main__":
    main()
