"""A program for tests: it trains small tasks on several devices and writes what came out.

python tests/device_training.py OUT DEVICES NAME...
"""

import json
import os
import sys
import tempfile
from inspect import signature
from pathlib import Path

import keras
import numpy as np
import small_tasks

from rnnkit import recipes
from rnnkit.data.token_writing import write_token_file

# Batches of 5 do not divide evenly; of 16 examples one is left over, fewer than there are devices.
OPTIONS = {
    "gru_sentiment": {"batch_size": 5, "clip_norm": 0.5},
    "name_tagger": {"batch_size": 5, "clip_norm": 0.5},
    "next_word": {"batch_size": 5, "window": 8},
    "sequence_classifier": {"batch_size": 5},
}
TOKEN_FILE = "next_word of a token file"


class Norms(keras.callbacks.Callback):
    """Callback that keeps the norm of each gradient."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_train_batch_end(self, batch, logs=None):
        self.found.append(self.model.gradient_norm)


def train(name, devices, steps=20, **options):
    """A task after some steps without dropout, and its history with the norms of the gradients."""
    mapped, name = name == TOKEN_FILE, name.partition(" ")[0]
    settings = signature(recipes.find(name)).parameters
    dropout = {one: 0.0 for one in settings if one.endswith("dropout")}
    more = {"learning_rate_schedule": "linear", **dropout, **OPTIONS[name]}
    task = small_tasks.make(name, **more)
    x, *y = small_tasks.examples(name, 16)
    norms, valid = Norms(), small_tasks.examples(name, 6, "valid")
    if mapped:
        path = Path(tempfile.mkdtemp(), "a.tokens")
        file = write_token_file([*x, *valid[0]], path, tokenizer=task.tokenizer, valid_fraction=0.2)
        x, valid = file.texts("train"), (file.texts("valid"),)
    weights = {} if name == "next_word" else {"sample_weight": np.linspace(0.5, 2.0, len(x))}
    epochs = max(1, steps // (10 if name == "next_word" else 4))
    history = task.fit(
        *(x, *y),
        validation_data=valid if len(valid) > 1 else valid[0],
        epochs=epochs,
        verbose=0,
        devices=devices,
        callbacks=[norms],
        **weights,
        **options,
    )
    return task, {**history.history, "norms": norms.found}


def main(out, devices, *names):
    """Train the tasks of these names and write their weights and history."""
    for name in names:
        task, history = train(name, devices)
        if os.environ.get("RANK", "0") == "0":
            numbers = {key: list(map(float, values)) for key, values in history.items()}
            Path(out, f"{name}-{devices}.json").write_text(json.dumps(numbers))
            arrays = [keras.ops.convert_to_numpy(one) for one in task.network.weights]
            np.savez(Path(out, f"{name}-{devices}.npz"), *arrays)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
