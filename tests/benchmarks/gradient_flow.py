"""Draw how far back the gradient of the last state reaches, for layers that differ in their gates.

    KERAS_BACKEND=jax python tests/benchmarks/gradient_flow.py docs/images/gradient_flow.png

Layers of 32 units on 4 rows of the adding problem, 100 steps; all but one are fresh. The two
SimpleRNNs have the same orthogonal recurrent kernel times 0.7 and 1.5, the spectral radius; the
second is linear, as it is before its units saturate. "LSTM, chrono" starts as in `long_memory.py`,
and "GRU, trained" has learned the adding problem there: 2,000 updates, under a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
from long_memory import Chrono, adding, arguments, trained

from rnnkit import layers
from rnnkit.monitor import gradient_flow, gradient_flow_png

STEPS, UNITS = 100, 32


def kernel(radius: float) -> keras.initializers.Initializer:
    """An orthogonal matrix times a number."""
    return keras.initializers.Orthogonal(gain=radius, seed=1)


def fresh() -> dict[str, keras.layers.Layer]:
    """Return the layers by the names of their lines."""
    return {
        "SimpleRNN, radius 0.7": layers.SimpleRNN(UNITS, recurrent_initializer=kernel(0.7)),
        "SimpleRNN, radius 1.5": layers.SimpleRNN(
            UNITS, "linear", recurrent_initializer=kernel(1.5)
        ),
        "GRU": layers.GRU(UNITS),
        "LSTM": layers.LSTM(UNITS),
        "LSTM, chrono": layers.LSTM(
            UNITS, unit_forget_bias=False, bias_initializer=Chrono(STEPS, seed=1)
        ),
    }


def main() -> None:
    """Write the picture and print the norms 25, 50 and 99 steps back."""
    keras.utils.set_random_seed(1)
    x, _ = adding(np.random.default_rng(1), 4, STEPS)
    words = ["--units", f"{UNITS}", "--updates", "2000"]
    model, losses = trained(arguments(words), "GRU", STEPS)
    print(f"GRU, trained: loss {losses[0]:.3f} in the first tenth, {losses[-1]:.4f} in the last\n")
    flows = {}
    print("| layer | 10 steps back | 50 steps back | 99 steps back |\n|---|---|---|---|")
    for name, layer in {**fresh(), "GRU, trained": model.layers[1]}.items():
        found = gradient_flow(layer, x)
        for state, flow in found.items():
            label = f"{name}, {state}" if len(found) > 1 else name
            if not (name.startswith("LSTM") and state == "h"):
                flows[label] = flow  # an LSTM remembers in c
            middle = np.median(flow, 0)
            print(f"| {label} | " + " | ".join(f"{middle[-1 - b]:.1e}" for b in (10, 50, 99)), "|")
    Path(sys.argv[1]).write_bytes(gradient_flow_png(flows, "How far back the gradient reaches"))


if __name__ == "__main__":
    main()
