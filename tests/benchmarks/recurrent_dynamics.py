"""Draw the gradient flow by time lag of small layers before and after training.

    KERAS_BACKEND=torch python tests/benchmarks/recurrent_dynamics.py docs/images/recurrent_flow.png

Layers of 16 units learn the adding problem of `long_memory.py` with 30 steps, 600 updates each. It
prints the table of the guide.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
from long_memory import adding, arguments, trained

from rnnkit import layers
from rnnkit.monitor import LayerDynamics, flow_figure, recurrent_dynamics

STEPS, UNITS, UPDATES = 30, 16, 600
FRESH = {"SimpleRNN": layers.SimpleRNN, "LSTM": layers.LSTM, "GRU": layers.GRU}


def measured(x: np.ndarray) -> dict[str, LayerDynamics]:
    """Return the dynamics of fresh and trained layers, by the names of their lines."""
    found = {}
    words = ["--units", f"{UNITS}", "--updates", f"{UPDATES}"]
    for name, layer in FRESH.items():
        keras.utils.set_random_seed(1)
        found[name] = recurrent_dynamics(layer(UNITS), x, directions=None)[0]
        model, losses = trained(arguments(words), name, STEPS)
        print(f"{name}: loss {losses[0]:.3f} in the first tenth, {losses[-1]:.4f} in the last")
        found[f"{name}, trained"] = recurrent_dynamics(model, x, directions=None)[0]
    return found


def row(name: str, one: LayerDynamics) -> str:
    """Return a row of the table."""
    numbers = one.numbers()
    shown = [f"{np.median(one.flow[:, -1]):.1e}", f"{numbers['flow_per_step']:.2f}"]
    shown += [f"{numbers[key]:.2f}" for key in ("step_spectral_radius", "step_singular_value")]
    pairs = (f"{gate} {low:.0%} / {high:.0%}" for gate, (low, high) in one.saturation.items())
    return f"| {name} | " + " | ".join([*shown, ", ".join(pairs) or "–"]) + " |"


def main() -> None:
    """Write the picture and print the table."""
    x, _ = adding(np.random.default_rng(1), 16, STEPS)
    found = measured(x)
    heading = f"layer | {STEPS - 1} steps back | factor per step | spectral radius | singular value"
    print(f"\n| {heading} | gates below 0.1 / above 0.9 |\n" + "|---" * 6 + "|")
    for name, one in found.items():
        print(row(name, one))
    flows = flow_figure({name: one.flow for name, one in found.items()})
    Path(sys.argv[1]).write_bytes(flows.png())


if __name__ == "__main__":
    main()
