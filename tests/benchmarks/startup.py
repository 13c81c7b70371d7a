"""Start-up: how long commands take that compute next to nothing, on each installed backend.

`python tests/benchmarks/startup.py [--repeats 3]` prints a table of Markdown: seconds of processor
time (user and system, the fastest of the repeats) and of wall time. Each command is a process of
its own. "Keras alone" loads a saved Keras model of an embedding and an LSTM, and does no more.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAIN = """
import keras
tokens = keras.Input((None,), dtype="int32")
words = keras.layers.Embedding(1000, 32, mask_zero=True)(tokens)
state = keras.layers.LSTM(64)(words)
keras.Model(tokens, keras.layers.Dense(1, activation="sigmoid")(state)).save("plain.keras")
"""
RNNKIT = (sys.executable, "-m", "rnnkit")
WITHOUT = {  # the same on every backend: none is imported
    "python -c pass": (sys.executable, "-c", "pass"),
    "import rnnkit": (sys.executable, "-c", "import rnnkit"),
    "from rnnkit.recipes import lstm_sentiment": (
        *(sys.executable, "-c", "from rnnkit.recipes import lstm_sentiment"),
    ),
    "rnnkit --help": (*RNNKIT, "--help"),
    "rnnkit --version": (*RNNKIT, "--version"),
    "rnnkit list": (*RNNKIT, "list"),
    "rnnkit info lstm_sentiment": (*RNNKIT, "info", "lstm_sentiment"),
    "rnnkit train lstm_sentiment --data nowhere.csv": (
        *(*RNNKIT, "train", "lstm_sentiment", "--data", "nowhere.csv"),
    ),
}
WITH = {
    "import keras": (sys.executable, "-c", "import keras"),
    "Keras alone: load a model": (
        *(sys.executable, "-c", "import keras; keras.saving.load_model('plain.keras')"),
    ),
    'rnnkit predict RUN "A fine film."': (*RNNKIT, "predict", "run", "A fine film."),
    "rnnkit doctor": (*RNNKIT, "doctor"),
}


def seconds(command: tuple[str, ...], repeats: int, **environment: str) -> tuple[float, float]:
    """Return the seconds of processor and of wall time, of the repeat with the least of the first.

    Example:
        >>> processor, wall = seconds((sys.executable, "-c", "pass"), 1)
        >>> processor > 0
        True
    """
    found = []
    for _ in range(repeats):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=False)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append((used, wall))
    return min(found)


def make(backend: str) -> None:
    """Train a small run and save a plain model in the working folder."""
    environment = {**os.environ, "KERAS_BACKEND": backend}
    small = ("--limit", "200", "--epochs", "1", "--embedding", "random", "--out", "run", "--quiet")
    for command in ((*RNNKIT, "train", "lstm_sentiment", *small), (sys.executable, "-c", PLAIN)):
        subprocess.run(command, env=environment, capture_output=True, check=True)


def main() -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    backends = [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make(backends[-1])
        print("| no backend is imported | processor, s | wall, s |\n|---|---|---|")
        for name, command in WITHOUT.items():
            used, wall = seconds(command, repeats, KERAS_BACKEND=backends[-1])
            print(f"| `{name}` | {used:.2f} | {wall:.2f} |", flush=True)
        print("\n| processor (wall), s |", " | ".join(backends), "|")
        print("|---" * (len(backends) + 1) + "|")
        for name, command in WITH.items():
            cells = []
            for backend in backends:
                used, wall = seconds(command, repeats, KERAS_BACKEND=backend)
                cells.append(f"{used:.2f} ({wall:.2f})")
            print(f"| `{name}` |", " | ".join(cells), "|", flush=True)
        os.chdir("/")


if __name__ == "__main__":
    main()
