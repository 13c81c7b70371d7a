"""Time one train step of each recurrent layer against its `keras.layers` twin.

    KERAS_BACKEND=jax python tests/benchmarks/layers.py [--shape 50,200,100,50] [--repeats 12]

The step is the whole of Keras's: forward, gradients, Adam. Both sides are given the same weights
and take turns; the minimum of the repeats counts. A ratio above 1 means that rnnkit is faster.
"""

from __future__ import annotations

import argparse
import time

import keras
import numpy as np

import rnnkit.layers

SYSTEMS = {
    "SimpleRNN": lambda kit, units: kit.SimpleRNN(units),
    "LSTM": lambda kit, units: kit.LSTM(units),
    "GRU": lambda kit, units: kit.GRU(units),
    "GRU, reset before": lambda kit, units: kit.GRU(units, reset_after=False),
    "Bidirectional LSTM": lambda kit, units: kit.Bidirectional(kit.LSTM(units)),
}


def network(layer: keras.layers.Layer, width: int, masked: bool) -> keras.Model:
    """Put a layer between its inputs and one sigmoid unit."""
    sequences = keras.Input((None, width))
    mask = keras.Input((None,), dtype="bool")
    x = layer(sequences, mask=mask if masked else None)
    inputs = [sequences, mask] if masked else [sequences]
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy")
    return model


def main() -> None:
    """Print one line of ratios for each layer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="50,200,100,50", help="B,T,D,U")
    parser.add_argument("--repeats", type=int, default=12)
    options = parser.parse_args()
    batch, time_steps, width, units = map(int, options.shape.split(","))

    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, time_steps, width)).astype("float32")
    lengths = rng.integers(time_steps // 4, time_steps + 1, size=batch)
    mask = np.arange(time_steps) < lengths[:, None]
    y = rng.integers(0, 2, size=(batch, 1)).astype("float32")

    print(f"backend {keras.backend.backend()}, B,T,D,U = {options.shape}, one train step")
    print(f"{'layer':20} {'mask':14} {'keras ms':>9} {'rnnkit ms':>10} {'keras/rnnkit':>13}")
    for name, make in SYSTEMS.items():
        for masked in (False, True):
            inputs = [x, mask] if masked else [x]
            models = [
                network(make(kit, units), width, masked) for kit in (keras.layers, rnnkit.layers)
            ]
            models[1].set_weights(models[0].get_weights())
            best = [float("inf")] * 2
            for repeat in range(options.repeats + 2):
                for side, model in enumerate(models):
                    start = time.perf_counter()
                    model.train_on_batch(inputs, y)
                    if repeat >= 2:  # the first two compile
                        best[side] = min(best[side], time.perf_counter() - start)
            theirs, ours = (1000 * seconds for seconds in best)
            kind = "right-padded" if masked else "none"
            print(
                f"{name:20} {kind:14} {theirs:9.1f} {ours:10.1f} {theirs / ours:13.2f}", flush=True
            )


if __name__ == "__main__":
    main()
