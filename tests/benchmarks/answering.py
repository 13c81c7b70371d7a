"""Answers of trained models: milliseconds for one text, and many texts beside training's forward.

    KERAS_BACKEND=torch python tests/benchmarks/answering.py                # seconds
    KERAS_BACKEND=jax python tests/benchmarks/answering.py --texts 100000 --into docs/benchmarks.md

One text is asked again and again, another one each time, of a model with the recipe's own sizes:
median and 95th percentile of the wall time, and the median of the processor time. Then
`predict_labels` of many texts, from raw text to labels, and the forward pass of a training step on
the same texts, encoded and in the batches of a training epoch, in turns; the medians of both. The
weights are those of an untrained network: they change no time. `--into` writes the tables of this
backend between its markers in a page.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tables import write_between

from rnnkit import datasets, recipes
from rnnkit.tasks.inference import predict_batch

TASKS = {
    "lstm_sentiment": {"embedding": "random"},
    "sequence_classifier": {},
    "frame_labeller": {},
    "name_tagger": {"embedding": "random"},
    "forecaster": {},
    "next_word": {},
}


def answer(name: str, model: Any, examples: list[Any]) -> Callable[[int], Any]:
    """Return a function that asks for the answer about one of the examples."""
    if name == "next_word":
        words = " ".join(examples).split()
        prompts = [" ".join(words[i : i + 12]) + " " for i in range(0, 240, 12)]
        return lambda i: model.complete(prompts[i % 20], 3)
    if name == "name_tagger":
        return lambda i: model.predict([examples[i % len(examples)]])
    return lambda i: model.predict([examples[i % len(examples)]], verbose=0)


def milliseconds(call: Callable[[int], Any], count: int) -> tuple[float, float, float]:
    """Return median and 95th percentile of the wall time, and the median processor time."""
    wall, used = [], []
    for i in range(min(count, 20)):
        call(i)  # each width is traced or compiled
    for i in range(count):
        start, began = time.perf_counter(), time.process_time()
        call(i % 20)
        wall.append(1000 * (time.perf_counter() - start))
        used.append(1000 * (time.process_time() - began))
    return statistics.median(wall), float(np.percentile(wall, 95)), statistics.median(used)


def made(name: str, limit: int) -> tuple[Any, list[Any]]:
    """Return a model that can answer, and examples to ask it about."""
    recipe = recipes.find(name)
    data = datasets.load(recipes.sample_for(name), limit=limit).train
    model = recipe(**TASKS[name])
    model.fit(*((data.x,) if model.self_supervised else (data.x, data.y)), epochs=0, verbose=0)
    return model, data.x


class Training(keras.Model):
    """The network of a task as it runs in training, without gradients."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Run the network."""
        return self.network(inputs, training=True)


def forward(model: Any) -> Callable[[Any], Any]:
    """Return the forward pass of a training step, compiled where the step is."""
    if keras.backend.backend() == "torch":
        return lambda ids: model(ids, training=True).detach()
    network = Training(model.network)
    network.build(model.network.input_shape)
    return lambda ids: predict_batch(network, ids)


def many(model: Any, texts: list[str], repeats: int) -> tuple[float, float, float]:
    """Return texts per processor second: answers, the forward pass, and the ratio."""
    rows = model.encode(texts)
    batches = model.make_batches(rows, batch_size=model.batch_size, shuffle=True)
    step = forward(model)
    arrays = [batches[i][0] for i in range(len(batches))]

    def train() -> None:
        for ids in arrays:
            keras.ops.convert_to_numpy(step(ids))

    calls = (lambda: model.predict_labels(texts), train)
    found: list[list[float]] = [[], []]
    for repeat in range(repeats + 1):
        for times, call in zip(found, calls, strict=True):
            began = time.process_time()
            call()
            if repeat:  # the first one compiles
                times.append(time.process_time() - began)
    ratios = [b / a for a, b in zip(*found, strict=True)]
    speeds = [len(texts) / statistics.median(times) for times in found]
    return speeds[0], speeds[1], statistics.median(ratios)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--tasks", default=",".join(TASKS), help="names of recipes; '' = none.")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--texts", type=int, default=10_000, help="0 = none.")
    parser.add_argument("--words", type=int, default=0, help="of each text; 0 = as they come.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--into", type=Path, help="the page to write the tables into.")
    options = parser.parse_args()
    backend, text = keras.backend.backend(), ""

    def put(line: str) -> None:
        nonlocal text
        print(line, flush=True)
        text += f"{line}\n"

    names = [name for name in options.tasks.split(",") if name]
    if names:
        put(f"\n| {backend}: one | median, ms | 95th percentile, ms | processor time, ms |")
        put("|---|---|---|---|")
    for name in names:
        median, slow, used = milliseconds(answer(name, *made(name, 200)), options.calls)
        put(f"| `{name}` | {median:.1f} | {slow:.1f} | {used:.1f} |")
    if options.texts:
        model, examples = made("lstm_sentiment", 2000)
        texts = list(itertools.islice(itertools.cycle(examples), options.texts))
        if options.words:
            words = itertools.cycle(" ".join(examples).split())
            texts = [" ".join(itertools.islice(words, options.words)) for _ in texts]
        asked, trained, ratio = many(model, texts, options.repeats)
        put(f"\n| {backend}: many | answers/s | forward pass of training, texts/s | ratio |")
        put("|---|---|---|---|")
        put(f"| {len(texts):,} texts | {asked:,.0f} | {trained:,.0f} | {ratio:.2f} |\n")
    if options.into is not None:
        write_between(options.into, f"answering {backend}", text.splitlines())


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
