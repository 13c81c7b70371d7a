"""A whole training job, beside the same job in `keras.layers` and in a bare PyTorch loop.

    KERAS_BACKEND=torch python tests/benchmarks/bilstm_job.py               # 640 reviews, a minute
    KERAS_BACKEND=jax python tests/benchmarks/bilstm_job.py --full --write  # 3,200; into the docs
    OMP_NUM_THREADS=1 KERAS_BACKEND=torch python tests/benchmarks/bilstm_job.py --processor

The job: reviews as long as those of IMDB (at most 400 words), in batches of 32 by length, embedding
20,000 x 100, bidirectional LSTM 64, mean and maximum over the real steps, Adam. The sides take
turns at every batch. The bare loop has no mask: it runs `torch.nn.LSTM` over the padding, too.

rnnkit lets glibc keep freed memory (`rnnkit.backend.heap`), from which the other sides in the
process profit as well; `alone` is the rival in a process of its own, without rnnkit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from tables import cells, read_between, write_between

from rnnkit.data.batching import bucket_length

WORDS, WIDTH, UNITS, BATCH, LONGEST = 20_000, 100, 64, 32, 400
BACKEND = os.environ.setdefault("KERAS_BACKEND", "torch")
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
NAMES = {"torch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow"}


def make_batches(reviews: int) -> tuple[list[tuple[np.ndarray, np.ndarray]], int]:
    """Return the batches of ids and labels in random order, and the number of words."""
    rng = np.random.default_rng(0)
    lengths = np.sort(np.exp(rng.normal(np.log(175), 0.65, reviews)).astype(int).clip(10, LONGEST))
    share = 1 / np.arange(1, WORDS)
    batches = []
    for part in np.split(lengths, range(BATCH, reviews, BATCH)):
        x = np.zeros((len(part), bucket_length(int(part.max()), LONGEST)), "int32")
        for row, length in zip(x, part, strict=True):
            row[:length] = 1 + rng.choice(WORDS - 1, size=length, p=share / share.sum())
        batches.append((x, rng.integers(0, 2, (len(part), 1)).astype("float32")))
    rng.shuffle(batches)
    return batches, int(lengths.sum())


def keras_step(kit, own: bool, mask: bool = True):
    """Return the training step of a Keras model with the recurrent layers of a kit."""
    import keras

    from rnnkit.backend import native
    from rnnkit.layers import MaskedPooling

    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(WORDS, WIDTH, mask_zero=mask)(ids)
    x = kit.Bidirectional(kit.LSTM(UNITS, return_sequences=True))(x)
    x = MaskedPooling("mean+max")(x)
    model = keras.Model(ids, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    if own:  # as the tasks of rnnkit do
        model.optimizer.build(model.trainable_variables)
        native.accelerate(model.optimizer)
    return lambda x, y: float(model.train_on_batch(x, y)[0])


def bare_step():
    """Return the training step of a bare PyTorch loop."""
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(WORDS, WIDTH)
            self.lstm = torch.nn.LSTM(WIDTH, UNITS, batch_first=True, bidirectional=True)
            self.dense = torch.nn.Linear(4 * UNITS, 1)

        def forward(self, ids):
            y, _ = self.lstm(self.embedding(ids))
            return self.dense(torch.cat([y.mean(1), y.amax(1)], -1))

    net, loss_of = Net(), torch.nn.BCEWithLogitsLoss()
    adam = torch.optim.Adam(net.parameters(), eps=1e-7)

    def step(x, y):
        adam.zero_grad()
        loss = loss_of(net(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        adam.step()
        return loss.item()

    return step


def plain_keras_step():
    """Return the training step of the same model of `keras.layers`, pooling without a mask.

    Nothing of rnnkit is imported.
    """
    import keras

    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(WORDS, WIDTH, mask_zero=True)(ids)
    x = keras.layers.Bidirectional(keras.layers.LSTM(UNITS, return_sequences=True))(x)
    pools = [keras.layers.GlobalAveragePooling1D()(x), keras.layers.GlobalMaxPooling1D()(x)]
    x = keras.layers.Concatenate()(pools)
    model = keras.Model(ids, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return lambda x, y: float(model.train_on_batch(x, y)[0])


def make_sides(options: argparse.Namespace) -> dict:
    """Return the training steps by name; the first is the rival."""
    if options.only_rival:
        return {"rival": bare_step() if BACKEND == "torch" else plain_keras_step()}
    import keras

    import rnnkit.layers

    rival = bare_step() if BACKEND == "torch" else keras_step(keras.layers, own=False)
    sides = {"rival": rival, "rnnkit": keras_step(rnnkit.layers, own=True)}
    if options.all:
        sides["rnnkit, Keras's Adam"] = keras_step(rnnkit.layers, own=False)
        sides["rnnkit, no mask"] = keras_step(rnnkit.layers, own=True, mask=False)
        if BACKEND == "torch":
            sides["keras.layers"] = keras_step(keras.layers, own=False)
    return sides


def measure(sides: dict, batches: list, clock) -> dict[str, float]:
    """Return the seconds of an epoch of each side; before it every shape is compiled."""
    for shape in sorted({x.shape for x, _ in batches}):
        first = next(batch for batch in batches if batch[0].shape == shape)
        for step in sides.values():
            step(*first)
    seconds = dict.fromkeys(sides, 0.0)
    for batch in batches:
        for name, step in sides.items():
            begin = clock()
            step(*batch)
            seconds[name] += clock() - begin
    return seconds


def alone(options: argparse.Namespace) -> float:
    """Return the seconds of the rival in a process of its own."""
    command = [sys.executable, __file__, "--only-rival", "--reviews", str(options.reviews)]
    command += ["--processor"] if options.processor else []
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(json.loads(found.stdout.splitlines()[-1]))


def write(row: str) -> None:
    """Put the row of a backend between the markers of the page."""
    rows = {cells(line)[0]: line for line in [*read_between(PAGE, "bilstm_job"), row]}
    write_between(PAGE, "bilstm_job", rows.values())


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, default=640)
    parser.add_argument("--full", action="store_true", help="3,200 reviews")
    parser.add_argument("--all", action="store_true", help="more sides, printed only")
    parser.add_argument("--processor", action="store_true", help="processor time, on busy machines")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name}")
    parser.add_argument("--only-rival", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.reviews = 3200 if options.full else options.reviews
    clock = time.process_time if options.processor else time.perf_counter
    batches, words = make_batches(options.reviews)
    if options.only_rival:
        print(json.dumps(measure(make_sides(options), batches, clock)["rival"]))
        return
    before = alone(options)
    seconds = measure(make_sides(options), batches, clock)
    apart = (before + alone(options)) / 2
    real = words / sum(x.size for x, _ in batches)
    print(f"{options.reviews:,} reviews, {words:,} words, {real:.0%} of the steps real")
    for name, taken in seconds.items():
        print(f"{name:22} {words / taken:9,.0f} words/s")
    ours = seconds["rnnkit"]
    rival = "bare PyTorch loop" if BACKEND == "torch" else "keras.layers"
    row = (
        f"| {NAMES[BACKEND]} | {rival} | {words / apart:,.0f} | {words / seconds['rival']:,.0f} "
        f"| {words / ours:,.0f} | {apart / ours:.2f} | {seconds['rival'] / ours:.2f} |"
    )
    print("\n| backend | rival | alone | beside rnnkit | rnnkit | ratio alone | ratio beside |")
    print("|" + "---|" * 7)
    print(row)
    if options.write:
        write(row)


if __name__ == "__main__":
    main()
