"""Two classic tests of long memory: the adding problem and copy memory.

    KERAS_BACKEND=jax python tests/benchmarks/long_memory.py --task adding --steps 100,200,400
    KERAS_BACKEND=jax python tests/benchmarks/long_memory.py --task copy --steps 100,200

Every update sees a fresh batch. All layers are trained with the same settings, given on the command
line and never chosen by the test data, which are drawn once from a seed of their own and looked at
once, after the last update. Prints a row of a table for each training; seconds are CPU time.

- adding (Hochreiter and Schmidhuber 1997): of T random numbers two are marked, one in each half;
  the answer is their sum. Always saying 1 has a mean squared error of 1/6 = 0.167
  (the table holds its error on the test data).
- copy (Hochreiter and Schmidhuber 1997, in the form of Arjovsky et al. 2016, arXiv:1511.06464): ten
  symbols out of eight, T blanks, then the symbols are to be said again. Without a memory the best
  cross-entropy is 10 ln 8 / (T + 20).

"LSTM, chrono" starts with forget gates that remember up to T steps: `b_f = ln U(1, T-1)`,
`b_i = -b_f` (Tallec and Ollivier 2018, arXiv:1804.11188).
"""

from __future__ import annotations

import argparse
import time

import keras
import numpy as np
from keras import ops

from rnnkit import layers

TEST_SEED = 10**6  # no training comes to draw its batches from it


class Chrono(keras.initializers.Initializer):
    """Biases i, f, c, o of an LSTM that remembers from 1 to T steps."""

    def __init__(self, steps, seed):
        self.steps, self.seed = steps, seed

    def __call__(self, shape, dtype=None):
        units = shape[0] // 4
        f = np.log(np.random.default_rng(self.seed).uniform(1, self.steps - 1, units))
        return ops.convert_to_tensor(np.concatenate([-f, f, 0 * f, 0 * f]), dtype=dtype)


LAYERS = {
    "SimpleRNN": lambda units, steps, seed, **more: layers.SimpleRNN(units, **more),
    "LSTM": lambda units, steps, seed, **more: layers.LSTM(units, **more),
    "LSTM, chrono": lambda units, steps, seed, **more: layers.LSTM(
        units, unit_forget_bias=False, bias_initializer=Chrono(steps, seed), **more
    ),
    "GRU": lambda units, steps, seed, **more: layers.GRU(units, **more),
}


def adding(rng: np.random.Generator, batch: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and marks `(B, T, 2)`, sums `(B, 1)`."""
    x = np.zeros((batch, steps, 2), "float32")
    x[..., 0] = rng.random((batch, steps))
    rows = np.arange(batch)
    for half in (
        rng.integers(0, steps // 2, batch),
        rng.integers(steps // 2, steps, batch),
    ):
        x[rows, half, 1] = 1
    return x, (x[..., 0] * x[..., 1]).sum(1, keepdims=True)


def copy(rng: np.random.Generator, batch: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """One-hot symbols `(B, T + 20, 10)`, answers `(B, T + 20)`; 8 is the blank, 9 says "now"."""
    symbols = rng.integers(0, 8, (batch, 10))
    given = np.full((batch, steps + 20), 8)
    given[:, :10] = symbols
    given[:, steps + 9] = 9
    wanted = np.full((batch, steps + 20), 8)
    wanted[:, -10:] = symbols
    return np.eye(10, dtype="float32")[given], wanted


class Fresh(keras.utils.PyDataset):
    """`updates` batches, each drawn from the seed and its number."""

    def __init__(self, draw, seed, batch, steps, updates):
        super().__init__()
        self.draw, self.seed, self.size, self.updates = draw, seed, (batch, steps), updates

    def __len__(self):
        return self.updates

    def __getitem__(self, index):
        return self.draw(np.random.default_rng((self.seed, index)), *self.size)


TASKS = {"adding": adding, "copy": copy}


class Tenths(keras.callbacks.Callback):
    """Keeps the mean loss of each tenth of the updates."""

    def __init__(self, updates):
        super().__init__()
        self.part, self.means = max(updates // 10, 1), []

    def on_train_batch_end(self, batch, logs=None):
        if (batch + 1) % self.part == 0:  # Keras gives the mean since the first update
            total = logs["loss"] * (batch + 1)
            self.means.append(total / self.part - sum(self.means))


def trained(options, name: str, steps: int) -> tuple[keras.Model, list[float]]:
    """Return a trained model and its loss in each tenth of the updates."""
    keras.utils.set_random_seed(options.seed)
    is_copy = options.task == "copy"
    inputs = keras.Input((None, 10 if is_copy else 2))
    layer = LAYERS[name](options.units, steps, options.seed, return_sequences=is_copy)
    outputs = keras.layers.Dense(10 if is_copy else 1)(layer(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(options.learning_rate, clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True) if is_copy else "mse",
    )
    batches = Fresh(TASKS[options.task], options.seed, options.batch, steps, options.updates)
    tenths = Tenths(options.updates)
    model.fit(batches, epochs=1, verbose=0, shuffle=False, callbacks=[tenths])
    return model, tenths.means


def row(options, name: str, steps: int) -> str:
    """Train one layer on one task; return its row of the table."""
    start = time.process_time()
    model, means = trained(options, name, steps)
    seconds = time.process_time() - start
    draw = TASKS[options.task]
    x, y = draw(np.random.default_rng(TEST_SEED), 1000, steps)
    answers = model.predict(x, batch_size=100, verbose=0)
    if options.task == "copy":
        logits = answers.astype("float64")
        logits -= np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True))
        logits -= answers.max(-1, keepdims=True)
        rows = np.arange(len(y))[:, None], np.arange(y.shape[1]), y
        loss, baseline = -logits[rows].mean(), 10 * np.log(8) / (steps + 20)
        right = f"{(answers.argmax(-1) == y)[:, -10:].mean():.1%}"
    else:
        error = answers - y
        loss, baseline = float((error**2).mean()), float(((y - 1) ** 2).mean())
        right = f"{(np.abs(error) < 0.04).mean():.1%}"  # within 0.04, as in the paper of 1997
    curve = " ".join(f"{value:.3f}" for value in means)
    return (
        f"| {options.task} | {steps} | {name} | {baseline:.4f} | {loss:.4f} | {right} "
        f"| {seconds:.0f} | {curve} |"
    )


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=list(TASKS), default="adding")
    parser.add_argument("--steps", type=lambda s: list(map(int, s.split(","))), default=[100])
    parser.add_argument("--layers", type=lambda s: s.split(";"), default=list(LAYERS))
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--updates", type=int, default=4000)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(words)


def main() -> None:
    """Print the table."""
    options = arguments()
    print("| task | T | layer | without memory | test loss | right | seconds | training loss |")
    print("|" + "---|" * 8)
    for steps in options.steps:
        for name in options.layers:
            print(row(options, name, steps), flush=True)


if __name__ == "__main__":
    main()
