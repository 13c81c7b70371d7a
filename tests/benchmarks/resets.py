"""Time resets and zoneout in the kernels against the portable loop, in one process.

    KERAS_BACKEND=jax python tests/benchmarks/resets.py
    ... --shape 20,35,200,200 --layers LSTM,GRU --write docs/benchmarks.md

Both sides have the same weights, data and random numbers, and take turns; the time is that of the
processor, of all threads. A ratio above 1 means that the kernel is faster. Resets come at one step
in twenty; masked rows are right-padded, with lengths from T/4 to T. `--write` puts the table of the
backend between its markers in a page.
"""

from __future__ import annotations

import argparse
import itertools
import pathlib
import statistics
import time

import keras
import numpy as np
from tables import write_between

import rnnkit.layers
from rnnkit.backend import explain_kernels

LAYERS = {
    "SimpleRNN": lambda **options: rnnkit.layers.SimpleRNN(**options),
    "LSTM": lambda **options: rnnkit.layers.LSTM(**options),
    "GRU": lambda **options: rnnkit.layers.GRU(**options),
}
WAYS = {  # resets, a mask, options
    "neither": (False, False, {}),
    "resets": (True, False, {}),
    "zoneout": (False, False, {"zoneout": 0.1}),
    "both": (True, False, {"zoneout": 0.1}),
    "both, mask": (True, True, {"zoneout": 0.1}),
}
STEPS = ("train", "predict")


class Side:
    """A network of one layer, in the kernel that "auto" selects or in the portable loop."""

    def __init__(self, name: str, kernel: str, way: str, shape: tuple[int, ...]) -> None:
        batch, time, width, units = shape
        rng = np.random.default_rng(0)
        self.resets, self.masked, options = WAYS[way]
        self.layer = LAYERS[name](
            units=units, kernel=kernel, seed=1, return_sequences=True, **options
        )
        x = keras.Input((time, width))
        wanted = {"resets": self.resets, "mask": self.masked}
        flags = {
            k: keras.Input((time,), dtype="bool") for k, is_wanted in wanted.items() if is_wanted
        }
        outputs = keras.layers.Dense(1)(self.layer(x, **flags))
        self.model = keras.Model([x, *flags.values()], outputs)
        self.model.compile("adam", "mse")
        weights = np.random.default_rng(1)
        self.model.set_weights(
            [0.1 * weights.normal(size=w.shape) for w in self.model.get_weights()]
        )
        lengths = rng.integers(time // 4, time + 1, size=(batch, 1))
        drawn = {
            "resets": rng.random((batch, time)) < 0.05,
            "mask": np.arange(time) < lengths,
        }
        self.inputs = [
            rng.normal(size=(batch, time, width)).astype("float32"),
            *(drawn[name] for name in flags),
        ]
        self.y = rng.normal(size=(batch, time, 1)).astype("float32")

    def run(self, step: str) -> float:
        """Run one step; return the loss, or the sum of the outputs."""
        if step == "train":
            return float(self.model.train_on_batch(self.inputs, self.y))
        return float(np.sum(self.model.predict_on_batch(self.inputs)))

    def kernel(self, step: str) -> str:
        """Return the name of the kernel that runs."""
        flags = {"training": step == "train", "resets": self.resets, "masked": self.masked}
        return explain_kernels(self.layer, **flags)[0].kernel


def ratios(sides: list[Side], step: str, repeats: int) -> tuple[float, float, float]:
    """Return the median milliseconds of both sides, and the median of their ratios."""
    first = [side.run(step) for side in sides]  # the first call compiles
    np.testing.assert_allclose(*first, rtol=1e-3, atol=1e-3)
    taken: list[list[float]] = [[], []]
    for _ in range(repeats):
        for place, side in enumerate(sides):
            start = time.process_time()
            side.run(step)
            taken[place].append(1000 * (time.process_time() - start))
    ratio = statistics.median(b / a for a, b in zip(*taken, strict=True))
    return statistics.median(taken[0]), statistics.median(taken[1]), ratio


def table(options: argparse.Namespace) -> list[str]:
    """Return the rows of all layers and ways."""
    shape = tuple(map(int, options.shape.split(",")))
    lines = [
        "| layer | B,T,D,U | with | step | portable ms | kernel ms | portable/kernel | kernel |",
        "|" + "---|" * 8,
    ]
    print("\n".join(lines))
    for name, way in itertools.product(options.layers.split(","), options.ways.split(";")):
        sides = [Side(name, kernel, way, shape) for kernel in ("auto", "portable")]
        for step in options.steps.split(","):
            ours, theirs, ratio = ratios(sides, step, options.repeats)
            lines.append(
                f"| {name} | {options.shape} | {way} | {step} | {theirs:.1f} | {ours:.1f} "
                f"| {ratio:.1f} | {sides[0].kernel(step)} |"
            )
            print(lines[-1], flush=True)
        keras.backend.clear_session()
    return lines


def main() -> None:
    """Print the table of this backend."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="32,64,64,64", help="B,T,D,U")
    parser.add_argument("--layers", default=",".join(LAYERS))
    parser.add_argument("--ways", default=";".join(WAYS), help="parted by ;")
    parser.add_argument("--steps", default=",".join(STEPS))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--write", type=pathlib.Path, help="a page with markers")
    options = parser.parse_args()
    lines = table(options)
    if options.write:
        write_between(options.write, f"resets {keras.backend.backend()}", lines)


if __name__ == "__main__":
    main()
