"""Measure the peak memory of one train step with each `memory=` of a layer.

    KERAS_BACKEND=jax python tests/benchmarks/memory.py [--layer LSTM] [--shape 32,4000,16,128]

Each choice runs in a process of its own: first a step with 16 steps of time (which loads and
compiles what there is), then one with all of them. The peak is what the second adds to the largest
resident size of the process; compiling for the new length is in it. The gradients by the weights
are compared with those of `memory="store"`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))


def measure(name: str, shape: tuple[int, ...], memory: str) -> None:
    """Print the added peak in MiB, the seconds of a step, and write the gradients to a file."""
    import keras
    from autodiff import train_gradients

    import rnnkit.layers

    batch, steps, width, units = shape
    layer = getattr(rnnkit.layers, name)(units, memory=memory)
    layer.build((batch, None, width))
    rng = np.random.default_rng(0)
    layer.set_weights([0.1 * rng.normal(size=w.shape) for w in layer.get_weights()])
    x = rng.normal(size=(batch, steps, width)).astype("float32")
    step = train_gradients(lambda x: keras.ops.sum(layer(x) ** 2), layer.trainable_variables)
    step(x[:, :16])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    gradients = step(x)
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    start = time.perf_counter()
    step(x)
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {"added": added, "seconds": seconds, "gradients": [g.tolist() for g in gradients]}
        )
    )


def main() -> None:
    """Print one line for each choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layer", default="LSTM")
    parser.add_argument("--shape", default="32,4000,16,128", help="B,T,D,U")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    shape = tuple(map(int, options.shape.split(",")))
    if options.only:
        measure(options.layer, shape, options.only)
        return
    print(
        f"| {options.layer}, B,T,D,U = {options.shape} | peak, MiB | of store | time | gradients |"
    )
    print("|---|---|---|---|---|")
    store = None
    for memory in ("store", "recompute", "sqrt"):
        arguments = ["--layer", options.layer, "--shape", options.shape, "--only", memory]
        done = subprocess.run(
            [sys.executable, __file__, *arguments], capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        store = store or found
        apart = max(
            float(np.max(np.abs(np.subtract(a, b))) / np.max(np.abs(b)))
            for a, b in zip(found["gradients"], store["gradients"], strict=True)
        )
        print(
            f"| {memory} | {found['added']:.0f} | {found['added'] / store['added']:.2f} "
            f"| {found['seconds'] / store['seconds']:.2f} | {apart:.0e} apart |",
            flush=True,
        )


if __name__ == "__main__":
    main()
