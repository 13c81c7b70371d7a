"""Learn the parity of bits with signed and with unsigned linear recurrences.

    KERAS_BACKEND=jax python tests/benchmarks/parity.py [--steps 500] [--seeds 3]

Each network reads bits and says after each of them whether the ones so far are even or odd. It is
trained on sequences of 40 bits and tested on 160. Printed is the share of right answers, at the
last bit and at all bits, for each seed: 0.5 is guessing.
"""

from __future__ import annotations

import argparse
import time

import keras
import numpy as np

from rnnkit.recurrent.minimal import MinGRU, MinLSTM

TRAINED, TESTED = 40, 160


def bits(rows: int, steps: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw bits `(B, T, 1)` and the parity of each beginning, `(B, T, 1)`."""
    x = rng.integers(0, 2, size=(rows, steps, 1))
    return x.astype("float32"), (np.cumsum(x, axis=1) % 2).astype("float32")


def network(layer: keras.layers.Layer, rate: float) -> keras.Model:
    """One recurrent layer, and one unit that reads its state."""
    inputs = keras.Input((None, 1))
    model = keras.Model(inputs, keras.layers.Dense(1)(layer(inputs)))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    return model


def shares(model: keras.Model, steps: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return the share of right answers at the last bit, and at all bits, of new sequences."""
    x, y = bits(512, steps, rng)
    right = (model.predict(x, batch_size=512, verbose=0) > 0) == (y > 0.5)
    return float(right[:, -1].mean()), float(right.mean())


def main() -> None:
    """Print one line for each layer and seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500, help="training steps")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--units", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.05, help="learning rate")
    options = parser.parse_args()
    print(f"backend {keras.backend.backend()}, {options.steps} steps of 64 sequences")
    print(
        f"{'layer':16} {'seed':>4} {'40 bits: last, all':>20} {'160 bits: last, all':>20} {'s':>6}"
    )
    for kind in (MinGRU, MinLSTM):
        for signed in (True, False):
            for seed in range(options.seeds):
                keras.utils.set_random_seed(seed)
                rng = np.random.default_rng(seed)
                layer = kind(options.units, "tanh", signed=signed, return_sequences=True)
                model = network(layer, options.rate)
                start = time.perf_counter()
                for _ in range(options.steps):
                    model.train_on_batch(*bits(64, TRAINED, rng))
                took = time.perf_counter() - start
                short, long = shares(model, TRAINED, rng), shares(model, TESTED, rng)
                name = f"{kind.__name__}{' signed' if signed else ''}"
                print(
                    f"{name:16} {seed:4} {short[0]:12.3f} {short[1]:7.3f} "
                    f"{long[0]:12.3f} {long[1]:7.3f} {took:6.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
