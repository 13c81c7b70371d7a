"""Time one train step of the gated linear recurrences against the LSTM and the GRU of the kit.

    KERAS_BACKEND=jax python tests/benchmarks/linear.py [--shape 8,4096,64,128] [--repeats 5]

The step is the whole of Keras's: forward, gradients, Adam. All layers of a group take turns in one
run; the minimum of the repeats counts. The ratio is the time of the group's first layer divided by
the layer's own: above 1 the linear recurrence is faster. `--scan` times `linear_scan` alone,
forward and with its gradient, against the portable loop.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

import rnnkit.layers
from rnnkit.backend import linear, portable
from rnnkit.recurrent.minimal import MinGRU, MinLSTM
from rnnkit.recurrent.rglru import RGLRU

GROUPS = (
    (
        ("LSTM", rnnkit.layers.LSTM),
        ("RGLRU", RGLRU),
        ("RGLRU, 4 blocks", lambda units: RGLRU(units, blocks=4)),
        ("MinLSTM", MinLSTM),
    ),
    (("GRU", rnnkit.layers.GRU), ("MinGRU", MinGRU)),
)


def fastest(runs: list[Callable[[], object]], repeats: int) -> list[float]:
    """Let the runs take turns and return the shortest time of each, in milliseconds."""
    best = [float("inf")] * len(runs)
    for repeat in range(repeats + 2):
        for place, run in enumerate(runs):
            start = time.perf_counter()
            run()
            if repeat >= 2:  # the first two compile
                best[place] = min(best[place], 1000 * (time.perf_counter() - start))
    return best


def train_steps(shape: list[int], repeats: int, masked: bool) -> None:
    """Print one line for each layer."""
    batch, steps, width, units = shape
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, steps, width)).astype("float32")
    y = rng.integers(0, 2, size=(batch, 1)).astype("float32")
    lengths = rng.integers(steps // 4, steps + 1, size=batch)
    given = [x, np.arange(steps) < lengths[:, None]] if masked else [x]
    print(f"{'layer':18} {'ms':>9} {'ratio':>7}   (mask: {'right-padded' if masked else 'none'})")
    for group in GROUPS:
        runs = []
        for _, make in group:
            inputs = [keras.Input((None, width)), keras.Input((None,), dtype="bool")][: len(given)]
            hidden = make(units)(inputs[0], mask=inputs[1] if masked else None)
            model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
            model.compile("adam", "binary_crossentropy")
            runs.append(lambda model=model: model.train_on_batch(given, y))
        best = fastest(runs, repeats)
        for (name, _), took in zip(group, best, strict=True):
            print(f"{name:18} {took:9.1f} {best[0] / took:7.2f}", flush=True)


def scans(shape: list[int], repeats: int) -> None:
    """Print the time of the scan alone, of its own way and of the portable one."""
    batch, steps, _, units = shape
    rng = np.random.default_rng(0)
    a = keras.Variable(rng.uniform(size=(batch, steps, units)).astype("float32"))
    b = keras.Variable(rng.normal(size=(batch, steps, units)).astype("float32"))

    class Scan(keras.layers.Layer):
        def __init__(self, scan: Callable) -> None:
            super().__init__()
            self.a, self.b, self.scan = a, b, scan
            self.built = True

        def call(self, h0):
            return self.scan(ops.convert_to_tensor(self.a), ops.convert_to_tensor(self.b), h0)

        def compute_output_shape(self, shape):
            return (shape[0], steps, shape[1])

    h0 = np.zeros((batch, units), "float32")
    y = np.zeros((batch, steps, units), "float32")
    runs = []
    for scan in (portable.linear_scan, linear.linear_scan):
        inputs = keras.Input(batch_shape=(batch, units))
        model = keras.Model(inputs, Scan(scan)(inputs))
        model.compile(keras.optimizers.SGD(0.0), "mse")
        runs.append(lambda model=model: model.train_on_batch(h0, y))
    best = fastest(runs, repeats)
    print(f"portable {best[0]:.1f} ms, linear_scan {best[1]:.1f} ms, ratio {best[0] / best[1]:.2f}")


def main() -> None:
    """Print the machine's table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="8,4096,64,128", help="B,T,D,U")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--masked", action="store_true", help="right-padded, T/4 to T steps")
    parser.add_argument("--scan", action="store_true", help="the scan alone")
    options = parser.parse_args()
    shape = [int(size) for size in options.shape.split(",")]
    print(f"backend {keras.backend.backend()}, B,T,D,U = {options.shape}, one train step")
    if options.scan:
        scans(shape, options.repeats)
    else:
        train_steps(shape, options.repeats, options.masked)


if __name__ == "__main__":
    main()
